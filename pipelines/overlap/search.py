"""Searches a corpus for test problems; one part of a file is one element of the pipeline."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from filters.overlap import Match
from filters.overlap.declarations import language_of, languages_in
from pipelines.errors import InputError
from pipelines.overlap.corpus import CorpusFile, Row, digest_of, read_rows
from pipelines.overlap.parts import UNREAD_EXAMPLES, found_path, overlaps_table
from pipelines.overlap.plan import Searcher, searcher_of
from pipelines.parquet import row_writer
from pipelines.progress import ProgressWriter, Tally
from pipelines.run_directory import RunDirectory
from schemas.overlap import OVERLAPS

__all__ = ["FindOverlaps", "search_part"]

# Characters that are searched at once: enough that a call of numpy costs nothing, and few enough
# that its arrays stay in the cache.
_BATCH_CHARACTERS = 1 << 17
# Characters shown on both sides of a stretch.
_CONTEXT = 160


class FindOverlaps(beam.PTransform):
    """Numbers of parts to the numbers of the searched ones.

    Args:
        root: The folder of the search, which holds its plan.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def expand(self, parts: beam.PCollection) -> beam.PCollection:
        """Reads each part once."""
        return parts | "Search for problems" >> beam.ParDo(_SearchPart(self._root))


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(int)
class _SearchPart(beam.DoFn):
    def __init__(self, root: str) -> None:
        self._root = root
        self._documents = Metrics.counter("overlap", "documents")

    def setup(self) -> None:
        self._searcher = searcher_of(self._root)

    def process(self, element: int) -> Iterator[int]:
        run = RunDirectory(Path(self._root))
        try:
            marker = search_part(run, self._searcher, element)
        except InputError as error:
            run.write_json(run.failure(element, "search"), str(error))
            return
        self._documents.inc(marker["tally"]["records"])
        yield element


def search_part(run: RunDirectory, searcher: Searcher, number: int) -> dict[str, Any]:
    """Searches one part of a file and commits its stretches and its marker.

    Args:
        run: Where the files go.
        searcher: What to look for.
        number: The part's number.

    Returns:
        The marker, as it was written.

    Raises:
        InputError: The file can't be read.
        OSError: The output can't be written.
    """
    started = time.monotonic()
    part = searcher.parts[number]
    file = searcher.plan.corpus[part.file]
    path = found_path(run, number, part)
    path.unlink(missing_ok=True)
    tally, unread = Tally(), _Unread()
    characters = 0
    progress = ProgressWriter(run.progress, number)
    with row_writer(path, OVERLAPS, overlaps_table) as writer:
        for batch in _batches(
            read_rows(file, searcher.plan.columns, part.first, part.end, part.row), unread
        ):
            found = _found(searcher, batch)
            hit = {match.document for match in found}
            for match in found:
                writer.add(_overlap(file, batch[match.document], match, searcher))
            characters += sum(len(row.text or "") for row in batch)
            tally.records += len(batch)
            tally.kept += len(batch) - len(hit)
            tally.drops["overlap", "problem_found"] += len(hit)
            progress.report(tally)
    tally.records += unread.count
    tally.drops.update({("read", reason): n for reason, n in unread.reasons.items()})
    tally.bytes = part.size
    marker = {
        "file": asdict(file),
        # Of the whole file, by the worker that has its beginning.
        "xxh3_128": "" if part.first else digest_of(Path(file.path)),
        "tally": tally.to_json(),
        "characters": characters,
        "unread": unread.examples,
        "overlaps": [asdict(run.written(path, writer.rows))] if writer.rows else [],
        "seconds": round(time.monotonic() - started, 3),
    }
    run.write_json(run.marker("search", number), marker)
    progress.report(tally, done=True)
    return marker


class _Unread:
    """Rows without a text that can be read."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.examples: list[dict[str, Any]] = []

    @property
    def count(self) -> int:
        return self.reasons.total()

    def add(self, row: Row) -> None:
        self.reasons[row.problem.partition(":")[0]] += 1
        if len(self.examples) < UNREAD_EXAMPLES:
            self.examples.append({"row": row.number, "problem": row.problem})


def _batches(rows: Iterable[Row], unread: _Unread) -> Iterator[list[Row]]:
    batch: list[Row] = []
    characters = 0
    for row in rows:
        if row.text is None:
            unread.add(row)
            continue
        batch.append(row)
        characters += len(row.text)
        if characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _found(searcher: Searcher, batch: Sequence[Row]) -> list[Match]:
    """All matches in a batch, by document."""
    found = searcher.finder.find([row.text or "" for row in batch])
    if searcher.formal:
        for number, row in enumerate(batch):
            found += _formal(searcher, number, row)
    found.sort(key=_order)
    return found


def _order(match: Match) -> tuple[int, str, int, str, int]:
    return match.document, match.edition, match.problem, match.side, match.document_start


def _formal(searcher: Searcher, number: int, row: Row) -> Iterator[Match]:
    text = row.text or ""
    known = language_of(row.path)
    module = PurePosixPath(row.path).stem if known else ""
    for language in [known] if known else languages_in(text):
        for match in searcher.formal.find(text, language, module):
            yield replace(match, document=number)


def _overlap(file: CorpusFile, row: Row, match: Match, searcher: Searcher) -> dict[str, Any]:
    problem = searcher.problems[match.problem]
    text = row.text or ""
    start, end = match.document_start, match.document_end
    return {
        "file": file.name,
        "row": row.number,
        "document_id": row.document_id,
        "edition": match.edition,
        "problem_set": problem.problem_set,
        "item": problem.item,
        "side": match.side,
        "group": problem.group,
        "document_start": start,
        "document_end": end,
        "problem_start": match.problem_start,
        "problem_end": match.problem_end,
        "ngrams": match.ngrams,
        "tokens": match.tokens,
        "contained": match.contained,
        "lcs_ratio": match.lcs_ratio,
        "before": _storable(text[max(start - _CONTEXT, 0) : start]),
        "text": _storable(text[start:end]),
        "after": _storable(text[end : end + _CONTEXT]),
    }


def _storable(text: str) -> str:
    """The text with lone surrogates, which JSON may hold and UTF-8 may not, replaced."""
    return text.encode("utf-8", "replace").decode()
