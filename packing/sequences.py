"""Packed sequences of a source: a memory-mapped stream of tokens, and pieces of it that make rows.

Nothing here copies the stream: a sequence is read by gathering its pieces, so that any number of
processes share the pages that the system keeps of the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["NO_TARGET", "PackedSource", "Rows", "SequenceLayout"]

_Ints = npt.NDArray[np.int64]

# What cross-entropy of PyTorch passes over by default (`ignore_index`).
NO_TARGET: Final = -100


@dataclass(frozen=True, slots=True)
class SequenceLayout:
    """What a packed sequence looks like.

    Attributes:
        length: Tokens that a model reads at once.
        overlap: Tokens more that a row holds: 1 when it ends with the last token's target.
        bos: Id before every document, None for none.
        eod: Id behind every document, None for none.
        pad: Id that fills what is left of a row.
        across: Whether the last token of a document is followed by the next document's first as its
            target, as in GPT-NeoX, or by nothing.
    """

    length: int
    overlap: int
    bos: int | None
    eod: int | None
    pad: int
    across: bool

    @property
    def row(self) -> int:
        """Tokens of a row."""
        return self.length + self.overlap


@dataclass(frozen=True)
class Rows:
    """Some sequences.

    Attributes:
        ids: Tokens, a row a sequence, padded.
        bounds: ``bounds[i]`` is the first piece of row i; one more entry ends the last.
        offsets: Where each piece begins in its row.
        lengths: Tokens of each piece.
        documents: Number of the document that each piece is of.
        firsts: Which token of that document, its BOS counted, the piece begins with.
        prompts: Tokens of that document, its BOS counted, that are a prompt.
    """

    ids: npt.NDArray[Any]
    bounds: _Ints
    offsets: _Ints
    lengths: _Ints
    documents: _Ints
    firsts: _Ints
    prompts: _Ints

    def __len__(self) -> int:
        return len(self.ids)

    def filled(self) -> _Ints:
        """Tokens of each row that are no padding."""
        totals = np.concatenate([[0], np.cumsum(self.lengths)])
        return np.asarray(totals[self.bounds[1:]] - totals[self.bounds[:-1]], np.int64)

    def pieces(self, row: int) -> slice:
        """Which pieces a row has."""
        return slice(int(self.bounds[row]), int(self.bounds[row + 1]))

    def cu_seqlens(self, row: int, length: int | None = None) -> npt.NDArray[np.int32]:
        """Where pieces begin and end in a row, as variable-length attention wants it.

        Padding counts as a piece of its own.

        Args:
            row: The row.
            length: Tokens of the row that are looked at; all by default.
        """
        end = self.ids.shape[1] if length is None else length
        begun = self.offsets[self.pieces(row)]
        filled = int(self.lengths[self.pieces(row)].sum())
        bounds = np.concatenate([begun, [filled, end]])
        return np.unique(np.minimum(bounds, end)).astype(np.int32)

    def position_ids(self) -> npt.NDArray[np.int32]:
        """Places of tokens in their pieces, from 0; so of padding."""
        count, width = self.ids.shape
        return (np.arange(width, dtype=np.int32) - self._begun).reshape(count, width)

    def loss_mask(self) -> npt.NDArray[np.bool_]:
        """True for tokens that are to be predicted: no padding, no prompt."""
        count, width = self.ids.shape
        mask = np.arange(width)[None, :] < self.filled()[:, None]
        for row in np.unique(self._row_of()[self.prompts > self.firsts]):
            for piece in range(*self.pieces(int(row)).indices(len(self.lengths))):
                begin = int(self.offsets[piece])
                prompt = int(min(self.prompts[piece] - self.firsts[piece], self.lengths[piece]))
                mask[row, begin : begin + max(prompt, 0)] = False
        return mask.reshape(count, width)

    def targets(self, length: int, *, across: bool) -> _Ints:
        """What each of the first ``length`` tokens of a row is to be followed by.

        Args:
            length: Tokens that a model reads.
            across: Whether a document's last token has the next one's first as its target.

        Returns:
            Ids, ``NO_TARGET`` where nothing is to be predicted.
        """
        count, width = self.ids.shape
        following = np.full((count, length), NO_TARGET, np.int64)
        known = min(width - 1, length)
        wanted = self.loss_mask()[:, 1 : known + 1]
        if not across:
            begun = self._begun
            wanted = wanted & (begun[:, 1 : known + 1] == begun[:, :known])
        following[:, :known] = np.where(
            wanted, self.ids[:, 1 : known + 1].astype(np.int64), NO_TARGET
        )
        return following

    def _row_of(self) -> _Ints:
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))

    @cached_property
    def _begun(self) -> npt.NDArray[np.int32]:
        """For each token, where its piece begins in the row; padding begins behind the last."""
        begun = np.zeros(self.ids.shape, np.int32)
        begun[self._row_of(), self.offsets] = self.offsets
        filled = self.filled()
        padded = np.flatnonzero(filled < self.ids.shape[1])
        begun[padded, filled[padded]] = filled[padded]
        return np.asarray(np.maximum.accumulate(begun, axis=1), np.int32)


class PackedSource:
    """The packed sequences of one source.

    Args:
        name: The source's name.
        stream: The file of its tokens.
        dtype: The type of a token in it.
        pieces: The folder of its sequences.
        layout: What they look like.
    """

    def __init__(
        self, name: str, stream: Path, dtype: str, pieces: Path, layout: SequenceLayout
    ) -> None:
        self.name = name
        self.layout = layout
        self.tokens = _mapped(stream, np.dtype(dtype))
        # Where each document begins in the stream, its BOS counted; one more entry ends the last.
        self.offsets = np.load(pieces / "documents.npy", mmap_mode="r")
        # Tokens of each document, its BOS counted, that are a prompt.
        self._prompts = np.load(pieces / "prompts.npy", mmap_mode="r")
        self._starts = np.load(pieces / "starts.npy", mmap_mode="r")
        self._lengths = np.load(pieces / "lengths.npy", mmap_mode="r")
        self._bounds = np.load(pieces / "bounds.npy", mmap_mode="r")

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @property
    def documents(self) -> int:
        """How many documents the stream has."""
        return len(self.offsets) - 1

    @cached_property
    def has_prompts(self) -> bool:
        """Whether any document has a prompt, which is not to be predicted."""
        return len(self._prompts) > 0

    def filled(self) -> _Ints:
        """Tokens of each sequence, padding not counted."""
        totals = np.concatenate([[0], np.cumsum(self._lengths, dtype=np.int64)])
        return np.asarray(totals[self._bounds[1:]] - totals[self._bounds[:-1]], np.int64)

    def read_tokens(self) -> _Ints:
        """Tokens of each sequence that a model reads: what it shares with the next isn't one."""
        return np.minimum(self.filled(), self.layout.length)

    def read(self, sequences: npt.ArrayLike) -> Rows:
        """Gathers sequences.

        Raises:
            IndexError: There is no such sequence.
        """
        wanted = np.asarray(sequences, np.int64)
        if wanted.size and not (wanted.min() >= 0 and wanted.max() < len(self)):
            raise IndexError(f"{self.name} has sequences 0 to {len(self) - 1}")
        firsts = np.asarray(self._bounds[wanted], np.int64)
        counts = np.asarray(self._bounds[wanted + 1], np.int64) - firsts
        bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        pieces = np.arange(bounds[-1]) + np.repeat(firsts - bounds[:-1], counts)
        starts = np.asarray(self._starts[pieces], np.int64)
        lengths = np.asarray(self._lengths[pieces], np.int64)
        begun = np.concatenate([[0], np.cumsum(lengths)])[:-1]
        row_begun = np.concatenate([begun, [lengths.sum()]])[bounds[:-1]]
        offsets = begun - np.repeat(row_begun, counts)
        ids = np.full((len(wanted), self.layout.row), self.layout.pad, self.tokens.dtype)
        rows = np.repeat(np.arange(len(wanted)), counts)
        for row, offset, start, length in zip(
            rows.tolist(), offsets.tolist(), starts.tolist(), lengths.tolist(), strict=True
        ):
            ids[row, offset : offset + length] = self.tokens[start : start + length]
        documents = np.searchsorted(self.offsets, starts, side="right") - 1
        prompts = (
            np.asarray(self._prompts[documents], np.int64)
            if self.has_prompts
            else np.zeros(len(documents), np.int64)
        )
        return Rows(
            ids,
            bounds,
            offsets,
            lengths,
            documents,
            starts - np.asarray(self.offsets[documents], np.int64),
            prompts,
        )


def _mapped(path: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """A file of numbers; mapping an empty one is an error of the system."""
    if path.stat().st_size == 0:
        return np.zeros(0, dtype)
    return np.memmap(path, dtype, mode="r")
