"""Integer mixing that the hashes here are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MULTIPLIER", "mixed", "random_words"]

# Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): the increment, and the finaliser's constants
# (Stafford's variant 13).
_GAMMA = 0x9E3779B97F4A7C15
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)

# Of the polynomial hashes: odd, so that it can be inverted modulo 2**64. L'Ecuyer's multiplier for
# 64-bit linear congruential generators (Mathematics of Computation 68, 1999, table 4).
MULTIPLIER = 2862933555777941757


def mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's finaliser, in place: every bit of the input moves every bit of the output."""
    values ^= values >> np.uint64(30)
    values *= _FIRST
    values ^= values >> np.uint64(27)
    values *= _SECOND
    values ^= values >> np.uint64(31)
    return values


def random_words(seed: int, count: int) -> npt.NDArray[np.uint64]:
    """The first outputs of SplitMix64 from a seed; NumPy's own generators may change."""
    steps: npt.NDArray[Any] = np.arange(1, count + 1, dtype=np.uint64)
    return mixed(steps * np.uint64(_GAMMA) + np.uint64(seed % 2**64))
