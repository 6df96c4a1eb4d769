"""Phase one of the web subset: one range of one WARC file, read, judged and extracted.

A task reads its range, takes every record through the recipe's stages and writes three kinds of
files: the trails of what was dropped, the documents that passed (``candidates``, sorted by
document_id) with their trails, and the candidates' duplicate keys. Text never leaves the files.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import xxhash

from extractors.warc import ArchiveReader, ByteSource, ReadLimits
from pipelines.deduplication.index import IndexedTask, IndexEntry, IndexWriter, Stages
from pipelines.inputs import is_remote, open_source
from pipelines.judge import Judged, PageJudge, in_share
from pipelines.parquet import row_writer, write_table
from pipelines.plan import ReadTask
from pipelines.progress import ProgressWriter, Tally
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from schemas.tables import (
    DROPPED_TEXTS,
    TRAILS,
    DocumentRow,
    TrailRow,
    documents_table,
    dropped_texts_table,
    trails_table,
)

__all__ = ["SourceFailed", "read_task"]

_REMOTE_BLOCK = 8 << 20
_LOCAL_BLOCK = 1 << 20


class SourceFailed(OSError):
    """The input file can't be read; other files can."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """What a task counts besides the tally."""

    by_type: Counter[str]
    by_language: Counter[str]
    html_bytes: Counter[tuple[str, str]]


def read_task(
    task: ReadTask,
    recipe: Recipe,
    judge: PageJudge,
    run: RunDirectory,
    *,
    exact_start: int | None = None,
) -> dict[str, Any]:
    """Reads one task and commits its files and its marker.

    Args:
        task: The range.
        recipe: The run's recipe.
        judge: Judges records by it.
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
    source = _DigestedSource(_open(task), task.start, task.end)
    reader = ArchiveReader(
        source,
        task.start if exact_start is None else exact_start,
        task.end,
        exact=exact_start is not None,
        limits=ReadLimits(
            max_block=recipe.limits.page_bytes + (1 << 20),
            max_unpacked=recipe.limits.unpacked_bytes,
        ),
        block=_REMOTE_BLOCK if is_remote(task.uri) else _LOCAL_BLOCK,
    )
    with ExitStack() as stack:
        trails = stack.enter_context(
            row_writer(run.read_trails(task.number), TRAILS, trails_table, 8192)
        )
        dropped = stack.enter_context(
            row_writer(run.read_dropped(task.number), DROPPED_TEXTS, dropped_texts_table)
        )
        for item in reader:
            judged = judge.judge(item, task.name)
            _count(judged, tally, counts)
            if judged.document is not None:
                passed.append(judged.document)
            else:
                trails.add(judged.trail)
                if judged.text and _keeps_text(judged.trail, recipe):
                    dropped.add((judged.trail, judged.text))
            tally.bytes = min(max(item.offset - task.start, 0), task.end - task.start)
            progress.report(tally)
    passed.sort(key=_order)
    indexed = _write_candidates(run, task.number, passed, recipe.deduplication)
    tally.bytes = task.end - task.start
    marker = {
        "task": asdict(task),
        "exact_start": exact_start,
        "first": reader.first,
        "next": reader.next,
        "digest": source.digest(),
        "tally": tally.to_json(),
        "record_types": dict(sorted(counts.by_type.items())),
        "languages": dict(sorted(counts.by_language.items())),
        "html_bytes": [[*key, n] for key, n in sorted(counts.html_bytes.items())],
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


def _open(task: ReadTask) -> ByteSource:
    try:
        return open_source(task.uri)
    except OSError as error:
        raise SourceFailed(f"{task.uri}: {error}") from error


def _count(judged: Judged, tally: Tally, counts: _Counts) -> None:
    trail = judged.trail
    tally.records += 1
    counts.by_type[trail.record_type] += 1
    if trail.language:
        counts.by_language[trail.language] += 1
    if trail.html_bytes:
        counts.html_bytes[trail.dropped_by, trail.reason] += trail.html_bytes
    if judged.document is None:
        tally.drops[trail.dropped_by, trail.reason] += 1
    else:
        tally.kept += 1


def _keeps_text(trail: TrailRow, recipe: Recipe) -> bool:
    policy = recipe.audit.dropped_text
    if policy == "share":
        return in_share(trail.document_id, recipe.audit.dropped_text_share, "dropped_text")
    return policy == "all"


def _order(row: DocumentRow) -> tuple[str, str, int, int]:
    place = row.trail.provenance
    return row.trail.document_id, place.warc_file, place.warc_offset, place.warc_inner_offset


def _write_candidates(
    run: RunDirectory, task: int, rows: Sequence[DocumentRow], stages: Stages
) -> IndexedTask | None:
    """Writes what passed, and what deduplication needs to know of it."""
    if not rows:
        return None
    write_table(run.candidates(task), documents_table(rows))
    write_table(run.candidate_trails(task), trails_table([row.trail for row in rows]))
    if not stages:
        return None
    score = stages.near.score if stages.near else ""
    index = IndexWriter(run.index, task, stages)
    for row in rows:
        trail = row.trail
        index.add(
            IndexEntry(
                trail.document_id,
                row.text,
                subset=trail.subset,
                url=trail.url,
                date=trail.date,
                score=row.scores.get(score),
            )
        )
    return index.finish()


class _DigestedSource:
    """A source that hashes the bytes of a range as they pass.

    XXH3 tells a changed or damaged input from the one that was read, at a tenth of the cost of
    SHA-256; it's no defence against somebody who forges one.
    """

    def __init__(self, source: ByteSource, start: int, end: int) -> None:
        self._source = source
        self._position = start
        self._end = end
        self._hash = xxhash.xxh3_128()

    @property
    def size(self) -> int:
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            data = self._source.read_at(offset, length)
        except OSError as error:
            raise SourceFailed(str(error)) from error
        if offset <= self._position < offset + len(data):
            fresh = memoryview(data)[self._position - offset : self._end - offset]
            self._hash.update(fresh)
            self._position += len(fresh)
        return data

    def digest(self) -> str:
        """XXH3-128 of the range, what reading skipped included."""
        while self._position < self._end:
            if not self.read_at(self._position, min(_REMOTE_BLOCK, self._end - self._position)):
                break
        return self._hash.hexdigest()
