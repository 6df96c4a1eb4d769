"""The Beam graphs of deduplication, over an index.

Elements are places of the index's tasks, or numbers of partitions; what is grouped are packed rows
of hashes and ordinals. No text and no signature crosses a shuffle, and every phase writes files.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.metrics import Metrics

from filters.near_duplicates import NearDuplicates
from pipelines.deduplication.candidates import (
    ENTRY,
    PAIR,
    band_blocks,
    bucket_pairs,
    mixed_places,
    pair_blocks,
)
from pipelines.deduplication.clusters import (
    Chosen,
    Order,
    chosen,
    member_blocks,
    member_dtype,
    verdict_table,
)
from pipelines.deduplication.components import large_star, small_star
from pipelines.deduplication.folder import DeduplicationFolder, VerdictOrder
from pipelines.deduplication.index import Index
from pipelines.deduplication.verification import (
    prefilter_threshold,
    similarities,
    similarity_threshold,
)
from pipelines.files import exists, fetched
from pipelines.parquet import write_table

__all__ = [
    "REPEATED",
    "ChooseRepresentatives",
    "CountParagraphs",
    "FindCandidates",
    "GroupEqual",
    "LargeStar",
    "SmallStar",
    "VerifyPairs",
]

# A partition is one element of a group-by; the number decides no byte of the output.
PARTITIONS = 32

_VERDICT_ORDERS: Mapping[VerdictOrder, tuple[str, ...]] = {
    "place": ("task", "row"),
    "id": ("document_id", "task", "row"),
}

# A repeated paragraph, and in how many documents it is.
REPEATED = np.dtype([("hash", "<u8"), ("documents", "<i8")])


class GroupEqual(beam.PTransform):
    """Places of tasks to the partitions in which equal keys were found.

    Args:
        root: The deduplication's folder.
        stage: Name of the stage.
        column: The key's column in the index.
        order: Which of equal documents stays.
        subsets: Names of all subsets.
        part: Of the keys those that leave this remainder,
        parts: divided by this.
    """

    def __init__(
        self, root: str, stage: str, column: str, order: Order, subsets: Sequence[str],
        part: int, parts: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self._members = _EqualMembers(root, column, order, tuple(subsets), part, parts)
        self._choose = _Choose(root, stage, order, tuple(subsets), None, part)

    def expand(self, places: beam.PCollection) -> beam.PCollection:
        """Groups equal keys and keeps one of each."""
        return (
            places
            | "Read keys" >> beam.ParDo(self._members)
            | "Group equal keys" >> beam.GroupByKey()
            | "Keep one of each" >> beam.ParDo(self._choose)
        )


class FindCandidates(beam.PTransform):
    """Places of tasks to the partitions of pairs that share one of some bands.

    Args:
        root: The deduplication's folder.
        near: The stage.
        wave: Number of this wave, which names its files.
        bands: The bands of this wave.
        part: Of their hashes those that leave this remainder,
        parts: divided by this.
    """

    def __init__(
        self, root: str, near: NearDuplicates, wave: int, bands: range, part: int, parts: int
    ) -> None:
        super().__init__()
        self._bands = _ReadBands(root, bands, part, parts)
        self._pairs = _BucketPairs(root, prefilter_threshold(near))
        self._write = _WritePairs(root, wave)

    def expand(self, places: beam.PCollection) -> beam.PCollection:
        """Groups by band hash, then equal pairs."""
        return (
            places
            | "Read bands" >> beam.ParDo(self._bands)
            | "Group by band hash" >> beam.GroupByKey()
            | "Pair members of buckets" >> beam.ParDo(self._pairs)
            | "Group equal pairs" >> beam.GroupByKey()
            | "Write pairs" >> beam.ParDo(self._write)
        )


class VerifyPairs(beam.PTransform):
    """Partitions of pairs to those whose similar pairs are written as edges."""

    def __init__(self, root: str, near: NearDuplicates) -> None:
        super().__init__()
        self._verify = _Verify(root, near)

    def expand(self, partitions: beam.PCollection) -> beam.PCollection:
        """Holds every pair against the threshold."""
        return partitions | "Verify pairs" >> beam.ParDo(self._verify)


class ChooseRepresentatives(beam.PTransform):
    """Places of tasks to the partitions of clusters whose representatives are chosen."""

    def __init__(
        self, root: str, near: NearDuplicates, order: Order, subsets: Sequence[str],
        part: int, parts: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self._members = _ClusterMembers(root, order, tuple(subsets), part, parts)
        self._choose = _Choose(root, near.name, order, tuple(subsets), near, part)

    def expand(self, places: beam.PCollection) -> beam.PCollection:
        """Groups the members of clusters and keeps one of each."""
        return (
            places
            | "Read members" >> beam.ParDo(self._members)
            | "Group clusters" >> beam.GroupByKey()
            | "Choose representatives" >> beam.ParDo(self._choose)
        )


class CountParagraphs(beam.PTransform):
    """Places of tasks to the partitions in which repeated paragraphs were counted.

    Args:
        root: The deduplication's folder.
        minimum: Documents that make a paragraph a repeated one.
        part: Of the hashes those that leave this remainder,
        parts: divided by this.
    """

    def __init__(self, root: str, minimum: int, part: int, parts: int) -> None:
        super().__init__()
        self._read = _ReadParagraphs(root, part, parts)
        self._count = _CountParagraphs(root, minimum, part)

    def expand(self, places: beam.PCollection) -> beam.PCollection:
        """Groups equal paragraphs and counts them."""
        return (
            places
            | "Read paragraphs" >> beam.ParDo(self._read)
            | "Group equal paragraphs" >> beam.GroupByKey()
            | "Count documents" >> beam.ParDo(self._count)
        )


class _Star(beam.PTransform):
    both_ways: bool

    def __init__(self, root: str, source: str, target: str) -> None:
        super().__init__()
        self._read = _ReadEdges(root, source, self.both_ways)
        self._step = _StarStep(root, target, self.both_ways)

    def expand(self, partitions: beam.PCollection) -> beam.PCollection:
        """Groups edges by document and joins neighbours to the smallest of them."""
        return (
            partitions
            | "Read edges" >> beam.ParDo(self._read)
            | "Group by document" >> beam.GroupByKey()
            | "Join to the smallest" >> beam.ParDo(self._step)
        )


class LargeStar(_Star):
    """Partitions of edges to those after a large-star step, which halves distances."""

    both_ways = True


class SmallStar(_Star):
    """Partitions of edges to those after a small-star step, which joins what is left."""

    both_ways = False


@functools.lru_cache(maxsize=4)
def _index(path: str, modified: int) -> Index:
    return Index.read(Path(path))


class _OverIndex(beam.DoFn):
    """What the functions of all phases know: the folder and the index."""

    def __init__(self, root: str) -> None:
        self._folder = DeduplicationFolder(Path(root))

    def setup(self) -> None:
        path = self._folder.index
        self._index = _index(str(path), fetched(path).stat().st_mtime_ns)

    def _dropped(self, place: int) -> npt.NDArray[np.bool_]:
        low, high = self._index.bases[place], self._index.bases[place + 1]
        return np.asarray(self._folder.read_array(self._folder.dropped)[low:high])


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(tuple[int, bytes])
class _EqualMembers(_OverIndex):
    def __init__(
        self, root: str, column: str, order: Order, subsets: tuple[str, ...], part: int, parts: int
    ) -> None:
        super().__init__(root)
        self._column, self._order, self._subsets = column, order, subsets
        self._part, self._parts = part, parts

    def process(self, element: int) -> Iterable[tuple[int, bytes]]:
        column = self._index.table(element, [self._column]).column(self._column).combine_chunks()
        rows = np.flatnonzero(
            ~self._dropped(element) & column.is_valid().to_numpy(zero_copy_only=False)
        )
        packed = b"".join(column.take(pa.array(rows)).to_pylist())
        keys = np.frombuffer(packed, "<u8").reshape(len(rows), 2)
        # The low word also decides the partition, so that the slice is of the high one.
        wanted = keys[:, 0] % np.uint64(self._parts) == self._part
        return member_blocks(
            self._index, element, keys[wanted], rows[wanted], self._order, self._subsets, PARTITIONS
        )


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(tuple[int, bytes])
class _ClusterMembers(_OverIndex):
    def __init__(
        self, root: str, order: Order, subsets: tuple[str, ...], part: int, parts: int
    ) -> None:
        super().__init__(root)
        self._order, self._subsets, self._part, self._parts = order, subsets, part, parts

    def process(self, element: int) -> Iterable[tuple[int, bytes]]:
        low, high = self._index.bases[element], self._index.bases[element + 1]
        labels = self._folder.read_array(self._folder.labels)[low:high]
        member = self._folder.read_array(self._folder.members)[low:high]
        rows = np.flatnonzero(member & (labels % self._parts == self._part))
        groups = np.zeros((len(rows), 2), np.uint64)
        groups[:, 0] = labels[rows]
        groups[:, 1] = mixed_places(labels[rows].astype(np.int64), PARTITIONS)
        return member_blocks(
            self._index, element, groups, rows, self._order, self._subsets, PARTITIONS
        )


@beam.typehints.with_input_types(tuple[int, Iterable[bytes]])
@beam.typehints.with_output_types(int)
class _Choose(_OverIndex):
    def __init__(
        self, root: str, stage: str, order: Order, subsets: tuple[str, ...],
        near: NearDuplicates | None, part: int,
    ) -> None:  # fmt: skip
        super().__init__(root)
        self._stage, self._order, self._subsets = stage, order, subsets
        self._near, self._part = near, part
        self._duplicates = Metrics.counter("duplicates", stage)

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[int]:
        partition, blocks = element
        members = np.frombuffer(b"".join(blocks), member_dtype(self._index.id_bytes))
        found = chosen(members, self._order)
        table = verdict_table(
            found, self._index, self._stage, self._subsets, self._similarity(found)
        )
        for by, keys in _VERDICT_ORDERS.items():
            path = self._folder.verdicts(self._stage, by, self._part, partition)
            write_table(path, table.sort_by([(key, "ascending") for key in keys]))
        self._duplicates.inc(table.num_rows)
        yield partition

    def _similarity(self, found: Chosen) -> Sequence[Any]:
        if self._near is None:
            return [None] * len(found.dropped)
        ordinals = found.dropped["ordinal"], found.kept["ordinal"]
        similarity: list[float] = similarities(self._index, *ordinals, self._near).tolist()
        return similarity


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(tuple[int, bytes])
class _ReadBands(_OverIndex):
    def __init__(self, root: str, bands: range, part: int, parts: int) -> None:
        super().__init__(root)
        self._bands, self._part, self._parts = bands, part, parts

    def process(self, element: int) -> Iterable[tuple[int, bytes]]:
        return band_blocks(
            self._index, element, self._dropped(element), self._bands, self._part, self._parts,
            PARTITIONS,
        )  # fmt: skip


@beam.typehints.with_input_types(tuple[int, Iterable[bytes]])
@beam.typehints.with_output_types(tuple[int, bytes])
class _BucketPairs(_OverIndex):
    def __init__(self, root: str, least: float) -> None:
        super().__init__(root)
        self._least = least
        self._pairs = Metrics.counter("duplicates", "candidate_pairs")

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterable[tuple[int, bytes]]:
        entries = np.frombuffer(b"".join(element[1]), ENTRY)
        pairs = bucket_pairs(self._index, entries, self._least)
        self._pairs.inc(len(pairs))
        return pair_blocks(pairs, PARTITIONS)


@beam.typehints.with_input_types(tuple[int, Iterable[bytes]])
@beam.typehints.with_output_types(int)
class _WritePairs(_OverIndex):
    def __init__(self, root: str, wave: int) -> None:
        super().__init__(root)
        self._wave = wave

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[int]:
        partition, blocks = element
        pairs = np.unique(np.frombuffer(b"".join(blocks), PAIR))
        self._folder.write_array(self._folder.pairs(self._wave, partition), pairs)
        yield partition


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(int)
class _Verify(_OverIndex):
    def __init__(self, root: str, near: NearDuplicates) -> None:
        super().__init__(root)
        self._near = near

    def process(self, element: int) -> Iterator[int]:
        found = [self._folder.read_array(path) for path in self._folder.all_pairs(element)]
        pairs = np.unique(np.concatenate([np.empty(0, PAIR), *found]))
        least = similarity_threshold(self._near)
        if least:
            similar = similarities(self._index, pairs["first"], pairs["second"], self._near)
            pairs = pairs[similar >= least]
        self._folder.write_array(self._folder.edges("similar", element), pairs)
        yield element


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(tuple[int, bytes])
class _ReadParagraphs(_OverIndex):
    def __init__(self, root: str, part: int, parts: int) -> None:
        super().__init__(root)
        self._part, self._parts = part, parts

    def process(self, element: int) -> Iterator[tuple[int, bytes]]:
        if self._index.tasks[element].earlier:
            return
        rows = self._index.paragraphs(element)
        hashes = rows["hash"][~self._dropped(element)[rows["row"]]]
        hashes = hashes[hashes % np.uint64(self._parts) == self._part]
        of = hashes // np.uint64(self._parts) % np.uint64(PARTITIONS)
        for partition in np.unique(of):
            yield int(partition), hashes[of == partition].tobytes()


@beam.typehints.with_input_types(tuple[int, Iterable[bytes]])
@beam.typehints.with_output_types(int)
class _CountParagraphs(_OverIndex):
    def __init__(self, root: str, minimum: int, part: int) -> None:
        super().__init__(root)
        self._minimum, self._part = minimum, part

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[int]:
        partition, blocks = element
        # A document names each of its paragraphs once, so that occurrences are documents.
        hashes, counts = np.unique(np.frombuffer(b"".join(blocks), "<u8"), return_counts=True)
        repeated = counts >= self._minimum
        found = np.empty(int(repeated.sum()), REPEATED)
        found["hash"], found["documents"] = hashes[repeated], counts[repeated]
        self._folder.write_array(self._folder.paragraphs(self._part, partition), found)
        yield partition


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(tuple[int, bytes])
class _ReadEdges(_OverIndex):
    """Edges by the partition of a document: both ways, or from the larger to the smaller."""

    def __init__(self, root: str, source: str, both_ways: bool) -> None:
        super().__init__(root)
        self._source, self._both_ways = source, both_ways

    def process(self, element: int) -> Iterator[tuple[int, bytes]]:
        path = self._folder.edges(self._source, element)
        if not exists(path):
            return
        edges = self._folder.read_array(path)
        turned = np.empty_like(edges)
        turned["first"], turned["second"] = edges["second"], edges["first"]
        yield from pair_blocks(turned, PARTITIONS)
        if self._both_ways:
            yield from pair_blocks(edges, PARTITIONS)


@beam.typehints.with_input_types(tuple[int, Iterable[bytes]])
@beam.typehints.with_output_types(int)
class _StarStep(_OverIndex):
    def __init__(self, root: str, target: str, both_ways: bool) -> None:
        super().__init__(root)
        self._target, self._both_ways = target, both_ways

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[int]:
        partition, blocks = element
        edges = np.frombuffer(b"".join(blocks), PAIR)
        joined = (large_star if self._both_ways else small_star)(edges)
        self._folder.write_array(self._folder.edges(self._target, partition), joined)
        yield partition
