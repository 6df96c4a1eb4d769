"""The tags by which the original marks formulas, code, headings and tables in running text.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/utils.py and latex_processing.py.
They are kept as they were, readable and in the text, because what they look like decides what is in
the corpus: a line of ten characters with a tag is longer than sixteen, and cells of a table are
aligned with the tags in them.
"""

from __future__ import annotations

import re

__all__ = ["formula", "has_mark", "mark", "with_dollars", "without_marks"]

_MARK = re.compile("§§(?:math|code|table|h[1-6])§§")
_DOLLARS = {
    "[extract_itex]": "$",
    "[/extract_itex]": "$",
    "[extract_tex]": "$$",
    "[/extract_tex]": "$$",
}
_COLOUR = re.compile(r"\\textcolor\[.*?\]\{.*?\}")
_SPACE = re.compile(r"\s+")


def mark(text: str, kind: str) -> str:
    """The text with a tag of a kind before it; only the line where it begins has the tag."""
    return f"§§{kind}§§{text}"


def has_mark(line: str, kind: str) -> bool:
    """Whether something of the kind begins in the line."""
    return f"§§{kind}§§" in line


def without_marks(text: str) -> str:
    """The text without tags; those of formulas' ends are ``with_dollars``'s."""
    return _MARK.sub("", text)


def formula(tex: str, *, display: bool = False) -> str:
    r"""A formula between the tags that become its dollar signs.

    Dollar signs inside are deleted (defect 11), and a formula in which "align" occurs anywhere,
    ``\begin{aligned}`` included, gets none at all (defect 7).
    """
    tex = _COLOUR.sub("", _SPACE.sub(" ", tex)).replace("$", "").strip()
    if not tex or "align" in tex:
        return tex
    tag = "extract_tex" if display else "extract_itex"
    return f"[{tag}]{tex}[/{tag}]"


def with_dollars(text: str) -> str:
    """The text with dollar signs for the tags around formulas."""
    for tag, sign in _DOLLARS.items():
        text = text.replace(tag, sign)
    return text
