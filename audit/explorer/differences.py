"""Two texts side by side, with what differs marked: lines first, then words in changed lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Indel

__all__ = ["Change", "TextDifference", "difference_of"]

MAX_CHARS = 400_000
"""Of each text that is compared; the rest is passed over, and the page says so."""

_MAX_UNITS = 12_000
"""Lines or words of one comparison: its table takes up to units squared / 4 bytes, 36 MB here."""

_CONTEXT = 1
"""Unchanged lines that are shown on both sides of a change."""

_WORD = re.compile(r"\s+|\w+|[^\w\s]")

Kind = Literal["same", "removed", "added", "skipped"]


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of the two texts.

    Attributes:
        kind: In both, in the first alone, in the second alone; ``skipped`` for equal lines that
            aren't shown.
        text: The stretch; for ``skipped`` the number of lines.
    """

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class TextDifference:
    """What differs between two texts.

    Attributes:
        changes: Stretches in order.
        removed: Characters that the first text has alone.
        added: Characters that the second has alone.
        cut: Whether the texts were too long to be compared whole.
    """

    changes: tuple[Change, ...]
    removed: int
    added: int
    cut: bool

    @property
    def equal(self) -> bool:
        """Whether nothing differs in what was compared."""
        return not self.removed and not self.added


def difference_of(first: str, second: str) -> TextDifference:
    """Compares two texts, by lines and then by words."""
    lines, other = (text[:MAX_CHARS].splitlines(keepends=True) for text in (first, second))
    cut = max(len(first), len(second)) > MAX_CHARS or max(len(lines), len(other)) > _MAX_UNITS
    changes = tuple(_shortened(list(_by_lines(lines[:_MAX_UNITS], other[:_MAX_UNITS]))))
    return TextDifference(
        changes,
        sum(len(change.text) for change in changes if change.kind == "removed"),
        sum(len(change.text) for change in changes if change.kind == "added"),
        cut,
    )


def _by_lines(lines: Sequence[str], other: Sequence[str]) -> Iterator[Change]:
    for mine, theirs, same in _blocks(lines, other):
        if same:
            yield Change("same", mine)
        else:
            yield from _by_words(mine, theirs)


def _by_words(mine: str, theirs: str) -> Iterator[Change]:
    words, other = _WORD.findall(mine), _WORD.findall(theirs)
    if not mine or not theirs or max(len(words), len(other)) > _MAX_UNITS:
        words, other = [mine] if mine else [], [theirs] if theirs else []
    for old, new, same in _blocks(words, other):
        if same:
            yield Change("same", old)
            continue
        if old:
            yield Change("removed", old)
        if new:
            yield Change("added", new)


def _blocks(first: Sequence[str], second: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """Equal stretches, and between them what the first has and what the second has instead.

    A space between two changed words belongs to the change, which is then read in one go.
    """
    old: list[str] = []
    new: list[str] = []
    for block in Indel.opcodes(first, second):
        mine = first[block.src_start : block.src_end]
        between = (old or new) and mine == [" "] and block.src_end < len(first)
        if block.tag != "equal" or between:
            old += mine
            new += second[block.dest_start : block.dest_end]
            continue
        if old or new:
            yield "".join(old), "".join(new), False
        old, new = [], []
        yield "".join(mine), "".join(mine), True
    if old or new:
        yield "".join(old), "".join(new), False


def _shortened(changes: Sequence[Change]) -> Iterator[Change]:
    """Long equal stretches give way to the number of their lines, but for their ends."""
    last = len(changes) - 1
    for number, change in enumerate(changes):
        lines = change.text.splitlines(keepends=True)
        before = _CONTEXT if number else 0
        after = _CONTEXT if number < last else 0
        hidden = len(lines) - before - after
        if change.kind != "same" or hidden < 3:
            yield change
            continue
        if before:
            yield Change("same", "".join(lines[:before]))
        yield Change("skipped", str(hidden))
        if after:
            yield Change("same", "".join(lines[-after:]))
