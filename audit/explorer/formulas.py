r"""An extracted text in pieces: prose, inline and displayed formulas, code.

The extractors write ``$..$``, ``$$..$$`` and ``\$`` (schemas/README.md), texts of other origins
also ``\(..\)``, ``\[..\]`` and bare environments. The browser gets each piece as text, so that
nothing of a page becomes markup on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Piece", "pieces_of"]

Kind = Literal["prose", "heading", "inline", "display", "code"]

# What may begin a piece that isn't prose. Formulas between dollars and code between ticks are
# matched whole; what the others begin ends at the next closing mark, if there's one. An inline
# formula ends before an empty line, so that one stray dollar sign can't swallow a page.
_OPENER = re.compile(
    r"""
    ^[ \t]*(?P<fence>```|~~~)[^\n]*\n
  | `(?P<ticked>[^`\n]+)`
  | \$\$(?P<display>(?:[^$\\]|\\.)++)\$\$
  | \$(?P<inline>(?:[^$\\\n]|\\.|\n(?![ \t]*\n))++)\$
  | \\(?P<bracket>[(\[])
  | \\begin\{(?P<environment>
        (?:equation|align|gather|multline|eqnarray|displaymath|flalign|alignat)\*?)\}
  | ^\#{1,6}[ \t]+(?P<heading>[^\n$\\]+)$
  | \\(?P<escaped>.)
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text.

    Attributes:
        kind: What it is.
        text: Prose as it's read, a formula without its delimiters, code without its fence.
    """

    kind: Kind
    text: str


def pieces_of(text: str) -> Iterator[Piece]:
    """Cuts a text into prose, formulas and code; neighbouring prose is one piece.

    The time is linear in any text: where a closing mark stands is looked up once.
    """
    ahead = _Ahead(text)
    prose: list[str] = []
    done = position = 0
    while (opener := _OPENER.search(text, position)) is not None:
        position = opener.end()
        if opener["escaped"] is not None:
            if opener["escaped"] == "$":
                prose += (text[done : opener.start()], "$")
                done = position
            continue
        piece, end = _piece(opener, ahead)
        if piece is None:
            continue
        prose.append(text[done : opener.start()])
        if before := "".join(prose):
            yield Piece("prose", before)
        prose.clear()
        yield piece
        done = position = end
    prose.append(text[done:])
    if before := "".join(prose):
        yield Piece("prose", before)


class _Ahead:
    """Finds closing marks further on, each place at most once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next: dict[str, int] = {}

    def find(self, mark: str, start: int) -> int:
        """Where the next one begins; -1 when there's none."""
        known = self._next.get(mark)
        if known is None or 0 <= known < start:
            known = self._next[mark] = self._text.find(mark, start)
        return known


def _piece(opener: re.Match[str], ahead: _Ahead) -> tuple[Piece | None, int]:
    """The piece that an opener begins and where it ends; none when nothing closes it."""
    text, start = opener.string, opener.end()
    for group, kind in _WHOLE:
        if opener[group] is not None:
            return Piece(kind, opener[group]), start
    if opener["fence"]:
        # Without a closing line, code goes on to the end, as Markdown has it.
        close = ahead.find(f"\n{opener['fence']}", start - 1)
        end = len(text) if close < 0 else close + 1 + len(opener["fence"])
        return Piece("code", text[start : len(text) if close < 0 else max(close, start)]), end
    if opener["environment"]:
        mark = f"\\end{{{opener['environment']}}}"
        close = ahead.find(mark, start)
        end = close + len(mark)
        return (Piece("display", text[opener.start() : end]), end) if close >= 0 else (None, 0)
    display = opener["bracket"] == "["
    close = ahead.find("\\]" if display else "\\)", start)
    if close < 0 or (not display and 0 <= ahead.find("\n\n", start) < close):
        return None, 0
    return Piece("display" if display else "inline", text[start:close]), close + 2


_WHOLE: tuple[tuple[str, Kind], ...] = (
    ("ticked", "code"),
    ("display", "display"),
    ("inline", "inline"),
    ("heading", "heading"),
)
