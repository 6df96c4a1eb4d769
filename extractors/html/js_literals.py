"""Literals of JavaScript in a page's scripts, as far as the settings of renderers need them."""

from __future__ import annotations

import re

__all__ = ["JS_STRING", "literal_end", "unescaped"]

JS_STRING = r"(?:'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`((?:[^`\\]|\\.)*)`)"
"""A string; what it holds is one of three groups."""

_TOKEN = re.compile(
    r"'(?:[^'\\]|\\.)*(?:'|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z)|`(?:[^`\\]|\\.)*(?:`|\Z)"
    r"|//[^\n]*|/\*.*?(?:\*/|\Z)|[\[\]{}]",
    re.DOTALL,
)


def literal_end(page: str, start: int, *, brackets: str, window: int) -> int:
    """Where the array or object that opens at ``start`` closes.

    Brackets in strings and in comments don't count.

    Args:
        page: The page's markup.
        start: The place of the opening bracket.
        brackets: The brackets that count, opening ones before closing ones: ``[{]}``.
        window: How far to look.

    Returns:
        The place of the closing bracket, or the end of the window.
    """
    end = min(len(page), start + window)
    opening = brackets[: len(brackets) // 2]
    depth = 0
    for match in _TOKEN.finditer(page, start, end):
        token = match.group()
        if token not in brackets:
            continue
        depth += 1 if token in opening else -1
        if depth == 0:
            return match.start()
    return end


def unescaped(text: str) -> str:
    """What a string's text stands for: each backslash gives way to what it escapes."""
    return re.sub(r"\\(.)", r"\1", text)
