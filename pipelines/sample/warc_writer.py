"""Writes small web archives for fixtures, and damages them on purpose.

Layout as Common Crawl writes it: WARC/1.0 (ISO 28500:2009), one gzip member a record, SHA-1 digests
in base 32. The same records always give the same bytes: no clock, no random record ids, no gzip
time stamp. What readers find hard is possible on request (wrong Content-Length, raw HTTP bytes,
one gzip member for the whole file), and never by accident.
"""

from __future__ import annotations

import base64
import hashlib
import struct
import uuid
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import brotli
import zstandard

__all__ = [
    "Container",
    "WarcOther",
    "WarcResponse",
    "archive_bytes",
    "cut_inside",
    "encode_body",
    "flip_byte",
    "insert_before",
    "member_spans",
    "metadata",
    "request",
    "resource",
    "revisit",
    "warcinfo",
    "write_warc",
]

Container = Literal["gzip", "plain", "single-gzip"]

Headers = tuple[tuple[str, str], ...]

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://proofmill.example/warc")
_DATE = "2023-03-21T08:30:00Z"
# RFC 1952: magic, deflate, no flags, no time stamp, extra flags 2 (best compression), OS unknown.
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class WarcResponse:
    """A response record.

    Attributes:
        url: WARC-Target-URI.
        body: The page's bytes before any content encoding.
        date: WARC-Date, ISO 8601 with ``Z``.
        status: HTTP status code.
        reason: Reason phrase of the status line.
        content_type: HTTP Content-Type; empty leaves the header out.
        content_encoding: ``gzip``, ``deflate``, ``br`` or ``zstd``: the body is encoded and the
            header written. Empty for neither.
        chunked: Whether the encoded body is sent in chunks.
        content_length: HTTP Content-Length when it should not be the true one.
        headers: More HTTP headers, after ours.
        http: The whole HTTP message; overrides all of the above but ``url`` and ``date``.
    """

    url: str
    body: bytes = b""
    date: str = _DATE
    status: int = 200
    reason: str = "OK"
    content_type: str = "text/html; charset=utf-8"
    content_encoding: str = ""
    chunked: bool = False
    content_length: int | None = None
    headers: Headers = ()
    http: bytes | None = None

    def message(self) -> bytes:
        """The HTTP message as it came over the wire."""
        if self.http is not None:
            return self.http
        body = encode_body(self.body, self.content_encoding)
        lines = [f"HTTP/1.1 {self.status} {self.reason}"]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        if self.content_encoding:
            lines.append(f"Content-Encoding: {self.content_encoding}")
        if self.chunked:
            lines.append("Transfer-Encoding: chunked")
            body = _chunks(body)
        else:
            length = len(body) if self.content_length is None else self.content_length
            lines.append(f"Content-Length: {length}")
        lines.extend(f"{name}: {value}" for name, value in self.headers)
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@dataclass(frozen=True, slots=True)
class WarcOther:
    """A record of any type; the functions below make the usual ones.

    Attributes:
        record_type: WARC-Type.
        url: WARC-Target-URI; empty leaves the header out.
        date: WARC-Date.
        block: The record's block.
        content_type: Content-Type of the block.
        headers: More WARC headers.
    """

    record_type: str
    url: str = ""
    date: str = _DATE
    block: bytes = b""
    content_type: str = "application/warc-fields"
    headers: Headers = ()


WarcEntry = WarcResponse | WarcOther


def warcinfo(fields: Sequence[tuple[str, str]], filename: str, date: str = _DATE) -> WarcOther:
    """The record that begins a file and says how it came to be."""
    return WarcOther(
        "warcinfo", date=date, block=_fields(fields), headers=(("WARC-Filename", filename),)
    )


def request(url: str, date: str = _DATE) -> WarcOther:
    """The request that a crawler sent for a URL."""
    host, _, path = url.partition("://")[2].partition("/")
    lines = (f"GET /{path} HTTP/1.1", f"Host: {host}", "Accept: text/html,*/*;q=0.5", "", "")
    block = "\r\n".join(lines).encode()
    return WarcOther("request", url, date, block, "application/http; msgtype=request")


def metadata(url: str, fields: Sequence[tuple[str, str]], date: str = _DATE) -> WarcOther:
    """What a crawler noted of a capture besides its bytes."""
    return WarcOther("metadata", url, date, _fields(fields))


def revisit(url: str, original: WarcResponse, date: str = _DATE) -> WarcOther:
    """A later capture whose payload was the same as the original's: the HTTP header only."""
    head, _, payload = original.message().partition(b"\r\n\r\n")
    profile = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
    headers = (
        ("WARC-Profile", profile),
        ("WARC-Refers-To", _record_id("response", original.url, original.date)),
        ("WARC-Payload-Digest", _digest(payload)),
    )
    block = head + b"\r\n\r\n"
    return WarcOther("revisit", url, date, block, "application/http; msgtype=response", headers)


def resource(
    url: str, body: bytes, content_type: str = "text/html", date: str = _DATE
) -> WarcOther:
    """A document that was stored without a protocol around it."""
    headers = (("WARC-Payload-Digest", _digest(body)),)
    return WarcOther("resource", url, date, body, content_type, headers)


