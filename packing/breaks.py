"""Which tokens of a document come right behind a paragraph or a line."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from packing.cutting import Breaks

__all__ = ["breaks_of"]

_Ints = npt.NDArray[np.int64]

_NEWLINE: Final = 0x0A
# What may stand in a blank line: space, tab, carriage return, form feed, vertical tab.
_BLANK: Final = np.isin(np.arange(256), [0x20, 0x09, 0x0D, 0x0C, 0x0B, _NEWLINE])


def breaks_of(document: npt.NDArray[np.uint8], starts: _Ints, ends: _Ints) -> Breaks:
    """Finds the breaks of one document.

    A break counts only where a token begins exactly behind it: cutting there splits no token.

    Args:
        document: Its text in UTF-8.
        starts: First character of each token.
        ends: The character behind each token's last.
    """
    newlines = np.flatnonzero(document == _NEWLINE)
    if not len(newlines):
        nothing = np.zeros(0, np.int64)
        return Breaks(nothing, nothing)
    begun = np.cumsum((document & 0xC0) != 0x80)
    characters = begun[newlines]
    # Two newlines with nothing but blanks between them end a paragraph; its break is behind the
    # last of all that follow, so that blank lines stay with the paragraph they end.
    written = np.cumsum(~_BLANK[document])[newlines]
    blank = np.concatenate([[False], written[1:] == written[:-1]])
    last = np.concatenate([~blank[1:], [True]])
    return Breaks(
        _tokens_at(characters[blank & last], starts, ends),
        _tokens_at(characters[last], starts, ends),
    )


def _tokens_at(characters: _Ints, starts: _Ints, ends: _Ints) -> _Ints:
    """The tokens that begin at characters; those that a token straddles are left out."""
    tokens = np.searchsorted(starts, characters, side="left")
    inside = (tokens > 0) & (tokens < len(starts))
    tokens, characters = tokens[inside], characters[inside]
    exact = (starts[tokens] == characters) & (ends[tokens - 1] <= characters)
    return np.asarray(tokens[exact], np.int64)
