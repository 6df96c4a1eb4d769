"""MinHash: texts to shingles, shingles to signatures, signatures to band hashes.

Everything is NumPy over batches of documents and integer arithmetic modulo powers of two, so that a
signature is the same on every machine and under every version of every library. ``SCHEME`` names
the arithmetic; signatures of different schemes must not be compared.
"""

from filters.minhash.bands import band_hashes, candidate_probability, optimal_bands
from filters.minhash.shingles import Normalisation, Shingler, Shingles, Unit
from filters.minhash.signatures import SCHEME, MinHash, estimated_jaccard, exact_jaccard

__all__ = [
    "SCHEME",
    "MinHash",
    "Normalisation",
    "Shingler",
    "Shingles",
    "Unit",
    "band_hashes",
    "candidate_probability",
    "estimated_jaccard",
    "exact_jaccard",
    "optimal_bands",
]
