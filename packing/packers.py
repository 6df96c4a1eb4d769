"""Which stretches of a token stream make up each sequence.

The stream of a source holds its documents one behind the other, each with the BOS and EOD that the
rules give it. A packer copies nothing: it says which *pieces*, stretches of the stream, stand in
which sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = [
    "BLOCK_DOCUMENTS",
    "Pieces",
    "best_fit",
    "concatenate",
    "one_per_sequence",
]

_Ints = npt.NDArray[np.int64]

# Pieces that are packed together: bounds memory (some 100 bytes each) and is far more than best-fit
# needs to leave next to no padding.
BLOCK_DOCUMENTS: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Pieces:
    """Sequences as stretches of the stream.

    Attributes:
        starts: First token of each piece.
        lengths: Tokens of each piece.
        bounds: ``bounds[i]`` is the first piece of sequence i; one more entry ends the last.
    """

    starts: _Ints
    lengths: _Ints
    bounds: _Ints

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @classmethod
    def none(cls) -> Pieces:
        """No sequence at all."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, np.zeros(1, np.int64))

    @classmethod
    def joined(cls, blocks: Iterable[Pieces]) -> Pieces:
        """The sequences of several, one after another."""
        parts = [cls.none(), *blocks]
        shifts = np.cumsum([0, *(len(part.starts) for part in parts[:-1])])
        bounds = [part.bounds[1:] + shift for part, shift in zip(parts, shifts, strict=True)]
        return cls(
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.lengths for part in parts]),
            np.concatenate([np.zeros(1, np.int64), *bounds]),
        )

    def filled(self) -> _Ints:
        """Tokens in each sequence."""
        totals = np.concatenate([[0], np.cumsum(self.lengths)])
        return np.asarray(totals[self.bounds[1:]] - totals[self.bounds[:-1]], np.int64)


def concatenate(
    blocks: Iterable[tuple[_Ints, _Ints]], length: int, *, overlap: int, keep_tail: bool
) -> Iterator[Pieces]:
    """Concatenate-and-chop: documents end to end, cut every ``length`` tokens.

    With ``overlap`` 1 this is GPT-NeoX's and Megatron's sample index: windows of ``length + 1``
    tokens, the last of which is the first of the next window; every token is predicted once.

    Args:
        blocks: Starts and lengths of documents in packing order, some at a time.
        length: Tokens of a sequence, the overlap not counted.
        overlap: Tokens that a sequence shares with the next.
        keep_tail: Whether the tokens behind the last full window become a short sequence, or are
            left out as GPT-NeoX does.

    Yields:
        Sequences, block by block.
    """
    waiting = np.zeros((2, 0), np.int64)
    # How many tokens of what waits were already the end of a sequence.
    repeated = 0
    for starts, lengths in blocks:
        waiting = np.concatenate([waiting, np.stack([starts, lengths])], axis=1)
        total = int(waiting[1].sum())
        count = max(total - overlap, 0) // length
        if count == 0:
            continue
        yield _windows(waiting, np.arange(count, dtype=np.int64) * length, length + overlap)
        waiting = _behind(waiting, count * length)
        repeated = overlap
    left = int(waiting[1].sum())
    if keep_tail and left > repeated:
        yield _windows(waiting, np.zeros(1, np.int64), left)


def _windows(documents: _Ints, firsts: _Ints, length: int) -> Pieces:
    """Windows of the concatenation of some documents."""
    starts, lengths = documents
    ends = np.cumsum(lengths)
    begins = ends - lengths
    lasts = firsts + length
    from_document = np.searchsorted(ends, firsts, side="right")
    to_document = np.searchsorted(begins, lasts, side="left")
    counts = to_document - from_document
    bounds = np.concatenate([[0], np.cumsum(counts)])
    window = np.repeat(np.arange(len(firsts)), counts)
    document = np.arange(bounds[-1]) - bounds[window] + from_document[window]
    first = np.maximum(begins[document], firsts[window])
    last = np.minimum(ends[document], lasts[window])
    kept = last > first
    if not kept.all():
        window, document, first, last = (x[kept] for x in (window, document, first, last))
        bounds = np.searchsorted(window, np.arange(len(firsts) + 1))
    return Pieces(starts[document] + first - begins[document], last - first, bounds)


