"""Packers: what stands in which sequence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packing.packers import Pieces, best_fit, concatenate, one_per_sequence

Lengths = st.lists(st.integers(1, 64), max_size=200)


def _stream(lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    sizes = np.array(lengths, np.int64)
    return np.cumsum(sizes) - sizes, sizes


def _covered(pieces: Pieces) -> list[int]:
    return [
        token
        for start, length in zip(pieces.starts.tolist(), pieces.lengths.tolist(), strict=True)
        for token in range(start, start + length)
    ]


def _one_by_one(lengths: list[int], capacity: int) -> list[int]:
    """Best-fit-decreasing as its definition says, piece by piece: the space left in each."""
    spaces: list[int] = []
    for length in sorted(lengths, reverse=True):
        fitting = [space for space in spaces if space >= length]
        if fitting:
            spaces.remove(min(fitting))
            spaces.append(min(fitting) - length)
        else:
            spaces.append(capacity - length)
    return sorted(spaces)


@given(Lengths)
def test_best_fit_is_best_fit_decreasing(lengths: list[int]) -> None:
    pieces = best_fit(*_stream(lengths), 64)
    assert sorted((64 - pieces.filled()).tolist()) == _one_by_one(lengths, 64)


@given(Lengths)
def test_best_fit_keeps_every_document_whole_and_once(lengths: list[int]) -> None:
    starts, sizes = _stream(lengths)
    pieces = best_fit(starts, sizes, 64)
    given_pieces = set(zip(starts.tolist(), sizes.tolist(), strict=True))
    assert set(zip(pieces.starts.tolist(), pieces.lengths.tolist(), strict=True)) == given_pieces
    assert sorted(_covered(pieces)) == list(range(sum(lengths)))
    assert not len(pieces) or int(pieces.filled().max()) <= 64


@given(Lengths)
def test_sequences_follow_the_documents(lengths: list[int]) -> None:
    pieces = best_fit(*_stream(lengths), 64)
    firsts = pieces.starts[pieces.bounds[:-1]].tolist()
    assert firsts == sorted(firsts)
    for sequence in range(len(pieces)):
        inside = pieces.starts[pieces.bounds[sequence] : pieces.bounds[sequence + 1]].tolist()
        assert inside == sorted(inside)


def test_best_fit_of_a_million_documents_wastes_next_to_nothing() -> None:
    generator = np.random.default_rng(1)
    lengths = np.clip(generator.lognormal(6.3, 1.3, 1_000_000), 8, 4096).astype(np.int64)
    pieces = best_fit(np.cumsum(lengths) - lengths, lengths, 4096)
    assert lengths.sum() / (len(pieces) * 4096) > 0.999


def test_what_doesnt_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 8"):
        best_fit(*_stream([9]), 8)


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 30), max_size=60),
    st.integers(1, 20),
    st.sampled_from([0, 1]),
    st.booleans(),
    st.integers(1, 60),
)
def test_concatenation_is_chopped_as_its_definition_says(
    lengths: list[int], length: int, overlap: int, keep_tail: bool, block: int
) -> None:
    starts, sizes = _stream(lengths)

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, len(lengths), block):
            yield starts[first : first + block], sizes[first : first + block]

    chopped = concatenate(blocks(), length, overlap=overlap, keep_tail=keep_tail)
    pieces = Pieces.joined(chopped)
    total = sum(lengths)
    windows = [
        list(range(begin, begin + length + overlap))
        for begin in range(0, total, length)
        if begin + length + overlap <= total
    ]
    rest = list(range(len(windows) * length, total))
    if keep_tail and len(rest) > (overlap if windows else 0):
        windows.append(rest)
    found = [
        _covered(
            Pieces(
                pieces.starts[pieces.bounds[n] : pieces.bounds[n + 1]],
                pieces.lengths[pieces.bounds[n] : pieces.bounds[n + 1]],
                pieces.bounds,
            )
        )
        for n in range(len(pieces))
    ]
    assert found == windows


def test_pieces_of_a_window_are_its_documents() -> None:
    pieces = Pieces.joined(concatenate([_stream([3, 4, 5])], 6, overlap=0, keep_tail=True))
    assert pieces.lengths.tolist() == [3, 3, 1, 5]
    assert pieces.bounds.tolist() == [0, 2, 4]


def test_documents_are_taken_in_the_order_given() -> None:
    starts, sizes = _stream([2, 3, 4])
    order = np.array([2, 0, 1])
    pieces = Pieces.joined(
        concatenate([(starts[order], sizes[order])], 9, overlap=0, keep_tail=True)
    )
    assert pieces.starts.tolist() == [5, 0, 2]


def test_one_document_a_sequence() -> None:
    pieces = one_per_sequence(*_stream([3, 4]))
    assert pieces.filled().tolist() == [3, 4]
