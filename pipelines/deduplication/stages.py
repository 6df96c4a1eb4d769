"""The stages of deduplication, one after the other: each judges what the one before left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.code.chunk_duplicates import ChunkDuplicates
from filters.exact_duplicates import ExactDuplicates
from filters.near_duplicates import NearDuplicates
from filters.repeated_paragraphs import RepeatedParagraphs
from filters.url_duplicates import UrlDuplicates
from pipelines.deduplication.candidates import ENTRY
from pipelines.deduplication.chunks import chunk_bytes, write_chunk_verdicts
from pipelines.deduplication.clusters import VERDICTS, Order, member_dtype
from pipelines.deduplication.components import components
from pipelines.deduplication.folder import DeduplicationFolder, VerdictOrder
from pipelines.deduplication.index import Index, Stages
from pipelines.deduplication.phases import (
    PARTITIONS,
    REPEATED,
    ChooseRepresentatives,
    CountParagraphs,
    FindCandidates,
    GroupEqual,
    LargeStar,
    SmallStar,
    VerifyPairs,
)
from pipelines.errors import ConservationError
from pipelines.files import exists, fetched, remove_tree
from pipelines.run_directory import write_atomically

__all__ = [
    "Deduplication",
    "PhaseRunner",
    "repeated_paragraphs",
    "verdicts_between",
    "verdicts_of_task",
]

# What a wave may put into a group-by of the local engine, which holds it in memory at some four
# times its size (measured by others and here: 70 bytes for 16).
_WAVE_BYTES = 256 << 20
# Documents up to which components are found in one process, at 8 to 16 bytes each.
_LABELS_IN_MEMORY = 400_000_000
_MOST_STAR_STEPS = 64
# Below so many bytes of work one process is done before two have started.
_PARALLEL_BYTES = 96 << 20
_PARALLEL_PAIRS = 400_000


class PhaseRunner(Protocol):
    """Runs a Beam transform over elements."""

    def __call__(
        self, label: str, elements: Sequence[Any], transform: beam.PTransform, *, parallel: bool
    ) -> None:
        """Runs it and waits."""


@dataclass(frozen=True, slots=True)
class Deduplication:
    """Finds what duplicates there are among the documents of an index.

    Attributes:
        root: Folder for its files.
        stages: The stages.
        run: Runs phases.
        precedence: Subsets, the one whose documents stay first.
        local: Whether the engine holds group-bys in this machine's memory, so that they must be
            cut into waves.
        labels_in_memory: Documents up to which components are found in this process.
        wave_bytes: What a wave may group.
    """

    root: Path
    stages: Stages
    run: PhaseRunner
    precedence: tuple[str, ...] = ()
    local: bool = True
    labels_in_memory: int = _LABELS_IN_MEMORY
    wave_bytes: int = _WAVE_BYTES

    def find(self, index: Index) -> dict[str, int]:
        """Runs the stages that aren't done yet.

        Args:
            index: All documents.

        Returns:
            How many documents each stage drops.

        Raises:
            EngineFailed, OSError: What is done is kept.
            ConservationError: A document was dropped twice.
        """
        folder = DeduplicationFolder(self.root)
        self.root.mkdir(parents=True, exist_ok=True)
        _write_text(folder.index, json.dumps(index.to_json()))
        dropped = np.zeros(index.documents, np.bool_)
        subsets = self._subsets(index)
        counts: dict[str, int] = {}
        for name, find in self._finders(folder, index, subsets):
            folder.write_array(folder.dropped, dropped)
            self._once(folder, name, find)
            counts[name] = _mark(folder, name, index, dropped)
        folder.write_array(folder.dropped, dropped)
        self._once(folder, RepeatedParagraphs.name, lambda: self._paragraphs(folder, index))
        return counts

    def _finders(
        self, folder: DeduplicationFolder, index: Index, subsets: Sequence[str]
    ) -> Iterator[tuple[str, Callable[[], None]]]:
        url, exact, near = self.stages.url, self.stages.exact, self.stages.near
        if url is not None:
            yield url.name, lambda: self._equal(folder, index, url, "url_key", subsets)
        chunks = self.stages.chunks
        if chunks is not None:
            yield chunks.name, lambda: self._chunks(folder, index, chunks)
        if exact is not None:
            yield exact.name, lambda: self._equal(folder, index, exact, "text_key", subsets)
        if near is not None:
            yield near.name, lambda: self._near(folder, index, near, subsets)

    def _subsets(self, index: Index) -> list[str]:
        names: set[str] = set()
        for place in range(len(index.tasks)):
            names.update(index.table(place, ["subset"]).column("subset").unique().to_pylist())
        return sorted(names)

    def _once(self, folder: DeduplicationFolder, step: str, work: Callable[[], None]) -> None:
        marker = folder.marker(step)
        if exists(marker):
            return
        work()
        _write_text(marker, "{}\n")

    def rehearsed(self) -> Iterator[tuple[str, beam.PTransform]]:
        """The graphs of the stages that are switched on, as they'd be over any index."""
        root, near = str(self.root), self.stages.near
        for stage, column in ((self.stages.url, "url_key"), (self.stages.exact, "text_key")):
            if stage is not None:
                order = _equal_order(stage, self.precedence)
                yield (
                    f"Find equal documents: {stage.name}",
                    GroupEqual(root, stage.name, column, order, (), 0, 1),
                )
        if near is not None:
            order = Order(near.keep, self.precedence, near.licences)
            bands = range(near.band_count)
            yield "Find candidates", FindCandidates(root, near, 0, bands, 0, 1)
            yield "Verify pairs", VerifyPairs(root, near)
            yield "Find components: large star", LargeStar(root, "similar", "large-0")
            yield "Find components: small star", SmallStar(root, "large-0", "small-0")
            yield "Choose representatives", ChooseRepresentatives(root, near, order, (), 0, 1)
        if self.stages.paragraphs is not None:
            least = self.stages.paragraphs.minimum_documents
            yield "Count paragraphs", CountParagraphs(root, least, 0, 1)

    # ---- equal keys -----------------------------------------------------------------------------

    def _equal(
        self,
        folder: DeduplicationFolder,
        index: Index,
        stage: UrlDuplicates | ExactDuplicates,
        column: str,
        subsets: Sequence[str],
    ) -> None:
        remove_tree(folder.root / "verdicts" / stage.name)
        order = _equal_order(stage, self.precedence)
        size = index.documents * member_dtype(index.id_bytes).itemsize
        parts = self._waves(size)
        for part in range(parts):
            transform = GroupEqual(
                str(folder.root), stage.name, column, order, subsets, part, parts
            )
            self.run(
                "Find equal documents",
                list(range(len(index.tasks))),
                transform,
                parallel=size > _PARALLEL_BYTES,
            )

    def _chunks(self, folder: DeduplicationFolder, index: Index, chunks: ChunkDuplicates) -> None:
        remove_tree(folder.root / "verdicts" / chunks.name)
        parts = self._waves(chunk_bytes(index))
        write_chunk_verdicts(folder, index, chunks.name, parts)

    # ---- similar texts --------------------------------------------------------------------------

    def _near(
        self,
        folder: DeduplicationFolder,
        index: Index,
        near: NearDuplicates,
        subsets: Sequence[str],
    ) -> None:
        self.candidates(folder, index, near)
        self._once(folder, "edges", lambda: self._edges(folder, near))
        self._once(folder, "components", lambda: self._components(folder, index))
        members = folder.read_array(folder.members)
        size = int(members.sum()) * member_dtype(index.id_bytes).itemsize
        parts = self._waves(size)
        remove_tree(folder.root / "verdicts" / near.name)
        order = Order(near.keep, self.precedence, near.licences)
        for part in range(parts):
            transform = ChooseRepresentatives(str(folder.root), near, order, subsets, part, parts)
            self.run(
                "Choose representatives",
                list(range(len(index.tasks))),
                transform,
                parallel=size > _PARALLEL_BYTES,
            )

    def candidates(self, folder: DeduplicationFolder, index: Index, near: NearDuplicates) -> None:
        """Writes the pairs that share a band: some bands, or a part of one, at a time."""
        band_bytes = max(index.documents * ENTRY.itemsize, 1)
        at_once = max(1, self.wave_bytes // band_bytes) if self.local else near.band_count
        parts = self._waves(band_bytes)
        firsts = range(0, near.band_count, at_once)
        for wave, (first, part) in enumerate((f, p) for f in firsts for p in range(parts)):
            bands = range(first, min(first + at_once, near.band_count))
            transform = FindCandidates(str(folder.root), near, wave, bands, part, parts)
            self._once(
                folder,
                f"candidates-{wave:05d}",
                lambda transform=transform, bands=bands: self.run(  # type: ignore[misc]
                    f"Find candidates in bands {bands.start} to {bands.stop - 1}",
                    list(range(len(index.tasks))),
                    transform,
                    parallel=band_bytes * len(bands) > _PARALLEL_BYTES,
                ),
            )

    def _edges(self, folder: DeduplicationFolder, near: NearDuplicates) -> None:
        pairs = [len(folder.read_array(path)) for path in folder.wave_pairs()]
        self.run(
            "Verify pairs",
            list(range(PARTITIONS)),
            VerifyPairs(str(folder.root), near),
            parallel=near.verify == "exact" and sum(pairs) > _PARALLEL_PAIRS,
        )

    def _components(self, folder: DeduplicationFolder, index: Index) -> None:
        if index.documents <= self.labels_in_memory:
            blocks = (folder.read_array(path) for path in folder.all_edges("similar"))
            labels = components(blocks, index.documents)
        else:
            labels = self._stars(folder, index)
        members = labels != np.arange(len(labels), dtype=labels.dtype)
        members[labels[members]] = True
        folder.write_array(folder.labels, labels)
        folder.write_array(folder.members, members)

    def _stars(self, folder: DeduplicationFolder, index: Index) -> npt.NDArray[np.int64]:
        """Components by alternating star steps, until a step changes nothing."""
        before = "similar"
        for step in range(_MOST_STAR_STEPS):
            large, small = f"large-{step}", f"small-{step}"
            for transform in (
                LargeStar(str(folder.root), before, large),
                SmallStar(str(folder.root), large, small),
            ):
                self.run(
                    "Find components", list(range(PARTITIONS)), transform, parallel=not self.local
                )
            if _same_edges(folder, before, small):
                break
            before = small
        labels = np.arange(index.documents, dtype=np.int64)
        for path in folder.all_edges(before):
            edges = folder.read_array(path)
            labels[edges["second"]] = edges["first"]
        return labels

    # ---- repeated paragraphs --------------------------------------------------------------------

    def _paragraphs(self, folder: DeduplicationFolder, index: Index) -> None:
        paragraphs = self.stages.paragraphs
        if paragraphs is None:
            return
        new = [place for place, task in enumerate(index.tasks) if not task.earlier]
        size = sum(len(index.paragraphs(place)) for place in new) * 8
        parts = self._waves(size)
        for part in range(parts):
            self.run(
                "Count paragraphs",
                new,
                CountParagraphs(str(folder.root), paragraphs.minimum_documents, part, parts),
                parallel=size > _PARALLEL_BYTES,
            )

    def _waves(self, size: int) -> int:
        return max(1, -(-size // self.wave_bytes)) if self.local else 1


def _equal_order(stage: UrlDuplicates | ExactDuplicates, precedence: tuple[str, ...]) -> Order:
    if isinstance(stage, ExactDuplicates):
        return Order(stage.criteria, precedence, stage.licences)
    return Order((stage.keep,), precedence)


def _write_text(path: Path, text: str) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(text, "utf-8")


def _same_edges(folder: DeduplicationFolder, before: str, after: str) -> bool:
    paths = folder.all_edges(before), folder.all_edges(after)
    if [path.name for path in paths[0]] != [path.name for path in paths[1]]:
        return False
    return all(
        np.array_equal(folder.read_array(first), folder.read_array(second))
        for first, second in zip(*paths, strict=True)
    )


def _mark(
    folder: DeduplicationFolder, stage: str, index: Index, dropped: npt.NDArray[np.bool_]
) -> int:
    """Sets what a stage drops; returns how many that is."""
    places = {task.number: place for place, task in enumerate(index.tasks) if not task.earlier}
    count = 0
    for path in folder.all_verdicts(stage, "place"):
        table = pq.read_table(fetched(path), columns=["task", "row"])
        bases = np.array([index.bases[places[n]] for n in table.column("task").to_pylist()], int)
        ordinals = bases + table.column("row").to_numpy()
        if dropped[ordinals].any():
            raise ConservationError(f"{stage} dropped a document that was dropped before")
        dropped[ordinals] = True
        count += len(ordinals)
    return count


def repeated_paragraphs(root: Path) -> npt.NDArray[np.void]:
    """The ``REPEATED`` rows that were counted, in order of hash."""
    folder = DeduplicationFolder(root)
    found = [folder.read_array(path) for path in folder.all_paragraphs()]
    return np.sort(np.concatenate([np.empty(0, REPEATED), *found]), order="hash")


def verdicts_of_task(root: Path, task: int) -> pa.Table:
    """What all stages drop of a task, in order of row."""
    return _verdicts(root, "place", [("task", "==", task)]).sort_by("row")


def verdicts_between(root: Path, low: str, high: str) -> pa.Table:
    """What all stages drop of document_ids from a bound, included, to another, excluded."""
    return _verdicts(root, "id", [("document_id", ">=", low), ("document_id", "<", high)])


def _verdicts(root: Path, by: VerdictOrder, filters: list[tuple[str, str, Any]]) -> pa.Table:
    tables = [
        pq.read_table(fetched(path), filters=filters, schema=VERDICTS)
        for path in DeduplicationFolder(root).all_verdicts("*", by)
    ]
    return pa.concat_tables([VERDICTS.empty_table(), *tables])
