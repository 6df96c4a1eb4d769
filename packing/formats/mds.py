"""MosaicML Streaming's MDS shards, with the columns of ProLong's packed data.

A shard is a count, absolute offsets of samples, a JSON description and the samples. A sample is the
sizes of its columns of no fixed size, then all columns, ordered by name.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from packing.corpus import PackedRow
from packing.sequences import SequenceLayout
from pipelines.run_directory import write_atomically

__all__ = ["mds_index", "write_mds_shard"]

_VERSION: Final = 2
# Codes of the type of an array's shape, by its bytes.
_SHAPE_TYPES: Final = ((0, "<u1"), (1, "<u2"), (2, "<u4"))


def _columns(
    layout: SequenceLayout, dtype: str, prompts: bool
) -> list[tuple[str, str, int | None]]:
    """Name, encoding and fixed size of each column, by name.

    ``indices`` holds the bounds of documents as pairs of first token and the token behind the last,
    ``length`` the tokens that are no padding; ``loss_mask`` is there when some tokens are prompts.
    """
    tokens = np.dtype(dtype)
    mask = [("loss_mask", f"ndarray:uint8:{layout.row}", layout.row)] if prompts else []
    return [
        ("document_ids", "json", None),
        ("domain", "str", None),
        ("indices", "ndarray:uint32", None),
        ("input_ids", f"ndarray:{tokens.name}:{layout.row}", layout.row * tokens.itemsize),
        ("length", "uint32", 4),
        *mask,
    ]


def write_mds_shard(
    path: Path, rows: Iterable[PackedRow], layout: SequenceLayout, dtype: str, *, prompts: bool
) -> int:
    """Writes one shard.

    Args:
        path: The file.
        rows: Its rows.
        layout: What they look like.
        dtype: The type of a token.
        prompts: Whether some tokens are prompts, so that a loss mask is needed.

    Returns:
        How many rows there were.
    """
    samples = [_sample(row, prompts) for row in rows]
    description = json.dumps(_description(layout, dtype, prompts), sort_keys=True).encode()
    head = 4 + 4 * (len(samples) + 1) + len(description)
    offsets = np.cumsum([head, *map(len, samples)], dtype=np.int64).astype("<u4")
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        file.write(struct.pack("<I", len(samples)) + offsets.tobytes() + description)
        file.writelines(samples)
    return len(samples)


def mds_index(
    shards: Sequence[tuple[str, int, int]], layout: SequenceLayout, dtype: str, *, prompts: bool
) -> dict[str, Any]:
    """What ``index.json`` holds.

    Args:
        shards: Name, bytes and rows of each shard.
        layout: What a row looks like.
        dtype: The type of a token.
        prompts: Whether the rows have a loss mask.
    """
    description = _description(layout, dtype, prompts)
    return {
        "version": _VERSION,
        "shards": [
            {
                **description,
                "raw_data": {"basename": name, "bytes": size, "hashes": {}},
                "samples": rows,
                "zip_data": None,
            }
            for name, size, rows in shards
        ],
    }


def _description(layout: SequenceLayout, dtype: str, prompts: bool) -> dict[str, Any]:
    names, encodings, sizes = zip(*_columns(layout, dtype, prompts), strict=True)
    return {
        "version": _VERSION,
        "format": "mds",
        "compression": None,
        "hashes": [],
        "size_limit": None,
        "column_names": list(names),
        "column_encodings": list(encodings),
        "column_sizes": list(sizes),
    }


def _sample(row: PackedRow, prompts: bool) -> bytes:
    bounds = np.array([(begin, end) for _, begin, end in row.pieces()], "<u4")
    ragged = [
        json.dumps(row.document_ids, ensure_ascii=False).encode(),
        row.source.encode(),
        _array(bounds),
    ]
    return b"".join(
        [
            struct.pack(f"<{len(ragged)}I", *map(len, ragged)),
            *ragged,
            row.ids.tobytes(),
            struct.pack("<I", row.filled),
            row.loss_mask.astype("u1").tobytes() if prompts else b"",
        ]
    )


def _array(values: np.ndarray[Any, Any]) -> bytes:
    """An array of no fixed size: dimensions and type of the shape in a byte, shape, values."""
    code, kind = next(
        (code, kind) for code, kind in _SHAPE_TYPES if max(values.shape) <= np.iinfo(kind).max
    )
    shape = np.array(values.shape, kind)
    return bytes([values.ndim << 2 | code]) + shape.tobytes() + values.tobytes()
