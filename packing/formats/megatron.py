"""Megatron's and GPT-NeoX's indexed dataset: tokens in ``.bin``, documents in ``.idx``."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import numpy as np

from packing.stream import linked_or_copied
from pipelines.run_directory import write_atomically

__all__ = ["write_megatron"]

_MAGIC: Final = b"MMIDIDX\x00\x00"
_VERSION: Final = 1
# Codes of types; those above 5 that the two disagree on (6 and 7) are floats and never occur here.
_CODES: Final = {"<u2": 8, "<i4": 4}
_DOCUMENTS: Final = 1 << 20


def write_megatron(stream: Path, documents: Path, dtype: str, prefix: Path) -> list[Path]:
    """Writes ``PREFIX.idx`` and names the stream ``PREFIX.bin``.

    Every document is a sequence of its own: ``doc_idx`` counts 0, 1, 2, ...

    Args:
        stream: The tokens.
        documents: The array of where each document begins; one more entry ends the last.
        dtype: The type of a token.
        prefix: The dataset's path without suffix.

    Returns:
        The files.
    """
    begins = np.load(documents, mmap_mode="r")
    count = len(begins) - 1
    size = np.dtype(dtype).itemsize
    index = prefix.with_name(f"{prefix.name}.idx")
    with write_atomically(index) as temporary, temporary.open("wb") as file:
        file.write(_MAGIC + struct.pack("<QBQQ", _VERSION, _CODES[dtype], count, count + 1))
        for first in range(0, count, _DOCUMENTS):
            last = min(first + _DOCUMENTS, count)
            file.write(np.diff(begins[first : last + 1]).astype("<i4").tobytes())
        for first in range(0, count, _DOCUMENTS):
            last = min(first + _DOCUMENTS, count)
            file.write((begins[first:last] * size).astype("<i8").tobytes())
        for first in range(0, count + 1, _DOCUMENTS):
            last = min(first + _DOCUMENTS, count + 1)
            file.write(np.arange(first, last, dtype="<i8").tobytes())
    tokens = prefix.with_name(f"{prefix.name}.bin")
    linked_or_copied(stream, tokens)
    return [tokens, index]
