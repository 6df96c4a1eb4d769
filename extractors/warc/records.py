"""WARC and ARC records, parsed from bytes that hold them one after another.

Formats: ISO 28500 (WARC 1.0, 1.1; also the drafts 0.17 and 0.18 that ClueWeb09 used) and the
Internet Archive's ARC 1.0 and 2.0. Nothing is skipped in silence: what can't be read as a record
comes out as ``Damage`` with its place and a reason, and reading goes on at the next record.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from extractors.warc.headers import header_fields
from extractors.warc.source import BytesSource, Window

__all__ = [
    "Damage",
    "WarcRecord",
    "is_warc",
    "next_record",
    "parse_member",
    "parse_stream",
    "starts_record",
]

# A header block longer than this is garbage: real ones are below 4 kB, URLs of 8 kB included.
_MAX_HEADER = 64 * 1024

# ARC 1.0: "URL IP date mime length"; ARC 2.0 puts up to five more fields before the length.
# The URL may hold spaces (seen in the wild), so that fields are counted from the right.
_ARC_LINE = re.compile(
    rb"([A-Za-z][A-Za-z0-9+.\-]*:[^\r\n]*?) ([0-9A-Fa-f.:]{2,45}|-) (\d{1,14}|-) ([^\s]*)"
    rb"(?: [^\r\n]*?)? ?(\d+)\r?\n"
)
_WARC_START = re.compile(rb"\n(?:WARC|warc)/\d")
_ARC_START = re.compile(rb"\n(?=(?:https?|dns|ftp|filedesc|gopher):[^\r\n]* \d+\r?\n)")


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of an archive that couldn't be read as records.

    Attributes:
        offset: Where they begin in the archive file.
        length: How many of the file's bytes they are.
        reason: Stable code: ``gzip_corrupt``, ``gzip_truncated``, ``garbage``, ``bad_header``,
            ``excess_bytes``, ``not_an_archive``, ``unpack_limit``, ``empty_file``.
        detail: The library's message or what was found instead.
    """

    offset: int
    length: int
    reason: str
    detail: str = ""


@dataclass(slots=True)
class WarcRecord:
    """One record of an archive.

    Attributes:
        offset: Where it begins in the archive file: its gzip member, or its first byte.
        length: Bytes that it takes in the archive file.
        inner_offset: Where it begins inside its inflated member; 0 for record-wise compression.
        version: ``WARC/1.0``, ``ARC/1`` ...
        headers: WARC headers, names in lower case; the first of a repeated name counts.
        data: Bytes that hold the block.
        block_start: Where the block begins in ``data``.
        block_end: Where it ends.
        truncated: True when the block was longer than the reader's limit and its end is missing.
        note: What was odd and could be mended, empty when nothing was: ``record_truncated`` (the
            file ends inside the block), ``content_length_too_long``.
        damage: Set when the bytes can't be trusted: the gzip member that holds the record is
            corrupt or cut, its checksum was never reached.
    """

    offset: int
    length: int
    inner_offset: int
    version: str
    headers: dict[str, str]
    data: bytes | bytearray
    block_start: int
    block_end: int
    truncated: bool = False
    note: str = ""
    damage: Damage | None = None

    @property
    def record_type(self) -> str:
        """WARC-Type in lower case: ``response``, ``request``, ``warcinfo`` ..."""
        return self.headers.get("warc-type", "").strip().lower()

    @property
    def record_id(self) -> str:
        """WARC-Record-ID without angle brackets, empty for ARC."""
        return self.headers.get("warc-record-id", "").strip("<> ")

    @property
    def target_uri(self) -> str:
        """WARC-Target-URI; some writers (wget) put angle brackets around it, which are removed."""
        return self.headers.get("warc-target-uri", "").strip("<> ")

    @property
    def date(self) -> str:
        """WARC-Date as it stands."""
        return self.headers.get("warc-date", "")

    @property
    def payload_digest(self) -> str:
        """WARC-Payload-Digest, empty when missing."""
        return self.headers.get("warc-payload-digest", "")

    @property
    def block(self) -> bytes:
        """The record's content block."""
        return bytes(memoryview(self.data)[self.block_start : self.block_end])


@dataclass(slots=True)
class _Header:
    version: str
    fields: dict[str, str]
    body: int  # position of the block, relative to where the header was parsed from
    length: int  # Content-Length
    note: str = field(default="")


