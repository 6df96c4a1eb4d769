"""The Stack's Parquet: its first version, whose rows have contents, and its second, whose rows
have ids of blobs that lie elsewhere. Any other Parquet with a column of contents is read too."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.sources.source_file import SourceFile, Unread, clean_name

__all__ = ["ContentsFetcher", "row_group_starts", "stack_files"]

# Gets the bytes of a blob by its id; raises OSError when it can't.
ContentsFetcher = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column says what: the first of the names that a file has.

    Sources: the cards of bigcode/the-stack-dedup (v1.2) and bigcode/the-stack-v2-dedup.
    """

    content: Sequence[str] = ("content", "text", "code")
    blob: Sequence[str] = ("hexsha", "blob_id")
    size: Sequence[str] = ("size", "length_bytes")
    path: Sequence[str] = ("max_stars_repo_path", "path", "file_path")
    repo: Sequence[str] = ("max_stars_repo_name", "repo_name", "repo", "repository")
    commit: Sequence[str] = ("max_stars_repo_head_hexsha", "revision_id", "commit", "sha")
    licences: Sequence[str] = (
        "max_stars_repo_licenses",
        "detected_licenses",
        "licenses",
        "license",
    )
    stars: Sequence[str] = ("max_stars_count", "star_events_count", "stars")
    date: Sequence[str] = (
        "max_stars_repo_stars_event_min_datetime", "committer_date", "revision_date",
        "visit_date", "date",
    )  # fmt: skip
    language: Sequence[str] = ("lang", "language", "programming_language")
    encoding: Sequence[str] = ("src_encoding", "encoding")
    extension: Sequence[str] = ("ext", "extension")
    vendored: Sequence[str] = ("is_vendor",)
    generated: Sequence[str] = ("is_generated",)


_COLUMNS = _Columns()
# Bytes, uncompressed, of the rows that are held at a time.
_BATCH_BYTES = 24 << 20
_MOST_ROWS = 2048
# Column chunks are read through a buffer of so much, never whole.
_BUFFER_BYTES = 1 << 20


def row_group_starts(file: IO[bytes]) -> list[int]:
    """Where each row group begins, as a byte of the file.

    Raises:
        pyarrow.ArrowInvalid, OSError: It is no Parquet, or broken.
    """
    metadata = pq.read_metadata(file)
    starts = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = (group.column(place) for place in range(group.num_columns))
        starts.append(
            min(
                column.dictionary_page_offset
                if column.has_dictionary_page and column.dictionary_page_offset
                else column.data_page_offset
                for column in columns
            )
        )
    return starts


def stack_files(
    file: IO[bytes], groups: Sequence[int], fetch: ContentsFetcher | None = None
) -> Iterator[SourceFile]:
    """The rows of some row groups.

    Args:
        file: The Parquet file.
        groups: Numbers of row groups, in order.
        fetch: Gets contents that aren't in the file.

    Yields:
        Its rows; a row group that can't be read, as damage.

    Raises:
        pyarrow.ArrowInvalid, OSError: The file's footer can't be read.
    """
    with pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False) as parquet:
        names = _chosen(parquet.schema_arrow)
        if "content" not in names and "blob" not in names:
            known = ", ".join(parquet.schema_arrow.names)
            yield SourceFile.unreadable(0, "", "no_contents", f"columns: {known}"[:400])
            return
        first = 0
        wanted = set(groups)
        for group in range(parquet.num_row_groups):
            described = parquet.metadata.row_group(group)
            if group in wanted:
                yield from _group_files(parquet, group, first, names, fetch)
            first += described.num_rows


