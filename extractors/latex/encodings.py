r"""Bytes of a TeX file to text.

A byte order mark wins, then UTF-8 where the bytes are UTF-8, then what the file declares to
inputenc or CJK, then detection. Always returns: a binary file gives text of no use, which the
paper's bounds and the cleaner deal with.
"""

from __future__ import annotations

import codecs
import itertools
import re

from resiliparse.parse.encoding import detect_encoding

__all__ = ["declared_encoding", "decoded", "looks_binary"]

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARATION = re.compile(
    rb"\\usepackage\s*\[\s*([A-Za-z0-9\-]+)\s*\]\s*\{inputenc\}"
    rb"|\\inputencoding\s*\{([A-Za-z0-9\-]+)\}"
    rb"|\\begin\{CJK\*?\}(?:\[[^\]]*\])?\{([A-Za-z0-9]+)\}"
)
# Options of inputenc (its manual, "The encodings") and of CJK, as Python's codecs.
_CODECS = {
    "latin1": "latin-1",
    "latin2": "iso8859-2",
    "latin3": "iso8859-3",
    "latin4": "iso8859-4",
    "latin5": "iso8859-9",
    "latin9": "iso8859-15",
    "latin10": "iso8859-16",
    "ansinew": "cp1252",
    "cp1252": "cp1252",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1257": "cp1257",
    "cp437": "cp437",
    "cp850": "cp850",
    "cp852": "cp852",
    "cp865": "cp865",
    "cp866": "cp866",
    "cp866nav": "cp866",
    "koi8-r": "koi8-r",
    "koi8-ru": "koi8-u",
    "koi8-u": "koi8-u",
    "applemac": "mac-roman",
    "macce": "mac-latin2",
    "maccyr": "mac-cyrillic",
    "iso88595": "iso8859-5",
    "iso-8859-7": "iso8859-7",
    "gbk": "gb18030",
    "gb": "gb18030",
    "bg5": "big5hkscs",
    "sjis": "cp932",
    "jis": "euc_jp",
    "ks": "cp949",
}
_DECLARATION_WINDOW = 20_000
_DETECTED = {
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
    "windows-1251": "cp1251",
    "windows-1250": "cp1250",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    "x-mac-cyrillic": "mac-cyrillic",
}
_TOLERATED_DAMAGE = 0.1
"""Share of a file's bytes above ASCII that may be no UTF-8 in a file that else is."""
_FEWEST_FOR_DETECTION = 24
"""Bytes above ASCII below which detection guesses; a handful are names in Western Europe."""
_CYRILLIC_SHARE = 0.15
"""Share of bytes above ASCII in a file from which it may be Cyrillic and not accented letters."""
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_BINARY_WINDOW = 4096
_BINARY_SHARE = 0.05


def decoded(raw: bytes, declared: str = "") -> tuple[str, str]:
    """A file's text and the name of its encoding.

    Args:
        raw: The file.
        declared: The encoding that the paper's main file declares, for a file that says nothing.

    Returns:
        The text, line ends as newlines, control characters gone; and the encoding.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if raw.startswith(mark):
            return _clean(raw[len(mark) :].decode(name, "replace")), name
    if raw.isascii() and b"\0" not in raw:
        return _clean(raw.decode("ascii")), "ascii"
    wide = _wide(raw)
    if wide:
        return _clean(raw.decode(wide, "replace")), wide
    try:
        return _clean(raw.decode("utf-8")), "utf-8"
    except UnicodeDecodeError:
        pass
    high = sum(byte >= 0x80 for byte in raw) if len(raw) < 1 << 20 else len(raw) // 2
    name = declared_encoding(raw) or declared
    if name and name != "utf-8":
        try:
            return _clean(raw.decode(name)), name
        except UnicodeDecodeError:
            pass
    damaged = raw.decode("utf-8", "replace")
    if damaged.count("\ufffd") <= _TOLERATED_DAMAGE * high:
        return _clean(damaged), "utf-8"
    name = _detected(raw, high)
    return _clean(raw.decode(name, "replace")), name


def declared_encoding(raw: bytes) -> str:
    """The codec of the encoding that a file declares; empty when it declares none that is known."""
    match = _DECLARATION.search(raw, 0, _DECLARATION_WINDOW)
    if match is None:
        return ""
    option = next(group for group in match.groups() if group).decode().lower()
    if option in ("utf8", "utf8x"):
        return "utf-8"
    return _CODECS.get(option, "")


def looks_binary(text: bytes) -> bool:
    """Whether bytes that are named as TeX can't be: too many control bytes in their beginning."""
    head = text[:_BINARY_WINDOW]
    if not head or _wide(head) or head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    controls = sum(byte < 0x20 and byte not in b"\t\n\r\x0b\x0c\x1a\x1b" for byte in head)
    return controls > _BINARY_SHARE * len(head)


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text).replace("\x0c", "\n")


def _wide(raw: bytes) -> str:
    """UTF-16 without a mark: every other byte of ASCII text is zero."""
    head = raw[:2000]
    if len(head) < 8:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.6 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.1 * half:
        return "utf-16-be"
    return ""


def _detected(raw: bytes, high: int) -> str:
    """The encoding by the bytes alone."""
    letters = sum(map(raw.count, _ASCII_LETTERS))
    if high >= _FEWEST_FOR_DETECTION:
        if high > _CYRILLIC_SHARE * (high + letters):
            cyrillic = _cyrillic(raw)
            if cyrillic:
                return cyrillic
        label = (detect_encoding(raw[: 1 << 20]) or "").lower()
        name = _DETECTED.get(label, label)
        if name and name not in ("utf-8", "ascii", "latin-1", "cp1252") and _decodes(raw, name):
            return name
    if not any(raw.count(byte) for byte in _C1_BYTES):
        return "latin-1"
    return "cp1252" if _decodes(raw, "cp1252") else "mac-roman"


def _cyrillic(raw: bytes) -> str:
    """KOI8-R, CP1251 or CP866 by where the lower-case letters lie; empty when it's neither.

    Lower-case letters are the bulk of a text: in KOI8 they lie from C0 to DF, in CP1251 from E0 to
    FF, in CP866 from A0 to AF and E0 to EF.
    """
    high = [byte for byte in raw if byte >= 0x80]
    pairs = sum(a >= 0x80 and b >= 0x80 for a, b in itertools.pairwise(raw))
    if pairs < 0.5 * len(high):
        return ""  # accented letters stand alone; Cyrillic words are runs
    koi8 = sum(0xC0 <= byte <= 0xDF for byte in high)
    cp1251 = sum(byte >= 0xE0 for byte in high)
    cp866 = sum(0xA0 <= byte <= 0xAF or 0xE0 <= byte <= 0xEF for byte in high)
    best, name = max((koi8, "koi8-r"), (cp1251, "cp1251"), (cp866, "cp866"))
    if best < 0.75 * len(high):
        return ""
    text = raw.decode(name, "replace")
    letters = [c for c in text if "\u0410" <= c <= "\u044f"]
    # The commonest Russian letters are 45 % of a text; in another code page they'd be rare.
    common = sum(c in "оеаинт" for c in letters)
    return name if common > 0.3 * max(1, len(letters)) else ""


def _decodes(raw: bytes, name: str) -> bool:
    try:
        raw.decode(name)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


_ASCII_LETTERS = [bytes([byte]) for byte in range(0x41, 0x7B) if chr(byte).isalpha()]
_C1_BYTES = [bytes([byte]) for byte in range(0x80, 0xA0)]
