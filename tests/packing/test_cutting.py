"""Where long documents are cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from packing.breaks import breaks_of
from packing.cutting import Breaks, CutCounts, cut_document
from packing.packers import best_fit
from tests.packing.conftest import Packer

Places = st.lists(st.integers(1, 499), unique=True, max_size=80).map(sorted)


def _breaks(text: str) -> tuple[list[int], list[int]]:
    """Breaks of a text whose tokens are its characters."""
    places = np.arange(len(text))
    found = breaks_of(np.frombuffer(text.encode(), np.uint8), places, places + 1)
    return found.paragraphs.tolist(), found.lines.tolist()


def test_a_paragraph_ends_behind_its_blank_lines() -> None:
    assert _breaks("ab\n\ncd\nef\n \t\n\n\ngh") == ([4, 15], [4, 7, 15])


def test_windows_line_ends_count() -> None:
    assert _breaks("ab\r\n\r\ncd") == ([6], [6])


def test_characters_of_several_bytes_count_once() -> None:
    assert _breaks("é∑🙂\n\nab") == ([5], [5])


def test_the_end_of_the_document_is_no_break() -> None:
    assert _breaks("ab\n\n") == ([], [])
    assert _breaks("ab") == ([], [])


def test_a_token_across_a_break_is_not_split() -> None:
    starts, ends = np.array([0, 1, 5]), np.array([1, 5, 7])
    found = breaks_of(np.frombuffer(b"a\n\nbc\n\n", np.uint8), starts, ends)
    assert found.paragraphs.tolist() == []


@given(
    st.integers(1, 500),
    Places,
    Places,
    st.sampled_from([8, 20, 64]),
    st.sampled_from([1 / 2, 1 / 16]),
)
def test_pieces_cover_the_document_and_fit(
    length: int, paragraphs: list[int], lines: list[int], capacity: int, window: float
) -> None:
    counts = CutCounts()
    breaks = Breaks(np.array(paragraphs, np.int64), np.array(lines, np.int64))
    bounds = cut_document(length, breaks, capacity, window, counts)
    sizes = np.diff(bounds)
    assert bounds[0] == 0
    assert bounds[-1] == length
    assert (sizes > 0).all()
    assert (sizes <= capacity).all()
    assert counts.total == len(sizes) - 1
    # No piece but the last is shorter than half a sequence.
    assert (sizes[:-1] >= capacity // 2).all()


def test_the_last_paragraph_end_that_fits_is_taken() -> None:
    breaks = Breaks(np.array([3, 7, 9, 16]), np.array([8, 10, 18]))
    counts = CutCounts()
    assert cut_document(22, breaks, 10, 1 / 2, counts) == [0, 9, 16, 22]
    assert counts == CutCounts(paragraph=2)


def test_without_a_paragraph_a_line_ends_it_and_without_a_line_a_token() -> None:
    counts = CutCounts()
    breaks = Breaks(np.zeros(0, np.int64), np.array([8]))
    assert cut_document(25, breaks, 10, 1 / 2, counts) == [0, 8, 18, 25]
    assert counts == CutCounts(line=1, token=1)


def test_cuts_of_a_packed_corpus_are_at_paragraph_ends(packed: Packer) -> None:
    texts = ["the lemma\n\nthen a proof = a\n\n" * 12, "on that", "prove"]
    corpus = packed({"web": texts}, sequence_length=64, utilisation=0)
    pieces = corpus.rows(0, 0, 100)
    ends = [
        (row.char_starts[n], row.char_ends[n])
        for row in pieces
        for n, document in enumerate(row.document_ids)
        if document == "web-0"
    ]
    assert len(ends) > 2
    for start, _ in sorted(ends)[1:]:
        assert texts[0][:start].endswith("\n\n")


def test_documents_that_fit_are_never_cut(packed: Packer) -> None:
    texts = ["lemma " * n for n in range(1, 60)]
    corpus = packed({"web": texts}, sequence_length=48)
    fits = {f"web-{n}" for n, size in enumerate(np.diff(corpus.sources[0].offsets)) if size <= 48}
    seen = [document for row in corpus.rows(0, 0, 1000) for document in row.document_ids]
    assert fits
    assert all(seen.count(document) == 1 for document in fits)


def test_packing_fills_sequences_though_most_tokens_are_in_longer_documents() -> None:
    generator = np.random.default_rng(0)
    capacity, lengths = 4096, []
    for length in generator.lognormal(7.8, 1.4, 2000).astype(int).tolist():
        paragraphs = np.unique(generator.integers(1, max(length, 2), length // 90))
        lines = np.unique(generator.integers(1, max(length, 2), length // 15))
        bounds = cut_document(length, Breaks(paragraphs, lines), capacity, 1 / 256, CutCounts())
        lengths += np.diff(bounds).tolist()
    sizes = np.array(lengths)
    packed = best_fit(np.cumsum(sizes) - sizes, sizes, capacity)
    assert sizes.sum() / (len(packed) * capacity) > 0.995
