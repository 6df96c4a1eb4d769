"""Labels that people gave: read from TSV or Parquet, as rows of plain strings."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import InputError

__all__ = ["LabelFileError", "is_positive", "read_label_rows"]


class LabelFileError(InputError):
    """A file of labels can't be used; the message says where and why."""


_POSITIVE = frozenset(("keep", "positive", "pos", "yes", "y", "true", "1", "good", "math", "maths"))
_NEGATIVE = frozenset(("drop", "negative", "neg", "no", "n", "false", "0", "bad", "other", "-1"))


def is_positive(label: str, where: str) -> bool:
    """Which of two kinds a label names, in any of the usual words.

    Raises:
        LabelFileError: In none of them.
    """
    word = label.strip().lower()
    if word in _POSITIVE:
        return True
    if word in _NEGATIVE:
        return False
    raise LabelFileError(
        f"{where}: label {label!r} is none of {', '.join(sorted(_POSITIVE))} "
        f"and none of {', '.join(sorted(_NEGATIVE))}"
    )


def read_label_rows(path: Path, columns: Mapping[str, bool]) -> list[dict[str, Any]]:
    """The rows of a TSV file with a line of names, or of a Parquet file.

    Args:
        path: The file; ``.parquet`` tells Parquet.
        columns: Names of the columns that are read, and whether they must be there.

    Raises:
        LabelFileError: It's no such file, has no rows or lacks a column.
    """
    rows = _parquet(path) if path.suffix == ".parquet" else _tsv(path)
    if not rows:
        raise LabelFileError(f"{path} has no rows")
    missing = [name for name, needed in columns.items() if needed and name not in rows[0]]
    if missing:
        raise LabelFileError(
            f"{path} has no column {', '.join(missing)}; it has {', '.join(rows[0])}"
        )
    return [{name: row[name] for name in columns if name in row} for row in rows]


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise LabelFileError(f"{path}: {error}") from error
    return rows


def _tsv(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, delimiter="\t", strict=True)
            rows = [dict(row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LabelFileError(f"{path}: {error}") from error
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise LabelFileError(f"{path}, line {number}: not as many columns as in the first line")
    return rows
