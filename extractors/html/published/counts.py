"""What was found on a page: the original's counters, and formulas by source in and out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from extractors.html.published.marks import with_dollars
from schemas.open_web_math import COUNTERS

__all__ = ["Counts"]

_FORMULA = re.compile(r"\$\$?[^$]+\$\$?")


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
            self._placed[source, with_dollars(written)] += number

    def kept(self, text: str) -> dict[str, int]:
        """Those of the formulas that are in the page's final text, by source."""
        there = Counter(_FORMULA.findall(text))
        kept: Counter[str] = Counter()
        for (source, written), number in self._placed.items():
            in_text = there[written] if written.startswith("$") else text.count(written)
            kept[source] += min(number, in_text)
            there[written] -= min(number, in_text)
        return {source: number for source, number in kept.items() if number}
