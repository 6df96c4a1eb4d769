"""Encodings of source files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.sources import DecodingFailed, decode_source
from extractors.sources.decoding import decode_published

FRENCH = "% la méthode du gradient conjugué, à pas constant\ny = x;\n"
RUSSIAN = "! Вычисление определителя матрицы методом Гаусса\n      END\n" * 3
CHINESE = "# 计算矩阵的特征值和特征向量\nimport numpy\n" * 3
JAPANESE = "% 行列の固有値を計算するプログラムです\nx = 1;\n" * 3


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "utf-8"),
        (FRENCH, "cp1252"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (CHINESE, "gb18030"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (FRENCH, "utf-16"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "utf-16-be"),
        (FRENCH, "utf-32"),
        (FRENCH, "utf-8-sig"),
    ],
)
def test_encodings(text: str, encoding: str) -> None:
    found, _ = decode_source(text.encode(encoding))
    assert found == text


def test_what_the_holder_names_is_believed_when_it_fits() -> None:
    assert decode_source("é".encode("iso8859_2"), "iso8859_2") == ("é", "iso8859-2")
    assert decode_source("é".encode(), "latin-1") == ("é", "utf-8")
    assert decode_source(b"\xe9t\xe9", "no-such-encoding")[0] == "été"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"int\0x;", "nul_bytes"),
        (bytes(range(256)) * 20, "nul_bytes"),
        (b"\x01\x02\x03\x04\x05" * 200, "binary"),
        (b"\xff\xfe\x00\xd8\x00", "binary"),
    ],
)
def test_no_texts(raw: bytes, reason: str) -> None:
    with pytest.raises(DecodingFailed) as failed:
        decode_source(raw)
    assert failed.value.reason == reason


def test_padding_at_the_end() -> None:
    assert decode_source(b"      END\n\x1a\0\0\0\0") == ("      END\n", "ascii")


def test_damaged_utf8_stays_utf8() -> None:
    text, encoding = decode_source((CHINESE * 3).encode() + b"\xff\n")
    assert encoding == "utf-8"
    assert text.startswith(CHINESE)


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc"))))
def test_utf8_is_read_as_it_is(text: str) -> None:
    assert decode_source(text.encode())[0] == text.removeprefix("\ufeff")


def test_published() -> None:
    with pytest.raises(DecodingFailed):
        decode_published(FRENCH.encode("cp1252"), repository=True)
    # Of repositories it was read in text mode.
    assert decode_published(b"a\r\nb\rc", repository=True)[0] == "a\nb\nc"
    assert decode_published(b"a\r\nb", repository=False)[0] == "a\r\nb"
