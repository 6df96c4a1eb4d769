"""Raw tokens with two indices: OLMo-core's and datatrove's, on one byte stream."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Final

import numpy as np

from packing.stream import linked_or_copied
from pipelines.run_directory import write_atomically

__all__ = ["write_raw"]

_DOCUMENTS: Final = 1 << 18


def write_raw(stream: Path, documents: Path, prefix: Path) -> list[Path]:
    """Names the stream for both readers, and writes what says where documents end.

    OLMo-core reads ``PREFIX.npy``, which has no NumPy header, and ``PREFIX.csv.gz`` with a line
    ``start,end`` a document; datatrove reads ``PREFIX.ds`` and ``PREFIX.ds.index`` with each
    document's end as an unsigned 64-bit number.

    Args:
        stream: The tokens.
        documents: The array of where each document begins; one more entry ends the last.
        prefix: The path without suffix.

    Returns:
        The files.
    """
    begins = np.load(documents, mmap_mode="r")
    count = len(begins) - 1
    named = [prefix.with_name(prefix.name + suffix) for suffix in (".npy", ".ds")]
    for path in named:
        linked_or_copied(stream, path)
    lines = prefix.with_name(f"{prefix.name}.csv.gz")
    ends = prefix.with_name(f"{prefix.name}.ds.index")
    with (
        write_atomically(lines) as lines_temporary,
        write_atomically(ends) as ends_temporary,
        lines_temporary.open("wb") as lines_file,
        ends_temporary.open("wb") as ends_file,
        # Neither a name nor a time in the header: equal documents are equal bytes.
        gzip.GzipFile("", "wb", 6, lines_file, mtime=0) as packed,
        io.TextIOWrapper(packed, "ascii", newline="\n") as text,
    ):
        for first in range(0, count, _DOCUMENTS):
            block = begins[first : min(first + _DOCUMENTS, count) + 1]
            pairs = zip(block[:-1].tolist(), block[1:].tolist(), strict=True)
            text.write("".join(f"{begin},{end}\n" for begin, end in pairs))
            ends_file.write(block[1:].astype("<u8").tobytes())
    return [*named, lines, ends]
