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

_SALAD = (
    "lemma compact whereby sofa the matrix of green \\(\\frac{a}{b}\\) converge buy banana"
    " \\(\\alpha\\) uniformly theorem and discount ring \\(\\int_0^1\\) hotel field is open"
    " \\(x_n\\) trousers proof closed engine since \\(\\mathbb{R}\\) therefore cheap kernel"
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


def _no_http_header(record: SampleRecord) -> WarcResponse:
    return WarcResponse(record.url, date=record.date, http=_html("The root of two", _PROOF))


def _http_2(record: SampleRecord) -> WarcResponse:
    """Some crawlers write the protocol's real name into the status line."""
    header = b"HTTP/2 200\r\nserver: nginx\r\ncontent-type: text/html; charset=utf-8\r\n\r\n"
    return WarcResponse(record.url, date=record.date, http=header + _page("Over HTTP/2", 23))


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


def _stale_gzip_header(record: SampleRecord) -> WarcResponse:
    """The crawler inflated the body and kept the header."""
    body = _page("Inflated by the crawler", 31)
    header = _header("text/html; charset=utf-8", "gzip", len(body))
    return WarcResponse(record.url, date=record.date, http=header + body)


def _stale_chunked_header(record: SampleRecord) -> WarcResponse:
    """The crawler joined the chunks and kept the header."""
    return _response(
        record, _page("Joined by the crawler", 37), headers=(("Transfer-Encoding", "chunked"),)
    )


def _gzip_twice(record: SampleRecord) -> WarcResponse:
    body = encode_body(encode_body(_page("Packed twice", 41), "gzip"), "gzip")
    header = _header("text/html; charset=utf-8", "gzip, gzip", len(body))
    return WarcResponse(record.url, date=record.date, http=header + body)


def _unknown_encoding(record: SampleRecord) -> WarcResponse:
    body = _noise(500)
    header = _header("text/html; charset=utf-8", "x-private", len(body))
    return WarcResponse(record.url, date=record.date, http=header + body)


def _broken_chunk(record: SampleRecord) -> WarcResponse:
    """The second chunk's size is no number; what follows is still the page."""
    body = _page("A broken chunk", 43)
    half = len(body) // 2
    header = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunks = b"%x\r\n%s\r\nzz\r\n%s" % (half, body[:half], body[half:])
    return WarcResponse(record.url, date=record.date, http=header + chunks)


def _redirect(record: SampleRecord) -> WarcResponse:
    body = _html("Moved", '<p>The document has moved <a href="/new">here</a>.</p>')
    return _response(record, body, reason="Found", headers=(("Location", "/new"),))


def _server_error(record: SampleRecord) -> WarcResponse:
    return _response(record, _page("Down for maintenance", 47), reason="Service Unavailable")


def _empty(record: SampleRecord) -> WarcResponse:
    return _response(record, b"")


def _image(record: SampleRecord) -> WarcResponse:
    return _response(record, b"\x89PNG\r\n\x1a\n" + _noise(200))


def _pdf(record: SampleRecord) -> WarcResponse:
    return _response(record, b"%PDF-1.5\n% \\frac{a}{b}\n" + _noise(200) + b"\n%%EOF\n")


def _binary_html(record: SampleRecord) -> WarcResponse:
    return _response(record, _noise(4000))


def _deep_nesting(record: SampleRecord) -> WarcResponse:
    body = "<div>" * 20_000 + _proofs(53) + "</div>" * 20_000
    return _response(record, _html("Twenty thousand levels", body), content_encoding="gzip")


def _nul_bytes(record: SampleRecord) -> WarcResponse:
    body = _page("Zeros in between", 59)
    return _response(record, body.replace(b"divides", b"div\0ides").replace(b"<p>", b"<p>\0"))


def _long_line(record: SampleRecord) -> WarcResponse:
    sentence = "The number \\(\\sqrt{2}\\) is irrational, as everybody on this page will tell you. "
    return _response(record, _html("Again and again", f"<p>{sentence * 3_700}</p>"))


def _unclosed(record: SampleRecord) -> WarcResponse:
    """Only the title is closed: no attribute, element, formula, comment or script is."""
    body = (
        "<table><tr><td><b><i>Wanted: a proof<table><td>"
        f'{_proofs(61)}<p class=\'open><div title="a > b"><h2>More</h2>{_proofs(67)}'
        "<math><mfrac><mi>a</mi><mi>b<p>and \\(unfinished \\frac{1}{2"
        "<!-- the rest is a comment <p>\\(x\\)</p> <script>var a = '</div>"
    )
    return _response(record, b"<title>Unclosed</title><body>" + body.encode())


def _many_links(record: SampleRecord) -> WarcResponse:
    links = "".join(
        f'<li><a href="/e/{number}">\\(\\alpha_{{{number}}}\\)</a></li>' for number in range(4_000)
    )
    return _response(record, _html("Index of symbols", f"<h1>Index</h1><ul>{links}</ul>"))


def _number_table(record: SampleRecord) -> WarcResponse:
    rows = "".join(
        f"<tr><td>{n}</td><td>{n * n}</td><td>{n**3}</td><td>{n**0.5:.6f}</td></tr>"
        for n in range(1, 400)
    )
    head = "<tr><th>\\(n\\)</th><th>\\(n^2\\)</th><th>\\(n^3\\)</th><th>\\(\\sqrt{n}\\)</th></tr>"
    return _response(record, _html("Squares and roots", f"<table>{head}{rows}</table>"))


def _word_salad(record: SampleRecord) -> WarcResponse:
    """Words and formulas in no order: what a spammer's text generator makes of a maths page."""
    words = _SALAD.split()
    picked = (words[byte % len(words)] for byte in _noise(1_200))
    return _response(
        record, _html("Lemma discount", f"<h1>Lemma discount</h1><p>{' '.join(picked)}")
    )


def _conversion(record: SampleRecord) -> WarcOther:
    """What Common Crawl's WET files hold."""
    text = "The square root of two is not a fraction."
    return WarcOther("conversion", record.url, record.date, text.encode(), "text/plain")


def _page(title: str, prime: int) -> bytes:
    return _html(title, f"<h1>{title}</h1>{_proofs(prime)}")


def _proofs(prime: int) -> str:
    """Three short proofs about a prime: a page's worth of text."""
    p = prime
    return (
        f"<p>The square root of {p} is irrational. Suppose that \\(\\sqrt{{{p}}} = a/b\\) in lowest"
        f" terms. Then \\(a^2 = {p} b^2\\), so {p} divides \\(a^2\\) and, being prime, \\(a\\)."
        f" Write \\(a = {p} c\\). It follows that \\(b^2 = {p} c^2\\), and {p} divides \\(b\\) as"
        " well, which contradicts the choice of the fraction.</p>"
        f"<p>There are as many squares as non-squares among the {p - 1} non-zero residues modulo"
        f" {p}. Indeed \\(x^2 \\equiv y^2\\) if and only if \\(x \\equiv \\pm y \\pmod{{{p}}}\\),"
        f" since {p} divides the product \\((x-y)(x+y)\\) only if it divides a factor. So every"
        " square is taken exactly twice, and there are"
        f" \\(\\frac{{{p} - 1}}{{2}} = {(p - 1) // 2}\\) of them.</p>"
        f"<p>Wilson's theorem says \\(({p} - 1)! \\equiv -1 \\pmod{{{p}}}\\). In the product of all"
        " non-zero residues every factor meets its inverse, except those that are their own"
        f" inverses. These satisfy \\(x^2 \\equiv 1\\), so they are \\(1\\) and \\({p - 1}\\), and"
        " their product is what remains: \\[1 \\cdot (-1) \\equiv -1.\\]</p>"
    )


def _header(content_type: str, content_encoding: str, length: int) -> bytes:
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n"
        f"Content-Encoding: {content_encoding}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def _unclosed_script(record: SampleRecord) -> WarcResponse:
    """A script that is never closed: the whole page is JavaScript to a parser."""
    page = f"<html><head><title>Root</title><script>var a = '<p>';\n{_PROOF}</html>"
    return _response(record, page.encode())


def _app_shell(record: SampleRecord) -> WarcResponse:
    """A page that a script would fill: KaTeX is loaded, and there is nothing to read."""
    page = (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        '<link rel="stylesheet" href="/assets/katex.min.css">'
        '<script defer src="/assets/app.3f2a.js"></script></head>'
        '<body><div id="root"></div><script>window.__STATE__ = {};</script></body></html>'
    )
    return _response(record, page.encode())


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
    # Records that are no responses.
    "warcinfo": _warcinfo,
    "request": _request,
    "metadata": _metadata,
    "revisit": _revisit,
    "resource": _resource,
    "conversion": _conversion,
    # Bodies whose encoding is broken, or isn't what the header says.
    "truncated_gzip": _truncated_gzip,
    "garbage_gzip": _garbage_gzip,
    "gzip_twice": _gzip_twice,
    "unknown_encoding": _unknown_encoding,
    "stale_gzip_header": _stale_gzip_header,
    "stale_chunked_header": _stale_chunked_header,
    "broken_chunk": _broken_chunk,
    "wrong_length": _wrong_length,
    # Headers and statuses.
    "no_http_header": _no_http_header,
    "no_content_type": _no_content_type,
    "http_2": _http_2,
    "not_found": _not_found,
    "redirect": _redirect,
    "server_error": _server_error,
    # Bodies that are no pages.
    "empty": _empty,
    "image": _image,
    "pdf": _pdf,
    "binary_html": _binary_html,
    # Pages that strain a parser.
    "deep_nesting": _deep_nesting,
    "nul_bytes": _nul_bytes,
    "long_line": _long_line,
    "unclosed": _unclosed,
    "unclosed_script": _unclosed_script,
    "app_shell": _app_shell,
    "many_links": _many_links,
    "number_table": _number_table,
    "word_salad": _word_salad,
}
