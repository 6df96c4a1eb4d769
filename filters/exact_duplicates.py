"""Exact duplicates of normalised text: the key that equal texts share."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Literal

from filters.near_duplicates import Criterion

__all__ = ["KEY_BYTES", "ExactDuplicates"]

# 128 bits: among 10^10 documents a chance collision has probability 10^-19.
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class ExactDuplicates:
    """Keeps one document of those whose normalised texts are equal.

    Case, kinds of white space and Unicode compatibility forms don't count; digits, signs and
    formulas do, since exercise sheets differ in nothing else.

    Attributes:
        keep: Which one stays: the ``earliest`` or the ``latest`` capture, or several criteria as
            for ``NearDuplicates``, most important first; ties go to the smallest document_id, then
            to the smallest place in the archives.
        score: Name of the score that ``best_score`` looks at.
        licences: SPDX identifiers for ``best_licence``, best first; others come after.
    """

    keep: Literal["earliest", "latest"] | tuple[Criterion, ...] = "earliest"
    score: str = ""
    licences: tuple[str, ...] = ()

    name: ClassVar[str] = "exact_duplicates"

    def __post_init__(self) -> None:
        if "best_score" in self.criteria and not self.score:
            raise ValueError("keep by best_score needs the score's name in score")

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """What decides which one stays, most important first."""
        return (self.keep,) if isinstance(self.keep, str) else self.keep

    def key(self, text: str) -> bytes:
        """The hash that a text shares with its duplicates, ``KEY_BYTES`` long."""
        folded = unicodedata.normalize("NFKC", text).casefold()
        return hashlib.blake2b(" ".join(folded.split()).encode(), digest_size=KEY_BYTES).digest()
