"""litdata's chunks of tokens, as its ``TokensLoader`` reads them with the row as block size."""

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

__all__ = ["litdata_index", "write_litdata_chunk"]

# Numbers of NumPy types in litdata's `constants.py`.
_TYPES: Final = {"<u2": 5, "<i4": 2}
# PyTorch's description of a structure that is a single leaf, version 1.
_LEAF: Final = [1, {"type": None, "context": None, "children_spec": []}]


def write_litdata_chunk(path: Path, rows: Iterable[PackedRow]) -> int:
    """Writes one chunk: a count, absolute offsets of items, the items.

    Args:
        path: The file.
        rows: Its rows; each is an item.

    Returns:
        How many rows there were.
    """
    items = [row.ids.tobytes() for row in rows]
    offsets = np.cumsum([4 * (len(items) + 2), *map(len, items)], dtype=np.int64).astype("<u4")
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        file.write(struct.pack("<I", len(items)) + offsets.tobytes())
        file.writelines(items)
    return len(items)


def litdata_index(
    chunks: Sequence[tuple[str, int, int]], layout: SequenceLayout, dtype: str
) -> dict[str, Any]:
    """What ``index.json`` holds.

    Args:
        chunks: Name, bytes and rows of each chunk.
        layout: What a row looks like.
        dtype: The type of a token.
    """
    return {
        "chunks": [
            {
                "chunk_bytes": size,
                "chunk_size": rows,
                # Tokens; a multiple of the block, since what is left of one is never read.
                "dim": rows * layout.row,
                "filename": name,
            }
            for name, size, rows in chunks
        ],
        "config": {
            "chunk_bytes": None,
            "chunk_size": max((rows for _, _, rows in chunks), default=0),
            "compression": None,
            "data_format": [f"no_header_numpy:{_TYPES[dtype]}"],
            "data_spec": json.dumps(_LEAF),
            "encryption": None,
            "item_loader": "TokensLoader",
        },
    }
