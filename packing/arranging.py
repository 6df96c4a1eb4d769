"""Arranges the documents of a source into sequences, and writes down which pieces they are of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from packing.cutting import WINDOWS, Breaks, CutCounts, cut_document
from packing.packers import BLOCK_DOCUMENTS, Pieces, best_fit, concatenate, one_per_sequence
from packing.permutation import Permutation
from packing.sequences import SequenceLayout
from packing.stream import number_file

__all__ = ["Arranged", "arrange"]

_Ints = npt.NDArray[np.int64]

Packer = Literal["concatenate", "best-fit", "one-per-sequence"]

_BREAKS: Final = ("paragraph_breaks", "line_breaks")


@dataclass(slots=True)
class Arranged:
    """How a source was arranged.

    Attributes:
        sequences: Its sequences.
        pieces: Their pieces.
        tokens: Tokens in them, padding not counted, shared ones counted in each.
        padding: Padding in them.
        left_out: Tokens of the stream that stand in no sequence.
        documents: Documents of the source.
        fitting: Those that are no longer than a sequence.
        cut: Documents that stand whole in no sequence.
        fitting_cut: Those of them that would fit.
        cuts: What the cuts of documents longer than a sequence are.
        lengths: Documents by the power of two that their tokens, BOS and EOD counted, don't exceed.
    """

    sequences: int = 0
    pieces: int = 0
    tokens: int = 0
    padding: int = 0
    left_out: int = 0
    documents: int = 0
    fitting: int = 0
    cut: int = 0
    fitting_cut: int = 0
    cuts: CutCounts = field(default_factory=CutCounts)
    lengths: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def arrange(
    index: Path,
    tables: list[Path],
    packer: Packer,
    layout: SequenceLayout,
    *,
    keep_tail: bool,
    utilisation: float,
    order_key: tuple[str | int, ...] | None,
) -> Arranged:
    """Arranges a source.

    Writes ``starts.npy``, ``lengths.npy`` and ``bounds.npy`` (which pieces of the stream stand in
    which sequence) and ``char_starts.npy`` and ``char_ends.npy`` (what of its document's text a
    piece is).

    Args:
        index: The folder of what is known of the source's documents.
        tables: The documents' tables, in order.
        packer: What arranges them.
        layout: What a sequence looks like.
        keep_tail: Whether ``concatenate`` keeps what is behind its last full window.
        utilisation: The share of best-fit's space that is to hold tokens, if it can be: the window
            for paragraph ends is narrowed until then.
        order_key: Key of the permutation in which ``concatenate`` takes documents; None for their
            own order.
    """
    begins = np.load(index / "documents.npy", mmap_mode="r")
    found = Arranged(documents=len(begins) - 1)
    cutting = _Cutting(begins, tables, layout)
    blocks: Iterator[Pieces]
    if packer == "concatenate":
        blocks = concatenate(
            _in_order(begins, order_key), layout.length, overlap=layout.overlap, keep_tail=keep_tail
        )
    elif packer == "best-fit":
        blocks = cutting.best_fit(utilisation)
    else:
        blocks = cutting.one_per_sequence()
    _write_pieces(index, blocks, found, layout, int(begins[-1]))
    found.cuts = cutting.counts
    _count_documents(index, begins, layout, found)
    _write_characters(index, tables, layout)
    return found


def _in_order(
    begins: _Ints, order_key: tuple[str | int, ...] | None
) -> Iterator[tuple[_Ints, _Ints]]:
    """Documents in packing order, some at a time."""
    count = len(begins) - 1
    order = None if order_key is None else Permutation(count, *order_key)
    for first in range(0, count, BLOCK_DOCUMENTS):
        numbers = np.arange(first, min(first + BLOCK_DOCUMENTS, count), dtype=np.int64)
        if order is not None:
            numbers = order.at(numbers)
        starts = np.asarray(begins[numbers], np.int64)
        yield starts, np.asarray(begins[numbers + 1], np.int64) - starts


@dataclass(frozen=True, slots=True)
class _Group:
    """A row group of a documents' table.

    Attributes:
        path: The table.
        number: Which of its row groups.
        first: Number of its first document in the source.
        rows: Its documents.
    """

    path: Path
    number: int
    first: int
    rows: int

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Some of its columns."""
        with pq.ParquetFile(self.path) as table:
            return table.read_row_group(self.number, columns=list(columns))


