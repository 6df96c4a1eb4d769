"""The n-grams of all problems: which stretches of a text are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from filters.overlap.tokens import Hashes, Tokens

__all__ = ["Entries", "NgramIndex", "Stretch", "entries_of"]

_Integers = npt.NDArray[np.signedinteger[Any]]

# Bits of the table that is looked at first, for each n-gram. Two of a word of 64 are set for one
# n-gram: a foreign one gets past them once in 64 times or less, and the table of a million is 2 MB,
# so that it stays in the cache (a blocked Bloom filter: Putze, Sanders, Singler 2009).
_BITS = 16
_WORD_BITS = np.uint64(63)
_FEWEST_WORDS, _MOST_WORDS = 1 << 7, 1 << 24


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens of a document in a row, each n-gram of which is in one text of a problem.

    Attributes:
        document: The document's number.
        text: The number of the problem's text.
        start: The first token.
        end: The token after the last.
        text_start: The first token of what they match, counted within all texts.
        text_end: The token after the last.
        ngrams: How many n-grams they are.
    """

    document: int
    text: int
    start: int
    end: int
    text_start: int
    text_end: int
    ngrams: int


@dataclass(frozen=True, slots=True)
class Entries:
    """All n-grams of some texts, as arrays.

    Attributes:
        hashes: The hashes of the different n-grams, in order.
        first: For each, where its places begin in ``places``, and the number of places at the end.
        numbers: The number of the text that each place is in.
        places: The first tokens of the n-grams, counted within all texts.
        table: The bits that are looked at before ``hashes``; a power of two of words.
    """

    hashes: Hashes
    first: _Integers
    numbers: _Integers
    places: _Integers
    table: Hashes


