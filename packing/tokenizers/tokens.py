"""What a tokenizer returns: flat ids with document offsets, and the text behind each id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Ids", "SpannedTokens", "Tokens", "id_dtype"]

Ids: TypeAlias = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

# Megatron's indexed_dataset.py (`DType.optimal_dtype`) takes 16 bits below this size of vocabulary,
# and its readers expect the same of files that others write.
_SMALL_VOCABULARY = 65_500


def id_dtype(vocab_size: int) -> np.dtype[np.uint16] | np.dtype[np.uint32]:
    """The type that ids of a vocabulary are kept in: 16 bits when they are enough."""
    return np.dtype(np.uint16) if vocab_size < _SMALL_VOCABULARY else np.dtype(np.uint32)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a batch of documents.

    Attributes:
        ids: Token ids of all documents, one after another.
        offsets: Where each document begins in `ids`, and where the last one ends.
    """

    ids: Ids
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def document(self, row: int) -> Ids:
        """The ids of one document."""
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


@dataclass(frozen=True, slots=True)
class SpannedTokens(Tokens):
    """Tokens with the characters of the document that each one stands for.

    Ranges are in characters (code points), as Python slices a string. A token that holds a part of
    a character's bytes has the whole character; a prefix that the tokenizer puts before a document
    has an empty range.

    Attributes:
        starts: First character of each token, counted from the beginning of its document.
        ends: The character after its last one.
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
