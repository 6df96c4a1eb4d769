"""Phase one of a run: one range of one input file, read, judged and extracted.

A task reads its range, takes every record through the recipe's stages and writes three kinds of
files: the trails of what was dropped, the documents that passed (``candidates``, sorted by
document_id) with their trails, and the candidates' duplicate keys. Text never leaves the files.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

from pipelines.deduplication.index import IndexedTask, IndexEntry, IndexWriter, Stages
from pipelines.inputs import ReadTask
from pipelines.judge import Judged, in_share
from pipelines.parquet import row_writer, write_table
from pipelines.progress import ProgressWriter, Tally
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from pipelines.subsets import TaskReader, subset_of
from schemas.tables import DocumentRow, Layout, TrailRow

__all__ = ["read_task"]


@dataclass(frozen=True, slots=True)
class _Counts:
    """What a task counts besides the tally."""

    by_type: Counter[str]
    by_language: Counter[str]
    source_bytes: Counter[tuple[str, str]]


def read_task(
    task: ReadTask,
    recipe: Recipe,
    reader: TaskReader,
    run: RunDirectory,
    *,
    exact_start: int | None = None,
) -> dict[str, Any]:
    """Reads one task and commits its files and its marker.

    Args:
        task: The range.
        recipe: The run's recipe.
        reader: Reads and judges by it.
        run: Where the files go.
        exact_start: Where the first record is known to begin, when an earlier reading of the range
            had guessed wrong.

    Returns:
        The marker, as it was written.

    Raises:
        SourceFailed: The input file can't be read.
        OSError: The output can't be written.
    """
    started = time.monotonic()
    for path in run.read_outputs(task.number):
        # Of an earlier reading that began at a wrong place; this one may have nothing to write.
        path.unlink(missing_ok=True)
    tally, counts = Tally(), _Counts(Counter(), Counter(), Counter())
    progress = ProgressWriter(run.progress, task.number)
    passed: list[DocumentRow] = []
    layout = subset_of(recipe.subset).layout
    reading = reader.read(task, exact_start)
    with ExitStack() as stack:
        trails = stack.enter_context(
            row_writer(run.read_trails(task.number), layout.trails, layout.trails_table, 8192)
        )
        dropped = stack.enter_context(
            row_writer(
                run.read_dropped(task.number), layout.dropped_texts, layout.dropped_texts_table
            )
        )
        for judged in reading:
            _count(judged, tally, counts)
            if judged.document is not None:
                passed.append(judged.document)
            else:
                trails.add(judged.trail)
                if judged.text and _keeps_text(judged.trail, recipe):
                    dropped.add((judged.trail, judged.text))
            tally.bytes = min(max(reading.position, 0), task.end - task.start)
            progress.report(tally)
    passed.sort(key=_order(layout))
    indexed = _write_candidates(run, task.number, passed, layout, recipe.deduplication)
    tally.bytes = task.end - task.start
    marker = {
        "task": asdict(task),
        "exact_start": exact_start,
        "first": reading.first,
        "next": reading.next,
        "digest": reading.digest(),
        "tally": tally.to_json(),
        "record_types": dict(sorted(counts.by_type.items())),
        "languages": dict(sorted(counts.by_language.items())),
        "source_bytes": [[*key, n] for key, n in sorted(counts.source_bytes.items())],
        "candidates": len(passed),
        "index": indexed and asdict(indexed),
        "text_bytes": sum(len(row.text.encode()) for row in passed),
        "files": [
            asdict(run.written(path, writer.rows))
            for path, writer in (
                (run.read_trails(task.number), trails),
                (run.read_dropped(task.number), dropped),
            )
            if writer.rows
        ],
        "seconds": round(time.monotonic() - started, 3),
    }
    run.write_json(run.marker("read", task.number), marker)
    progress.report(tally, done=True)
    return marker


def _count(judged: Judged, tally: Tally, counts: _Counts) -> None:
    trail = judged.trail
    tally.records += 1
    counts.by_type[trail.record_type] += 1
    if trail.language:
        counts.by_language[trail.language] += 1
    if trail.source_bytes:
        counts.source_bytes[trail.dropped_by, trail.reason] += trail.source_bytes
    if judged.document is None:
        tally.drops[trail.dropped_by, trail.reason] += 1
    else:
        tally.kept += 1


def _keeps_text(trail: TrailRow, recipe: Recipe) -> bool:
    policy = recipe.audit.dropped_text
    if policy == "share":
        return in_share(trail.document_id, recipe.audit.dropped_text_share, "dropped_text")
    return policy == "all"


def _place(layout: Layout) -> Callable[[DocumentRow], tuple[object, ...]]:
    """Where a document lies in the input."""
    place = attrgetter(*layout.place)

    def key(row: DocumentRow) -> tuple[object, ...]:
        found: tuple[object, ...] = place(row.trail.provenance)
        return found

    return key


def _order(layout: Layout) -> Callable[[DocumentRow], tuple[object, ...]]:
    """The order of documents in a file: by id, and by place where ids are equal."""
    place = attrgetter(*layout.place)

    def key(row: DocumentRow) -> tuple[object, ...]:
        return row.trail.document_id, place(row.trail.provenance)

    return key


def _write_candidates(
    run: RunDirectory, task: int, rows: Sequence[DocumentRow], layout: Layout, stages: Stages
) -> IndexedTask | None:
    """Writes what passed, and what deduplication needs to know of it."""
    if not rows:
        return None
    write_table(run.candidates(task), layout.documents_table(rows))
    write_table(run.candidate_trails(task), layout.trails_table([row.trail for row in rows]))
    if not stages:
        return None
    score = stages.score
    index = IndexWriter(run.index, task, stages)
    # Rows are in order of id; chunks go by the order in which their documents were read.
    read_order = sorted(range(len(rows)), key=lambda number: _place(layout)(rows[number]))
    sequences = {number: place for place, number in enumerate(read_order)}
    for number, row in enumerate(rows):
        trail = row.trail
        index.add(
            IndexEntry(
                trail.document_id,
                row.text,
                subset=trail.subset,
                url=trail.url,
                date=trail.date,
                licence=getattr(trail.provenance, layout.licence) if layout.licence else "",
                score=row.scores.get(score),
                group=getattr(trail.provenance, layout.group) if layout.group else "",
                sequence=sequences[number],
            )
        )
    return index.finish()
