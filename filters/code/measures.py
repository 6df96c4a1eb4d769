"""What can be counted in a source file, fast."""

from __future__ import annotations

import re

__all__ = ["data_share", "digit_share", "long_line_measures"]

_DIGITS = b"0123456789"
# White space of ASCII as ``str.split`` knows it: also the separators 0x1c to 0x1f.
_SPACES = b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"


def digit_share(text: str) -> float:
    """Decimal digits of ASCII, as a share of the characters that aren't white space.

    Raises:
        ZeroDivisionError: There are none, as in the original.
    """
    if text.isascii():
        raw = text.encode("ascii")
        visible = len(raw) - _count(raw, _SPACES)
        return _count(raw, _DIGITS) / visible
    visible = sum(map(len, text.split()))
    return sum(map(text.count, "0123456789")) / visible


def _count(raw: bytes, wanted: bytes) -> int:
    return len(raw) - len(raw.translate(None, wanted))


# What numbers are written with: exponents, hexadecimal digits, suffixes, and what is between them.
_DATA_LINE = re.compile(r"[ \t]*[-+({\[]*[\d.][\da-fA-FxXuUlL.+\-*/ \t,;:|&\\(){}\[\]]*")
# Fewer digits than this among a line's visible characters are a formula, not data.
_LEAST_DIGITS = 0.4
# What is looked at of a line; a longer one goes on as it begins.
_LINE_CHARS = 2000


def data_share(text: str) -> float:
    """Share of a text's characters that stand in lines of numbers alone."""
    if not text:
        return 0.0
    return sum(len(line) for line in text.split("\n") if _is_data(line)) / len(text)


def _is_data(line: str) -> bool:
    head = line[:_LINE_CHARS].rstrip()
    if not head or _DATA_LINE.fullmatch(head) is None:
        return False
    return digit_share(head) >= _LEAST_DIGITS


def long_line_measures(text: str, long: int) -> tuple[float, float]:
    """Share of a text that stands in long lines, and the share of white space in those.

    Args:
        text: The text.
        long: Characters from which a line is long.
    """
    lines = [line for line in text.split("\n") if len(line) >= long]
    if not lines:
        return 0.0, 0.0
    characters = sum(map(len, lines))
    spaces = sum(line.count(" ") + line.count("\t") for line in lines)
    return characters / len(text), spaces / characters
