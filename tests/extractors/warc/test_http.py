"""HTTP responses as archives hold them."""

from __future__ import annotations

import contextlib
import gzip

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.warc import HttpError, parse_http
from pipelines.sample.warc_writer import WarcResponse

PAGE = b"<html><p>" + b"The derivative of $x^2$ is $2x$. " * 200 + b"</p></html>"


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("chunked", [False, True])
def test_every_encoding_is_undone(encoding: str, chunked: bool) -> None:
    message = WarcResponse("u", PAGE, content_encoding=encoding, chunked=chunked).message()
    response = parse_http(message)
    assert response.body(1 << 20) == PAGE
    assert response.notes == ()
    assert (response.status, response.content_type, response.charset) == (200, "text/html", "utf-8")


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "x-unheard-of"])
def test_a_body_that_the_crawler_has_decoded_is_taken_as_it_is(encoding: str) -> None:
    header = (
        f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert parse_http(header.encode() + PAGE).body(1 << 20) == PAGE


def test_a_cut_body_keeps_what_is_there_and_says_so() -> None:
    message = WarcResponse("u", PAGE, content_encoding="gzip").message()
    response = parse_http(message[:-30])
    body = response.body(1 << 20)
    assert body and PAGE.startswith(body)
    assert response.notes == ("content_encoding_truncated",)


def test_a_broken_chunk_size_keeps_what_follows() -> None:
    message = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<html\r\nxyz\r\n>rest"
    response = parse_http(message)
    assert response.body(100) == b"<htmlxyz\r\n>rest"
    assert response.notes == ("broken_chunk",)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(bytes(50_000_000))), ("br", brotli.compress(bytes(50_000_000)))],
)
def test_a_bomb_is_refused(encoding: str, packed: bytes) -> None:
    header = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n".encode()
    with pytest.raises(HttpError) as caught:
        parse_http(header + packed).body(1_000_000)
    assert caught.value.reason == "body_too_large"


def test_what_is_no_response_is_refused() -> None:
    with pytest.raises(HttpError) as caught:
        parse_http(b"<html>no header at all</html>")
    assert caught.value.reason == "no_http_header"
    with pytest.raises(HttpError) as caught:
        parse_http(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x00\x01junk").body(100)
    assert caught.value.reason == "bad_content_encoding"


@given(st.binary(max_size=300), st.sampled_from(["gzip", "br", "zstd", "deflate", "gzip, br"]))
def test_any_body_gives_bytes_or_an_http_error(body: bytes, encoding: str) -> None:
    header = f"HTTP/1.0 200\nContent-Encoding: {encoding}\nTransfer-Encoding: chunked\n\n"
    with contextlib.suppress(HttpError):
        assert len(parse_http(header.encode() + body).body(10_000)) <= 10_000
