"""What is packed: sources of documents, cut into parts that are tokenized one by one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from pipelines.deduplication.parts import (
    CorpusFile,
    CorpusPart,
    parquet_files,
    parts_of,
    split_name,
)
from pipelines.errors import InputError

__all__ = ["ColumnNames", "SourceFile", "SourcePart", "cut_into_parts", "file_digest", "find_files"]

_DIGEST_BYTES = 4 << 20
_UNNAMED = "documents"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """Names of the columns that are read.

    Attributes:
        text: The text; where a file has no such column, its rows must be prompts with completions.
        prompt: What a model is given, without loss.
        completion: What it is to answer.
        document_id: The document's id; rows without one are called by file and row.
        subset: What names the source of a row when the command doesn't.
    """

    text: str = "text"
    prompt: str = "prompt"
    completion: str = "completion"
    document_id: str = "document_id"
    subset: str = "subset"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One Parquet file.

    Attributes:
        file: The file; its ``subset`` is the source that the command names, or empty.
        prompts: Whether its rows are prompts with completions.
        subsets: Sources by its subset column, in order; empty when the command names the source.
        origin: The input that the command named, for whoever looks for its run.
    """

    file: CorpusFile
    prompts: bool
    subsets: tuple[str, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class SourcePart:
    """Rows of a file that belong to one source.

    Attributes:
        source: The source.
        part: Row groups of the file.
        prompts: Whether its rows are prompts with completions.
        filtered: Whether only rows whose subset is the source count.
    """

    source: str
    part: CorpusPart
    prompts: bool
    filtered: bool

    def key(self, digest: str, decisive: object) -> str:
        """What its tokens are kept under: a digest of everything that decides them.

        Args:
            digest: The digest of the file's bytes.
            decisive: Tokenizer, options and code, as plain data.
        """
        content = {
            "file": digest,
            "groups": [self.part.first, self.part.last],
            "name": self.part.file.name,
            "source": self.source,
            "filtered": self.filtered,
            "prompts": self.prompts,
            "decisive": decisive,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def find_files(inputs: Sequence[str], columns: ColumnNames) -> list[SourceFile]:
    """Finds the Parquet files that the inputs name.

    Args:
        inputs: Files, folders or finished runs, each as ``PATH`` or ``SOURCE=PATH``.
        columns: Names of columns.

    Returns:
        Files in the order of source and name, whatever the order of the inputs.

    Raises:
        InputError: An input names nothing, or a file has neither texts nor prompts.
    """
    found: dict[tuple[str, str], SourceFile] = {}
    for text in inputs:
        source, place = split_name(text)
        _check_name(source or _UNNAMED)
        for name, path in parquet_files(place):
            file = _described(source, name, path, place, columns)
            known = found.get((source, name))
            if known is not None and known.file.path != file.file.path:
                raise InputError(
                    f"{known.file.path} and {path} would both be called {name}: "
                    "give one of them another source, as SOURCE=PATH"
                )
            found[source, name] = file
    return [found[key] for key in sorted(found)]


def _described(source: str, name: str, path: Path, place: str, columns: ColumnNames) -> SourceFile:
    try:
        metadata = pq.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: no readable Parquet file: {error}") from error
    prompts = columns.text not in schema.names
    wanted = (columns.prompt, columns.completion) if prompts else (columns.text,)
    for column in wanted:
        if column not in schema.names:
            raise InputError(
                f"{path} has neither a column {columns.text!r} nor {columns.prompt!r} and "
                f"{columns.completion!r} (it has {', '.join(schema.names)}): "
                "name them with --text-column, or --prompt-column and --completion-column"
            )
        if not _is_text(schema.field(column).type):
            raise InputError(f"{path}: the column {column!r} holds no strings")
    subsets: tuple[str, ...] = ()
    if not source:
        subsets = _subsets(path, columns.subset) if columns.subset in schema.names else ()
        source = "" if subsets else _UNNAMED
    file = CorpusFile(source, name, str(path.resolve()), path.stat().st_size, metadata.num_rows)
    return SourceFile(file, prompts, subsets, place)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _subsets(path: Path, column: str) -> tuple[str, ...]:
    found: set[str] = set()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(65_536, columns=[column]):
            values = pc.unique(batch.column(0).cast(pa.string()))
            found.update(value or _UNNAMED for value in values.to_pylist())
    for value in found:
        _check_name(value)
    return tuple(sorted(found))


def _check_name(source: str) -> None:
    """Sources name folders."""
    if not _NAME.fullmatch(source):
        raise InputError(
            f"a source is named by letters, digits, '-', '_' and '.': {source!r}; "
            "name it with SOURCE=PATH"
        )


def cut_into_parts(files: Iterable[SourceFile]) -> list[SourcePart]:
    """Cuts files into parts, by source and then in the files' order.

    The cut depends on the files alone, so that it is the same for any number of workers.
    """
    known = list(files)
    by_file = {file.file: file for file in known}
    parts: list[SourcePart] = []
    for part in parts_of([file.file for file in known]):
        file = by_file[part.file]
        parts += (
            SourcePart(source, part, file.prompts, len(file.subsets) > 1)
            for source in file.subsets or (part.file.subset,)
        )
    return sorted(parts, key=lambda part: (part.source, part.part.number))


def file_digest(path: str) -> str:
    """XXH3-128 of a file's bytes, in hexadecimal."""
    digest = xxhash.xxh3_128()
    with Path(path).open("rb") as file:
        while block := file.read(_DIGEST_BYTES):
            digest.update(block)
    return digest.hexdigest()
