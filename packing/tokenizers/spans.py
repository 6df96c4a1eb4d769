"""Which characters of a document each token stands for, worked out from the ids alone.

Every token of a lossless vocabulary stands for a known number of bytes, so a running sum of the
characters that begin in them says where each token lies. Where that sum doesn't meet the
document's length, the vocabulary isn't lossless there and the reference library is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from packing.tokenizers.reference import Reference
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import SpannedTokens, Tokens

__all__ = ["CharacterWidths", "span_tokens"]


@dataclass(frozen=True, slots=True)
class CharacterWidths:
    """What tokens add to the count of characters.

    Attributes:
        begun: Characters that begin in each token.
        inside: Whether a token's first byte lies inside a character.
        known: Whether the token's bytes are known.
        spaced: Whether its first byte is a space, and so may be a prefix that isn't in the text.
        apart: Whether it is an added token, after which a prefix is put again.
    """

    begun: npt.NDArray[np.int64]
    inside: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]
    spaced: npt.NDArray[np.bool_]
    apart: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, pieces: Sequence[bytes | None], added: Iterable[int]) -> CharacterWidths:
        """The widths of a vocabulary.

        Args:
            pieces: For each id the bytes that it stands for, None where that isn't known.
            added: Ids of added tokens.

        Returns:
            Its widths.
        """
        apart = np.zeros(len(pieces), np.bool_)
        apart[list(added)] = True
        return cls(
            np.array([_begun(piece or b"") for piece in pieces], np.int64),
            np.array([_continues((piece or b" ")[0]) for piece in pieces], np.bool_),
            np.array([piece is not None for piece in pieces], np.bool_),
            np.array([(piece or b"")[:1] == b" " for piece in pieces], np.bool_),
            apart,
        )


def _continues(byte: int) -> bool:
    """Whether a byte of UTF-8 goes on with a character (it reads 10xxxxxx)."""
    return byte & 0xC0 == 0x80


def _begun(piece: bytes) -> int:
    return sum(not _continues(byte) for byte in piece)


def span_tokens(
    texts: Texts, tokens: Tokens, widths: CharacterWidths, reference: Reference
) -> SpannedTokens:
    """Adds to tokens the characters that they stand for.

    Args:
        texts: What was encoded.
        tokens: Its tokens.
        widths: The vocabulary's widths.
        reference: Asked about documents where the widths don't add up.

    Returns:
        The tokens with their ranges.
    """
    characters = _characters_by_document(texts)
    bare = _sum_widths(tokens, widths, prefixed=np.zeros(len(tokens.ids), np.bool_))
    prefixed = _sum_widths(tokens, widths, prefixed=_may_be_prefixed(tokens, widths))
    ids_known = _all_by_document(widths.known[tokens.ids], tokens.offsets)
    starts, ends = bare[0].copy(), bare[1].copy()
    for row in range(len(tokens)):
        here = slice(int(tokens.offsets[row]), int(tokens.offsets[row + 1]))
        if here.start == here.stop:
            continue
        if ids_known[row] and bare[2][row] == characters[row]:
            continue
        if ids_known[row] and prefixed[2][row] == characters[row]:
            starts[here], ends[here] = prefixed[0][here], prefixed[1][here]
            continue
        starts[here], ends[here] = _by_reference(texts.string(row), reference, here)
    return SpannedTokens(tokens.ids, tokens.offsets, starts, ends)


def _characters_by_document(texts: Texts) -> npt.NDArray[np.int64]:
    begun = np.zeros(len(texts.data) + 1, np.int64)
    np.cumsum((texts.data & 0xC0) != 0x80, out=begun[1:])
    return np.diff(begun[texts.offsets])


def _may_be_prefixed(tokens: Tokens, widths: CharacterWidths) -> npt.NDArray[np.bool_]:
    """Tokens whose leading space is the tokenizer's: at a document's start, after added tokens."""
    first = np.zeros(len(tokens.ids) + 1, np.bool_)
    first[tokens.offsets[:-1]] = True
    first[1:] |= np.append(widths.apart[tokens.ids[:-1]], False) if len(tokens.ids) else False
    return first[:-1] & widths.spaced[tokens.ids]


def _sum_widths(
    tokens: Tokens, widths: CharacterWidths, prefixed: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Starts, ends, and the characters of each document, if those tokens have a prefix."""
    begun = np.zeros(len(tokens.ids) + 1, np.int64)
    np.cumsum(widths.begun[tokens.ids] - prefixed, out=begun[1:])
    of_document = np.repeat(begun[tokens.offsets[:-1]], np.diff(tokens.offsets))
    starts = begun[:-1] - of_document - widths.inside[tokens.ids]
    ends = begun[1:] - of_document
    return starts, ends, np.diff(begun[tokens.offsets])


def _all_by_document(
    true: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    counted = np.zeros(len(true) + 1, np.int64)
    np.cumsum(true, out=counted[1:])
    held: npt.NDArray[np.bool_] = np.diff(counted[offsets]) == np.diff(offsets)
    return held


def _by_reference(
    text: str, reference: Reference, here: slice
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The library's own ranges of one document.

    Raises:
        ValueError: The library gives none, or other tokens than were encoded.
    """
    spans = reference.spans(text)
    if spans is None or len(spans) != here.stop - here.start:
        raise ValueError(
            f"{reference.library} doesn't say which characters its tokens stand for, and this "
            "vocabulary's pieces don't add up to the text"
        )
    both = np.array(spans, np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]
