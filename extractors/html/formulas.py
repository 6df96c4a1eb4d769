"""The formulas of one page, each standing in the tree as a placeholder until the text is written.

A placeholder is ``U+E000 index U+E001``. Private-use characters in that range are taken out of the
page before it's parsed, so a page can't forge one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from extractors.html.tex import clean_tex, is_blank_tex

__all__ = [
    "CLOSE",
    "OPEN",
    "PLACEHOLDER",
    "Formula",
    "Formulas",
    "shielded",
    "unshielded",
    "without_forgeries",
]

OPEN = "\ue000"
"""First character of every placeholder."""

CLOSE = "\ue001"
"""Last character of every placeholder."""

PLACEHOLDER = re.compile("\ue000([0-9]+)\ue001")
"""A placeholder; the group is the formula's index."""

_TOUCHING = re.compile("([\ue001$\\\\])(?=\ue000)|(\ue001)(?=\\\\\\$)")
# A word right behind a formula, unless it reads as its suffix: nth, p-adic, k-fold.
_FUSED_WORD = re.compile(
    "\ue001(?=[a-z]{3,})(?!(?:adic|fold|tuples?|ary|gons?|gonal|wise|ths?|nds?|rds?)(?![a-z]))"
)
_FORGED = re.compile("[\ue000-\ue00f]")
_FORGED_UTF8 = b"\xee\x80"
"""How U+E000 to U+E03F begin in UTF-8, where they are found ten times as fast."""

_FORGED_REFERENCE = re.compile(r"&#(?:[xX]0*[eE]00[0-9a-fA-F]|0*5734[4-9]|0*5735[0-9]);?")


def without_forgeries(page: str) -> str:
    """The page without the private-use characters that this package marks things with."""
    if not page.isascii() and _FORGED_UTF8 in page.encode("utf-8", "replace"):
        page = _FORGED.sub("", page)
    if "&#" in page:
        page = _FORGED_REFERENCE.sub("", page)
    return page


def shielded(text: str) -> str:
    """Text in which nothing opens a formula, until it is :func:`unshielded`."""
    return text.replace("\\", "\\\ue005").replace("$", "$\ue005")


def unshielded(text: str) -> str:
    """The text as it was before it was :func:`shielded`."""
    return text.replace("\ue005", "")


@dataclass(slots=True)
class Formula:
    """One formula.

    Attributes:
        tex: Its TeX, clean.
        display: Whether it stands on its own line.
        encoding: How the page held it, a name of the table in ``encodings``.
    """

    tex: str
    display: bool
    encoding: str


class Formulas:
    """The formulas found in a page, in the order found."""

    def __init__(self) -> None:
        self._formulas: list[Formula] = []
        self._kept: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._formulas)

    def add(self, tex: str, *, display: bool, encoding: str) -> str:
        """Takes a formula in.

        Returns:
            The placeholder that stands for it; empty when the formula shows nothing.
        """
        if OPEN in tex:  # formulas within a formula, as broken markup has them
            tex = _FORGED.sub("", PLACEHOLDER.sub(self._taken_back, tex))
        tex = clean_tex(tex)
        if not tex:
            return ""
        self._formulas.append(Formula(tex, display, encoding))
        return f"\ue000{len(self._formulas) - 1}\ue001"

    def _taken_back(self, placeholder: re.Match[str]) -> str:
        """The TeX of a formula that becomes part of another and is none itself any more."""
        formula = self.of(placeholder.group())
        if formula is None:
            return ""
        tex, formula.tex = formula.tex, ""
        return tex

    def of(self, placeholder: str) -> Formula | None:
        """The formula that a placeholder stands for."""
        match = PLACEHOLDER.fullmatch(placeholder)
        if match is None or int(match.group(1)) >= len(self._formulas):
            return None
        return self._formulas[int(match.group(1))]

    def rewrite(self, change: Callable[[str], str]) -> None:
        """Changes the TeX of every formula, as macro expansion does."""
        for formula in self._formulas:
            tex = change(formula.tex)
            if tex != formula.tex:
                formula.tex = "" if is_blank_tex(tex) else tex.strip()

    def without_blank(self, text: str) -> str:
        """The text without the placeholders of formulas that show nothing any more."""
        return PLACEHOLDER.sub(
            lambda match: "" if self._is_blank(int(match.group(1))) else match.group(), text
        )

    def _is_blank(self, index: int) -> bool:
        return index < len(self._formulas) and not self._formulas[index].tex

    def write(self, text: str) -> str:
        """The text with every placeholder replaced by its delimited formula, each once."""
        written: set[int] = set()
        self._kept.clear()

        def delimited(match: re.Match[str]) -> str:
            index = int(match.group(1))
            if index >= len(self._formulas) or index in written:
                return ""
            written.add(index)
            formula = self._formulas[index]
            if not formula.tex:
                return ""
            self._kept[formula.encoding] += 1
            mark = "$$" if formula.display else "$"
            return f"{mark}{formula.tex}{mark}"

        # Dollars of two formulas side by side would pair wrongly; a backslash would escape one.
        text = _TOUCHING.sub(lambda match: match.group() + " ", text)
        text = _FUSED_WORD.sub(lambda match: match.group() + " ", text)
        return PLACEHOLDER.sub(delimited, text)

    def found(self) -> dict[str, int]:
        """Formulas found, by encoding."""
        counts = Counter(formula.encoding for formula in self._formulas if formula.tex)
        return dict(sorted(counts.items()))

    def kept(self) -> dict[str, int]:
        """Formulas that the last :meth:`write` wrote, by encoding."""
        return dict(sorted(self._kept.items()))
