"""The bytes of a compressed file as a stream that can't grow without bound."""

from __future__ import annotations

import bz2
import io
import lzma
from typing import IO, Any, Protocol

import zstandard
from isal import igzip

__all__ = [
    "BoundedStream",
    "Opened",
    "SourceUnreadable",
    "TooLarge",
    "file_object",
    "opened_stream",
]


class Opened(Protocol):
    """A file that is read at offsets."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Some of them."""


class TooLarge(OSError):
    """More came out of a file than is allowed."""


class SourceUnreadable(OSError):
    """The file itself can't be read; what is in it isn't to blame."""


class _FileObject(io.RawIOBase):
    """A file that is read at offsets, as Python's libraries want one."""

    def __init__(self, source: Opened) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}
        self._position = max(base[whence] + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._source.size - self._position)
        if wanted <= 0:
            return 0
        try:
            data = self._source.read_at(self._position, wanted)
        except OSError as error:
            raise SourceUnreadable(str(error)) from error
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def file_object(source: Opened, block: int = 1 << 20) -> IO[bytes]:
    """A source as a buffered file object."""
    return io.BufferedReader(_FileObject(source), block)


# A block of tar, whose last ones are zeros.
_TAIL = 512


class BoundedStream(io.RawIOBase):
    """A stream that ends with ``TooLarge`` when more than its bound was read from it.

    Args:
        stream: The stream.
        bound: Bytes.

    Attributes:
        tail: The last bytes that were read.
    """

    def __init__(self, stream: IO[bytes], bound: int) -> None:
        self._stream = stream
        self._bound = bound
        self._read = 0
        self.tail = b""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Some bytes; raises ``TooLarge`` beyond the bound."""
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._read += len(data)
        self.tail = (self.tail + data[-_TAIL:])[-_TAIL:]
        if self._read > self._bound:
            raise TooLarge(f"more than {self._bound} bytes when unpacked")
        return len(data)


_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"
# A frame of zstd may ask for so much memory and no more.
_ZSTD_WINDOW = 1 << 27


def opened_stream(source: Opened, bound: int) -> BoundedStream:
    """What a file unpacks to, by its first bytes; the file itself when it isn't compressed."""
    file = file_object(source)
    head = source.read_at(0, 6)
    unpacked: Any = file
    if head.startswith(_GZIP):
        unpacked = igzip.IGzipFile(fileobj=file)  # type: ignore[no-untyped-call]
    elif head.startswith(_BZIP2):
        unpacked = bz2.BZ2File(file)
    elif head.startswith(_XZ):
        unpacked = lzma.LZMAFile(file)  # noqa: SIM115 - closed with its reader
    elif head.startswith(_ZSTD):
        unzstd = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        unpacked = unzstd.stream_reader(file, read_across_frames=True)
    return BoundedStream(unpacked, bound)