def entries_of(texts: Tokens, chosen: _Integers, n: int) -> Entries:
    """The n-grams of texts.

    Args:
        texts: The tokens of the problems' texts.
        chosen: The numbers of the texts to look for.
        n: The length of an n-gram.
    """
    hashes = texts.window_hashes(n)
    bounds = texts.bounds
    places = np.concatenate(
        [np.arange(bounds[c], bounds[c + 1] - n + 1) for c in chosen] or [np.zeros(0, np.int64)]
    ).astype(np.int64)
    numbers = texts.texts_of(places)
    hashes = hashes[places]
    # Of an n-gram that a text repeats, the first place stands for all.
    order = np.lexsort((places, numbers, hashes))
    hashes, numbers, places = hashes[order], numbers[order], places[order]
    new = np.ones(len(hashes), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (numbers[1:] != numbers[:-1])
    # Four bytes do: problem sets are smaller than 2**31 tokens.
    small_numbers, small_places = (a[new].astype(np.int32) for a in (numbers, places))
    hashes, starts = np.unique(hashes[new], return_index=True)
    first = np.append(starts, len(small_places)).astype(np.int32)
    return Entries(hashes, first, small_numbers, small_places, _table_of(hashes))


def _table_of(hashes: Hashes) -> Hashes:
    words = min(max(len(hashes) * _BITS // 64, _FEWEST_WORDS), _MOST_WORDS)
    table = np.zeros(1 << (words - 1).bit_length(), np.uint64)
    if len(hashes):
        slots = _slots(hashes, table)
        starts = _run_starts(slots[1:] == slots[:-1])
        table[slots[starts]] = np.bitwise_or.reduceat(_two_bits(hashes), starts)
    return table


def _slots(hashes: Hashes, table: Hashes) -> _Integers:
    """The word of the table that each hash belongs to, told by its first bits."""
    return (hashes >> np.uint64(65 - len(table).bit_length())).view(np.int64)


class NgramIndex:
    """Finds n-grams of the problems; no false one is reported.

    What a lookup costs hardly depends on the number of problems: a table of bits rejects nearly all
    n-grams of a text, the sorted hashes the rest, and what they let through is compared to the code
    point.

    Args:
        texts: The tokens of the problems' texts.
        n: The length of an n-gram.
        entries: What ``entries_of`` gave for both; it isn't changed.
    """

    def __init__(self, texts: Tokens, n: int, entries: Entries) -> None:
        self._texts = texts
        self.n = n
        self.entries = entries

    def __len__(self) -> int:
        return len(self.entries.hashes)

    def stretches(self, documents: Tokens) -> Iterator[Stretch]:
        """The stretches of all documents, by document, text and place.

        A stretch is as long as it can be: each of its n-grams is in the text, whether or not the
        text has them in this order.
        """
        if not len(self.entries.hashes):
            return
        windows = documents.window_hashes(self.n)
        found = self._candidates(windows)
        # No n-gram reaches from one document into the next.
        numbers = documents.texts_of(found)
        inside = numbers == documents.texts_of(found + self.n - 1)
        found, numbers = found[inside], numbers[inside]
        if not len(found):
            return
        entries = self.entries
        rows = np.searchsorted(entries.hashes, windows[found])
        counts = entries.first[rows + 1] - entries.first[rows]
        pairs = np.repeat(entries.first[rows], counts) + _counted(counts)
        found, numbers = np.repeat(found, counts), np.repeat(numbers, counts)
        texts, places = entries.numbers[pairs], entries.places[pairs]
        order = np.lexsort((found, texts, numbers))
        found, numbers, texts, places = (a[order] for a in (found, numbers, texts, places))
        real = self._verified(documents, found, texts, places)
        yield from self._joined(found[real], numbers[real], texts[real], places[real])

    def _candidates(self, windows: Hashes) -> _Integers:
        known, table = self.entries.hashes, self.entries.table
        wanted = _two_bits(windows)
        perhaps = np.flatnonzero(table[_slots(windows, table)] & wanted == wanted)
        hashes = windows[perhaps]
        rows = np.searchsorted(known, hashes)
        rows[rows == len(known)] = 0
        found: _Integers = perhaps[known[rows] == hashes]
        return found

    def _verified(
        self, documents: Tokens, found: _Integers, texts: _Integers, places: _Integers
    ) -> npt.NDArray[np.bool_]:
        """Which pairs are equal; neighbours in both texts are compared as one."""
        starts = _run_starts(
            (found[1:] == found[:-1] + 1)
            & (places[1:] == places[:-1] + 1)
            & (texts[1:] == texts[:-1])
        )
        real = np.ones(len(found), bool)
        for start, end in zip(starts, [*starts[1:], len(found)], strict=True):
            length = end - start + self.n - 1
            if documents.same(found[start], self._texts, places[start], length):
                continue
            for pair in range(start, end):
                real[pair] = documents.same(found[pair], self._texts, places[pair], self.n)
        return real

    def _joined(
        self, found: _Integers, numbers: _Integers, texts: _Integers, places: _Integers
    ) -> Iterator[Stretch]:
        if not len(found):
            return
        starts = _run_starts(
            (found[1:] == found[:-1] + 1)
            & (texts[1:] == texts[:-1])
            & (numbers[1:] == numbers[:-1])
        )
        first_place = np.minimum.reduceat(places, starts)
        last_place = np.maximum.reduceat(places, starts)
        ends = np.append(starts[1:], len(found))
        for run, (start, end) in enumerate(zip(starts, ends, strict=True)):
            yield Stretch(
                int(numbers[start]),
                int(texts[start]),
                int(found[start]),
                int(found[end - 1]) + self.n,
                int(first_place[run]),
                int(last_place[run]) + self.n,
                int(end - start),
            )


def _two_bits(hashes: Hashes) -> Hashes:
    """A word with two bits set by what of a hash doesn't choose its slot."""
    one = np.uint64(1)
    first = one << (hashes & _WORD_BITS)
    return cast(Hashes, first | one << (hashes >> np.uint64(6) & _WORD_BITS))


def _run_starts(continues: npt.NDArray[np.bool_]) -> _Integers:
    """Where runs begin, given whether each element but the first goes on with the one before."""
    return np.flatnonzero(np.concatenate([[True], ~continues]))


def _counted(counts: _Integers) -> _Integers:
    """0, 1, ... for each count."""
    total = np.arange(int(counts.sum()))
    return total - np.repeat(np.cumsum(counts) - counts, counts)
