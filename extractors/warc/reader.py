"""Reads a range of a web archive file, whatever its container, and loses nothing in silence.

A range is read on its own, in any order and on any machine: a range that doesn't begin at the
file's start looks for the first record in it. Such a guess can be wrong (a stored WARC inside a
WARC), so that a reader tells where its first record began (``first``) and where the record after
its last one begins (``next``); the ranges of a file are right if each ``next`` equals the
following range's ``first``, and a range that isn't is read again from the right place. The records
of a file are then exactly those of one sequential read, however it was cut.
"""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import IO, cast

import lz4.frame
import zstandard

from extractors.warc.members import MAGIC, Member, MemberStream, next_member, read_members
from extractors.warc.records import (
    Damage,
    WarcRecord,
    is_warc,
    next_record,
    parse_member,
    parse_stream,
    starts_record,
)
from extractors.warc.source import ByteSource, FileSource, Window

__all__ = ["ArchiveReader", "Container", "ReadLimits", "container_of"]


class Container(Enum):
    """How an archive file is packed."""

    GZIP = "gzip"
    PLAIN = "plain"
    ZSTD = "zstd"
    LZ4 = "lz4"
    EMPTY = "empty"

    @property
    def splittable(self) -> bool:
        """Whether a range of the file can be read without what comes before it."""
        return self in (Container.GZIP, Container.PLAIN)

    @property
    def packed(self) -> bool:
        """Whether the file must be unpacked from its start."""
        return self in (Container.ZSTD, Container.LZ4)


_SIGNATURES = {
    MAGIC: Container.GZIP,
    b"\x28\xb5\x2f\xfd": Container.ZSTD,
    b"\x04\x22\x4d\x18": Container.LZ4,
}
# A skippable frame that holds a dictionary begins a .warc.zst (IIPC zstd proposal, section 3).
_ZSTD_DICTIONARY = b"\x5d\x2a\x4d\x18"


