"""Where archive bytes come from: anything that can be read at an offset."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol, Self

__all__ = ["ByteSource", "BytesSource", "FileSource", "Window"]

_BLOCK = 1 << 20
_OVERLAP = 4096


class ByteSource(Protocol):
    """Random access to immutable bytes: a local file, an S3 object, an HTTP resource."""

    @property
    def size(self) -> int:
        """Total number of bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes from ``offset``, exactly ``length`` of them unless the source ends before."""


class BytesSource:
    """A source over bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """Total number of bytes."""
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes from ``offset``, at most ``length`` of them."""
        return self._data[offset : offset + length]


class FileSource:
    """A source over a local file; a context manager that closes it.

    Raises:
        OSError: The file can't be opened or read.
    """

    def __init__(self, path: Path | str) -> None:
        self._file = Path(path).open("rb")  # noqa: SIM115 - closed by close()
        self._size = os.fstat(self._file.fileno()).st_size

    @property
    def size(self) -> int:
        """Total number of bytes when the file was opened."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes from ``offset``, at most ``length`` of them."""
        parts = []
        while length > 0:
            part = os.pread(self._file.fileno(), length, offset)
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Window:
    """A forward-moving view of a source that reads in blocks and forgets what lies behind.

    Args:
        source: The bytes.
        block: How much is read at a time; large for remote sources.
    """

    def __init__(self, source: ByteSource, block: int = _BLOCK) -> None:
        self._source = source
        self._block = block
        self._start = 0
        self._data = b""
        self.size = source.size

    def get(self, offset: int, length: int) -> memoryview:
        """A view of the bytes from ``offset``, ``length`` of them unless the source ends before."""
        begin = offset - self._start
        if begin < 0 or begin + length > len(self._data):
            self._load(offset, length)
            begin = offset - self._start
        return memoryview(self._data)[begin : begin + length]

    def find(self, needle: bytes, offset: int, end: int | None = None) -> int:
        """Position of the first ``needle`` that begins in ``[offset, end)``, or -1."""
        stop = self.size if end is None else min(end + len(needle) - 1, self.size)
        while offset + len(needle) <= stop:
            have = self._start + len(self._data)
            if self._start <= offset and offset + len(needle) <= have:
                hit = self._data.find(needle, offset - self._start, min(stop, have) - self._start)
                if hit >= 0:
                    return hit + self._start
                offset = min(stop, have) - len(needle) + 1
            else:
                self._load(offset, min(self._block, stop - offset))
        return -1

    def search(self, pattern: re.Pattern[bytes], offset: int, end: int) -> int:
        """Position of the first match that begins in ``[offset, end)``, or -1.

        Matches, look-aheads included, must be shorter than 4 kB.
        """
        while offset < min(end, self.size):
            view = self.get(offset, self._block + _OVERLAP)
            begin = offset - self._start
            hit = pattern.search(self._data, begin, begin + len(view))
            if hit is not None and hit.start() + self._start < end:
                return hit.start() + self._start
            offset += max(len(view) - _OVERLAP, 1) if offset + len(view) < self.size else len(view)
        return -1

    def _load(self, offset: int, length: int) -> None:
        have = self._start + len(self._data)
        if self._start <= offset < have:
            kept = self._data[offset - self._start :]
            wanted = max(length - len(kept), self._block)
            self._data = kept + self._source.read_at(have, wanted)
        else:
            self._data = self._source.read_at(offset, max(length, self._block))
        self._start = offset
