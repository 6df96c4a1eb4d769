"""Bytes of a page to text, in the order that the WHATWG HTML standard gives.

A byte order mark wins, then the charset of the HTTP header, then the page's own ``<meta>``, then
detection. Servers are wrong often enough that a declaration is believed only while the bytes agree:
bytes that are valid UTF-8 beyond ASCII are UTF-8 whatever was declared (a legacy text that is valid
UTF-8 by chance is rarer than a mislabelled page by orders of magnitude), and a declared encoding
that the bytes contradict gives way to detection.
"""

from __future__ import annotations

import codecs
import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from extractors.html.name_sets import names

__all__ = ["decode_html"]

_PRESCAN_BYTES = 4096
"""The standard prescans 1,024 bytes; pages with long heads before the meta tag are common."""

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META = re.compile(rb"<meta\b[^>]{0,1000}", re.IGNORECASE)
_META_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:\-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:\-]+)")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)

# Python codecs that read more than the label's own codec: the supersets that browsers use
# (https://encoding.spec.whatwg.org/#names-and-labels).
_SUPERSETS = {
    "iso-8859-1": "cp1252",
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "latin-1": "cp1252",
    "windows-1252": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "big5": "big5hkscs",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "x-user-defined": "cp1252",
}

_SEQUENCE_ENCODINGS = names("gb18030 cp932 cp949 big5hkscs euc_jp euc_kr utf-8")
"""Encodings with invalid byte sequences, so that the bytes can contradict them."""

_TOLERATED_DAMAGE = 0.01
"""Share of replaced characters up to which a declared encoding is still believed."""


def decode_html(raw: bytes, http_charset: str = "") -> tuple[str, str]:
    """Decodes a page; always returns.

    Args:
        raw: The page's bytes.
        http_charset: The charset parameter of the HTTP Content-Type header, if any.

    Returns:
        The text without byte order mark and NUL characters, and the name of the encoding.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _clean(raw[len(mark) :].decode(name, "replace")), name
    wide = _wide_encoding(raw)
    if wide:
        return _clean(raw.decode(wide, "replace")), wide
    if raw.isascii():
        return _decode_seven_bits(raw, http_charset)
    try:
        return _clean(raw.decode("utf-8")), "utf-8"
    except UnicodeDecodeError as error:
        damage = error
    if _is_damaged_utf8(raw, damage):
        return _clean(raw.decode("utf-8", "replace")), "utf-8"
    for label in (http_charset, _declared(raw)):
        name = _python_codec(label)
        # Valid UTF-8 was decided above, so a declared UTF-8 is contradicted here.
        if not name or name == "utf-8" or name.startswith(("utf-16", "utf-32")):
            continue
        text = raw.decode(name, "replace")
        if name in _SEQUENCE_ENCODINGS and text.count("\ufffd") > _TOLERATED_DAMAGE * len(text):
            continue
        return _clean(text), name
    detected = _python_codec(detect_encoding(raw) or "")
    if not detected or detected.startswith(("utf-8", "utf-16", "utf-32")):
        detected = "cp949" if _is_korean(raw) else "cp1252"
    text = raw.decode(detected, "replace")
    return _clean(text), detected


def _clean(text: str) -> str:
    return text.replace("\x00", "").removeprefix("\ufeff")


def _decode_seven_bits(raw: bytes, http_charset: str) -> tuple[str, str]:
    """ASCII reads the same under every label but one: ISO-2022-JP shifts by escape sequences."""
    if b"\x1b$" in raw and "iso2022_jp" in {
        _python_codec(label) for label in (http_charset, _declared(raw))
    }:
        return _clean(raw.decode("iso2022_jp", "replace")), "iso2022_jp"
    return _clean(raw.decode("ascii")), "ascii"


def _wide_encoding(raw: bytes) -> str:
    """UTF-16 without a mark shows in the NULs beside the ASCII of markup."""
    head = raw[:512]
    if len(head) < 4 or head.count(0) * 3 < len(head):
        return ""
    even = head[0::2].count(0)
    odd = head[1::2].count(0)
    if odd > 4 * max(even, 1):
        return "utf-16-le"
    if even > 4 * max(odd, 1):
        return "utf-16-be"
    return ""


def _is_damaged_utf8(raw: bytes, error: UnicodeDecodeError) -> bool:
    """Whether the bytes are UTF-8 with a few broken places (cut text, one legacy comment)."""
    if error.start >= len(raw) - 3:
        return True
    text = raw.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond_ascii = sum(map(len, _BEYOND_ASCII.findall(text))) - broken
    return beyond_ascii > 9 * broken


def _is_korean(raw: bytes) -> bool:
    """Whether the bytes are Korean, which the detector takes for broken UTF-8."""
    try:
        letters = "".join(_BEYOND_ASCII.findall(raw.decode("cp949")))
    except UnicodeDecodeError:
        return False
    return len(_HANGUL.findall(letters)) > 0.8 * len(letters)


_HANGUL = re.compile("[\uac00-\ud7a3]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")


def _declared(raw: bytes) -> str:
    head = _COMMENT.sub(b"", raw[: 4 * _PRESCAN_BYTES])[:_PRESCAN_BYTES]
    xml = _XML_ENCODING.match(head)
    if xml:
        return xml.group(1).decode("ascii")
    for meta in _META.finditer(head):
        charset = _META_CHARSET.search(meta.group())
        if charset:
            return charset.group(1).decode("ascii")
    return ""


def _python_codec(label: str) -> str:
    label = label.strip().strip("\"'").lower()
    if not label:
        return ""
    label = _SUPERSETS.get(label, label)
    mapped = map_encoding_to_html5(label, fallback_utf8=False) or label
    mapped = _SUPERSETS.get(mapped.lower(), mapped.lower())
    try:
        info = codecs.lookup(mapped)
    except (LookupError, ValueError):
        return ""
    # codecs also holds bytes-to-bytes transforms such as zlib, and idna and friends, which are
    # no character sets of web pages.
    if not getattr(info, "_is_text_encoding", True) or info.name in _NOT_CHARSETS:
        return ""
    return "utf-8" if info.name in {"utf-8", "utf-8-sig"} else info.name


_NOT_CHARSETS = names("idna punycode raw_unicode_escape unicode_escape undefined mbcs oem")
