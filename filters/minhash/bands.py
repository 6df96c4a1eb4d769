"""Locality-sensitive hashing: bands of a signature, and how many of how many rows."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

from filters.minhash.mixing import MULTIPLIER, mixed

__all__ = ["band_hashes", "candidate_probability", "optimal_bands"]


@functools.lru_cache(maxsize=32)
def optimal_bands(threshold: float, permutations: int) -> tuple[int, int]:
    """The (bands, rows) that datasketch finds for a similarity threshold.

    It minimises the sum, weighted equally, of the areas of false positives below the threshold and
    of false negatives above it.
    """
    # With it comes SciPy; whoever gives bands and rows needs neither.
    from datasketch import MinHashLSH

    lsh = MinHashLSH(threshold=threshold, num_perm=permutations)
    return int(lsh.b), int(lsh.r)


def candidate_probability(similarity: float, bands: int, rows: int) -> float:
    """The S-curve: the probability that two texts of a similarity agree in at least one band.

    Source: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.2.
    """
    return 1 - (1 - similarity**rows) ** bands


def band_hashes(
    signatures: npt.NDArray[np.uint32], bands: int, rows: int
) -> npt.NDArray[np.uint64]:
    """The hash of each band of each signature, of shape (bands, texts).

    Bands are hashed with their number, so that equal rows in two bands are no match.
    """
    texts = len(signatures)
    hashes: npt.NDArray[Any] = np.empty((bands, texts), np.uint64)
    for band in range(bands):
        combined = np.full(texts, band + 1, np.uint64)
        for row in range(band * rows, (band + 1) * rows):
            combined *= np.uint64(MULTIPLIER)
            combined += signatures[:, row]
            mixed(combined)
        hashes[band] = combined
    return hashes
