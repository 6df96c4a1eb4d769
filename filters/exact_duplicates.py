"""Exact duplicates of normalised text: the key that equal texts share."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import ClassVar, Literal

__all__ = ["KEY_BYTES", "ExactDuplicates"]

# 128 bits: among 10^10 documents a chance collision has probability 10^-19.
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class ExactDuplicates:
    """Keeps one document of those whose normalised texts are equal.

    Case, kinds of white space and Unicode compatibility forms don't count; digits, signs and
    formulas do, since exercise sheets differ in nothing else.

    Attributes:
        keep: Which one stays: the ``earliest`` or the ``latest`` capture; ties go to the smallest
            document_id, then to the smallest place in the archives.
    """

    keep: Literal["earliest", "latest"] = "earliest"

    name: ClassVar[str] = "exact_duplicates"

    def key(self, text: str) -> bytes:
        """The hash that a text shares with its duplicates, ``KEY_BYTES`` long."""
        folded = unicodedata.normalize("NFKC", text).casefold()
        return hashlib.blake2b(" ".join(folded.split()).encode(), digest_size=KEY_BYTES).digest()
