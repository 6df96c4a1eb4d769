"""What was found on a page: the original's counters, and formulas by source in and out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from schemas.open_web_math import COUNTERS

__all__ = ["Counts"]

# Also those that stand in another one: a search that consumes nothing.
_FORMULA = re.compile(r"(?=(\[extract_(i?)tex\].*?\[/extract_\2tex\]))", re.DOTALL)


@dataclass(slots=True)
class Counts:
    """What was found.

    Attributes:
        info: The original's 22 counters and ``found_math``. Those that begin with ``mathjax_``
            count kinds of delimiters, ``math_*`` and the others formulas, empty ones included.
        found: Formulas that aren't empty by the counter's name.
    """

    info: dict[str, int | bool] = field(
        default_factory=lambda: {"found_math": False, **dict.fromkeys(COUNTERS, 0)}
    )
    found: dict[str, int] = field(default_factory=dict)
    _placed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count(self, source: str) -> None:
        """Raises a counter by one."""
        self.info[source] = int(self.info[source]) + 1

    def find(self, source: str, written: str = "", number: int = 1) -> None:
        """Records formulas of a source.

        Args:
            source: The counter's name.
            written: The formula as it was put into the page; empty when it was lost.
            number: How many.
        """
        self.found[source] = self.found.get(source, 0) + number
        if written:
            self.info["found_math"] = True
            self._placed[source, written] += number

    def kept(self, text: str) -> dict[str, int]:
        """Those of the formulas that are in a text, by source.

        Args:
            text: The page's text, with the tags around formulas still in it.
        """
        there = Counter(match[1] for match in _FORMULA.finditer(text))
        kept: Counter[str] = Counter()
        for (source, written), number in self._placed.items():
            tagged = written.startswith("[extract_")
            number = min(number, there[written] if tagged else text.count(written))
            if tagged:
                there[written] -= number
            kept[source] += number
        return {source: number for source, number in kept.items() if number}
