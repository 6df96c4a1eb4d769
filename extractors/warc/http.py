"""HTTP responses as crawlers stored them, with their transfer and content encodings undone.

Crawlers disagree with the headers they keep: Common Crawl and Heritrix store decoded bodies under
headers that still say ``gzip`` or ``chunked``. So the bytes decide: a declared encoding that the
body doesn't have is passed over.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli
import zstandard

from extractors.warc.headers import header_fields

__all__ = ["HttpError", "HttpResponse", "parse_http"]

_MAX_HEADER = 256 * 1024
_PIECE = 1 << 20
_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


class HttpError(ValueError):
    """The block can't be read as an HTTP response.

    Attributes:
        reason: Stable code: ``no_http_header``, ``bad_content_encoding``,
            ``unknown_content_encoding``, ``body_too_large``.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(slots=True)
class HttpResponse:
    """An HTTP response's header, and where its body is.

    Attributes:
        status: Status code.
        headers: Headers, names in lower case; the first of a repeated name counts.
        data: Bytes that hold the body.
        body_start: Where the body begins in ``data``.
        body_end: Where it ends.
        notes: What was odd and could be mended while the body was decoded.
    """

    status: int
    headers: dict[str, str]
    data: bytes | bytearray
    body_start: int
    body_end: int
    notes: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        """Media type in lower case without parameters, empty when not given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The charset parameter of Content-Type, empty when not given."""
        match = _CHARSET.search(self.headers.get("content-type", ""))
        return match.group(1) if match else ""

    def body(self, max_bytes: int) -> bytes | memoryview:
        """The body with transfer and content encodings undone; a view of it when there are none.

        Args:
            max_bytes: The longest body that is accepted.

        Raises:
            HttpError: The encoding is unknown or corrupt, or the body longer than ``max_bytes``.
        """
        view = memoryview(self.data)[self.body_start : self.body_end]
        chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        declared = self.headers.get("content-encoding", "")
        if not chunked and not declared:
            # Most bodies, and most of them are rejected after one look: no copy is made.
            if len(view) > max_bytes:
                raise HttpError("body_too_large", f"{len(view)} bytes, the limit is {max_bytes}")
            return view
        raw = bytes(view)
        if chunked:
            raw = self._dechunk(raw)
        for encoding in reversed([e.strip().lower() for e in declared.split(",") if e.strip()]):
            raw = self._decode(raw, encoding, max_bytes)
        if len(raw) > max_bytes:
            raise HttpError("body_too_large", f"{len(raw)} bytes, the limit is {max_bytes}")
        return raw

    def _note(self, note: str) -> None:
        self.notes = (*self.notes, note)

    def _dechunk(self, raw: bytes) -> bytes:
        """Joins the chunks; what follows a broken chunk size is taken as it stands."""
        position = 0
        parts: list[bytes] = []
        while True:
            size = _CHUNK_SIZE.match(raw, position)
            if size is None:
                if not parts:
                    return raw  # the crawler has undone the chunks and kept the header
                if raw[position:].strip():
                    self._note("broken_chunk")
                    parts.append(raw[position:])
                break
            length = int(size.group(1), 16)
            if length == 0:
                break
            parts.append(raw[size.end() : size.end() + length])
            position = size.end() + length
            if position > len(raw):
                self._note("chunk_truncated")
                break
            position += 2 if raw[position : position + 2] == b"\r\n" else 0
        return b"".join(parts)

    def _decode(self, raw: bytes, encoding: str, max_bytes: int) -> bytes:
        if encoding in ("identity", "none", "utf-8", "") or not raw:
            return raw
        decode = _DECODERS.get(encoding)
        if decode is None:
            if _looks_like_text(raw):
                return raw
            raise HttpError("unknown_content_encoding", f"Content-Encoding: {encoding}")
        try:
            text, whole = decode(raw, max_bytes)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            if _looks_like_text(raw):
                return raw
            raise HttpError("bad_content_encoding", f"{encoding}: {error}") from error
        if len(text) > max_bytes:
            raise HttpError("body_too_large", f"inflates to more than {max_bytes} bytes")
        if not whole:
            self._note("content_encoding_truncated")
        return text


def parse_http(data: bytes | bytearray, start: int = 0, end: int | None = None) -> HttpResponse:
    """Parses the header of an HTTP response that lies in ``data[start:end]``.

    Raises:
        HttpError: ``no_http_header`` when the bytes don't begin with a status line.
    """
    stop = len(data) if end is None else end
    status = _STATUS_LINE.match(data, start, stop)
    if status is None:
        begin = data[start : min(stop, start + 24)]
        raise HttpError("no_http_header", f"begins with {bytes(begin)!r}")
    limit = min(stop, start + _MAX_HEADER)
    header_end, body_start = _header_end(data, start, limit)
    if header_end < 0:
        header_end = body_start = limit
    headers = header_fields(data[start:header_end].decode("latin-1"))
    return HttpResponse(int(status.group(1)), headers, data, body_start, stop)


def _header_end(data: bytes | bytearray, start: int, limit: int) -> tuple[int, int]:
    crlf = data.find(b"\r\n\r\n", start, limit)
    bare = data.find(b"\n\n", start, limit if crlf < 0 else crlf)
    if bare >= 0:
        return bare, bare + 2
    return (crlf, crlf + 4) if crlf >= 0 else (-1, -1)


def _looks_like_text(raw: bytes) -> bool:
    """True when the bytes are markup already: they begin with ``<`` and hold no control bytes."""
    head = raw[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head.startswith(b"<") and not any(byte < 9 for byte in head)


def _inflate(window_bits: int) -> Callable[[bytes, int], tuple[bytes, bool]]:
    def decode(raw: bytes, max_bytes: int) -> tuple[bytes, bool]:
        inflater = zlib.decompressobj(window_bits)
        text = inflater.decompress(raw, max_bytes + 1)
        return text, inflater.eof

    return decode


def _inflate_deflate(raw: bytes, max_bytes: int) -> tuple[bytes, bool]:
    # RFC 9110 8.4.1.2: "deflate" is the zlib format; some servers send it without zlib's header.
    try:
        return _inflate(zlib.MAX_WBITS)(raw, max_bytes)
    except zlib.error:
        return _inflate(-zlib.MAX_WBITS)(raw, max_bytes)


def _decode_brotli(raw: bytes, max_bytes: int) -> tuple[bytes, bool]:
    decompressor = brotli.Decompressor()
    parts: list[bytes] = []
    total = 0
    feed = raw
    while not decompressor.is_finished() and total <= max_bytes:
        # The limit matters: two kilobytes of brotli can hold a gigabyte.
        part = decompressor.process(feed, output_buffer_limit=_PIECE)
        feed = b""
        if not part and decompressor.can_accept_more_data():
            break
        parts.append(part)
        total += len(part)
    return b"".join(parts), decompressor.is_finished()


def _decode_zstd(raw: bytes, max_bytes: int) -> tuple[bytes, bool]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    parts: list[bytes] = []
    total = 0
    # A compressed block of a few bytes holds up to 128 kB: small feeds bound what one call yields.
    for begin in range(0, len(raw), 256):
        part = decompressor.decompress(raw[begin : begin + 256])
        parts.append(part)
        total += len(part)
        if total > max_bytes or decompressor.eof:
            break
    return b"".join(parts), decompressor.eof


_DECODERS: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _inflate(zlib.MAX_WBITS | 16),
    "x-gzip": _inflate(zlib.MAX_WBITS | 16),
    "deflate": _inflate_deflate,
    "br": _decode_brotli,
    "zstd": _decode_zstd,
}
