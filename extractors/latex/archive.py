r"""Members of arXiv's tars, one after another, with their places.

A header is a block of 512 bytes with a checksum (POSIX ustar). Where one is damaged, the damage is
told and reading goes on at the next block that is a header, so that one bad block costs one paper.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Bytes", "PaperMember", "archive_members"]

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_MAGIC = b"ustar"
_LONGEST_NAME = 1 << 16


class Bytes(Protocol):
    """Bytes that are read at offsets."""

    @property
    def size(self) -> int:
        """How many there are."""

    def read_at(self, offset: int, length: int) -> bytes:
        """Some of them, fewer at the end."""


@dataclass(frozen=True, slots=True)
class PaperMember:
    """A member of a tar.

    Attributes:
        offset: First byte of its header.
        name: Its path in the tar.
        start: First byte of its content.
        size: Bytes of its content.
        damage: What is wrong with it; empty when nothing is.
    """

    offset: int
    name: str
    start: int
    size: int
    damage: str = ""


def archive_members(source: Bytes, start: int, end: int) -> Iterator[PaperMember]:
    """The files in a tar whose headers begin in a range, and damage that begins there.

    Args:
        source: The whole tar.
        start: First byte of the range.
        end: First byte behind it.
    """
    position = 0
    long_name = ""
    while position < min(end, source.size):
        header = source.read_at(position, _BLOCK)
        if header == _ZEROS:
            position += _BLOCK
            continue
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            after = _next_header(source, position + _BLOCK, end)
            if position >= start:
                yield PaperMember(position, "", position, after - position, f"tar: {error}")
            position, long_name = after, ""
            continue
        content = position + _BLOCK
        following = content + -(-info.size // _BLOCK) * _BLOCK
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            long_name = _long_name(info, source.read_at(content, min(info.size, _LONGEST_NAME)))
        elif info.isreg() and position >= start:
            name = long_name or info.name
            cut = "tar: the archive is cut off" if content + info.size > source.size else ""
            yield PaperMember(position, _printable(name), content, info.size, cut)
        if info.type not in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
            long_name = ""
        position = following


def _long_name(info: tarfile.TarInfo, content: bytes) -> str:
    """The name that a header before a member's own gives it."""
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return content.rstrip(b"\0").decode("utf-8", "surrogateescape")
    for line in content.split(b"\n"):
        _, _, record = line.partition(b" ")
        if record.startswith(b"path="):
            return record[5:].decode("utf-8", "surrogateescape")
    return ""


def _next_header(source: Bytes, position: int, end: int) -> int:
    """Where the next block is that is a header; the range's end when none is."""
    limit = min(end, source.size)
    while position < limit:
        block = source.read_at(position, _BLOCK)
        if block[257:262] == _MAGIC:
            try:
                tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            except tarfile.HeaderError:
                pass
            else:
                return position
        position += _BLOCK
    return max(position, limit)


def _printable(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