def _groups(tables: Sequence[Path]) -> Iterator[_Group]:
    first = 0
    for path in tables:
        metadata = pq.read_metadata(path)
        for number in range(metadata.num_row_groups):
            rows = metadata.row_group(number).num_rows
            yield _Group(path, number, first, rows)
            first += rows


class _Cutting:
    """Documents, cut where they are longer than a sequence, and packed."""

    def __init__(self, begins: _Ints, tables: list[Path], layout: SequenceLayout) -> None:
        self._begins = begins
        self._tables = tables
        self._capacity = layout.length
        # Places in a table don't count the BOS that the stream has before each document.
        self._shift = int(layout.bos is not None)
        self.counts = CutCounts()

    def best_fit(self, utilisation: float) -> Iterator[Pieces]:
        """Sequences of as many whole paragraphs as the wanted utilisation allows."""
        for groups in self._blocks():
            pieces, counts = self._narrowed(groups, utilisation)
            self.counts.add(counts)
            yield pieces

    def _narrowed(self, groups: list[_Group], utilisation: float) -> tuple[Pieces, CutCounts]:
        """A block packed with the widest window that wastes little enough.

        The narrower the window, the less is wasted, so that the widest is found by halving. When
        none is narrow enough, what needs the fewest sequences is taken.
        """
        chosen: tuple[Pieces, CutCounts] | None = None
        good = False
        widest, narrowest = 0, len(WINDOWS) - 1
        while widest <= narrowest:
            middle = (widest + narrowest) // 2
            counts = CutCounts()
            pieces = best_fit(*self._cut(groups, WINDOWS[middle], counts), self._capacity)
            if not counts.total:
                return pieces, counts
            enough = int(pieces.lengths.sum()) >= utilisation * len(pieces) * self._capacity
            if enough or (not good and (chosen is None or len(pieces) < len(chosen[0]))):
                chosen, good = (pieces, counts), enough
            if enough:
                narrowest = middle - 1
            else:
                widest = middle + 1
        assert chosen is not None
        return chosen

    def one_per_sequence(self) -> Iterator[Pieces]:
        """Every piece a sequence; padding comes anyhow, so that paragraphs decide."""
        for groups in self._blocks():
            yield one_per_sequence(*self._cut(groups, WINDOWS[0], self.counts))

    def _blocks(self) -> Iterator[list[_Group]]:
        """Row groups of about ``BLOCK_DOCUMENTS`` documents together."""
        groups: list[_Group] = []
        count = 0
        for group in _groups(self._tables):
            groups.append(group)
            count += group.rows
            if count >= BLOCK_DOCUMENTS:
                yield groups
                groups, count = [], 0
        if groups:
            yield groups

    def _cut(self, groups: list[_Group], window: float, counts: CutCounts) -> tuple[_Ints, _Ints]:
        """Starts and lengths of the pieces of a block."""
        cut = (self._cut_group(group, window, counts) for group in groups)
        starts, lengths = zip(*cut, strict=True)
        return np.concatenate(starts), np.concatenate(lengths)

    def _cut_group(self, group: _Group, window: float, counts: CutCounts) -> tuple[_Ints, _Ints]:
        rows = group.rows
        begins = np.asarray(self._begins[group.first : group.first + rows + 1], np.int64)
        starts, lengths = begins[:-1], np.diff(begins)
        long = np.flatnonzero(lengths > self._capacity)
        if not len(long):
            return starts, lengths
        read = group.read(_BREAKS).take(long)
        columns = [read.column(name).combine_chunks() for name in _BREAKS]
        repeats = np.ones(rows, np.int64)
        cut_starts: list[_Ints] = []
        for place, row in enumerate(long.tolist()):
            breaks = Breaks(*(column[place].values.to_numpy() + self._shift for column in columns))
            bounds = cut_document(int(lengths[row]), breaks, self._capacity, window, counts)
            repeats[row] = len(bounds) - 1
            cut_starts.append(np.array(bounds[:-1], np.int64))
        pieces = np.repeat(starts, repeats)
        pieces[np.repeat(repeats > 1, repeats)] += np.concatenate(cut_starts)
        return pieces, np.diff(np.append(pieces, begins[-1]))


