r"""The rest of the original's manual filter: length, accents, LibreTexts without formulas.

Source of every constant: keirp/OpenWebMath @98f81d0, filtering/filter_dataset.py (spec section
1.7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from filters.rejudging import Bound, Law
from schemas import Decision, Document

__all__ = ["AccentedCharacters", "LibreTextsFormulas", "TextLength"]


@dataclass(frozen=True, slots=True)
class TextLength:
    """Drops texts that are too short.

    Attributes:
        minimum: Characters that a text must have.
    """

    minimum: int = 100

    name: ClassVar[str] = "text_length"
    laws: ClassVar[tuple[Law, ...]] = (Bound("minimum", "at_least"),)

    def judge(self, document: Document) -> Decision:
        """Judges by the length of the text."""
        length = len(document.text)
        if length < self.minimum:
            return Decision.drop(self.name, "too_short", score=length, threshold=self.minimum)
        return Decision.keep(self.name, score=length, threshold=self.minimum)


_ACCENTED = frozenset("üïöêäâîûôèéà")


@dataclass(frozen=True, slots=True)
class AccentedCharacters:
    """Drops texts with many accented letters: other languages, wrongly decoded bytes.

    Attributes:
        maximum_share: Share of a text's characters up to which it stays.
    """

    maximum_share: float = 0.015

    name: ClassVar[str] = "accented_characters"
    laws: ClassVar[tuple[Law, ...]] = (Bound("maximum_share", "at_most"),)

    def judge(self, document: Document) -> Decision:
        """Judges by the share of accented letters, case folded."""
        text = document.text.lower()
        # Lower case can be longer than the text; the original divides by the text's own length.
        share = sum(map(text.count, _ACCENTED)) / len(document.text) if text else 0.0
        if share > self.maximum_share:
            return Decision.drop(
                self.name, "accented_characters", score=share, threshold=self.maximum_share
            )
        return Decision.keep(self.name, score=share, threshold=self.maximum_share)


# Display first, then inline: one pattern for both would take a sign of the formula that follows.
_PAGE_INDEX = (
    re.compile(r"\$\$\\PageIndex\{[^}]*\}\$\$"),
    re.compile(r"\$\\PageIndex\{[^}]*\}\$"),
)
_FORMULA = re.compile(r"\$\$[^$]*\$\$|\$[^$]*\$")


@dataclass(frozen=True, slots=True)
class LibreTextsFormulas:
    r"""Drops LibreTexts pages outside its mathematical libraries that hold no formula.

    ``\PageIndex`` only numbers figures and sections there, and counts for nothing.

    Attributes:
        exempt: A page whose address holds one of these is kept in any case.
    """

    exempt: tuple[str, ...] = ("math", "phys", "stats")

    name: ClassVar[str] = "libretexts_formulas"

    def judge(self, document: Document) -> Decision:
        """Judges LibreTexts pages by the number of formulas in the text."""
        if "libretexts" not in document.url or any(x in document.url for x in self.exempt):
            return Decision.keep(self.name, "other_site")
        text = document.text
        for number in _PAGE_INDEX:
            text = number.sub("", text)
        count = len(_FORMULA.findall(text))
        if count == 0:
            return Decision.drop(self.name, "no_formulas", score=0, threshold=1)
        return Decision.keep(self.name, score=count, threshold=1)
