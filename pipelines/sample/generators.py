"""Records that no page file can hold: damaged, hostile, or no page at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from pipelines.sample.records import SampleRecord
from pipelines.sample.warc_writer import (
    WarcOther,
    WarcResponse,
    encode_body,
    metadata,
    request,
    resource,
    revisit,
    warcinfo,
)

__all__ = ["GENERATORS"]

_PROOF = (
    "<p>Suppose that \\(\\sqrt{2} = p/q\\) in lowest terms. Then \\(p^2 = 2q^2\\), so that \\(p\\)"
    " is even, say \\(p = 2r\\). Hence \\(q^2 = 2r^2\\) and \\(q\\) is even too, which contradicts"
    " the choice of \\(p/q\\). Therefore \\(\\sqrt{2}\\) is irrational.</p>"
)


def _html(title: str, body: str) -> bytes:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"</head>\n<body>\n{body}\n</body></html>\n"
    ).encode()


def _response(record: SampleRecord, body: bytes, **changes: object) -> WarcResponse:
    charset = f"; charset={record.http_charset}" if record.http_charset else ""
    return WarcResponse(
        record.url,
        body,
        record.date,
        record.status,
        content_type=f"{record.content_type}{charset}" if record.content_type else "",
        **changes,  # type: ignore[arg-type]
    )


def _warcinfo(record: SampleRecord) -> WarcOther:
    fields = (
        ("software", "proofmill sample builder"),
        ("description", "Pages written for this project; every host is reserved or invented"),
        ("format", "WARC File Format 1.0"),
    )
    return warcinfo(fields, "sample.warc.gz", record.date)


def _request(record: SampleRecord) -> WarcOther:
    return request(record.url, record.date)


def _metadata(record: SampleRecord) -> WarcOther:
    return metadata(record.url, (("fetchTimeMs", "183"), ("languages", "en")), record.date)


def _revisit(record: SampleRecord) -> WarcOther:
    original = WarcResponse(record.url, _html("Irrational", _PROOF), "2021-05-05T05:05:05Z")
    return revisit(record.url, original, record.date)


def _resource(record: SampleRecord) -> WarcOther:
    body = _html("The square root of two", f"<h1>The square root of two</h1>{_PROOF}")
    return resource(record.url, body, date=record.date)


def _truncated_gzip(record: SampleRecord) -> WarcResponse:
    """The connection broke: two thirds of a gzip body, under the Content-Length of the whole."""
    proofs = "".join(
        f"<h2>The square root of {prime}</h2><p>Suppose that \\(\\sqrt{{{prime}}} = a/b\\) with"
        f" integers \\(a, b\\) that have no common factor. Then \\(a^2 = {prime} b^2\\), so that"
        f" the prime {prime} divides \\(a^2\\) and therefore \\(a\\). Write \\(a = {prime} c\\);"
        f" then \\({prime} c^2 = b^2\\), and {prime} divides \\(b\\) as well, a contradiction.</p>"
        for prime in (2, 3, 5, 7, 11, 13, 17, 19)
    )
    whole = encode_body(_html("Irrational roots", proofs), "gzip")
    header = _header("text/html; charset=utf-8", "gzip", len(whole))
    return WarcResponse(record.url, date=record.date, http=header + whole[: len(whole) * 2 // 3])


def _garbage_gzip(record: SampleRecord) -> WarcResponse:
    body = _noise(600)
    header = _header("text/html", "gzip", len(body))
    return WarcResponse(record.url, date=record.date, http=header + body)


def _not_found(record: SampleRecord) -> WarcResponse:
    body = f"<h1>Page not found</h1><p>You may have been looking for this:</p>{_PROOF}"
    return _response(record, _html("404", body), reason="Not Found")


def _header(content_type: str, content_encoding: str, length: int) -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n"
        f"Content-Encoding: {content_encoding}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _no_header(record: SampleRecord) -> WarcResponse:
    """An HTTP/0.9 server, or a proxy that ate the header: the body and nothing before it."""
    return WarcResponse(record.url, date=record.date, http=_html("The root of two", _PROOF))


def _wrong_length(record: SampleRecord) -> WarcResponse:
    """Content-Length counts characters, the body has more bytes: a common error of old CGIs."""
    names = (
        "<p>That argument is in Euclid. Hölder, Möbius, Poincaré, Erdős, Gödel and Čech used it"
        " too, and Bézout’s identity gives another one: if \\(\\sqrt{2} = a/b\\) in lowest terms,"
        " there are integers \\(u, v\\) with \\(ua + vb = 1\\), and since \\(\\sqrt{2} a = 2b\\)"
        " and \\(\\sqrt{2} b = a\\), the number \\(\\sqrt{2} = \\sqrt{2} (ua + vb) = 2ub + va\\)"
        " would be an integer. It lies between one and two, so it is none.</p>"
    )
    body = _html("Names", f"<h1>Names with accents</h1>{_PROOF}{names}")
    return _response(record, body, content_length=len(body.decode()) // 2)


def _deep(record: SampleRecord) -> WarcResponse:
    """A formula inside twenty thousand open elements."""
    depth = 20_000
    body = f"{'<div>' * depth}{_PROOF}{'</div>' * depth}"
    return _response(record, _html("Deep", body), content_encoding="gzip")


def _nul_bytes(record: SampleRecord) -> WarcResponse:
    """NULs between and inside words, as broken database exports leave them."""
    body = _html("The root of two", f"<h1>The root of two</h1>{_PROOF * 2}")
    return _response(record, body.replace(b" is ", b" i\x00s ").replace(b"\\sqrt", b"\x00\\sqrt"))


def _image(record: SampleRecord) -> WarcResponse:
    return _response(record, b"\x89PNG\r\n\x1a\n" + _noise(200))


def _pdf(record: SampleRecord) -> WarcResponse:
    return _response(record, b"%PDF-1.5\n% \\frac{a}{b}\n" + _noise(200) + b"\n%%EOF\n")


def _empty(record: SampleRecord) -> WarcResponse:
    return _response(record, b"")


def _redirect(record: SampleRecord) -> WarcResponse:
    body = _html("302 Found", '<h1>Found</h1><p>The document is <a href="/new">here</a>.</p>')
    return _response(record, body, reason="Found", headers=(("Location", "/new"),))


def _long_line(record: SampleRecord) -> WarcResponse:
    """Three hundred kilobytes of one sentence, without a line break."""
    sentence = "Let \\(x\\) be a number, let \\(y\\) be a number, and consider \\(\\frac{x}{y}\\). "
    body = f"<p>{sentence * (300_000 // len(sentence))}</p>"
    return _response(record, _html("Numbers", body), content_encoding="gzip")


def _unclosed(record: SampleRecord) -> WarcResponse:
    """Nothing is closed, attributes run into each other, and a comment swallows the end."""
    page = (
        "<html><head><title>The root of two<body bgcolor=white text='black><h1>The root of two"
        "<table><tr><td><p><b><i>Claim. \\(\\sqrt{2}\\) is irrational.<tr><td><p>Suppose that"
        " \\(\\sqrt{2} = p/q\\) in lowest terms.<li>Then \\(p^2 = 2q^2\\), so \\(p\\) is even:"
        " \\(p = 2r\\).<li>Hence \\(q^2 = 2r^2\\), and \\(q\\) is even too.</b></i></td></p>"
        "<p>Both cannot be, since \\(p/q\\) was in lowest terms.<!-- counter <a href='/count"
        "<p>Thank you for visiting.</body>"
    )
    return _response(record, page.encode())


def _unclosed_script(record: SampleRecord) -> WarcResponse:
    """A script that is never closed: the whole page is JavaScript to a parser."""
    page = f"<html><head><title>Root</title><script>var a = '<p>';\n{_PROOF}</html>"
    return _response(record, page.encode())


def _links(record: SampleRecord) -> WarcResponse:
    """A directory of four thousand pages that have the word theorem in their names."""
    rows = "\n".join(
        f'<li><a href="/t/{number}">Theorem {number} on \\(\\alpha_{{{number}}}\\)</a></li>'
        for number in range(4000)
    )
    return _response(record, _html("Theorems", f"<ul>{rows}</ul>"), content_encoding="gzip")


def _binary(record: SampleRecord) -> WarcResponse:
    return _response(record, b"\x00\x01\\frac{1}{2}\\sum " + _noise(1500))


def _broken_chunk(record: SampleRecord) -> WarcResponse:
    """The second chunk's size isn't a number; what follows it is text nevertheless."""
    head, tail = _html("The root of two", f"<h1>The root of two</h1>{_PROOF}").split(b"</h1>")
    first = head + b"</h1>"
    http = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nzz\r\n%s\r\n0\r\n\r\n"
    ) % (len(first), first, tail)
    return WarcResponse(record.url, date=record.date, http=http)


def _kept_headers(record: SampleRecord) -> WarcResponse:
    """A crawler undid gzip and chunks and kept the headers that announce them."""
    body = _html("The root of two", f"<h1>The root of two</h1>{_PROOF}")
    http = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return WarcResponse(record.url, date=record.date, http=http + body)


def _unknown_encoding(record: SampleRecord) -> WarcResponse:
    header = _header("text/html", "exi", 64)
    return WarcResponse(record.url, date=record.date, http=header + _noise(64))


def _no_content_type(record: SampleRecord) -> WarcResponse:
    proofs = "".join(
        f"<h2>Case {number}</h2><p>The sum \\(1 + 2 + \\cdots + {number}\\) is"
        f" \\(\\frac{{{number} \\cdot {number + 1}}}{{2}} = {number * (number + 1) // 2}\\): write"
        " the terms once forwards and once backwards and add the columns.</p>"
        for number in (4, 10, 100)
    )
    return _response(record, _html("Gauss at school", proofs))


def _noise(length: int) -> bytes:
    """Bytes without structure, always the same."""
    blocks = (hashlib.sha256(b"noise %d" % number).digest() for number in range(length // 32 + 1))
    return b"".join(blocks)[:length]


GENERATORS: dict[str, Callable[[SampleRecord], WarcResponse | WarcOther]] = {
    "binary": _binary,
    "broken_chunk": _broken_chunk,
    "deep": _deep,
    "empty": _empty,
    "garbage_gzip": _garbage_gzip,
    "image": _image,
    "kept_headers": _kept_headers,
    "links": _links,
    "long_line": _long_line,
    "metadata": _metadata,
    "no_content_type": _no_content_type,
    "no_header": _no_header,
    "not_found": _not_found,
    "nul_bytes": _nul_bytes,
    "pdf": _pdf,
    "redirect": _redirect,
    "request": _request,
    "resource": _resource,
    "revisit": _revisit,
    "truncated_gzip": _truncated_gzip,
    "unclosed": _unclosed,
    "unclosed_script": _unclosed_script,
    "unknown_encoding": _unknown_encoding,
    "warcinfo": _warcinfo,
    "wrong_length": _wrong_length,
}
