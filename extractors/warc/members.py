"""Gzip members of an archive, read one by one, with a fresh start after each damaged one.

A record-wise compressed archive is a row of gzip members, one a record. Readers that treat it as
one stream end at the first damaged member and lose the rest of the file. Here every member is
inflated by itself with its checksum verified, and after damage the next member is looked for whose
content begins as a record does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from isal import igzip_lib

from extractors.warc.records import Damage, starts_record
from extractors.warc.source import Window

__all__ = ["MAGIC", "Member", "inflate", "next_member", "read_members"]

MAGIC = b"\x1f\x8b\x08"

# How much compressed data the inflater is fed at a time. What follows the member's end is copied
# back by the library, so that feeding whole blocks would copy each block once a member.
_FEED = 64 * 1024
# How much inflated data comes back at a time. The library allocates as much up front: asking for a
# member's limit at once costs a third of the time in page faults (measured).
_PIECE = 256 * 1024
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
    data: bytes
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
    inflater = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    parts: list[bytes] = []
    total = 0
    position = offset
    while True:
        feed: bytes | memoryview = b""
        if inflater.needs_input:
            feed = window.get(position, _FEED)
            if not feed:
                damage = Damage(offset, position - offset, "gzip_truncated", "the file ends inside")
                return Member(offset, position - offset, b"".join(parts), damage=damage)
            position += len(feed)
        try:
            part = inflater.decompress(feed, _PIECE)
        except igzip_lib.IsalError as error:
            damage = Damage(offset, position - offset, "gzip_corrupt", str(error))
            return Member(offset, position - offset, b"".join(parts), damage=damage)
        parts.append(part)
        total += len(part)
        if total > max_bytes:
            return Member(offset, 0, b"".join(parts), oversize=True)
        if inflater.eof:
            length = position - len(inflater.unused_data) - offset
            return Member(offset, length, parts[0] if len(parts) == 1 else b"".join(parts))


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
        return starts_record(inflater.decompress(window.get(offset, _FEED), _PROBE))
    except igzip_lib.IsalError:
        return False
