"""Which of many patterns occur in the bytes of a page, and where each first ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

__all__ = ["Matcher", "compile_matcher", "compile_plain_matcher"]

Matcher = Callable[[bytes | memoryview], dict[int, int]]
"""From bytes to the end of the first match by row of the table; rows that don't occur are absent.

Where a pattern can match at several lengths, the end may be that of any match that begins first.
"""


def compile_matcher(patterns: Sequence[bytes], *, caseless: Sequence[bool] = ()) -> Matcher:
    """A matcher that reads the bytes once for all patterns.

    Args:
        patterns: Regular expressions that :mod:`re` and Hyperscan read alike.
        caseless: Whether a pattern ignores case, by row; without it none does.
    """
    try:
        import hyperscan
    except ImportError:  # no wheel for this platform: the same answer, ten to thirty times slower
        return compile_plain_matcher(patterns, caseless=caseless)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=list(patterns),
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[
            hyperscan.HS_FLAG_SINGLEMATCH | (hyperscan.HS_FLAG_CASELESS if ignores_case else 0)
            for ignores_case in caseless or [False] * len(patterns)
        ],
    )

    def match(data: bytes | memoryview) -> dict[int, int]:
        ends: dict[int, int] = {}

        def on_match(row: int, start: int, end: int, flags: int, context: object) -> None:
            ends[row] = end

        database.scan(data, match_event_handler=on_match)  # type: ignore[type-var]
        return ends

    return match


def compile_plain_matcher(patterns: Sequence[bytes], *, caseless: Sequence[bool] = ()) -> Matcher:
    """A matcher by :mod:`re`, which reads the bytes once for each pattern."""
    compiled = [
        re.compile(pattern, re.IGNORECASE if ignores_case else 0)
        for pattern, ignores_case in zip(patterns, caseless or [False] * len(patterns), strict=True)
    ]

    def match(data: bytes | memoryview) -> dict[int, int]:
        found = ((row, pattern.search(data)) for row, pattern in enumerate(compiled))
        return {row: first.end() for row, first in found if first is not None}

    return match
