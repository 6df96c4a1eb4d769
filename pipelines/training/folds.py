"""Cross-validation by origin: no site and no work is on both sides."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

__all__ = ["assign_folds"]


def assign_folds(labelled: Iterable[tuple[str, bool]], folds: int) -> dict[str, int]:
    """A fold for every origin, positives and negatives spread evenly.

    Args:
        labelled: The origin and the label of every text.
        folds: How many folds.

    Returns:
        Fold number by origin; depends on nothing but the arguments, their order excepted.
    """
    positives: Counter[str] = Counter()
    negatives: Counter[str] = Counter()
    for origin, positive in labelled:
        (positives if positive else negatives)[origin] += 1
    origins = sorted(
        positives.keys() | negatives.keys(),
        key=lambda o: (-max(positives[o], negatives[o]), _drawn(o)),
    )
    totals = (max(positives.total(), 1), max(negatives.total(), 1))
    loads = [[0.0, 0.0] for _ in range(folds)]
    assigned = {}
    for origin in origins:
        shares = (positives[origin] / totals[0], negatives[origin] / totals[1])
        heavier = 0 if shares[0] >= shares[1] else 1
        fold = min(range(folds), key=lambda f: (loads[f][heavier], sum(loads[f]), f))
        assigned[origin] = fold
        loads[fold][0] += shares[0]
        loads[fold][1] += shares[1]
    return assigned


def _drawn(origin: str) -> bytes:
    return hashlib.blake2b(origin.encode(), digest_size=8).digest()