def container_of(source: ByteSource) -> Container:
    """Tells the container by the file's first bytes; names lie."""
    head = source.read_at(0, 4)
    if not head:
        return Container.EMPTY
    if head == _ZSTD_DICTIONARY:
        return Container.ZSTD
    for signature, container in _SIGNATURES.items():
        if head.startswith(signature):
            return container
    return Container.PLAIN


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds of memory and disk while reading.

    Attributes:
        max_block: Bytes of a record's block that are kept; the rest is skipped.
        max_member: Inflated bytes of a gzip member that are held in memory; a longer one goes
            through a scratch file.
        max_unpacked: Bytes that one member or one non-gzip container may unpack to.
    """

    max_block: int = 64 << 20
    max_member: int = 128 << 20
    max_unpacked: int = 16 << 30


class ArchiveReader:
    """Iterates over the records and the damage of one range of an archive file.

    Args:
        source: The file.
        start: First byte of the range.
        end: First byte after the range; None for the file's end.
        exact: Whether a record is known to begin at ``start``; always so for 0.
        limits: Bounds of memory and disk.
        block: Bytes that are read at a time.

    Attributes:
        first: Where the first record (or damage) of the range was found.
        next: Where the first record after the range begins; set when iteration is over.
    """

    def __init__(
        self,
        source: ByteSource,
        start: int = 0,
        end: int | None = None,
        *,
        exact: bool = False,
        limits: ReadLimits | None = None,
        block: int = 1 << 20,
    ) -> None:
        self._source = source
        self._start = start
        self._end = source.size if end is None else end
        self._exact = exact or start == 0
        self._limits = limits or ReadLimits()
        self._window = Window(source, block)
        self.container = container_of(source)
        self.first = start
        self.next = start

    def __iter__(self) -> Iterator[WarcRecord | Damage]:
        found = False
        for item in self._items():
            found = True
            yield item
        if not found and self._start == 0 and self._end >= self._source.size:
            yield Damage(0, self._source.size, "empty_file", "no bytes inside the container")

    def _items(self) -> Iterator[WarcRecord | Damage]:
        if self.container is Container.GZIP:
            yield from self._gzip()
        elif self.container is Container.PLAIN:
            yield from self._plain()
        elif self.container.packed and self._start == 0:
            yield from self._packed()
            self.next = self._source.size
        elif self.container.packed:
            self.first = self.next = self._source.size

    def _plain(self) -> Iterator[WarcRecord | Damage]:
        arc = _is_arc(self._window)
        position = self._start
        if not self._exact:
            found = next_record(self._window, position, arc=arc)
            position = found if found >= 0 else self._window.size
        self.first = position
        self.next = yield from parse_stream(
            self._window, position, self._end, self._limits.max_block, arc=arc
        )

    def _gzip(self) -> Iterator[WarcRecord | Damage]:
        position = self._start if self._exact else next_member(self._window, self._start)
        self.first = position
        limit = min(self._end, self._window.size)
        while position < limit:
            oversize = False
            for item in read_members(self._window, position, self._end, self._limits.max_member):
                if isinstance(item, Damage):
                    yield item
                    position = item.offset + item.length
                elif item.oversize:
                    oversize = True
                    position = yield from self._oversize(item)
                else:
                    yield from self._member(item)
                    position = item.offset + item.length
            if not oversize:
                # Zero padding at the file's end belongs to no member.
                position = max(position, limit)
        self.next = position

    def _member(self, member: Member) -> Iterator[WarcRecord | Damage]:
        if member.damage is None:
            if member.data:
                yield from parse_member(
                    member.data, member.offset, member.length, self._limits.max_block
                )
            return
        # A record of a damaged member is whole when the next one's header was still reached; a
        # record-wise compressed archive has one a member, and then nothing can be saved.
        records = parse_member(member.data, member.offset, member.length, self._limits.max_block)
        yield from _until_damage(records, member.damage)

    def _oversize(self, member: Member) -> Generator[WarcRecord | Damage, None, int]:
        """A member too long for memory: through a scratch file, then as a plain archive."""
        stream = MemberStream(self._window, member.offset)
        with tempfile.NamedTemporaryFile(prefix="proofmill-member-") as scratch:
            whole = _write(stream, scratch, self._limits.max_unpacked)
            damage = stream.damage if whole else self._over_limit()
            length = stream.length
            if damage is not None:
                length = next_member(self._window, member.offset + 1) - member.offset
                damage = replace(damage, offset=member.offset, length=length)
            yield from self._scratch(Path(scratch.name), (member.offset, length), damage)
        return member.offset + length

    def _packed(self) -> Iterator[WarcRecord | Damage]:
        """A zstd or lz4 container: through a scratch file; offsets are those of its content."""
        stream = _ContainerStream(self._source, self.container)
        with tempfile.NamedTemporaryFile(prefix="proofmill-container-") as scratch:
            whole = _write(stream, scratch, self._limits.max_unpacked)
            damage = stream.damage if whole else self._over_limit()
            yield from self._scratch(Path(scratch.name), None, damage)

    def _over_limit(self) -> Damage:
        detail = f"more than {self._limits.max_unpacked} bytes"
        return Damage(0, self._source.size, "unpack_limit", detail)

    def _scratch(
        self, path: Path, member: tuple[int, int] | None, damage: Damage | None
    ) -> Iterator[WarcRecord | Damage]:
        with FileSource(path) as unpacked:
            window = Window(unpacked)
            arc = _is_arc(window)
            records = parse_stream(
                window, 0, window.size, self._limits.max_block, member=member, arc=arc
            )
            yield from records if damage is None else _until_damage(records, damage)


def _until_damage(
    items: Iterator[WarcRecord | Damage], damage: Damage
) -> Iterator[WarcRecord | Damage]:
    """What lies before the damage; the record that was begun last carries it.

    Bytes at the end that are no record are what the damage left: it stands for them.
    """
    last: WarcRecord | Damage | None = None
    for item in items:
        if last is not None:
            yield last
        last = item
    if isinstance(last, WarcRecord):
        last.damage = damage
        yield last
    else:
        yield damage


def _write(parts: Iterable[bytes], sink: IO[bytes], limit: int) -> bool:
    """Writes the parts, at most so many bytes of them; tells whether that was all."""
    written = 0
    for part in parts:
        sink.write(part[: limit - written])
        written += len(part)
        if written > limit:
            break
    sink.flush()
    return written <= limit


def _is_arc(window: Window) -> bool:
    head = window.get(0, 1024)
    return starts_record(head) and not is_warc(head)


class _SourceFile:
    """A source as the file object that decompressors read from."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        part = self._source.read_at(
            self._position, self._source.size - self._position if size < 0 else size
        )
        self._position += len(part)
        return part

    def seek(self, offset: int) -> None:
        self._position = offset

    def tell(self) -> int:
        return self._position


class _ContainerStream:
    """Unpacks a zstd or lz4 container piece by piece.

    Attributes:
        damage: Why the content ends early, or None; set when iteration is over.
    """

    def __init__(self, source: ByteSource, container: Container) -> None:
        self._source = source
        self._container = container
        self.damage: Damage | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            reader = self._open()
            while part := reader.read(1 << 20):
                yield part
        # No OSError: that the source can't be read says nothing about the archive.
        except (zstandard.ZstdError, RuntimeError, EOFError, ValueError) as error:
            reason = f"{self._container.value}_corrupt"
            self.damage = Damage(0, self._source.size, reason, str(error))

    def _open(self) -> IO[bytes]:
        file = _SourceFile(self._source)
        if self._container is Container.LZ4:
            stream: IO[bytes] = lz4.frame.LZ4FrameFile(file)
            return stream
        dictionary = _zstd_dictionary(self._source)
        decompressor = zstandard.ZstdDecompressor(dict_data=dictionary)
        return decompressor.stream_reader(cast(IO[bytes], file), read_across_frames=True)


def _zstd_dictionary(source: ByteSource) -> zstandard.ZstdCompressionDict | None:
    head = source.read_at(0, 8)
    if head[:4] != _ZSTD_DICTIONARY:
        return None
    data = source.read_at(8, int.from_bytes(head[4:8], "little"))
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        data = zstandard.ZstdDecompressor().decompress(data, max_output_size=16 << 20)
    return zstandard.ZstdCompressionDict(data)
