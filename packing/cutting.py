"""Where a document longer than a sequence is cut: at the end of a paragraph, if it can be.

The last paragraph end that fits leaves a gap, half a paragraph on average, that hardly ever is as
long as a document which is still to be placed: in a corpus of long documents these gaps add up to
some per cent of padding. So a paragraph end is taken only within a window before the end of the
sequence, failing that the last line end, and the packer narrows the window until little is wasted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["WINDOWS", "Breaks", "CutCounts", "cut_document"]

_Ints = npt.NDArray[np.int64]

# Windows for paragraph ends as shares of the sequence, from the widest: no piece but a document's
# last is shorter than half a sequence. The narrowest wastes 0.2 % on average.
WINDOWS: Final = tuple(
    1 / part for part in (2, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 192, 256)
)
# How much wider the window for line ends is; they stand closer, so that the last is near.
_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Breaks:
    """Tokens of a document before which something ends.

    Attributes:
        paragraphs: Tokens that come right behind a blank line.
        lines: Tokens that come right behind a line end.
    """

    paragraphs: _Ints
    lines: _Ints


@dataclass(slots=True)
class CutCounts:
    """How many cuts fell where.

    Attributes:
        paragraph: At the end of a paragraph.
        line: At the end of a line, where no paragraph ended near.
        token: Between two tokens, where no line ended near.
    """

    paragraph: int = field(default=0)
    line: int = field(default=0)
    token: int = field(default=0)

    @property
    def total(self) -> int:
        """All cuts."""
        return self.paragraph + self.line + self.token

    def add(self, other: CutCounts) -> None:
        """Adds another's counts."""
        self.paragraph += other.paragraph
        self.line += other.line
        self.token += other.token


def cut_document(
    length: int, breaks: Breaks, capacity: int, window: float, counts: CutCounts
) -> list[int]:
    """Cuts one document into pieces of at most ``capacity`` tokens.

    Each piece ends at the last paragraph end within the window, failing that at the last line end
    within a wider one, failing that where the sequence is full.

    Args:
        length: Tokens of the document.
        breaks: Where its paragraphs and lines end.
        capacity: Tokens of a sequence.
        window: How far before the sequence's end a paragraph may end, as a share of the capacity.
        counts: Counts what the cuts are.

    Returns:
        First tokens of its pieces, and its length as the last entry.
    """
    near = max(int(capacity * window), 1)
    wide = max(int(capacity * min(window * _LINES, WINDOWS[0])), 1)
    bounds = [0]
    while length - bounds[-1] > capacity:
        end = bounds[-1] + capacity
        if place := _last_within(breaks.paragraphs, end - near, end):
            counts.paragraph += 1
        elif place := _last_within(breaks.lines, end - wide, end):
            counts.line += 1
        else:
            counts.token += 1
            place = end
        bounds.append(place)
    return [*bounds, length]


def _last_within(places: _Ints, least: int, most: int) -> int:
    """The last of some ascending places within bounds, 0 when there is none."""
    index = int(np.searchsorted(places, most, side="right")) - 1
    if index < 0 or places[index] < least:
        return 0
    return int(places[index])
