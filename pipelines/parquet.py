"""Parquet as this project writes it: fixed settings, so that equal rows are equal bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.run_directory import write_atomically

__all__ = [
    "GROUP_ROWS",
    "GroupWriter",
    "RowWriter",
    "group_writer",
    "open_writer",
    "row_writer",
    "write_table",
]

_Row = TypeVar("_Row")

_REPETITIVE = (
    "subset",
    "warc_file",
    "input_file",
    "repo",
    "commit",
    "licence",
    "programming_language",
    "record_type",
    "content_type",
    "encoding",
    "verdict",
    "dropped_by",
    "reason",
    "notes",
    "language",
    "extraction",
    "extraction_config",
    "decisions.list.element.filter",
    "decisions.list.element.verdict",
    "decisions.list.element.reason",
    "decisions.list.element.threshold",
    "formulas_found.key_value.key",
    "formulas_kept.key_value.key",
    "scores.key_value.key",
)
# Rows of a group: small enough that a reader who wants a few documents skips most of a file.
GROUP_ROWS = 1024


def open_writer(
    path: Path, schema: pa.Schema, dictionary: Sequence[str] | None = None
) -> pq.ParquetWriter:
    """A writer with the project's settings: zstd, page checksums, no timestamps.

    Dictionaries only where values repeat: of URLs and ids they cost time and make files larger.

    Args:
        path: The file.
        schema: Its columns.
        dictionary: Columns whose values repeat; those of documents and trails when None.
    """
    if dictionary is None:
        dictionary = [name for name in _REPETITIVE if name.split(".")[0] in schema.names]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=3,
        use_dictionary=list(dictionary),
        version="2.6",
        data_page_version="2.0",
        write_page_checksum=True,
    )


def write_table(path: Path, table: pa.Table, groups: Sequence[int] = ()) -> None:
    """Writes a table atomically.

    Args:
        path: The file.
        table: The table.
        groups: Rows of each group; ``GROUP_ROWS`` each when empty.
    """
    with write_atomically(path) as temporary, open_writer(temporary, table.schema) as writer:
        if not groups:
            writer.write_table(table, row_group_size=GROUP_ROWS)
        first = 0
        for rows in groups:
            writer.write_table(table.slice(first, rows))
            first += rows


class GroupWriter:
    """Writes tables as groups of a file; made by ``group_writer``."""

    def __init__(self, open_file: Callable[[], pq.ParquetWriter]) -> None:
        self._open_file = open_file
        self._file: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Writes a table as one group."""
        self._file = self._file or self._open_file()
        self._file.write_table(table, row_group_size=max(table.num_rows, 1))


@contextmanager
def group_writer(path: Path, schema: pa.Schema) -> Iterator[GroupWriter]:
    """A writer of groups whose file appears when the block ends well; without a group, none."""
    with ExitStack() as stack:

        def open_file() -> pq.ParquetWriter:
            temporary = stack.enter_context(write_atomically(path))
            return stack.enter_context(open_writer(temporary, schema))

        yield GroupWriter(open_file)


class RowWriter(Generic[_Row]):
    """Collects rows and writes them in groups; made by ``row_writer``.

    Attributes:
        rows: Rows so far.
    """

    def __init__(
        self,
        open_file: Callable[[], pq.ParquetWriter],
        to_table: Callable[[Sequence[_Row]], pa.Table],
        group_rows: int,
    ) -> None:
        self.rows = 0
        self._open_file = open_file
        self._file: pq.ParquetWriter | None = None
        self._to_table = to_table
        self._group_rows = group_rows
        self._pending: list[_Row] = []

    def add(self, row: _Row) -> None:
        """Adds one row."""
        self._pending.append(row)
        self.rows += 1
        if len(self._pending) >= self._group_rows:
            self.flush()

    def flush(self) -> None:
        """Writes the rows that wait as a group."""
        if not self._pending:
            return
        self._file = self._file or self._open_file()
        self._file.write_table(self._to_table(self._pending))
        self._pending.clear()


@contextmanager
def row_writer(
    path: Path,
    schema: pa.Schema,
    to_table: Callable[[Sequence[_Row]], pa.Table],
    group_rows: int = GROUP_ROWS,
) -> Iterator[RowWriter[_Row]]:
    """A writer of rows whose file appears when the block ends well; without a row there is none.

    Args:
        path: The file.
        schema: Its columns.
        to_table: Makes a table of some rows.
        group_rows: Rows of a group.
    """
    with ExitStack() as stack:

        def open_file() -> pq.ParquetWriter:
            temporary = stack.enter_context(write_atomically(path))
            return stack.enter_context(open_writer(temporary, schema))

        writer = RowWriter(open_file, to_table, group_rows)
        yield writer
        writer.flush()
