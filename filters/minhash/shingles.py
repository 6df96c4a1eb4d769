"""Texts to shingles: the hashes of a text's n-grams of words or characters.

Tokens are found and hashed in whole batches: a table tells each byte's class, prefix sums of a
polynomial give each token's hash, and n-grams are combined over the array of token hashes. No
Python object is made a token.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from filters.minhash.mixing import MULTIPLIER, mixed

__all__ = ["Normalisation", "Shingler", "Shingles", "Unit"]

Unit = Literal["word", "character"]
Normalisation = Literal["maths", "prose", "none"]

_Hashes = npt.NDArray[np.uint64]
_Places = npt.NDArray[np.int64]

_SEPARATOR, _WORD, _SYMBOL = 0, 1, 2
# Bytes in which tokens are hashed at a time, and what counts of a longer token, which is no word.
_BLOCK_BYTES = 1 << 18
_TOKEN_BYTES = 1 << 16
# Signs that make another formula of a formula: operators, relations, scripts, brackets, primes.
# Dollars, backslashes and prose punctuation don't; neither do ``*`` and ``#``, which are Markdown.
_MATHS_SIGNS = b"+-/=<>^_|!'%()[]{}"

# Dashes and quotation marks that stand for an ASCII sign; a minus sign (U+2212) is a hyphen's twin.
_TYPOGRAPHY = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad", "-"),
    **dict.fromkeys("\u2018\u2019\u201b\u2032\u00b4", "'"),
    **dict.fromkeys(
        "\u201c\u201d\u201e\u00ab\u00bb\u2022\u00b7\u2026\u3001\u3002\u00a1\u00bf", " "
    ),
}
# NFKC would make a plain digit of an exponent and of an index alike.
_SCRIPTS = {
    **{sign: f"^{plain} " for sign, plain in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni", strict=True)},
    **{sign: f"_{plain} " for sign, plain in zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙᵢ", "0123456789+-ni", strict=True)},
}
_SCRIPT = re.compile("[" + "".join(_SCRIPTS) + "]")
_TYPOGRAPHIC = re.compile("[" + "".join(_TYPOGRAPHY) + "]")
# Written without spaces: every character is a word.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# Delimiters of a formula are no brackets of it.
_DELIMITER = re.compile(r"\\[()\[\]]")
_DIGITS = re.compile(r"\d+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Shingles:
    """The shingles of a batch of texts.

    Attributes:
        values: Their hashes, one text after the other; a text's shingle may come more than once.
        starts: Where each text's begin in ``values``, and the end: one more than texts.
    """

    values: npt.NDArray[np.uint32]
    starts: _Places

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, number: int) -> npt.NDArray[np.uint32]:
        """The shingles of one text as a set: sorted, each once."""
        # By sorting; np.unique hashes, which takes ten times as long on arrays of this size.
        ordered = np.sort(self.values[self.starts[number] : self.starts[number + 1]])
        fresh = np.ones(len(ordered), np.bool_)
        np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
        return ordered[fresh]


@dataclass(frozen=True, slots=True)
class Shingler:
    """Makes shingles.

    Attributes:
        ngram: Tokens of a shingle. A text with fewer, but some, has one shingle of them all.
        unit: Whether tokens are words or characters.
        normalisation: What counts as equal. ``maths``: case, spacing and prose punctuation don't
            count; digits, signs and brackets do, since exercise sheets differ in nothing else.
            ``prose``: numbers become 0, accents and all signs go, in the manner of datatrove's
            ``simplify_text``. ``none``: nothing but spacing.
    """

    ngram: int = 5
    unit: Unit = "word"
    normalisation: Normalisation = "maths"

    def shingles(self, texts: Sequence[str]) -> Shingles:
        """The shingles of some texts; a text without a token has none."""
        prepared = [self._prepared(text) for text in texts]
        hashes, starts = (
            _characters(prepared)
            if self.unit == "character"
            else _words(prepared, _byte_classes(self.normalisation))
        )
        return _ngrams(hashes, starts, self.ngram)

    def _prepared(self, text: str) -> str:
        if self.normalisation != "none":
            text = text.lower()
            if not text.isascii():
                text = _plain(text, accents=self.normalisation == "maths")
        if self.normalisation == "maths":
            text = _DELIMITER.sub(" ", text)
        if self.normalisation == "prose":
            text = _DIGITS.sub("0", text)
        if self.unit == "character":
            text = _SPACES.sub(" ", text).strip()
        elif not text.isascii():
            text = _UNSPACED.sub(r" \g<0> ", text)
        return text


def _plain(text: str, *, accents: bool) -> str:
    if accents:
        text = _SCRIPT.sub(lambda match: _SCRIPTS[match[0]], text)
        text = unicodedata.normalize("NFKC", text)
    else:
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    return _TYPOGRAPHIC.sub(lambda match: _TYPOGRAPHY[match[0]], text)


@functools.cache
def _byte_classes(normalisation: Normalisation) -> npt.NDArray[np.uint8]:
    """What each byte is part of: a word, a sign that counts, or what stands between."""
    classes = np.full(256, _SEPARATOR, np.uint8)
    if normalisation == "none":
        # Words are what stands between spaces.
        classes[33:] = _WORD
        return classes
    # Bytes from 128 on are parts of letters, or of symbols that NFKC leaves, like the integral's.
    classes[[*b"abcdefghijklmnopqrstuvwxyz0123456789", *range(128, 256)]] = _WORD
    if normalisation == "maths":
        classes[list(_MATHS_SIGNS)] = _SYMBOL
    return classes


def _words(texts: Sequence[str], classes: npt.NDArray[np.uint8]) -> tuple[_Hashes, _Places]:
    """Hashes of the words of all texts, and where each text's begin."""
    # The line feed after each text is a separator in every table, and the lone surrogates that a
    # page may hold are bytes like others.
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    data = np.frombuffer(b"\n".join([*encoded, b""]), np.uint8)
    lengths = np.fromiter((len(text) + 1 for text in encoded), np.int64, len(encoded))
    kinds = classes[data]
    word = kinds == _WORD
    symbol = kinds == _SYMBOL
    before, after = np.zeros_like(word), np.zeros_like(word)
    before[1:], after[:-1] = word[:-1], word[1:]
    begins = np.flatnonzero(symbol | (word & ~before))
    ends = np.flatnonzero(symbol | (word & ~after)) + 1
    bounds = np.concatenate(([0], np.cumsum(lengths)))
    return _hashed_tokens(data, begins, ends), np.searchsorted(begins, bounds)


