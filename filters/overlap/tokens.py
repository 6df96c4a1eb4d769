"""Texts as arrays of hashed tokens, with the places of the tokens in the text.

Everything is done on arrays of code points, no token becomes an object. The hash of a stretch of
symbols is a polynomial, taken from prefix sums modulo 2**64: any token, and any n tokens in a row,
cost a subtraction and a multiplication. Equal tokens have equal hashes; what equal hashes claim is
checked on the code points before anybody hears of it.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from filters.overlap.editions import Tokenisation

__all__ = ["Hashes", "Tokens", "tokenise"]

Hashes = npt.NDArray[np.uint64]
_Integers = npt.NDArray[np.signedinteger[Any]]

_CODE_POINTS = 0x110000
# Beyond the second plane there are ideographs, tags and private characters: nothing to fold, and no
# white space.
_FOLDED = 0x20000
_IDEOGRAPHS = slice(0x20000, 0x40000)
_SEPARATOR, _LETTER, _DIGIT = 0, 1, 2

# Odd numbers are invertible modulo 2**64. These are the 64-bit golden ratio and two multipliers of
# splitmix64 (Steele, Lea, Flood 2014).
_CHARACTER_BASE = 0x9E3779B97F4A7C15
_TOKEN_BASE = 0xBF58476D1CE4E5B9
_MIXER = np.uint64(0x94D049BB133111EB)
_SHIFT = np.uint64(31)

_WORD = 3
# Characters, or tokens, whose sums are made at once: as much as stays in a processor's cache.
_CHUNK = 1 << 17


@dataclass(frozen=True)
class Tokens:
    """The tokens of some texts, one text after the other.

    Attributes:
        codes: The texts' folded code points, plus 1; 0 for what is in no token.
        text_starts: Where each text begins in ``codes``.
        starts: Where each token begins in ``codes``.
        ends: Where each token ends.
        hashes: The hash of each token.
    """

    codes: npt.NDArray[np.uint32]
    text_starts: _Integers
    starts: _Integers
    ends: _Integers
    hashes: Hashes

    def texts_of(self, tokens: _Integers) -> _Integers:
        """The number of the text that each token is in."""
        return np.searchsorted(self.text_starts, self.starts[tokens], "right") - 1

    @functools.cached_property
    def bounds(self) -> _Integers:
        """The first token of each text, and the number of tokens at the end."""
        first = np.searchsorted(self.starts, self.text_starts, "left")
        return np.append(first, len(self.starts))

    def words(self, start: int, end: int) -> int:
        """How many of the tokens from ``start`` to before ``end`` are words of three letters."""
        places = self.starts[start:end]
        long = places[self.ends[start:end] - places >= _WORD]
        return sum(chr(int(code) - 1).isalpha() for code in self.codes[long])

    def window_hashes(self, n: int) -> Hashes:
        """The hash of the n tokens that begin at each token, as far as there are so many."""
        windows = np.empty(max(len(self.hashes) - n + 1, 0), np.uint64)
        for begin in range(0, len(windows), _CHUNK):
            part = windows[begin : begin + _CHUNK]
            sums = self._sums(begin, len(part) + n)
            np.subtract(sums[n : n + len(part)], sums[: len(part)], out=part)
            part *= _powers(_TOKEN_BASE, len(part), inverse=True)
        return _mixed(windows)

    def _sums(self, begin: int, count: int) -> Hashes:
        """Prefix sums over so many tokens; those of a batch of documents serve every n."""
        if len(self.hashes) > _CHUNK:
            return _prefix_sums(self.hashes[begin : begin + count], _TOKEN_BASE)
        return self._all_sums

    @functools.cached_property
    def _all_sums(self) -> Hashes:
        return _prefix_sums(self.hashes, _TOKEN_BASE)

    def same(self, start: int, other: Tokens, other_start: int, count: int) -> bool:
        """Whether ``count`` tokens from ``start`` are those of another text, to the code point."""
        mine, theirs = slice(start, start + count), slice(other_start, other_start + count)
        lengths = self.ends[mine] - self.starts[mine]
        if not np.array_equal(lengths, other.ends[theirs] - other.starts[theirs]):
            return False
        return np.array_equal(self._symbols(mine), other._symbols(theirs))

    def _symbols(self, tokens: slice) -> npt.NDArray[np.uint32]:
        codes = self.codes[self.starts[tokens.start] : self.ends[tokens.stop - 1]]
        symbols: npt.NDArray[np.uint32] = codes[codes != 0]
        return symbols


def tokenise(texts: Sequence[str], tokenisation: Tokenisation) -> Tokens:
    """Cuts texts into tokens; offsets are those of the texts joined by one character."""
    kinds_of, folded = _tables(tokenisation)
    # What a broken decoder left of a surrogate pair is a character like any other.
    data = "\n".join(texts).encode("utf-32-le", "surrogatepass")
    points = np.frombuffer(data, np.uint32)
    kinds = np.zeros(len(points) + 2, np.uint8)
    np.take(kinds_of, points, out=kinds[1:-1], mode="clip")
    edges = kinds[1:] != kinds[:-1]
    starts = np.flatnonzero(edges & (kinds[1:] != _SEPARATOR))
    ends = np.flatnonzero(edges & (kinds[:-1] != _SEPARATOR))
    if folded is None:
        codes = points + np.uint32(1)
        codes *= kinds[1:-1] != _SEPARATOR
    else:
        codes = np.take(folded, points, mode="clip")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    text_starts = np.zeros(len(texts), np.int64)
    np.cumsum(lengths[:-1] + 1, out=text_starts[1:])
    return Tokens(codes, text_starts, starts, ends, _token_hashes(codes, starts, ends))


def _token_hashes(codes: npt.NDArray[np.uint32], starts: _Integers, ends: _Integers) -> Hashes:
    hashes = np.empty(len(starts), np.uint64)
    done = 0
    while done < len(starts):
        begin = starts[done]
        # At least one token, however long it is.
        upto = max(int(np.searchsorted(starts, begin + _CHUNK)), done + 1)
        part = slice(done, upto)
        sums = _prefix_sums(codes[begin : ends[upto - 1]], _CHARACTER_BASE)
        first = starts[part] - begin
        hashes[part] = sums[ends[part] - begin] - sums[first]
        hashes[part] *= _powers(_CHARACTER_BASE, int(first[-1]) + 1, inverse=True)[first]
        done = upto
    return _mixed(hashes)


def _prefix_sums(symbols: npt.NDArray[np.uint32] | Hashes, base: int) -> Hashes:
    sums = np.empty(len(symbols) + 1, np.uint64)
    sums[0] = 0
    products = sums[1:]
    np.multiply(symbols, _powers(base, len(symbols)), out=products)
    np.cumsum(products, out=products)
    return sums


def _mixed(hashes: Hashes) -> Hashes:
    """Spreads what is in the low bits over all, in place."""
    hashes ^= hashes >> _SHIFT
    hashes *= _MIXER
    hashes ^= hashes >> _SHIFT
    return hashes


def _powers(base: int, count: int, *, inverse: bool = False) -> Hashes:
    """The first powers of a base, or of its inverse; they are kept for the next text."""
    rounded = 1 << max(count - 1, 1).bit_length()
    return _power_table(pow(base, -1, 1 << 64) if inverse else base, rounded)[:count]


@functools.lru_cache(maxsize=64)
def _power_table(base: int, count: int) -> Hashes:
    powers = np.full(count, base, np.uint64)
    powers[0] = 1
    return cast(Hashes, np.multiply.accumulate(powers))


@functools.cache
def _tables(
    tokenisation: Tokenisation,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32] | None]:
    """The kind of each code point, and its folded form plus 1; None where nothing is folded."""
    kinds = np.zeros(_CODE_POINTS, np.uint8)
    if tokenisation == "whitespace":
        spaces = [code for code in range(_FOLDED) if chr(code).isspace()]
        kinds[:] = _LETTER
        kinds[spaces] = _SEPARATOR
        return kinds, None
    folded = np.arange(_CODE_POINTS, dtype=np.uint32)
    folded[:_FOLDED] = [ord(_folded(chr(code))) for code in range(_FOLDED)]
    kinds[:_FOLDED] = [_kind(chr(code)) for code in folded[:_FOLDED]]
    kinds[_IDEOGRAPHS] = _LETTER
    return kinds, np.where(kinds == _SEPARATOR, 0, folded + 1).astype(np.uint32)


def _folded(character: str) -> str:
    """The character in its plain form, where that is one character: 𝑥, X and ｘ are x, ² is 2."""
    if "\ud800" <= character <= "\udfff":
        return character
    plain = unicodedata.normalize("NFKC", character).lower()
    return plain if len(plain) == 1 else character


def _kind(character: str) -> int:
    if character.isdecimal():
        return _DIGIT
    # Marks belong to the letter that they stand on.
    if character.isalpha() or unicodedata.category(character).startswith("M"):
        return _LETTER
    return _SEPARATOR
