"""Shingles to signatures, and what two signatures say of the similarity of their texts."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from filters.minhash.mixing import random_words
from filters.minhash.shingles import Shingler, Shingles

__all__ = ["SCHEME", "MinHash", "estimated_jaccard", "exact_jaccard"]

# Raised whenever a text's signature changes.
SCHEME = "proofmill-minhash-1"

Signatures = npt.NDArray[np.uint32]

_SEED = 1
# Shingles that are worked on at a time: with their copy they stay in a core's second-level cache
# (measured: 8,192 to 65,536 are equally fast, a million takes half as long again).
_BLOCK = 32_768
_TEXTS = 64


@dataclass(frozen=True, slots=True)
class MinHash:
    """Makes signatures: of each text, the least of its shingles under so many permutations.

    The permutations are ``a * x + b`` modulo 2**32 with odd ``a``, over shingles that are already
    well mixed.

    Attributes:
        permutations: How many; the standard deviation of an estimated Jaccard similarity s is
            ``sqrt(s * (1 - s) / permutations)``.
        shingler: Makes the shingles.
    """

    permutations: int
    shingler: Shingler = field(default_factory=Shingler)

    def signatures(self, shingles: Shingles) -> Signatures:
        """Signatures of a batch, of shape (texts, permutations).

        A text without a shingle has all bits set.
        """
        made = np.full((len(shingles), self.permutations), 0xFFFFFFFF, np.uint32)
        filled = np.flatnonzero(np.diff(shingles.starts))
        starts = shingles.starts[filled]
        place = 0
        while place < len(filled):
            end = max(
                int(np.searchsorted(starts, starts[place] + _BLOCK, side="right")) - 1, place + 1
            )
            last = shingles.starts[filled[end - 1] + 1]
            block = shingles.values[starts[place] : last]
            made[filled[place:end]] = _least(
                block, starts[place:end] - starts[place], self.permutations
            )
            place = end
        return made


def _least(values: npt.NDArray[np.uint32], starts: npt.NDArray[np.int64], count: int) -> Signatures:
    factors, offsets = _permutations(count)
    least = np.empty((count, len(starts)), np.uint32)
    permuted = np.empty_like(values)
    for number in range(count):
        np.multiply(values, factors[number], out=permuted)
        permuted += offsets[number]
        np.minimum.reduceat(permuted, starts, out=least[number])
    return least.T


@functools.lru_cache(maxsize=8)
def _permutations(count: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    words = random_words(_SEED, 2 * count)
    factors = (words[:count] >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
    return factors, (words[count:] >> np.uint64(32)).astype(np.uint32)


def estimated_jaccard(first: Signatures, second: Signatures) -> npt.NDArray[np.float64]:
    """Estimated Jaccard similarity of pairs: the share of equal entries, along the last axis."""
    share: npt.NDArray[np.float64] = np.mean(first == second, axis=-1)
    return share


def exact_jaccard(first: npt.NDArray[np.uint32], second: npt.NDArray[np.uint32]) -> float:
    """Jaccard similarity of two sets of shingles, each sorted and without repetition."""
    common = len(np.intersect1d(first, second, assume_unique=True))
    union = len(first) + len(second) - common
    return common / union if union else 0.0
