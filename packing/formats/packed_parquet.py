"""Packed rows as Parquet, for Hugging Face datasets and whatever else reads Arrow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from packing.corpus import PackedRow
from packing.sequences import SequenceLayout
from pipelines.parquet import open_writer
from pipelines.run_directory import write_atomically
from schemas.version import versioned

__all__ = ["packed_schema", "write_packed_parquet"]

# Rows of a group: some megabytes of tokens at usual lengths.
_GROUP_TOKENS: Final = 1 << 20


def packed_schema(layout: SequenceLayout, dtype: str, *, prompts: bool) -> pa.Schema:
    """The columns of packed rows.

    Args:
        layout: What a row looks like.
        dtype: The type of a token.
        prompts: Whether some tokens are prompts, so that a loss mask is needed beside ``length``.
    """
    tokens = pa.from_numpy_dtype(np.dtype(dtype))
    numbers, characters = pa.list_(pa.int32()), pa.list_(pa.int64())
    fields: list[pa.Field[Any]] = [
        pa.field("source", pa.string(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("input_ids", pa.list_(tokens, layout.row), nullable=False),
        pa.field("position_ids", pa.list_(pa.int32(), layout.row), nullable=False),
        pa.field("length", pa.int32(), nullable=False),
        pa.field("cu_seqlens", numbers, nullable=False),
        pa.field("document_ids", pa.list_(pa.string()), nullable=False),
        pa.field("document_tokens", characters, nullable=False),
        pa.field("char_starts", characters, nullable=False),
        pa.field("char_ends", characters, nullable=False),
    ]
    if prompts:
        fields.append(pa.field("loss_mask", pa.list_(pa.bool_(), layout.row), nullable=False))
    return versioned("packed_rows", 1, fields)


def write_packed_parquet(path: Path, rows: Iterable[PackedRow], schema: pa.Schema) -> int:
    """Writes packed rows.

    Args:
        path: The file.
        rows: The rows.
        schema: Its columns, as ``packed_schema`` makes them.

    Returns:
        How many rows there were.
    """
    width = schema.field("input_ids").type.list_size
    group = max(_GROUP_TOKENS // width, 1)
    count = 0
    with (
        write_atomically(path) as temporary,
        # Few different values, or runs that repeat: positions above all.
        open_writer(temporary, schema, ["source", "position_ids.list.element"]) as file,
    ):
        waiting: list[PackedRow] = []
        for row in rows:
            waiting.append(row)
            count += 1
            if len(waiting) == group:
                file.write_table(_table(waiting, schema))
                waiting = []
        if waiting:
            file.write_table(_table(waiting, schema))
    return count


def _table(rows: list[PackedRow], schema: pa.Schema) -> pa.Table:
    columns: dict[str, Any] = {
        "source": [row.source for row in rows],
        "sequence": [row.sequence for row in rows],
        "length": [row.filled for row in rows],
        "cu_seqlens": [row.cu_seqlens for row in rows],
        "document_ids": [row.document_ids for row in rows],
        "document_tokens": [row.document_tokens for row in rows],
        "char_starts": [row.char_starts for row in rows],
        "char_ends": [row.char_ends for row in rows],
    }
    fixed = {"input_ids": "ids", "position_ids": "position_ids", "loss_mask": "loss_mask"}
    for name, attribute in fixed.items():
        if name in schema.names:
            kind = schema.field(name).type
            flat = np.concatenate([getattr(row, attribute) for row in rows])
            columns[name] = pa.FixedSizeListArray.from_arrays(
                pa.array(flat, kind.value_type), type=kind
            )
    return pa.table([columns[field.name] for field in schema], schema=schema)
