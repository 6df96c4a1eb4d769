"""The table of known units as plain arrays, built on the host and read on any device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from packing.tokenizers.tokens import Ids

__all__ = ["FACTORS", "LONG_WORDS", "WORD", "Slots", "UnitTable", "multiplied_slot"]

# Bytes of a word, and words of the longest unit that is found by its words.
WORD = 8
LONG_WORDS = 4

# Odd constants without structure (the golden ratio's and splitmix64's), as signed numbers, since
# torch multiplies no unsigned ones.
FACTORS = tuple(
    int(np.uint64(factor).astype(np.int64))
    for factor in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93)
)

# A unit is found in at most so many steps; a table that would need more is made larger.
_REACH = 16

_EMPTY = -1


def multiplied_slot(words: Sequence[Any], bits: int) -> Any:
    """The slot where a unit's search begins, for arrays of numpy and of torch alike.

    Args:
        words: Its words as signed numbers, an array for each place.
        bits: Binary logarithm of the table's size.

    Returns:
        Slots; the high bits of a product, on which all bits below have their influence.
    """
    mixed = words[0] * FACTORS[0]
    for word, factor in zip(words[1:], FACTORS[1:], strict=False):
        mixed = (mixed ^ (mixed >> 29) ^ word) * factor
    return (mixed >> (64 - bits)) & ((1 << bits) - 1)


@dataclass(slots=True)
class Slots:
    """An open table from a unit's words to its entry.

    Attributes:
        bits: Binary logarithm of its size.
        words: The words of each slot's unit, an array for each place.
        entries: Each slot's entry, -1 when it is empty.
        reach: Steps in which every unit is found.
    """

    bits: int
    words: list[Any]
    entries: Any
    reach: int = 1

    @classmethod
    def empty(cls, words: int, bits: int) -> Slots:
        """A table without units.

        Args:
            words: How many words its units have.
            bits: Binary logarithm of its size.

        Returns:
            The table.
        """
        size = 1 << bits
        columns = [np.zeros(size, np.int64) for _ in range(words)]
        return cls(bits, columns, np.full(size, _EMPTY, np.int64))

    def on(self, put: Callable[[npt.NDArray[Any]], Any]) -> Slots:
        """The same table on a device."""
        words = [put(column) for column in self.words]
        return Slots(self.bits, words, put(self.entries), self.reach)

    def fill(self, words: npt.NDArray[np.int64], entries: npt.NDArray[np.int64]) -> bool:
        """Puts units into the table, each into the first free slot from its own on.

        Args:
            words: Their words, a row for each unit.
            entries: Their entries.

        Returns:
            Whether all found a slot within reach; if not, a larger table is needed.
        """
        left = np.arange(len(entries))
        home = multiplied_slot([words[:, place] for place in range(words.shape[1])], self.bits)
        for step in range(_REACH):
            if not len(left):
                return True
            slots = (home[left] + step) & ((1 << self.bits) - 1)
            free = self.entries[slots] == _EMPTY
            # Of several units that want one slot the first has it.
            _, first = np.unique(slots[free], return_index=True)
            settled = np.flatnonzero(free)[first]
            self.entries[slots[settled]] = entries[left[settled]]
            for place, column in enumerate(self.words):
                column[slots[settled]] = words[left[settled], place]
            self.reach = max(self.reach, step + 1)
            left = np.delete(left, settled)
        return not len(left)


@dataclass(slots=True)
class UnitTable:
    """Known units with their ids.

    Attributes:
        short: Finds units of one word.
        long: Finds units of up to four.
        counts: How many ids each entry has.
        places: Where they begin in the pool.
        pool: Ids of all entries.
    """

    short: Slots = field(default_factory=lambda: Slots.empty(1, 12))
    long: Slots = field(default_factory=lambda: Slots.empty(LONG_WORDS, 10))
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    places: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    pool: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    _entries: dict[bytes, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.counts)

    def __contains__(self, unit: bytes) -> bool:
        return unit in self._entries

    def entries_of(self, units: Sequence[bytes]) -> npt.NDArray[np.int64]:
        """The entries of units that the table has."""
        return np.array([self._entries[unit] for unit in units], np.int64)

    def insert(self, units: Sequence[bytes], ids: Ids, counts: npt.NDArray[np.int64]) -> None:
        """Adds units that the table lacks.

        Args:
            units: Their bytes, each once.
            ids: Their ids, one after another.
            counts: How many ids each has.
        """
        first = len(self.counts)
        self._entries.update(zip(units, range(first, first + len(units)), strict=True))
        self.places = np.append(self.places, len(self.pool) + np.cumsum(counts) - counts)
        self.counts = np.append(self.counts, counts)
        self.pool = np.append(self.pool, ids.astype(np.int64))
        self.short = self._with(self.short, units, 1, WORD)
        self.long = self._with(self.long, units, WORD + 1, WORD * LONG_WORDS)

    def _with(self, slots: Slots, units: Sequence[bytes], least: int, most: int) -> Slots:
        """A table of slots with those of the new units that are of its lengths."""
        new = [unit for unit in units if least <= len(unit) <= most]
        taken = int((slots.entries != _EMPTY).sum())
        if 2 * (taken + len(new)) <= len(slots.entries) and self._fill(slots, new):
            return slots
        every = [unit for unit in self._entries if least <= len(unit) <= most]
        bits = max(slots.bits, (2 * len(every)).bit_length())
        while True:
            larger = Slots.empty(len(slots.words), bits)
            if self._fill(larger, every):
                return larger
            bits += 1

    def _fill(self, slots: Slots, units: Sequence[bytes]) -> bool:
        width = len(slots.words)
        padded = b"".join(unit.ljust(WORD * width, b"\0") for unit in units)
        words = np.frombuffer(padded, "<i8").reshape(-1, width)
        return slots.fill(words, self.entries_of(units))