def _group_files(
    parquet: pq.ParquetFile,
    group: int,
    first: int,
    names: Mapping[str, str],
    fetch: ContentsFetcher | None,
) -> Iterator[SourceFile]:
    described = parquet.metadata.row_group(group)
    row_bytes = max(described.total_byte_size // max(described.num_rows, 1), 1)
    rows = min(max(_BATCH_BYTES // row_bytes, 1), _MOST_ROWS)
    done = 0
    try:
        batches = parquet.iter_batches(
            rows, row_groups=[group], columns=list(names.values()), use_threads=False
        )
        for batch in batches:
            yield from _batch_files(batch, first + done, names, fetch)
            done += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        detail = f"row group {group}, from row {first + done}: {error}"
        yield SourceFile.unreadable(first + done, "", "row_group_broken", detail[:400])


def _chosen(schema: pa.Schema) -> dict[str, str]:
    """The column that each attribute is read from."""
    chosen: dict[str, str] = {}
    for attribute in _Columns.__slots__:
        for name in getattr(_COLUMNS, attribute):
            index = schema.get_field_index(name)
            if index >= 0 and (attribute != "content" or _is_text(schema.field(index).type)):
                chosen[attribute] = name
                break
    return chosen


def _is_text(kind: pa.DataType) -> bool:
    return any(
        test(kind)
        for test in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
            pa.types.is_string_view,
            pa.types.is_binary_view,
        )
    )


def _batch_files(
    batch: pa.RecordBatch, first: int, names: Mapping[str, str], fetch: ContentsFetcher | None
) -> Iterator[SourceFile]:
    columns = {
        attribute: batch.column(name).to_pylist()
        for attribute, name in names.items()
        if attribute != "content"
    }
    contents = batch.column(names["content"]) if "content" in names else None
    if contents is not None:
        contents = contents.cast(pa.large_binary())
    for row in range(batch.num_rows):
        values = {attribute: column[row] for attribute, column in columns.items()}
        yield _row(first + row, values, _content(contents, row, values, fetch))


def _row(number: int, values: Mapping[str, Any], content: Callable[[], bytes]) -> SourceFile:
    repo, commit = _text(values.get("repo")), _text(values.get("commit"))
    path = clean_name(_text(values.get("path"))).lstrip("/")
    if not path and values.get("extension"):
        path = f"file.{_text(values['extension']).lstrip('.')}"
    stars = values.get("stars")
    url = f"https://github.com/{repo}/blob/{commit or 'HEAD'}/{path}" if "/" in repo else ""
    return SourceFile(
        number,
        path,
        int(values.get("size") or 0),
        content,
        repo=repo,
        commit=commit,
        blob=_text(values.get("blob")),
        licence=_licence(values.get("licences")),
        stars=None if stars is None else int(stars),
        date=_date(values.get("date")),
        language=_text(values.get("language")),
        url=url,
        hints=tuple(hint for hint in ("vendored", "generated") if values.get(hint) is True),
        encoding=_text(values.get("encoding")),
    )


def _content(
    contents: pa.Array | None, row: int, values: Mapping[str, Any], fetch: ContentsFetcher | None
) -> Callable[[], bytes]:
    blob = _text(values.get("blob"))

    def read() -> bytes:
        if contents is not None:
            content = contents[row].as_py()
            if content is not None:
                return bytes(content)
        if fetch is None or not blob:
            raise Unread("no_contents", "the row has neither contents nor a blob's id")
        try:
            return _unpacked(fetch(blob))
        except OSError as error:
            raise Unread("contents_missing", str(error)[:300]) from error

    return read


def _unpacked(data: bytes) -> bytes:
    """Software Heritage keeps blobs compressed."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OSError(f"broken gzip: {error}") from error


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _licence(value: Any) -> str:
    """The licences found in a repository, as an expression: each of them holds."""
    if isinstance(value, str):
        return value
    names = {str(name) for name in value or () if name}
    return " AND ".join(sorted(names))


def _date(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    # The Stack writes milliseconds; one spelling for all.
    text = _text(value)
    return f"{text[:19]}Z" if len(text) > 19 and text[19] == "." and text.endswith("Z") else text
