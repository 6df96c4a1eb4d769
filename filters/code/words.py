"""Keywords of a language where they are code: outside its comments and strings."""

from __future__ import annotations

import functools
import re

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, String

__all__ = ["first_word"]

# Characters that are read; a keyword that comes only later makes no file a proof.
_READ_CHARS = 300_000


def first_word(text: str, lexer: str, words: frozenset[str]) -> str:
    """The first of some words that is code; empty when there is none.

    Args:
        text: The file.
        lexer: Name of the Pygments lexer of its language.
        words: The words, case counts.
    """
    if _pattern(words).search(text) is None:
        return ""
    at_start = _line_start_pattern(words)
    for _, kind, value in _lexer(lexer).get_tokens_unprocessed(text[:_READ_CHARS]):
        if kind in Comment or kind in String:
            continue
        if value.strip() in words:
            return str(value.strip())
        # Some lexers take several words as one token.
        match = at_start.match(value.lstrip())
        if match:
            return match.group(1)
    return ""


@functools.cache
def _pattern(words: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, words)))})\b")


@functools.cache
def _line_start_pattern(words: frozenset[str]) -> re.Pattern[str]:
    return re.compile(rf"({'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})\b")


@functools.cache
def _lexer(name: str) -> Lexer:
    return get_lexer_by_name(name, stripnl=False, ensurenl=False)