def archive_bytes(records: Iterable[WarcEntry], *, container: Container = "gzip") -> bytes:
    """The records as an archive file's bytes.

    Args:
        records: What to write, in order.
        container: ``gzip`` (one member a record), ``plain``, or ``single-gzip`` (one member for
            all, which no standard asks for and some tools write).
    """
    written = [_record(entry) for entry in records]
    if container == "plain":
        return b"".join(written)
    if container == "single-gzip":
        return _gzip_member(b"".join(written))
    return b"".join(map(_gzip_member, written))


def write_warc(records: Iterable[WarcEntry], path: Path, *, container: Container = "gzip") -> None:
    """Writes the records to a file; see ``archive_bytes``."""
    path.write_bytes(archive_bytes(records, container=container))


def encode_body(body: bytes, content_encoding: str) -> bytes:
    """A body under a content encoding (``""``, ``gzip``, ``deflate``, ``br``, ``zstd``).

    Raises:
        ValueError: The encoding is none of these.
    """
    match content_encoding:
        case "" | "identity":
            return body
        case "gzip":
            return _gzip_member(body)
        case "deflate":
            # RFC 9110 section 8.4.1.2: "deflate" is the zlib format.
            return zlib.compress(body, 9)
        case "br":
            return bytes(brotli.compress(body, quality=11))
        case "zstd":
            return zstandard.ZstdCompressor(level=19).compress(body)
    raise ValueError(f"no encoder for Content-Encoding {content_encoding!r}")


def member_spans(archive: bytes) -> list[tuple[int, int]]:
    """Offset and length of every gzip member of an undamaged archive."""
    spans = []
    offset = 0
    while offset < len(archive):
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        inflater.decompress(archive[offset:])
        length = len(archive) - offset - len(inflater.unused_data)
        spans.append((offset, length))
        offset += length
    return spans


def flip_byte(archive: bytes, member: int, *, at: float = 0.5) -> bytes:
    """The archive with one byte of a member inverted.

    Args:
        archive: A record-wise compressed archive.
        member: Which one, from 0.
        at: Where in the member: 0 is its first byte, 1 its last.
    """
    offset, length = member_spans(archive)[member]
    position = offset + min(int(length * at), length - 1)
    flipped = bytes([archive[position] ^ 0xFF])
    return archive[:position] + flipped + archive[position + 1 :]


def cut_inside(archive: bytes, member: int, *, at: float = 0.5) -> bytes:
    """The archive as a broken download leaves it: it ends inside a member.

    Args:
        archive: A record-wise compressed archive.
        member: Which one, from 0.
        at: What share of the member is left.
    """
    offset, length = member_spans(archive)[member]
    return archive[: offset + max(1, min(int(length * at), length - 1))]


def insert_before(archive: bytes, member: int, garbage: bytes) -> bytes:
    """The archive with bytes before a member that belong to none.

    Args:
        archive: A record-wise compressed archive.
        member: Which one, from 0; the number of members puts the bytes at the end.
        garbage: The bytes.
    """
    spans = member_spans(archive)
    offset = spans[member][0] if member < len(spans) else len(archive)
    return archive[:offset] + garbage + archive[offset:]


def _record(entry: WarcEntry) -> bytes:
    if isinstance(entry, WarcResponse):
        message = entry.message()
        payload = message.partition(b"\r\n\r\n")[2]
        entry = WarcOther(
            "response",
            entry.url,
            entry.date,
            message,
            "application/http; msgtype=response",
            (("WARC-Payload-Digest", _digest(payload)),),
        )
    headers: list[tuple[str, str]] = [
        ("WARC-Type", entry.record_type),
        ("WARC-Date", entry.date),
        ("WARC-Record-ID", _record_id(entry.record_type, entry.url, entry.date)),
        ("Content-Length", str(len(entry.block))),
        ("Content-Type", entry.content_type),
        *([("WARC-Target-URI", entry.url)] if entry.url else []),
        *entry.headers,
        ("WARC-Block-Digest", _digest(entry.block)),
    ]
    lines = ["WARC/1.0", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + entry.block + b"\r\n\r\n"


def _record_id(record_type: str, url: str, date: str) -> str:
    return f"<{uuid.uuid5(_NAMESPACE, f'{record_type} {url} {date}').urn}>"


def _digest(data: bytes) -> str:
    return f"sha1:{base64.b32encode(hashlib.sha1(data).digest()).decode()}"


def _fields(fields: Sequence[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def _chunks(body: bytes) -> bytes:
    parts = [body[begin : begin + _CHUNK] for begin in range(0, len(body), _CHUNK)]
    framed = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts]
    return b"".join(framed) + b"0\r\n\r\n"


def _gzip_member(data: bytes) -> bytes:
    # Not gzip.compress: its header differs between Python versions and platforms.
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflater.compress(data) + deflater.flush()
    trailer = struct.pack("<LL", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return _GZIP_HEADER + packed + trailer