class _BadHeaderError(ValueError):
    """The bytes are no record header."""


def starts_record(data: bytes | bytearray | memoryview) -> bool:
    """True when the bytes begin as a WARC or ARC record does."""
    head = bytes(data[:1024])
    return is_warc(head) or _ARC_LINE.match(head) is not None


def is_warc(head: bytes | bytearray | memoryview) -> bool:
    """True when the bytes begin with a WARC version line; its case doesn't matter."""
    return bytes(head[:5]).upper() == b"WARC/"


def parse_member(
    data: bytes | bytearray, offset: int, length: int, max_block: int
) -> Iterator[WarcRecord | Damage]:
    """Records of one inflated gzip member.

    Args:
        data: The inflated member.
        offset: Where the member begins in the archive.
        length: Its compressed length.
        max_block: Longer blocks are cut and marked ``truncated``.
    """
    try:
        header = _parse_header(data, 0)
    except _BadHeaderError:
        header = None
    if header is not None:
        end = header.body + header.length
        # The common case, one record a member: nothing but the closing line breaks follows.
        if end <= len(data) and not data[end : end + 8].strip(b"\r\n") and len(data) - end <= 8:
            yield _record(data, header, offset, length, 0, end, max_block)
            return
    window = Window(BytesSource(bytes(data)), block=max(len(data), 1))
    arc = not is_warc(data)
    yield from parse_stream(window, 0, len(data), max_block, member=(offset, length), arc=arc)


def parse_stream(
    window: Window,
    start: int,
    end: int,
    max_block: int,
    *,
    member: tuple[int, int] | None = None,
    arc: bool = False,
) -> Generator[WarcRecord | Damage, None, int]:
    """Records that begin in ``[start, end)`` of bytes that hold records back to back.

    A block is trusted to be as long as its Content-Length says when another record, or the end,
    follows it. When not, the next record's header is looked for, first inside the block.

    Args:
        window: The bytes.
        start: Where a record begins.
        end: Records that begin here or later are left to others.
        max_block: Longer blocks are cut and marked ``truncated``.
        member: Offset and compressed length of the gzip member that the bytes came from; records
            then carry the member's place.
        arc: Whether the bytes are an ARC file.

    Returns:
        Where reading ended: the first record that begins at ``end`` or later, or the bytes' end.
    """
    position = start
    while position < min(end, window.size):
        position = _skip_line_breaks(window, position)
        if position >= min(end, window.size):
            break
        place = member or (position, 0)
        head = window.get(position, _MAX_HEADER)
        try:
            header = _parse_header(bytes(head), 0)
        except _BadHeaderError as error:
            following = next_record(window, position + 1, arc=arc)
            stop = following if following >= 0 else window.size
            reason = "bad_header" if is_warc(head) else "garbage"
            if position == 0 and following < 0 and reason == "garbage":
                reason = "not_an_archive"
            yield _damage(place, position, stop, reason, str(error), member)
            position = stop
            continue
        block_start = position + header.body
        block_end = block_start + header.length
        follower = _follower(window, block_end)
        if not follower:
            # Either the length is wrong, or the archive is damaged or cut in this block.
            inside = next_record(window, block_start, arc=arc, limit=block_end)
            if inside >= 0:
                header.note = "content_length_too_long"
                block_end = _strip_line_breaks(window, block_start, inside)
                header.length = block_end - block_start
            elif block_end > window.size:
                header.note = "record_truncated"
                block_end = window.size
                header.length = block_end - block_start
        kept = min(header.length, max_block)
        data = bytes(window.get(position, header.body + kept))
        shift = (member[0], member[1]) if member else (position, block_end - position)
        yield _record(data, header, *shift, position if member else 0, len(data), max_block)
        position = block_end
        if not follower and header.note == "":
            resumed = next_record(window, position, arc=arc)
            stop = resumed if resumed >= 0 else window.size
            yield _damage(
                member or (position, 0),
                position,
                stop,
                "excess_bytes",
                "bytes after the block that Content-Length declares",
                member,
            )
            position = stop
    return position


def _damage(
    place: tuple[int, int],
    position: int,
    stop: int,
    reason: str,
    detail: str,
    member: tuple[int, int] | None,
) -> Damage:
    return Damage(place[0], member[1] if member else stop - position, reason, detail)


