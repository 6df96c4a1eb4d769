"""Marks in running text: which parts of it are formulas, code, headings or tables.

Private-use characters, which survive parsing, extraction and every line filter, and are removed at
the end; a page's own are dropped before it's parsed.
"""

from __future__ import annotations

import re

__all__ = ["CLOSE", "DOLLAR", "has_mark", "mark", "without_marks", "without_private_use"]

_OPEN = "\ue000"
CLOSE = "\ue001"
# A dollar sign that delimits a formula, so that the page's own can be told from it and escaped.
DOLLAR = "\ue002"
_KINDS = {"math": "\ue010", "code": "\ue011", "table": "\ue012"} | {
    f"h{level}": chr(0xE020 + level) for level in range(1, 7)
}
_ANY_MARK = re.compile("[\ue000\ue001\ue010-\ue026]")
_PRIVATE_USE = re.compile("[\ue000-\ue02f]")


def mark(text: str, kind: str) -> str:
    """The text with marks of a kind around it; nothing stays nothing."""
    return f"{_OPEN}{_KINDS[kind]}{text}{CLOSE}" if text else ""


def has_mark(line: str, kind: str) -> bool:
    """Whether something of the kind begins in the line."""
    return _KINDS[kind] in line


def without_marks(text: str) -> str:
    """The text with every mark but the dollar signs removed."""
    return _ANY_MARK.sub("", text)


def without_private_use(page: str) -> str:
    """A page without the characters that serve as marks."""
    return _PRIVATE_USE.sub("", page)
