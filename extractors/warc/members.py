"""Gzip members of an archive, read one by one, with a fresh start after each damaged one.

A record-wise compressed archive is a row of gzip members, one a record. Readers that treat it as
one stream end at the first damaged member and lose the rest of the file. Here every member is
inflated by itself with its checksum verified, and after damage the next member is looked for whose
content begins as a record does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import deflate
from isal import igzip_lib

from extractors.warc.records import Damage, starts_record
from extractors.warc.source import Window

__all__ = ["MAGIC", "Member", "MemberStream", "inflate", "next_member", "read_members"]

# The library's stub types its exception as an instance.
_IsalError = cast("type[Exception]", igzip_lib.IsalError)

MAGIC = b"\x1f\x8b\x08"

# How much compressed data the inflater is fed: little at first, since requests and metadata are
# small and what follows a member's end is copied back by the library. One feed can inflate to a
# thousand times its size (deflate's limit is 1032), which bounds the memory of a bomb.
_FIRST_FEED = 4 * 1024
_FEED = 16 * 1024
# The longest member that is inflated at once, compressed; longer ones hold false magic numbers.
_AT_ONCE = 1 << 20
_DEFLATE_RATIO = 1032
# Enough inflated bytes to tell a record's first line.
_PROBE = 1024
# An empty gzip member is 20 bytes long, anything shorter can't be one.
_MIN_MEMBER = 18


@dataclass(frozen=True, slots=True)
class Member:
    """One gzip member.

    Attributes:
        offset: Where it begins in the file.
        length: Its compressed length.
        data: Its content, complete unless ``oversize``.
        oversize: True when the content was longer than the limit; ``data`` is its beginning and
            ``length`` is unknown (0).
        damage: Why the content ends early, or None when the member is whole and its checksum right.
    """

    offset: int
    length: int
    data: bytes | bytearray
    oversize: bool = False
    damage: Damage | None = None


def read_members(window: Window, start: int, end: int, max_bytes: int) -> Iterator[Member | Damage]:
    """Members that begin in ``[start, end)``; ``start`` must be where one begins.

    Args:
        window: The file.
        start: Where the first member begins.
        end: Members that begin here or later are left to others.
        max_bytes: A longer content isn't inflated to its end: the member comes out as ``oversize``
            and iteration ends, since only inflating tells where the next one begins.

    Yields:
        Members in order; ``Damage`` for bytes between members that belong to none. A damaged
        member comes out as a member with ``damage`` set, so that what was inflated can be used;
        its ``damage`` covers the bytes up to where reading went on.
    """
    position = start
    while position < min(end, window.size):
        if bytes(window.get(position, 3)) != MAGIC:
            resumed = next_member(window, position + 1)
            if bytes(window.get(position, resumed - position)).strip(b"\0"):
                yield Damage(position, resumed - position, "garbage", "bytes between gzip members")
            position = resumed
            continue
        member = inflate(window, position, max_bytes)
        if member.oversize:
            yield member
            return
        if member.damage is not None:
            resumed = next_member(window, position + 1)
            damage = Damage(
                position, resumed - position, member.damage.reason, member.damage.detail
            )
            yield Member(position, resumed - position, member.data, damage=damage)
            position = resumed
            continue
        yield member
        position += member.length


def inflate(window: Window, offset: int, max_bytes: int) -> Member:
    """Inflates the member at ``offset``; see ``Member`` for what may be wrong with it."""
    return _inflate_at_once(window, offset, max_bytes) or _inflate_stream(window, offset, max_bytes)


def _inflate_at_once(window: Window, offset: int, max_bytes: int) -> Member | None:
    """The member that ends where the next one's magic number stands, or None.

    libdeflate is a quarter faster than any inflater that finds the end by itself, but must be told
    it. A magic number inside the member, damage, a bomb or bytes after the member make the trailer
    wrong, and the member is left to the inflater that sees more.
    """
    end = window.find(MAGIC, offset + _MIN_MEMBER, offset + _AT_ONCE)
    if end < 0:
        if window.size - offset > _AT_ONCE:
            return None
        end = window.size
    packed = window.get(offset, end - offset)
    size = int.from_bytes(packed[-4:], "little")
    if size > max_bytes or size > len(packed) * _DEFLATE_RATIO:
        return None
    try:
        data = deflate.gzip_decompress(packed, size)
    except (deflate.DeflateError, ValueError):
        return None
    # The library passes over bytes behind the trailer; then these four are not the trailer's.
    return Member(offset, len(packed), data) if len(data) == size else None


def _inflate_stream(window: Window, offset: int, max_bytes: int) -> Member:
    stream = MemberStream(window, offset)
    parts: list[bytes] = []
    total = 0
    for part in stream:
        parts.append(part)
        total += len(part)
        if total > max_bytes:
            return Member(offset, 0, b"".join(parts), oversize=True)
    data = parts[0] if len(parts) == 1 else b"".join(parts)
    return Member(offset, stream.length, data, damage=stream.damage)


class MemberStream:
    """Inflates one member piece by piece, whatever its length.

    Args:
        window: The file.
        offset: Where the member begins.

    Attributes:
        length: Its compressed length, as far as it could be read; set when iteration is over.
        damage: Why the content ends early, or None; set when iteration is over.
    """

    def __init__(self, window: Window, offset: int) -> None:
        self._window = window
        self._offset = offset
        self.length = 0
        self.damage: Damage | None = None

    def __iter__(self) -> Iterator[bytes]:
        inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
        size = _FIRST_FEED
        while not inflater.eof:
            feed = self._window.get(self._offset + self.length, size)
            if not feed:
                self._hurt("gzip_truncated", "the file ends inside")
                return
            self.length += len(feed)
            size = _FEED
            try:
                part = inflater.decompress(feed)
            except _IsalError as error:
                self._hurt("gzip_corrupt", str(error))
                return
            yield part
        self.length -= len(inflater.unused_data)

    def _hurt(self, reason: str, detail: str) -> None:
        self.damage = Damage(self._offset, self.length, reason, detail)


def next_member(window: Window, position: int) -> int:
    """Where the next member begins whose content begins as a record; the file's size if none."""
    while True:
        candidate = window.find(MAGIC, position)
        if candidate < 0 or window.size - candidate < _MIN_MEMBER:
            return window.size
        if _begins_record(window, candidate):
            return candidate
        position = candidate + 1


def _begins_record(window: Window, offset: int) -> bool:
    inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    try:
        return starts_record(inflater.decompress(window.get(offset, _FIRST_FEED), _PROBE))
    except _IsalError:
        return False
