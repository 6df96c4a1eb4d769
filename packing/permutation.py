"""A keyed permutation of 0 .. n - 1 whose every value is computed on its own.

A balanced Feistel network over the smallest even number of bits that holds ``n`` values, with cycle
walking for those that fall outside (Black and Rogaway, CT-RSA 2002). No table is stored, so that a
position in the training order costs the same anywhere, and resuming is one integer.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Permutation"]

# Luby and Rackoff (1988): four rounds of a pseudorandom function give a permutation that stays
# indistinguishable from a random one when both directions may be asked; two more cost little and
# make up for a round function that is a mixer, no cipher.
_ROUNDS: Final = 6

# The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
_MULTIPLIERS: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS: Final = (np.uint64(30), np.uint64(27), np.uint64(31))

_Words = npt.NDArray[np.uint64]


class Permutation:
    """A permutation of ``range(size)`` that a key chooses.

    Args:
        size: How many values.
        key: What chooses it: any strings and integers, such as seed, epoch and source. Equal keys
            give equal permutations on every machine.
    """

    def __init__(self, size: int, *key: str | int) -> None:
        if size < 0:
            raise ValueError("a permutation has no negative size")
        self.size = size
        half = max((max(size - 1, 1).bit_length() + 1) // 2, 1)
        self._half = np.uint64(half)
        self._mask = np.uint64((1 << half) - 1)
        content = "\0".join(f"{type(part).__name__}:{part}" for part in key).encode()
        digest = hashlib.blake2b(content, digest_size=8 * _ROUNDS).digest()
        self._keys = np.frombuffer(digest, "<u8")

    def __call__(self, index: int) -> int:
        """The value at one place.

        Raises:
            IndexError: The place is outside the permutation.
        """
        return int(self.at(np.array([index], np.int64))[0])

    def at(self, indices: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The values at several places.

        Raises:
            IndexError: A place is outside the permutation.
        """
        places = np.asarray(indices, np.int64)
        if places.size and not (places.min() >= 0 and places.max() < self.size):
            raise IndexError(f"places of a permutation of {self.size} are 0 to {self.size - 1}")
        values = self._once(places.astype(np.uint64).ravel())
        outside = np.flatnonzero(values >= self.size)
        while outside.size:
            values[outside] = self._once(values[outside])
            outside = outside[values[outside] >= self.size]
        return values.astype(np.int64).reshape(places.shape)

    def _once(self, values: _Words) -> _Words:
        left, right = values >> self._half, values & self._mask
        for key in self._keys:
            left, right = right, left ^ (_mixed(right + key) & self._mask)
        return (left << self._half) | right


def _mixed(words: _Words) -> _Words:
    words = (words ^ (words >> _SHIFTS[0])) * _MULTIPLIERS[0]
    words = (words ^ (words >> _SHIFTS[1])) * _MULTIPLIERS[1]
    return words ^ (words >> _SHIFTS[2])