def _hashed_tokens(data: npt.NDArray[np.uint8], begins: _Places, ends: _Places) -> _Hashes:
    """The hash of each token, block by block, so that a text of any length takes little memory."""
    ends = np.minimum(ends, begins + _TOKEN_BYTES)
    hashes = np.empty(len(begins), np.uint64)
    place = 0
    while place < len(begins):
        first = begins[place]
        stop = int(np.searchsorted(begins, first + _BLOCK_BYTES))
        block = data[first : ends[stop - 1]]
        hashes[place:stop] = _hashed_block(
            block, begins[place:stop] - first, ends[place:stop] - first
        )
        place = stop
    return mixed(hashes)


def _hashed_block(data: npt.NDArray[np.uint8], begins: _Places, ends: _Places) -> _Hashes:
    """Tokens' hashes from prefix sums of byte[i] * P**i, divided by P**begin."""
    powers, inverses = _powers()
    sums = np.zeros(len(data) + 1, np.uint64)
    # One more than the byte, so that none is nothing.
    np.cumsum((data + np.uint64(1)) * powers[: len(data)], out=sums[1:])
    hashes = (sums[ends] - sums[begins]) * inverses[begins]
    hashes += (ends - begins).astype(np.uint64)
    return hashes


@functools.cache
def _powers() -> tuple[_Hashes, _Hashes]:
    """P**i and P**-i modulo 2**64 for every place in a block."""
    inverse = pow(MULTIPLIER, -1, 2**64)
    count = _BLOCK_BYTES + _TOKEN_BYTES
    return _geometric(MULTIPLIER, count), _geometric(inverse, count)


def _geometric(ratio: int, count: int) -> _Hashes:
    series: npt.NDArray[Any] = np.full(count, ratio, np.uint64)
    series[0] = 1
    return np.cumprod(series)


def _characters(texts: Sequence[str]) -> tuple[_Hashes, _Places]:
    encoded = [text.encode("utf-32-le", "surrogatepass") for text in texts]
    counts = np.fromiter((len(text) // 4 for text in encoded), np.int64, len(encoded))
    points = np.frombuffer(b"".join(encoded), "<u4").astype(np.uint64)
    return mixed(points + np.uint64(1)), np.concatenate(([0], np.cumsum(counts)))


def _ngrams(tokens: _Hashes, starts: _Places, ngram: int) -> Shingles:
    """Combines runs of tokens that lie within one text."""
    counts = np.diff(starts)
    # A short text's run is as long as the text; a text without tokens has no run.
    runs = np.where(counts == 0, 0, np.maximum(counts - ngram + 1, 1))
    run_starts = np.concatenate(([0], np.cumsum(runs)))
    first = np.arange(run_starts[-1]) - np.repeat(run_starts[:-1] - starts[:-1], runs)
    multiplier = np.uint64(MULTIPLIER)
    padded = np.concatenate((tokens, np.zeros(ngram, np.uint64)))
    combined = padded[first].copy()
    for place in range(1, ngram):
        combined *= multiplier
        combined += padded[first + place]
    short = np.flatnonzero((counts > 0) & (counts < ngram))
    for number in short:
        # Too few for an n-gram: what lies behind belongs to another text.
        own = np.uint64(0)
        with np.errstate(over="ignore"):
            for token in tokens[starts[number] : starts[number + 1]]:
                own = own * multiplier + token
        combined[run_starts[number]] = own
    return Shingles((mixed(combined) >> np.uint64(32)).astype(np.uint32), run_starts)
