"""Unicode's normal form C, in time that grows with the text alone."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = ["nfc"]

_STREAM_SAFE = 30
"""Combining marks that may follow each other (https://www.unicode.org/reports/tr15/, Stream-Safe
Text Format). Sorting longer runs takes their square; what is beyond is drawn on top of itself."""

_LAST = 0x1E94A
"""The last combining mark of Unicode 16 (https://www.unicode.org/Public/16.0.0/ucd/)."""


def nfc(text: str) -> str:
    """The text in normal form C, without what exceeds thirty combining marks in a row."""
    if text.isascii():
        return text
    if _MAYBE_LONG_RUN.search(text):
        text = _long_runs().sub(r"\1", text)
    return unicodedata.normalize("NFC", text)


_MAYBE_LONG_RUN = re.compile(f"[\u0300-\U0010ffff]{{{_STREAM_SAFE + 1}}}")


@cache
def _long_runs() -> re.Pattern[str]:
    marks = [chr(code) for code in range(0x300, _LAST + 1) if unicodedata.combining(chr(code))]
    return re.compile(f"([{''.join(marks)}]{{{_STREAM_SAFE}}})[{''.join(marks)}]+")
