"""The n-grams of all problems: which stretches of a text are made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from filters.overlap.tokens import Hashes, Tokens

__all__ = ["NgramIndex", "Stretch"]

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


class NgramIndex:
    """Finds n-grams of the problems; no false one is reported.

    What a lookup costs hardly depends on the number of problems: a table of bits rejects nearly all
    n-grams of a text, the sorted hashes the rest, and what they let through is compared to the code
    point.

    Args:
        texts: The tokens of the problems' texts.
        chosen: The numbers of the texts to look for.
        n: The length of an n-gram.
    """

    def __init__(self, texts: Tokens, chosen: _Integers, n: int) -> None:
        self._texts = texts
        self._n = n
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
        self._numbers, self._places = (a[new].astype(np.int32) for a in (numbers, places))
        self._hashes, first = np.unique(hashes[new], return_index=True)
        self._first = np.append(first, len(self._places)).astype(np.int32)
        words = min(max(len(self._hashes) * _BITS // 64, _FEWEST_WORDS), _MOST_WORDS)
        self._shift = np.uint64(64 - (words - 1).bit_length())
        self._table = np.zeros(1 << (64 - int(self._shift)), np.uint64)
        if len(self._hashes):
            slots = self._slots(self._hashes)
            starts = _run_starts(slots[1:] == slots[:-1])
            self._table[slots[starts]] = np.bitwise_or.reduceat(_two_bits(self._hashes), starts)

    def __len__(self) -> int:
        return len(self._hashes)

    def stretches(self, documents: Tokens) -> Iterator[Stretch]:
        """The stretches of all documents, by document, text and place.

        A stretch is as long as it can be: each of its n-grams is in the text, whether or not the
        text has them in this order.
        """
        if not len(self._hashes):
            return
        windows = documents.window_hashes(self._n)
        found = self._candidates(windows)
        # No n-gram reaches from one document into the next.
        numbers = documents.texts_of(found)
        inside = numbers == documents.texts_of(found + self._n - 1)
        found, numbers = found[inside], numbers[inside]
        if not len(found):
            return
        rows = np.searchsorted(self._hashes, windows[found])
        counts = self._first[rows + 1] - self._first[rows]
        pairs = np.repeat(self._first[rows], counts) + _counted(counts)
        found, numbers = np.repeat(found, counts), np.repeat(numbers, counts)
        texts, places = self._numbers[pairs], self._places[pairs]
        order = np.lexsort((found, texts, numbers))
        found, numbers, texts, places = (a[order] for a in (found, numbers, texts, places))
        real = self._verified(documents, found, texts, places)
        yield from self._joined(found[real], numbers[real], texts[real], places[real])

    def _slots(self, hashes: Hashes) -> _Integers:
        return (hashes >> self._shift).view(np.int64)

    def _candidates(self, windows: Hashes) -> _Integers:
        wanted = _two_bits(windows)
        perhaps = np.flatnonzero(self._table[self._slots(windows)] & wanted == wanted)
        hashes = windows[perhaps]
        rows = np.searchsorted(self._hashes, hashes)
        rows[rows == len(self._hashes)] = 0
        found: _Integers = perhaps[self._hashes[rows] == hashes]
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
            length = end - start + self._n - 1
            if documents.same(found[start], self._texts, places[start], length):
                continue
            for pair in range(start, end):
                real[pair] = documents.same(found[pair], self._texts, places[pair], self._n)
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
                int(found[end - 1]) + self._n,
                int(first_place[run]),
                int(last_place[run]) + self._n,
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
