"""Rows that a device packs are those that the loader reads from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packing.packers import Pieces, best_fit, concatenate, one_per_sequence
from packing.sequences import Rows
from packing.tokenizers import Texts, load

torch = pytest.importorskip("torch", reason="torch (the extra `gpu`) is not installed")

from packing.gpu.encoding import DeviceTokenizer, DeviceTokens  # noqa: E402
from packing.gpu.rows import DeviceRows, gather_rows, stream_of  # noqa: E402

PAD = 0
lengths_of_documents = st.lists(st.integers(1, 20), min_size=1, max_size=40)


def rows_of(stream: np.ndarray, pieces: Pieces, width: int) -> Rows:
    """The same rows as the loader's."""
    begun = np.cumsum(pieces.lengths) - pieces.lengths
    counts = np.diff(pieces.bounds)
    offsets = begun - np.repeat(np.append(begun, pieces.lengths.sum())[pieces.bounds[:-1]], counts)
    ids = np.full((len(pieces), width), PAD, stream.dtype)
    row_of = np.repeat(np.arange(len(pieces)), counts)
    for row, offset, start, length in zip(
        row_of, offsets, pieces.starts, pieces.lengths, strict=True
    ):
        ids[row, offset : offset + length] = stream[start : start + length]
    nothing = np.zeros(len(offsets), np.int64)
    return Rows(ids, pieces.bounds, offsets, pieces.lengths, nothing, nothing, nothing)


def assert_same_rows(found: DeviceRows, expected: Rows) -> None:
    assert found.input_ids.tolist() == expected.ids.tolist()
    assert found.position_ids.tolist() == expected.position_ids().tolist()
    assert found.loss_mask.tolist() == expected.loss_mask().tolist()
    width = expected.ids.shape[1]
    bounds = [expected.cu_seqlens(row) + row * width for row in range(len(expected))]
    assert found.cu_seqlens.tolist() == np.unique(np.concatenate(bounds)).tolist()
    assert found.longest == np.diff(found.cu_seqlens.numpy()).max()


@settings(deadline=None)
@given(lengths=lengths_of_documents, packer=st.sampled_from(["best-fit", "one", "chop", "tail"]))
def test_rows_are_the_loader_s(lengths: list[int], packer: str) -> None:
    counts = np.array(lengths, np.int64)
    starts = np.cumsum(counts) - counts
    stream = np.arange(1, counts.sum() + 1, dtype=np.int32)
    if packer == "best-fit":
        pieces = best_fit(starts, counts, 20)
    elif packer == "one":
        pieces = one_per_sequence(starts, counts)
    else:
        blocks = concatenate([(starts, counts)], 20, overlap=0, keep_tail=packer == "tail")
        pieces = Pieces.joined(blocks)
    if not len(pieces):
        return
    found = gather_rows(torch.from_numpy(stream), pieces, 20, PAD)
    assert_same_rows(found, rows_of(stream, pieces, 20))


def test_a_sequence_longer_than_its_row_is_refused() -> None:
    pieces = one_per_sequence(np.array([0]), np.array([9]))
    with pytest.raises(ValueError, match="9 tokens in rows of 8"):
        gather_rows(torch.arange(9), pieces, 8, PAD)


@pytest.mark.parametrize(("bos", "eod"), [(None, None), (1, None), (None, 2), (1, 2)])
def test_documents_are_separated(bos: int | None, eod: int | None) -> None:
    documents = [[5, 6], [], [7]]
    ids = torch.tensor([5, 6, 7], dtype=torch.int32)
    tokens = DeviceTokens(ids, torch.tensor([0, 2, 2, 3]))
    stream = stream_of(tokens, bos=bos, eod=eod)
    wanted = [
        [number for number in (bos, *document, eod) if number is not None] for document in documents
    ]
    assert stream.ids.tolist() == [number for document in wanted for number in document]
    assert stream.offsets.tolist() == np.cumsum([0, *map(len, wanted)]).tolist()


def test_from_text_to_rows_and_back(small: Path) -> None:
    texts = ["the theorem", "", "python  lemma <s>", "\U0001d538" * 5, "that"]
    tokens = DeviceTokenizer(small, device="cpu").encode(Texts.of(texts))
    stream = stream_of(tokens, bos=None, eod=2)
    starts = stream.offsets[:-1].numpy()
    pieces = best_fit(starts, np.diff(stream.offsets.numpy()), 32)
    rows = gather_rows(stream.ids, pieces, 32, PAD)
    expected = load(small).encode_batch(texts)
    found = {}
    for row in range(len(pieces)):
        place = 0
        for piece in range(pieces.bounds[row], pieces.bounds[row + 1]):
            length = int(pieces.lengths[piece])
            document = int(np.searchsorted(starts, pieces.starts[piece], side="right")) - 1
            found[document] = rows.input_ids[row, place : place + length].tolist()
            place += length
    assert found == {row: [*expected.document(row).tolist(), 2] for row in range(len(texts))}
