"""Which test problems are in a text: n-grams, verified matches, formal statements, and removal."""

from filters.overlap.editions import EDITIONS, Edition, editions_named
from filters.overlap.finder import OverlapFinder
from filters.overlap.problems import Match, Problem, Side

__all__ = [
    "EDITIONS",
    "Edition",
    "Match",
    "OverlapFinder",
    "Problem",
    "Side",
    "editions_named",
]