def _record(
    data: bytes | bytearray,
    header: _Header,
    offset: int,
    length: int,
    inner_offset: int,
    end: int,
    max_block: int,
) -> WarcRecord:
    block_end = min(end, header.body + max_block)
    return WarcRecord(
        offset,
        length,
        inner_offset,
        header.version,
        header.fields,
        data,
        header.body,
        block_end,
        header.length > max_block,
        header.note,
    )


def _parse_header(data: bytes | bytearray, position: int) -> _Header:
    if is_warc(data[position : position + 5]):
        return _parse_warc_header(data, position)
    arc = _ARC_LINE.match(data, position)
    if arc is None:
        start = data[position : position + 24]
        raise _BadHeaderError(f"no record begins with {bytes(start)!r}")
    return _arc_header(arc)


def _parse_warc_header(data: bytes | bytearray, position: int) -> _Header:
    end = data.find(b"\r\n\r\n", position, position + _MAX_HEADER)
    body = end + 4
    # ClueWeb-like writers end lines with a bare line feed.
    bare = data.find(b"\n\n", position, end if end >= 0 else position + _MAX_HEADER)
    if bare >= 0:
        end, body = bare, bare + 2
    if end < 0:
        raise _BadHeaderError("header block without an end")
    block = data[position:end].decode("utf-8", "replace")
    fields = header_fields(block)
    length = fields.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise _BadHeaderError(f"Content-Length is {length!r}")
    if "warc-type" not in fields:
        raise _BadHeaderError("no WARC-Type")
    return _Header(block[: block.find("\n")].strip(), fields, body - position, int(length))


def _arc_header(match: re.Match[bytes]) -> _Header:
    url, ip, date, mime, length = (part.decode("utf-8", "replace") for part in match.groups())
    scheme = url.partition(":")[0].lower()
    kind = {"filedesc": "warcinfo", "http": "response", "https": "response"}.get(scheme, "resource")
    fields = {
        "warc-type": kind,
        "warc-target-uri": url,
        "warc-ip-address": ip,
        "warc-date": _arc_date(date),
        "content-type": "application/http; msgtype=response" if kind == "response" else mime,
        "content-length": length,
    }
    return _Header("ARC/1", fields, len(match.group()), int(length))


def _arc_date(date: str) -> str:
    """ARC's YYYYMMDDhhmmss as WARC's ISO 8601; shorter or odd dates stay as they are."""
    if len(date) != 14:
        return date
    year, month, day, rest = date[:4], date[4:6], date[6:8], date[8:]
    return f"{year}-{month}-{day}T{rest[:2]}:{rest[2:4]}:{rest[4:]}Z"


def _follower(window: Window, position: int) -> bool:
    """True when a record, or the end of the bytes, follows at ``position``."""
    if position > window.size:
        return False
    position = _skip_line_breaks(window, position)
    return position >= window.size or starts_record(window.get(position, 1024))


def _skip_line_breaks(window: Window, position: int) -> int:
    while True:
        view = bytes(window.get(position, 64))
        rest = view.lstrip(b"\r\n")
        position += len(view) - len(rest)
        if rest or not view:
            return position


def _strip_line_breaks(window: Window, start: int, end: int) -> int:
    tail = bytes(window.get(max(start, end - 8), end - max(start, end - 8)))
    return end - (len(tail) - len(tail.rstrip(b"\r\n")))


def next_record(window: Window, position: int, *, arc: bool, limit: int | None = None) -> int:
    """Position of the next readable record header that begins a line, or -1.

    Args:
        window: The bytes.
        position: The first position that counts.
        arc: Whether the bytes are an ARC file; a WARC file's payloads may hold ARC-like lines.
        limit: The first position that doesn't count any more.
    """
    stop = window.size if limit is None else min(limit, window.size)
    if position == 0 and _is_header(window, 0):
        return 0
    pattern = _ARC_START if arc else _WARC_START
    # The byte before may be the line break that the header needs.
    cursor = max(position - 1, 0)
    while True:
        found = window.search(pattern, cursor, stop)
        if found < 0 or found + 1 >= stop:
            return -1
        if found + 1 >= position and _is_header(window, found + 1):
            return found + 1
        cursor = found + 1


def _is_header(window: Window, position: int) -> bool:
    try:
        _parse_header(bytes(window.get(position, _MAX_HEADER)), 0)
    except _BadHeaderError:
        return False
    return True
