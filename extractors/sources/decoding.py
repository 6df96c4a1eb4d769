"""Bytes of a source file to text.

A byte order mark wins; then UTF-16 and UTF-32 without a mark, by their zeros; then UTF-8; then
detection among the encodings that people write code in. Bytes that are no text say why.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from charset_normalizer import from_bytes

__all__ = ["DecodingFailed", "decode_published", "decode_source"]


class DecodingFailed(Exception):
    """The bytes are no text, or not in an encoding that can be told.

    Args:
        reason: A short stable code: ``binary``, ``nul_bytes``, ``unknown_encoding``.
        detail: What a person wants to know.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Of UTF-16 without a mark, every other byte of ASCII is zero; this share is enough.
_LEAST_ZEROS = 0.3
# Of fewer bytes nothing can be told.
_FEWEST_BYTES = 16
_HEAD = 4096
# Control characters that no text has; tab, line ends, form feed, escape and DOS's end of file are.
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f\x7f]")
_MOST_CONTROL = 0.01
# Bytes of a file that detection looks at.
_DETECTED_BYTES = 20_000
# What is tried where the words of a comment decide; Windows' supersets stand for ISO's. The Mac's
# last: most bytes have a letter in it.
_LEGACY = (
    "cp1252", "cp1251", "koi8_r", "gb18030", "cp932", "euc_jp", "cp949", "big5", "cp1250",
    "cp1253", "cp1254", "cp1255", "iso8859_2", "mac_roman",
)  # fmt: skip
_MULTIBYTE = ("gb18030", "cp932", "euc_jp", "cp949", "big5")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")


def decode_source(raw: bytes, named: str = "") -> tuple[str, str]:
    """Decodes a source file.

    Args:
        raw: Its bytes.
        named: The encoding that its holder names; believed when it fits.

    Returns:
        The text without byte order mark, and the encoding's name.

    Raises:
        DecodingFailed: It is no text.
    """
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _strict(raw[len(mark) :], name), name
    if b"\0" in raw:
        wide = _wide(raw)
        if not wide:
            return _without_padding(raw)
        return _strict(raw, wide), wide
    if len(_CONTROL.findall(raw[:_HEAD])) > _MOST_CONTROL * len(raw[:_HEAD]):
        raise DecodingFailed("binary", "control characters")
    try:
        return raw.decode("utf-8"), "ascii" if raw.isascii() else "utf-8"
    except UnicodeDecodeError as error:
        damage = error
    if named and named.lower().replace("_", "-") not in ("utf-8", "utf8", "ascii"):
        try:
            return raw.decode(named), codecs.lookup(named).name
        except (LookupError, UnicodeDecodeError):
            pass
    if _is_damaged_utf8(raw):
        return raw.decode("utf-8", "replace"), "utf-8"
    name = _detected(raw)
    if not name:
        raise DecodingFailed("unknown_encoding", str(damage)[:200])
    return raw.decode(name), name


def decode_published(raw: bytes, *, repository: bool) -> tuple[str, str]:
    """Decodes as the original did: UTF-8 or nothing.

    Args:
        raw: The bytes.
        repository: Whether the file is of a repository: the original read those in text mode, which
            makes every line end a line feed.

    Raises:
        DecodingFailed: It isn't UTF-8; the original passed over it in silence.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodingFailed("not_utf8", str(error)[:200]) from error
    if repository and "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, "utf-8"


def _strict(raw: bytes, name: str) -> str:
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        # A cut last character is no reason to lose a file.
        if name.startswith("utf-16") and len(raw) % 2:
            return _strict(raw[:-1], name)
        raise DecodingFailed("binary", f"{name}: {error}"[:200]) from error
    if "\0" in text:
        raise DecodingFailed("nul_bytes", f"{text.count(chr(0))} in {name}")
    return text


def _without_padding(raw: bytes) -> tuple[str, str]:
    """A text that ends in zeros, as a tape or an editor's crash left it; else no text."""
    rest = raw.rstrip(b"\0\x1a")
    if not rest or b"\0" in rest:
        raise DecodingFailed("nul_bytes", f"{raw.count(0)} of {len(raw)} bytes")
    return decode_source(rest)


def _wide(raw: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, by where the zeros of its ASCII are; empty for neither."""
    head = raw[: min(_HEAD, len(raw) - len(raw) % 4)]
    if len(head) < _FEWEST_BYTES:
        return ""
    quarters = [head[place::4].count(0) / max(len(head[place::4]), 1) for place in range(4)]
    if min(quarters[1:]) > 0.9 and quarters[0] < 0.1:
        return "utf-32-le"
    if min(quarters[:3]) > 0.9 and quarters[3] < 0.1:
        return "utf-32-be"
    even, odd = (head[place::2].count(0) / max(len(head[place::2]), 1) for place in (0, 1))
    if odd > _LEAST_ZEROS and even < 0.01:
        return "utf-16-le"
    if even > _LEAST_ZEROS and odd < 0.01:
        return "utf-16-be"
    return ""


def _is_damaged_utf8(raw: bytes) -> bool:
    """UTF-8 beyond ASCII with a broken character here and there, by what is left whole of it."""
    text = raw.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = sum(1 for character in text if character > "\x7f" and character != "\ufffd")
    return whole >= 10 * broken and whole >= 10


def _detected(raw: bytes) -> str:
    """The most probable legacy encoding; empty when none fits."""
    sample = _telling(raw)
    fitting = [name for name in _LEGACY if _fits(raw, name)]
    if not fitting:
        return ""
    # Single bytes between ASCII letters are accents; runs of them are words or ideographs.
    runs = [len(run) for run in _HIGH_RUN.findall(sample)]
    if max(runs, default=0) <= 2 and "cp1252" in fitting:
        return "cp1252"
    best = from_bytes(sample, cp_isolation=list(fitting), steps=5, chunk_size=512).best()
    if best is not None and best.encoding in fitting:
        return str(best.encoding)
    return next((name for name in ("cp1252", *_MULTIBYTE) if name in fitting), fitting[0])


def _telling(raw: bytes) -> bytes:
    """The lines that have bytes beyond ASCII, as far as detection looks."""
    lines: Sequence[bytes] = [line for line in raw.split(b"\n") if not line.isascii()]
    return b"\n".join(lines)[:_DETECTED_BYTES]


def _fits(raw: bytes, name: str) -> bool:
    try:
        raw.decode(name)
    except UnicodeDecodeError:
        return False
    return True
