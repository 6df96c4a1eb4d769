"""Phase one of a run: one range of one input file, read, judged and extracted.

A task reads its range, takes every record through the recipe's stages and writes three kinds of
files: the trails of what was dropped, the documents that passed (``candidates``, sorted by
document_id) with their trails, and the candidates' duplicate keys. Text never leaves the files.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.candidates import candidate_writer
from pipelines.files import remove
from pipelines.inputs import ReadTask
from pipelines.judge import Judged, in_share
from pipelines.parquet import row_writer, write_table
from pipelines.progress import ProgressWriter, Tally
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory, file_sha256
from pipelines.subsets import LeavesTables, TaskReader, subset_of
from schemas.tables import TrailRow

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
        remove(path)
    tally, counts = Tally(), _Counts(Counter(), Counter(), Counter())
    progress = ProgressWriter(run.progress, task.number)
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
        candidates = stack.enter_context(
            candidate_writer(run, task.number, layout, recipe.deduplication)
        )
        for judged in reading:
            _count(judged, tally, counts)
            if judged.document is not None:
                candidates.add(judged.document)
            else:
                trails.add(judged.trail)
                if judged.text and _keeps_text(judged.trail, recipe):
                    dropped.add((judged.trail, judged.text))
            tally.bytes = min(max(reading.position, 0), task.end - task.start)
            progress.report(tally)
        indexed = candidates.finish()
    beside = _write_side_tables(run, task.number, reading)
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
        "candidates": candidates.rows,
        "index": indexed and asdict(indexed),
        "text_bytes": candidates.text_bytes,
        "files": [
            asdict(run.written(path, writer.rows))
            for path, writer in (
                (run.read_trails(task.number), trails),
                (run.read_dropped(task.number), dropped),
            )
            if writer.rows
        ]
        + beside,
        "work_files": {
            run.below(path): file_sha256(path) for path in run.work_outputs(task.number)
        },
        "seconds": round(time.monotonic() - started, 3),
    }
    run.write_json(run.marker("read", task.number), marker)
    progress.report(tally, done=True)
    return marker


def _write_side_tables(run: RunDirectory, task: int, reading: object) -> list[dict[str, Any]]:
    """Writes what a subset's reading leaves beside the documents."""
    written = []
    if isinstance(reading, LeavesTables):
        for name, table in reading.side_tables().items():
            if table.num_rows:
                write_table(run.side_table(name, task), table)
                written.append(asdict(run.written(run.side_table(name, task), table.num_rows)))
    return written


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
