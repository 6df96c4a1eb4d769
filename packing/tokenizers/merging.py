"""Merging one unit, in plain Python: the definition that the compiled and tensor paths follow."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt

from packing.tokenizers.bpe_vocabulary import BpeVocabulary
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Ids, id_dtype

__all__ = ["MergeUnits", "merge_unit", "python_merges"]

# Merges units, each a text of its own: their ids one after another, and how many each has.
MergeUnits = Callable[[Texts], tuple[Ids, npt.NDArray[np.int64]]]


def merge_unit(unit: str, vocabulary: BpeVocabulary) -> list[int]:
    """The ids of a unit: always the pair of the lowest rank next, of equal ones the leftmost.

    One pair at a time. Merging all local minima at once, or all occurrences of the lowest pair, is
    not the same: the ranks of these vocabularies are not monotone, and in runs of spaces a merge
    makes a pair of a lower rank than those that are left.

    Args:
        unit: A piece of text between two cuts.
        vocabulary: The vocabulary.

    Returns:
        Its ids, at least one for a unit that isn't empty.
    """
    symbols: list[int] = []
    for letter in unit:
        number = vocabulary.characters.get(letter)
        if number is None:
            symbols.extend(vocabulary.bytes[byte] for byte in letter.encode())
        else:
            symbols.append(number)
    merges = vocabulary.merges
    while True:
        pairs = enumerate(itertools.pairwise(symbols))
        ranked = [(merges[pair][0], place) for place, pair in pairs if pair in merges]
        if not ranked:
            return symbols
        _, place = min(ranked)
        symbols[place : place + 2] = [merges[symbols[place], symbols[place + 1]][1]]


def python_merges(vocabulary: BpeVocabulary) -> MergeUnits:
    """Merges units in plain Python, for a machine without numba.

    Args:
        vocabulary: The vocabulary.

    Returns:
        What merges them.
    """

    def merge_units(texts: Texts) -> tuple[Ids, npt.NDArray[np.int64]]:
        merged = [merge_unit(unit, vocabulary) for unit in texts.strings()]
        counts = np.array([len(ids) for ids in merged], np.int64)
        flat = np.array([number for ids in merged for number in ids], id_dtype(vocabulary.size))
        return cast("Ids", flat), counts

    return merge_units