def _behind(documents: _Ints, position: int) -> _Ints:
    """What the concatenation of some documents holds behind a position."""
    ends = np.cumsum(documents[1])
    first = int(np.searchsorted(ends, position, side="right"))
    rest = documents[:, first:].copy()
    if rest.shape[1]:
        skipped = position - int(ends[first] - documents[1, first])
        rest[0, 0] += skipped
        rest[1, 0] -= skipped
    return rest


@dataclass(slots=True)
class _Class:
    """Sequences alike: how many, the space each has left, and the lengths in each of them."""

    count: int
    contents: tuple[tuple[int, int], ...]


def best_fit(starts: _Ints, lengths: _Ints, capacity: int) -> Pieces:
    """Best-fit-decreasing on the histogram of lengths (arXiv 2404.10830).

    Pieces go by falling length, each into the fullest sequence that still takes it. Sequences with
    equal contents are counted, not listed, so that the work hangs on the capacity; which piece of a
    length goes where is settled at the end, in the order of the pieces. The outcome is the same
    as that of placing pieces one by one.

    Args:
        starts: First tokens of the pieces.
        lengths: Their lengths, none above the capacity.
        capacity: Tokens of a sequence.

    Returns:
        Sequences by their first piece; the pieces of each in the order given.

    Raises:
        ValueError: A piece doesn't fit.
    """
    if not len(lengths):
        return Pieces.none()
    if int(lengths.max()) > capacity or int(lengths.min()) < 1:
        raise ValueError(f"pieces of 1 to {capacity} tokens can be packed")
    classes = _classes(np.bincount(lengths, minlength=capacity + 1), capacity)
    return _filled(starts, lengths, classes)


def _classes(histogram: _Ints, capacity: int) -> list[_Class]:
    """The sequences that best-fit-decreasing makes, equal ones counted."""
    open_classes: dict[int, list[_Class]] = {}
    # Bit r is set when there is a sequence with r tokens of space.
    spaces = 0
    for length in range(capacity, 0, -1):
        left = int(histogram[length])
        while left:
            found = spaces >> length
            space = length + (found & -found).bit_length() - 1 if found else capacity
            # The fullest sequence that takes one takes the next as well, while it has the space.
            each = min(space // length, left)
            wanted = left // each
            if found:
                source = open_classes[space][-1]
                count = min(wanted, source.count)
                contents = source.contents
                source.count -= count
                if source.count == 0:
                    open_classes[space].pop()
                if not open_classes[space]:
                    spaces &= ~(1 << space)
            else:
                count, contents = wanted, ()
            left -= count * each
            rest = space - each * length
            open_classes.setdefault(rest, []).append(_Class(count, (*contents, (length, each))))
            if rest:
                spaces |= 1 << rest
    return [found for space in sorted(open_classes) for found in open_classes[space]]


def _filled(starts: _Ints, lengths: _Ints, classes: list[_Class]) -> Pieces:
    """Gives every piece its sequence."""
    by_length = np.argsort(lengths, kind="stable")
    sorted_lengths = lengths[by_length]
    used: dict[int, int] = {}
    sequence_of = np.empty(len(lengths), np.int64)
    first = 0
    for found in classes:
        numbers = np.arange(first, first + found.count)
        for length, each in found.contents:
            begin = used.get(length)
            if begin is None:
                begin = int(np.searchsorted(sorted_lengths, length, side="left"))
            used[length] = begin + each * found.count
            sequence_of[by_length[begin : used[length]]] = np.repeat(numbers, each)
        first += found.count
    order = np.argsort(sequence_of, kind="stable")
    bounds = np.searchsorted(sequence_of[order], np.arange(first + 1))
    # Sequences in the order of their first piece, so that reading them goes through the stream.
    by_first = np.argsort(order[bounds[:-1]], kind="stable")
    counts = np.diff(bounds)[by_first]
    new_bounds = np.concatenate([[0], np.cumsum(counts)])
    shift = np.repeat(bounds[:-1][by_first] - new_bounds[:-1], counts)
    pieces = order[np.arange(len(order)) + shift]
    return Pieces(starts[pieces], lengths[pieces], new_bounds)


def one_per_sequence(starts: _Ints, lengths: _Ints) -> Pieces:
    """Every piece a sequence of its own; the rest of it is padding."""
    return Pieces(starts, lengths, np.arange(len(starts) + 1, dtype=np.int64))
