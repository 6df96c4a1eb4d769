"""Corpora of any maker: Parquet and JSON lines, read in batches of documents."""

from __future__ import annotations

import glob
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
import zstandard

from pipelines.errors import InputError

__all__ = [
    "Columns",
    "CorpusFile",
    "Row",
    "check_columns",
    "digest_of",
    "identity_of",
    "json_lines",
    "read_rows",
    "resolve_corpus",
    "value_of",
]

_SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst")
_BLOCK = 8 << 20


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a corpus are called; a dot goes into a JSON object or a struct.

    Attributes:
        text: The text.
        identity: The document's id; where a row has none, its file and row are its id.
        path: The source file's path, whose name qualifies formal names; may be missing.
    """

    text: str = "text"
    identity: str = "document_id"
    path: str = "path"


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """One file of a corpus.

    Attributes:
        name: Its name in the report: its path below the argument that named it.
        path: Where it is.
        size: Bytes.
    """

    name: str
    path: str
    size: int

    @property
    def is_parquet(self) -> bool:
        """Whether it's Parquet rather than JSON lines."""
        return self.path.endswith(".parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a corpus file.

    Attributes:
        number: Its number in the file, from 0.
        document_id: Its id.
        path: The path of what it was made from, empty when unknown.
        text: Its text; None when it has none that can be read.
        problem: Why it has none.
    """

    number: int
    document_id: str
    path: str
    text: str | None
    problem: str = ""


def resolve_corpus(arguments: Sequence[str]) -> list[CorpusFile]:
    """The files of a corpus, in an order that doesn't depend on the order of the arguments.

    Args:
        arguments: Files, folders (everything readable below), globs, and folders of runs, whose
            ``documents`` are meant.

    Raises:
        InputError: An argument names nothing, or two files share a name.
    """
    found: dict[str, CorpusFile] = {}
    for argument in arguments:
        for name, path in _files(argument):
            known = found.setdefault(name, CorpusFile(name, str(path), path.stat().st_size))
            if known.path != str(path):
                raise InputError(f"{path} and {known.path} would both be called {name}")
    return [found[name] for name in sorted(found)]


def _files(argument: str) -> Iterator[tuple[str, Path]]:
    path = Path(argument)
    if (path / "manifest.json").is_file() and (path / "documents").is_dir():
        path = path / "documents"
    if path.is_dir():
        matches = [p for p in sorted(path.rglob("*")) if p.name.endswith(_SUFFIXES)]
        named = [(p.relative_to(path).as_posix(), p) for p in matches]
    else:
        # pathlib's glob wants a root; a user's pattern has its own.
        matches = [path] if path.is_file() else [Path(p) for p in sorted(glob.glob(argument))]  # noqa: PTH207
        named = [(p.name, p) for p in matches if p.name.endswith(_SUFFIXES)]
    if not named:
        raise InputError(f"no corpus: {argument} has no file that ends with {', '.join(_SUFFIXES)}")
    for name, file in named:
        yield name, file.resolve()


def digest_of(path: Path) -> str:
    """XXH3-128 of a file; it tells a changed file, not a forged one."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while part := file.read(_BLOCK):
            digest.update(part)
    return digest.hexdigest()


def check_columns(corpus: Iterable[CorpusFile], columns: Columns) -> None:
    """Raises ``InputError`` when a Parquet file can't be read or has no column of the text."""
    for file in corpus:
        if file.is_parquet:
            try:
                names = pq.read_schema(file.path).names
            except (OSError, pa.ArrowException) as error:
                raise InputError(f"{file.path}: {error}") from error
            if columns.text.split(".")[0] not in names:
                raise InputError(
                    f"{file.path} has no column {columns.text!r} but {', '.join(sorted(names))}; "
                    "name it with --text-column"
                )


def read_rows(
    file: CorpusFile, columns: Columns, first: int = 0, end: int | None = None, row: int = 0
) -> Iterator[Row]:
    """The rows of a file or a part of it, in order; a row that can't be read says why.

    Args:
        file: The file.
        columns: What its columns are called.
        first: The first row group of Parquet, or the first byte of JSON lines.
        end: The row group or byte after the last; None for the file's end.
        row: The number of the first row.

    Raises:
        InputError: The file can't be read.
    """
    try:
        read = _parquet_rows if file.is_parquet else _json_rows
        yield from read(file, columns, first, end, row)
    except (OSError, EOFError, zstandard.ZstdError, pa.ArrowException) as error:
        raise InputError(f"{file.path}: {error}") from error


def _parquet_rows(
    file: CorpusFile, columns: Columns, first: int, end: int | None, number: int
) -> Iterator[Row]:
    with pq.ParquetFile(file.path) as parquet:
        names = set(parquet.schema_arrow.names)
        heads = [c.split(".")[0] for c in (columns.text, columns.identity, columns.path)]
        wanted = [head for head in dict.fromkeys(heads) if head in names]
        groups = range(first, parquet.num_row_groups if end is None else end)
        for batch in parquet.iter_batches(batch_size=256, row_groups=groups, columns=wanted):
            for record in batch.to_pylist():
                yield _row(file, number, record, columns)
                number += 1


def _json_rows(
    file: CorpusFile, columns: Columns, first: int, end: int | None, row: int
) -> Iterator[Row]:
    for number, line in enumerate(json_lines(file.path, first, end), row):
        try:
            record = json.loads(line)
        except ValueError as error:
            yield Row(number, f"{file.name}:{number}", "", None, f"bad_json: {error}")
            continue
        yield _row(file, number, record, columns)


def json_lines(path: str, first: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The lines of a file that aren't empty; only line feeds end one.

    Args:
        path: The file.
        first: The byte to begin at, where a line begins; not 0 only in files that aren't packed.
        end: The byte to end at, where a line ends; None for the file's end.
    """
    with _opened(path) as file:
        if first:
            file.seek(first)
        place = first
        for line in file:
            if line.strip():
                yield line
            place += len(line)
            if place == end:
                break


def _opened(path: str) -> IO[bytes]:
    if path.endswith(".gz"):
        return cast(IO[bytes], gzip.open(path, "rb"))
    file = Path(path).open("rb")  # noqa: SIM115 - closed by the caller, through what wraps it
    if path.endswith(".zst"):
        reader = zstandard.ZstdDecompressor().stream_reader(
            file, read_across_frames=True, closefd=True
        )
        return io.BufferedReader(reader, _BLOCK)
    return file


def _row(file: CorpusFile, number: int, record: Any, columns: Columns) -> Row:
    document_id = identity_of(record, number, file, columns)
    path = value_of(record, columns.path)
    text = value_of(record, columns.text)
    if not isinstance(text, str):
        problem = f"no_text: {columns.text} is {type(text).__name__}"
        return Row(number, document_id, "", None, problem)
    return Row(number, document_id, path if isinstance(path, str) else "", text)


def identity_of(record: Any, number: int, file: CorpusFile, columns: Columns) -> str:
    """A row's id: its own, or its file and number."""
    identity = value_of(record, columns.identity)
    return f"{file.name}:{number}" if identity is None else str(identity)


def value_of(record: Any, name: str) -> Any:
    """A record's value by its dotted name, None when it has none; JSON in strings is gone into."""
    for part in name.split("."):
        if isinstance(record, str):
            try:
                record = json.loads(record)
            except ValueError:
                return None
        if not isinstance(record, dict):
            return None
        record = record.get(part)
    return record
