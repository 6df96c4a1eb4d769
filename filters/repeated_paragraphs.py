"""Paragraphs or lines that many documents share: menus, licences, calls to subscribe."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import xxhash

__all__ = ["Reduced", "RepeatedParagraphs"]

Hashes = npt.NDArray[np.uint64]

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = re.compile(r"\n")


@dataclass(frozen=True, slots=True)
class Reduced:
    """A text without what others repeat.

    Attributes:
        text: What is left.
        removed: The paragraphs or lines that went, by their hash.
        characters: How many characters they had.
    """

    text: str
    removed: dict[int, str]
    characters: int


@dataclass(frozen=True, slots=True)
class RepeatedParagraphs:
    """Takes out of every document what many documents share.

    Case and spacing don't count. All occurrences go: what a hundred pages repeat belongs to none of
    them. Documents that are duplicates themselves aren't counted.

    Attributes:
        unit: ``paragraph``, between blank lines, or ``line``.
        minimum_documents: Documents that share it.
        minimum_chars: Shorter ones stay: ``Proof.`` and ``Hence`` repeat without being boilerplate.
    """

    unit: Literal["paragraph", "line"] = "paragraph"
    minimum_documents: int = 20
    minimum_chars: int = 60

    name: ClassVar[str] = "repeated_paragraphs"

    def __post_init__(self) -> None:
        if self.minimum_documents < 2:
            raise ValueError("minimum_documents must be at least 2: once is no repetition")

    def hashes(self, text: str) -> Hashes:
        """The hashes of a text's units that are long enough, each once, in order."""
        found = {key for _, _, key in self._units(text) if key is not None}
        return np.array(sorted(found), np.uint64)

    def without(self, text: str, repeated: Hashes) -> Reduced:
        """A text without the units whose hashes are among some.

        Args:
            text: The text.
            repeated: The hashes, in order.
        """
        kept: list[str] = []
        removed: dict[int, str] = {}
        characters = 0
        for unit, separator, key in self._units(text):
            if key is not None and _among(key, repeated):
                removed[key] = unit
                characters += len(unit)
            else:
                kept += (unit, separator)
        if not removed:
            return Reduced(text, removed, 0)
        return Reduced("".join(kept).rstrip("\n"), removed, characters)

    def _units(self, text: str) -> Iterator[tuple[str, str, int | None]]:
        """(unit, what stands between it and the next, its hash when it's long enough)."""
        pattern = _PARAGRAPH if self.unit == "paragraph" else _LINE
        start = 0
        for match in pattern.finditer(text):
            yield self._unit(text[start : match.start()], match[0])
            start = match.end()
        yield self._unit(text[start:], "")

    def _unit(self, unit: str, separator: str) -> tuple[str, str, int | None]:
        if len(unit) < self.minimum_chars:
            return unit, separator, None
        plain = " ".join(unicodedata.normalize("NFKC", unit).casefold().split())
        return unit, separator, xxhash.xxh3_64_intdigest(plain.encode("utf-8", "surrogatepass"))


def _among(key: int, ordered: Hashes) -> bool:
    place = int(np.searchsorted(ordered, np.uint64(key)))
    return place < len(ordered) and int(ordered[place]) == key