def _write_pieces(
    index: Path, blocks: Iterator[Pieces], found: Arranged, layout: SequenceLayout, total: int
) -> None:
    stood = 0
    with ExitStack() as stack:
        starts, lengths, bounds = (
            stack.enter_context(number_file(index / f"{name}.npy", kind))
            for name, kind in (("starts", "<i8"), ("lengths", "<i4"), ("bounds", "<i8"))
        )
        bounds.append([0])
        for block in blocks:
            bounds.append(block.bounds[1:] + found.pieces)
            starts.append(block.starts)
            lengths.append(block.lengths)
            filled = block.filled()
            found.sequences += len(block)
            found.pieces += len(block.starts)
            found.tokens += int(filled.sum())
            found.padding += int((layout.row - filled).sum())
            stood = found.tokens - layout.overlap * max(found.sequences - 1, 0)
    found.left_out = total - stood


def _count_documents(index: Path, begins: _Ints, layout: SequenceLayout, found: Arranged) -> None:
    starts = np.load(index / "starts.npy", mmap_mode="r")
    lengths = np.load(index / "lengths.npy", mmap_mode="r")
    longest = np.zeros(found.documents, np.int64)
    for first in range(0, len(starts), BLOCK_DOCUMENTS):
        block = slice(first, first + BLOCK_DOCUMENTS)
        documents = np.searchsorted(begins, starts[block], side="right") - 1
        np.maximum.at(longest, documents, lengths[block])
    units = np.diff(begins)
    fits = units <= layout.length
    cut = longest < units
    found.fitting = int(fits.sum())
    found.cut = int(cut.sum())
    found.fitting_cut = int((fits & cut).sum())
    powers = np.ceil(np.log2(np.maximum(units, 1))).astype(np.int64)
    found.lengths = {
        str(1 << power): int(count)
        for power, count in enumerate(np.bincount(powers).tolist())
        if count
    }


def _write_characters(index: Path, tables: list[Path], layout: SequenceLayout) -> None:
    """What of its document's text each piece is, one row group of documents after another."""
    begins = np.load(index / "documents.npy", mmap_mode="r")
    starts = np.load(index / "starts.npy", mmap_mode="r")
    lengths = np.load(index / "lengths.npy", mmap_mode="r")
    by_start = np.argsort(starts, kind="stable")
    sorted_starts = starts[by_start]
    chars = np.zeros((2, len(starts)), np.int64)
    shift = int(layout.bos is not None)
    for group in _groups(tables):
        here = begins[group.first : group.first + group.rows + 1]
        reach = slice(*np.searchsorted(sorted_starts, [here[0], here[-1]]))
        pieces = by_start[reach]
        documents = np.searchsorted(here, starts[pieces], side="right") - 1
        tokens = starts[pieces] - here[documents] - shift
        read = group.read(["tokens", "char_starts", "char_ends"])
        chars[:, pieces] = _characters(read, documents, tokens, lengths[pieces])
    for name, values in zip(("char_starts", "char_ends"), chars, strict=True):
        with number_file(index / f"{name}.npy", "<i8") as file:
            file.append(values)


def _characters(read: Any, documents: _Ints, firsts: _Ints, lengths: _Ints) -> _Ints:
    """First character of pieces, and the one behind their last; BOS and EOD have none."""
    counts = read.column("tokens").to_numpy()
    offset = np.cumsum(counts) - counts
    starts, ends = (
        np.append(read.column(name).combine_chunks().values.to_numpy(), 0).astype(np.int64)
        for name in ("char_starts", "char_ends")
    )
    last = np.minimum(firsts + lengths, counts[documents])
    first = np.maximum(firsts, 0)
    some = first < last
    at_first = np.where(some, offset[documents] + first, -1)
    at_last = np.where(some, offset[documents] + last - 1, -1)
    final = ends[np.maximum(offset + counts - 1, 0)][documents]
    # A piece of EOD alone stands at the end of its document, one of BOS alone at the beginning.
    empty = np.where(firsts < 0, 0, final)
    return np.stack([np.where(some, starts[at_first], empty), np.where(some, ends[at_last], empty)])
