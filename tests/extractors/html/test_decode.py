"""Bytes to text in the order of the WHATWG standard, wrong declarations noticed."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.html import decode_html

TEXT = "<p>naïve façade – “théorème” à l’œuvre</p>"


def meta(charset: str) -> str:
    return f'<meta charset="{charset}">'


@pytest.mark.parametrize(
    ("raw", "http", "encoding"),
    [
        (codecs.BOM_UTF8 + TEXT.encode(), "iso-8859-1", "utf-8"),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "utf-8", "utf-16-le"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "", "utf-16-be"),
        (TEXT.encode("utf-16-le"), "", "utf-16-le"),
        (TEXT.encode("utf-16-be"), "", "utf-16-be"),
        (TEXT.encode("cp1252"), "windows-1252", "cp1252"),
        (TEXT.encode("cp1252"), "iso-8859-1", "cp1252"),
        (TEXT.encode(), "", "utf-8"),
    ],
)
def test_what_is_declared_or_marked(raw: bytes, http: str, encoding: str) -> None:
    text, name = decode_html(raw, http)
    assert (text, name) == (TEXT, encoding)


def test_utf8_declared_latin_1_is_utf8() -> None:
    page = meta("iso-8859-1") + TEXT
    assert decode_html(page.encode(), "iso-8859-1") == (page, "utf-8")


def test_windows_1252_declared_utf8_is_windows_1252() -> None:
    page = meta("utf-8") + TEXT * 20
    text, _ = decode_html(page.encode("cp1252"), "utf-8")
    assert text == page


def test_the_meta_tag_counts_where_http_says_nothing() -> None:
    page = meta("windows-1251") + "<p>Теорема о среднем значении</p>"
    text, name = decode_html(page.encode("cp1251"))
    assert text == page
    assert name == "cp1251"


@pytest.mark.parametrize(
    ("label", "codec", "sentence"),
    [
        ("gb2312", "gb18030", "定理：每个正整数都可以唯一分解"),
        ("shift_jis", "cp932", "定理：すべての正の整数は素数の積で表される"),
        ("euc-kr", "cp949", "정리: 모든 양의 정수는 소수의 곱이다"),
        ("big5", "big5hkscs", "定理：每個正整數都可以唯一分解"),
    ],
)
def test_east_asian_labels(label: str, codec: str, sentence: str) -> None:
    page = meta(label) + f"<p>{sentence}</p>"
    assert decode_html(page.encode(codec))[0] == page


def test_utf8_with_a_few_broken_bytes_stays_utf8() -> None:
    raw = (TEXT * 10).encode() + b"\xe9" + TEXT.encode()
    text, name = decode_html(raw, "utf-8")
    assert name == "utf-8"
    assert text.replace("\ufffd", "") == TEXT * 11


def test_nuls_are_dropped() -> None:
    assert decode_html(b"<p>a\x00b\xc3\xa9</p>")[0] == "<p>abé</p>"


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "utf-8", "latin-1", "utf-16", "zlib", "x", "idna"]),
)
def test_any_bytes_decode_under_any_label(raw: bytes, label: str) -> None:
    text, name = decode_html(raw, label)
    assert "\x00" not in text
    assert codecs.lookup(name)
