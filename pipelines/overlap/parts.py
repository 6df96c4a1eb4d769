"""Corpus files cut into parts, which workers search side by side, and parts put together again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.overlap.corpus import CorpusFile
from pipelines.parquet import row_writer
from pipelines.progress import Tally
from pipelines.run_directory import RunDirectory
from schemas.overlap import OVERLAPS

__all__ = [
    "UNREAD_EXAMPLES",
    "CorpusPart",
    "found_path",
    "joined_markers",
    "overlaps_path",
    "overlaps_table",
    "parts_of",
]

# Bytes of a part, unpacked: some seconds of a worker, beside which its start is nothing.
_PART_BYTES = 32 << 20
# Rows of a file that are named when they can't be read.
UNREAD_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class CorpusPart:
    """A stretch of a file, or all of it.

    Attributes:
        file: The file's number.
        first: The first row group of Parquet, or the first byte of JSON lines.
        end: The row group or byte after the last; None for the whole file.
        row: The number of its first row.
        size: Its bytes in the file.
    """

    file: int
    first: int
    end: int | None
    row: int
    size: int


def parts_of(corpus: Sequence[CorpusFile]) -> list[CorpusPart]:
    """Cuts files into parts, in order; the cut depends on the files alone.

    Parquet is cut between row groups, JSON lines at line ends. Packed JSON lines stay whole: they
    can be read from their beginning only.
    """
    parts: list[CorpusPart] = []
    for number, file in enumerate(corpus):
        try:
            cuts = list(_cuts(file))
        except OSError:
            # It stays whole, and whoever reads it puts on record why it can't be read.
            cuts = []
        if len(cuts) <= 2:
            parts.append(CorpusPart(number, 0, None, 0, file.size))
            continue
        for (first, row, place), (end, _, next_place) in pairwise(cuts):
            parts.append(CorpusPart(number, first, end, row, next_place - place))
    return parts


def _cuts(file: CorpusFile) -> Iterator[tuple[int, int, int]]:
    """The places that a file is cut at, both ends included: row group or byte, row, and byte."""
    if file.is_parquet:
        yield from _parquet_cuts(file)
    elif file.path.endswith(".jsonl") and file.size > _PART_BYTES:
        yield from _line_cuts(file)


def _parquet_cuts(file: CorpusFile) -> Iterator[tuple[int, int, int]]:
    metadata = pq.read_metadata(file.path)
    yield 0, 0, 0
    rows = size = place = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if size and size + group.total_byte_size > _PART_BYTES:
            yield number, rows, place
            size = 0
        rows += group.num_rows
        size += group.total_byte_size
        place += sum(group.column(n).total_compressed_size for n in range(group.num_columns))
    yield metadata.num_row_groups, rows, file.size


def _line_cuts(file: CorpusFile) -> Iterator[tuple[int, int, int]]:
    yield 0, 0, 0
    rows = place = cut = 0
    with Path(file.path).open("rb") as lines:
        for line in lines:
            if place - cut >= _PART_BYTES:
                yield place, rows, place
                cut = place
            place += len(line)
            # As rows are counted when they are read: empty lines are none.
            rows += not line.isspace()
    yield place, rows, place


def overlaps_path(run: RunDirectory, number: int) -> Path:
    """The stretches found in one file, of schema ``OVERLAPS``."""
    return run.root / "overlaps" / f"{number:06d}.parquet"


def found_path(run: RunDirectory, number: int, part: CorpusPart) -> Path:
    """The stretches found in the part of a number; of a whole file they are the file's."""
    if part.end is None:
        return overlaps_path(run, part.file)
    return run.work / "search" / f"{number:06d}.overlaps.parquet"


def overlaps_table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Some stretches as a table."""
    return pa.Table.from_pylist(list(rows), schema=OVERLAPS)


def joined_markers(
    run: RunDirectory,
    corpus: Sequence[CorpusFile],
    parts: Sequence[CorpusPart],
    markers: Sequence[dict[str, Any]],
) -> list[dict[str, Any]]:
    """Puts the parts of each file together: one marker a file, and one table of stretches.

    The bytes are those of a file that was searched whole.

    Args:
        run: The folder of the search.
        corpus: The files.
        parts: Their parts.
        markers: What was written of each part.
    """
    by_file: dict[int, list[int]] = {}
    for number, part in enumerate(parts):
        by_file.setdefault(part.file, []).append(number)
    return [
        markers[numbers[0]]
        if len(numbers) == 1
        else _joined(run, corpus[file], {n: (parts[n], markers[n]) for n in numbers})
        for file, numbers in by_file.items()
    ]


def _joined(
    run: RunDirectory,
    file: CorpusFile,
    parts: Mapping[int, tuple[CorpusPart, dict[str, Any]]],
) -> dict[str, Any]:
    tally = Tally()
    markers = [marker for _, marker in parts.values()]
    first = next(iter(parts.values()))[0]
    path = overlaps_path(run, first.file)
    path.unlink(missing_ok=True)
    with row_writer(path, OVERLAPS, overlaps_table) as writer:
        for number, (part, marker) in parts.items():
            tally.add(marker["tally"])
            if marker["overlaps"]:
                for row in pq.read_table(found_path(run, number, part)).to_pylist():
                    writer.add(row)
    return {
        "file": asdict(file),
        "xxh3_128": markers[0]["xxh3_128"],
        "tally": tally.to_json(),
        "characters": sum(marker["characters"] for marker in markers),
        "unread": [row for marker in markers for row in marker["unread"]][:UNREAD_EXAMPLES],
        "overlaps": [asdict(run.written(path, writer.rows))] if writer.rows else [],
    }
