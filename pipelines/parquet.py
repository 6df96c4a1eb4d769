"""Parquet as this project writes it: fixed settings, so that equal rows are equal bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.run_directory import write_atomically

__all__ = ["RowWriter", "open_writer", "write_table"]

_Row = TypeVar("_Row")

_REPETITIVE = (
    "subset",
    "warc_file",
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


def open_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer with the project's settings: zstd, page checksums, no timestamps.

    Dictionaries only where values repeat: of URLs and ids they cost time and make files larger.
    """
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=3,
        use_dictionary=[name for name in _REPETITIVE if name.split(".")[0] in schema.names],
        version="2.6",
        data_page_version="2.0",
        write_page_checksum=True,
    )


def write_table(path: Path, table: pa.Table) -> None:
    """Writes a table atomically, ``GROUP_ROWS`` rows a group."""
    with write_atomically(path) as temporary, open_writer(temporary, table.schema) as writer:
        writer.write_table(table, row_group_size=GROUP_ROWS)


class RowWriter(Generic[_Row]):
    """Collects rows and writes them in groups; the file appears when the block ends well.

    Without a row there is no file.

    Args:
        path: The file.
        schema: Its columns.
        to_table: Makes a table of some rows.
        group_rows: Rows of a group.
    """

    def __init__(
        self,
        path: Path,
        schema: pa.Schema,
        to_table: Callable[[Sequence[_Row]], pa.Table],
        group_rows: int = GROUP_ROWS,
    ) -> None:
        self._path = path
        self._open: tuple[AbstractContextManager[Path], pq.ParquetWriter] | None = None
        self._schema = schema
        self._to_table = to_table
        self._group_rows = group_rows
        self._pending: list[_Row] = []
        self.rows = 0

    def add(self, row: _Row) -> None:
        """Adds one row."""
        self._pending.append(row)
        self.rows += 1
        if len(self._pending) >= self._group_rows:
            self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
            if self._open is not None:
                self._open[1].close()
        except BaseException as failure:
            self._finish(type(failure), failure, failure.__traceback__)
            raise
        self._finish(kind, error, traceback)

    def _finish(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._open is not None:
            self._open[0].__exit__(kind, error, traceback)

    def _flush(self) -> None:
        if not self._pending:
            return
        if self._open is None:
            atomic = write_atomically(self._path)
            self._open = atomic, open_writer(atomic.__enter__(), self._schema)
        self._open[1].write_table(self._to_table(self._pending))
        self._pending.clear()
