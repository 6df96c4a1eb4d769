"""Encoding by units: what all paths of this kind share, whichever does the inner work.

A core encodes texts that hold no added token and no U+2581 and says which ones do. Those few are
taken apart here as the library tokenizers does it: the leftmost, of those the longest added token
first, and each text between them on its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from packing.tokenizers.bpe_vocabulary import AddedToken, BpeVocabulary, Prefix
from packing.tokenizers.pieces import SPACE
from packing.tokenizers.texts import Texts
from packing.tokenizers.tokens import Ids, Tokens

__all__ = ["TAKE_APART", "UnitCore", "UnitEngine"]

# The count of ids of a document that must be taken apart first.
TAKE_APART = -1

_SPACE_BYTE = 0x20


class UnitCore(Protocol):
    """Cuts texts into units and looks up their ids."""

    @property
    def name(self) -> str:
        """What it is, with the versions of what it is built on."""

    def encode_plain(
        self, texts: Texts, prefixed: npt.NDArray[np.bool_], *, check: bool
    ) -> tuple[Ids, npt.NDArray[np.int64]]:
        """Encodes texts that hold no added token and no U+2581.

        Args:
            texts: The texts.
            prefixed: Which of them a space is put before.
            check: Whether to look for those that do hold one.

        Returns:
            The ids of the others, and how many each text has; `TAKE_APART` for those.
        """


@dataclass(frozen=True, slots=True)
class _Parts:
    """Some documents taken apart.

    Attributes:
        texts: The texts between added tokens, of all documents, in order.
        prefixed: Which of them a space is put before.
        added: The added token behind each text, -1 where the document ends.
        documents: How many texts each document has.
    """

    texts: Texts
    prefixed: npt.NDArray[np.bool_]
    added: npt.NDArray[np.int64]
    documents: list[int]


class UnitEngine:
    """Encodes documents with a core."""

    def __init__(self, core: UnitCore, vocabulary: BpeVocabulary) -> None:
        self._core = core
        self._prefix = vocabulary.prefix
        self._ids = {token.content: token.id for token in vocabulary.added}
        self._pattern = _added_pattern(vocabulary.added)
        self.name = core.name

    def encode(self, texts: Texts) -> Tokens:
        """The ids of every document."""
        ids, counts = self._core.encode_plain(texts, self.prefixed(texts), check=True)
        apart = np.flatnonzero(counts == TAKE_APART)
        if not len(apart):
            return Tokens(ids, _offsets(counts))
        return _joined(ids, counts, apart, self.encode_apart(texts, apart))

    def prefixed(self, texts: Texts) -> npt.NDArray[np.bool_]:
        """Which documents a space is put before."""
        return _prefixed(self._prefix, texts, at_start=True)

    def encode_apart(self, texts: Texts, rows: npt.NDArray[np.intp]) -> list[Ids]:
        """The ids of documents that hold added tokens or U+2581, each on its own.

        Args:
            texts: The batch.
            rows: The documents of it.

        Returns:
            Their ids.
        """
        parts = self._parts(texts, rows)
        ids, counts = self._core.encode_plain(parts.texts, parts.prefixed, check=False)
        ends = np.cumsum(counts)
        documents: list[Ids] = []
        part = 0
        for count in parts.documents:
            pieces: list[npt.NDArray[Any]] = []
            for place in range(part, part + count):
                pieces.append(ids[ends[place] - counts[place] : ends[place]])
                if parts.added[place] >= 0:
                    pieces.append(parts.added[place : place + 1].astype(ids.dtype))
            documents.append(cast("Ids", np.concatenate(pieces)))
            part += count
        return documents

    def _parts(self, texts: Texts, rows: npt.NDArray[np.intp]) -> _Parts:
        contents: list[bytes] = []
        added: list[int] = []
        at_start: list[bool] = []
        documents: list[int] = []
        for row in rows:
            before = len(contents)
            for start, content, token in self._split(texts.document(int(row)).tobytes()):
                contents.append(content.replace(SPACE.encode(), b" "))
                added.append(token)
                at_start.append(start == 0)
            documents.append(len(contents) - before)
        lengths = np.array([len(content) for content in contents], np.int64)
        between = Texts(np.frombuffer(b"".join(contents), np.uint8), _offsets(lengths))
        prefixed = _prefixed(self._prefix, between, at_start=np.array(at_start))
        return _Parts(between, prefixed, np.array(added, np.int64), documents)

    def _split(self, document: bytes) -> Iterator[tuple[int, bytes, int]]:
        """Texts with their place and the added token behind each (-1 at the end)."""
        place = 0
        if self._pattern is not None:
            for match in self._pattern.finditer(document):
                yield place, document[place : match.start()], self._ids[match[0]]
                place = match.end()
        yield place, document[place:], -1


def _added_pattern(added: tuple[AddedToken, ...]) -> re.Pattern[bytes] | None:
    """Finds the leftmost added token, of those that begin there the longest."""
    contents = sorted((token.content for token in added), key=len, reverse=True)
    return re.compile(b"|".join(re.escape(content) for content in contents)) if contents else None


def _prefixed(
    prefix: Prefix, texts: Texts, at_start: npt.NDArray[np.bool_] | bool
) -> npt.NDArray[np.bool_]:
    """Which texts a space is put before; never one that is empty."""
    some: npt.NDArray[np.bool_] = texts.byte_lengths() > 0
    if prefix == "never" or not some.any():
        return np.zeros_like(some)
    if prefix == "always":
        return some
    first = texts.data[np.minimum(texts.offsets[:-1], len(texts.data) - 1)]
    prefixed: npt.NDArray[np.bool_] = some & (first != _SPACE_BYTE)
    return prefixed & at_start if prefix == "first_unless_space" else prefixed


def _offsets(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def _joined(
    ids: Ids, counts: npt.NDArray[np.int64], apart: npt.NDArray[np.intp], documents: list[Ids]
) -> Tokens:
    """Puts the documents that were encoded apart into their places."""
    before = _offsets(np.maximum(counts, 0))
    pieces = []
    place = 0
    for row, document in zip(apart.tolist(), documents, strict=True):
        pieces += [ids[place : before[row]], document]
        place = int(before[row])
    pieces.append(ids[place:])
    all_counts = counts.copy()
    all_counts[apart] = [len(document) for document in documents]
    return Tokens(cast("Ids", np.concatenate(pieces)), _offsets(all_counts))
