"""Document Parquet cut into parts, and a part's rows as entries of the index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.deduplication.index import IndexEntry
from pipelines.deduplication.recipe import Columns
from pipelines.errors import InputError
from pipelines.files import exists, folder_at, is_mirrored, listed, open_parquet, size_of

__all__ = [
    "CorpusFile",
    "CorpusPart",
    "entries_of",
    "parquet_files",
    "parts_of",
    "resolve_corpora",
    "split_name",
    "tables_of",
]

# Rows and bytes, uncompressed, of a part: what one worker does between two commits.
_PART_ROWS = 16_384
_PART_BYTES = 128 << 20
# Rows of a table that is worked on at a time.
_TABLE_ROWS = 1024


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One Parquet file of documents.

    Attributes:
        subset: The subset of its documents; empty when a column tells.
        name: Its path below the input that named it.
        path: Where it lies.
        size: Bytes.
        rows: Its documents.
    """

    subset: str
    name: str
    path: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True)
class CorpusPart:
    """Some row groups of a file.

    Attributes:
        number: Its place among all parts.
        file: The file.
        first: First row group.
        last: Last row group.
        rows: Their documents.
    """

    number: int
    file: CorpusFile
    first: int
    last: int
    rows: int


def resolve_corpora(inputs: Sequence[str], columns: Columns) -> list[CorpusFile]:
    """Finds the Parquet files that the inputs name, in an order that isn't the inputs'.

    Args:
        inputs: Files, folders or finished runs (their ``documents/``), each as ``PATH`` or
            ``SUBSET=PATH``.
        columns: The columns; the text's must be in every file.

    Raises:
        InputError: An input names nothing, or holds no documents.
    """
    found: dict[tuple[str, str], CorpusFile] = {}
    for text in inputs:
        subset, place = split_name(text)
        for name, path in parquet_files(place):
            file = _described(subset, name, path, columns)
            known = found.get((subset, name))
            if known is not None and known.path != file.path:
                raise InputError(
                    f"{known.path} and {file.path} would both be called {name}: "
                    "give one of them another subset, as SUBSET=PATH"
                )
            found[subset, name] = file
    return [found[key] for key in sorted(found)]


def split_name(text: str) -> tuple[str, str]:
    """``NAME=PATH`` as its two parts; the name is empty when there is none."""
    name, equals, place = text.partition("=")
    return (name, place) if equals and "/" not in name else ("", text)


def parquet_files(place: str) -> Iterator[tuple[str, Path]]:
    """The Parquet files of a file, a folder or a finished run, with their paths below it.

    Raises:
        InputError: There are none.
    """
    path = folder_at(place)
    if is_mirrored(path):
        yield from _remote_parquet_files(path, place)
        return
    root = path / "documents" if (path / "documents").is_dir() else path
    if path.is_file():
        yield path.name, path
        return
    files = sorted(root.rglob("*.parquet")) if root.is_dir() else []
    if not files:
        raise InputError(f"{place}: no Parquet files there")
    yield from ((file.relative_to(root).as_posix(), file) for file in files)


def _remote_parquet_files(path: Path, place: str) -> Iterator[tuple[str, Path]]:
    if path.suffix == ".parquet" and exists(path):
        yield path.name, path
        return
    for root in (path / "documents", path):
        files = listed(root, "*.parquet")
        if files:
            yield from ((file.relative_to(root).as_posix(), file) for file in files)
            return
    raise InputError(f"{place}: no Parquet files there")


def _described(subset: str, name: str, path: Path, columns: Columns) -> CorpusFile:
    try:
        with open_parquet(path) as opened:
            metadata = opened.metadata
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: no readable Parquet file: {error}") from error
    names = metadata.schema.to_arrow_schema().names
    if columns.text not in names:
        raise InputError(
            f"{path} has no column {columns.text!r} (it has {', '.join(names)}): "
            "name the text's column with --set columns.text=NAME"
        )
    if not subset and columns.subset not in names:
        subset = "documents"
    return CorpusFile(subset, name, str(path.resolve()), size_of(path), metadata.num_rows)


def parts_of(files: Sequence[CorpusFile]) -> list[CorpusPart]:
    """Cuts files into parts; the cut depends on the files alone."""
    parts: list[CorpusPart] = []
    for file in files:
        with open_parquet(Path(file.path)) as opened:
            metadata = opened.metadata
        first, rows, size = 0, 0, 0
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            if rows and (
                rows + group.num_rows > _PART_ROWS or size + group.total_byte_size > _PART_BYTES
            ):
                parts.append(CorpusPart(len(parts), file, first, number - 1, rows))
                first, rows, size = number, 0, 0
            rows += group.num_rows
            size += group.total_byte_size
        if rows:
            parts.append(CorpusPart(len(parts), file, first, metadata.num_row_groups - 1, rows))
    return parts


def tables_of(part: CorpusPart, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """A part's rows, some at a time; all columns, or those of these names that there are."""
    with open_parquet(Path(part.file.path)) as file:
        known = None if columns is None else [c for c in columns if c in file.schema_arrow.names]
        groups = range(part.first, part.last + 1)
        for batch in file.iter_batches(_TABLE_ROWS, row_groups=groups, columns=known):
            yield pa.Table.from_batches([batch])


def entries_of(part: CorpusPart, columns: Columns, score: str) -> Iterator[IndexEntry]:
    """A part's documents as the index takes them.

    Args:
        part: The part.
        columns: Names of the columns.
        score: Name of a numeric column, or of an entry of the column ``scores``; empty for none.
    """
    wanted = [*columns.model_dump().values(), *([score, "scores"] if score else [])]
    for table in tables_of(part, wanted):
        rows = table.to_pylist()
        for row in rows:
            text = row[columns.text] or ""
            url = _text(row.get(columns.url))
            yield IndexEntry(
                document_id=_text(row.get(columns.document_id)) or _made_id(url, text),
                text=text,
                subset=part.file.subset or _text(row.get(columns.subset)) or "documents",
                url=url,
                date=_text(row.get(columns.date)),
                licence=_text(row.get(columns.licence)),
                score=_score(row, score),
            )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def _made_id(url: str, text: str) -> str:
    content = f"{url}\0{text}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _score(row: dict[str, Any], name: str) -> float | None:
    if not name:
        return None
    value = row.get(name)
    if value is None:
        value = dict(row.get("scores") or ()).get(name)
    return None if value is None else float(value)
