"""Where a text can be cut before merging: the bigram cut.

What a merge makes is always a piece of the vocabulary. So two neighbouring characters between which
no piece reaches are never merged over, whatever stands around them, and the text may be cut there
without changing a single id. Which characters those are is told by two bytes alone, the last of the
one and the first of the other: sharing a byte with a pair that some piece holds only leaves a cut
out, never adds one. The units between cuts are short and repeat themselves without end.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from packing.tokenizers.bpe_vocabulary import BpeVocabulary
from packing.tokenizers.pieces import SPACE

__all__ = ["CUT", "SUSPECT", "flags_of_pairs", "reached_pairs"]

# Flags of a pair of bytes: text is cut between them; they may begin an added token or be a part of
# U+2581, which is read as a space.
CUT = 1
SUSPECT = 2

_FIRST_CONTINUATION, _FIRST_LEAD = 0x80, 0xC0
_SPACE_BYTE = 0x20


def reached_pairs(vocabulary: BpeVocabulary) -> npt.NDArray[np.bool_]:
    """Which pairs of bytes have a boundary of characters between them that a piece reaches across.

    Args:
        vocabulary: The vocabulary.

    Returns:
        A table of 256 by 256, by the last byte before the boundary and the first after it.
    """
    reached = np.zeros((256, 256), np.bool_)
    for piece in vocabulary.pieces.values():
        letters = [letter.encode() for letter in piece]
        for before, after in itertools.pairwise(letters):
            reached[before[-1], after[0]] = True
    return reached


def flags_of_pairs(vocabulary: BpeVocabulary) -> npt.NDArray[np.uint8]:
    """The flags of every pair of bytes.

    Args:
        vocabulary: The vocabulary.

    Returns:
        65,536 flags; the first byte of the pair is the high half of the index.
    """
    begins_character = np.ones(256, np.bool_)
    begins_character[_FIRST_CONTINUATION:_FIRST_LEAD] = False
    cut = ~reached_pairs(vocabulary) & begins_character
    if vocabulary.splits_at_spaces:
        cut[:, _SPACE_BYTE] = True
    flags = cut.astype(np.uint8) * CUT
    for content in (SPACE.encode(), *(token.content for token in vocabulary.added)):
        flags[content[0], content[1]] |= SUSPECT
    return flags.reshape(-1)
