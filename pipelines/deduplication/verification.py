"""Verification: how similar the two documents of a pair really are."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from filters.minhash import estimated_jaccard, exact_jaccard
from filters.near_duplicates import NearDuplicates
from pipelines.deduplication.index import Index

__all__ = ["prefilter_threshold", "similarities", "similarity_threshold"]

Ordinals = npt.NDArray[np.int64]

# Standard deviations by which an estimate may fall short before a pair is not worth an exact look:
# of pairs at the threshold, 1 in 30,000 is lost.
_DEVIATIONS = 4.0
_AT_ONCE = 65_536


def prefilter_threshold(near: NearDuplicates) -> float:
    """Estimated similarity below which a pair needs no verification; 0 when none is verified."""
    threshold = similarity_threshold(near)
    if near.verify != "exact" or not threshold:
        return threshold
    deviation = math.sqrt(threshold * (1 - threshold) / near.signature_length)
    return max(threshold - _DEVIATIONS * deviation, 0.0)


def similarity_threshold(near: NearDuplicates) -> float:
    """Similarity of a verified pair; 0 when candidates are taken as they are."""
    return 0.0 if near.verify == "none" else near.least_similarity


def similarities(
    index: Index, first: Ordinals, second: Ordinals, near: NearDuplicates
) -> npt.NDArray[np.float64]:
    """Jaccard similarity of pairs: exact where the recipe wants it, else estimated.

    Pairs with a document of an earlier run are always estimated: of those only signatures are left.
    """
    if not len(first):
        return np.zeros(0)
    if near.verify == "exact":
        return np.array([_exact(index, int(a), int(b)) for a, b in zip(first, second, strict=True)])
    return _estimated(index, first, second)


def _exact(index: Index, first: int, second: int) -> float:
    sets = index.shingles(first), index.shingles(second)
    if sets[0] is None or sets[1] is None:
        return float(_estimated(index, np.array([first]), np.array([second]))[0])
    return exact_jaccard(sets[0], sets[1])


def _estimated(index: Index, first: Ordinals, second: Ordinals) -> npt.NDArray[np.float64]:
    blocks = range(0, len(first), _AT_ONCE)
    return np.concatenate(
        [
            estimated_jaccard(
                index.signatures(first[start : start + _AT_ONCE]),
                index.signatures(second[start : start + _AT_ONCE]),
            )
            for start in blocks
        ]
    )
