"""Documents' texts as one run of UTF-8 bytes with offsets: what every engine reads.

An Arrow string column is that already, so nothing is copied; other input is made into one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["InvalidTextError", "Texts"]

_SHOWN_ROWS = 10


class InvalidTextError(ValueError):
    """Rows that are no text: null, or not valid UTF-8.

    Attributes:
        rows: Their positions in the batch, ascending.
    """

    def __init__(self, reason: str, rows: Sequence[int]) -> None:
        shown = ", ".join(str(row) for row in rows[:_SHOWN_ROWS])
        more = f" and {len(rows) - _SHOWN_ROWS} more" if len(rows) > _SHOWN_ROWS else ""
        super().__init__(f"{reason}: row {shown}{more}; leave such rows out before tokenizing")
        self.rows = tuple(rows)


@dataclass(frozen=True, slots=True)
class Texts:
    """A batch of documents.

    Attributes:
        data: UTF-8 bytes, valid; what lies outside the offsets belongs to no document.
        offsets: Where each document begins in `data`, and where the last one ends.
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, texts: pa.Array | pa.ChunkedArray | Sequence[str]) -> Texts:
        """Takes any of the shapes that texts come in.

        Args:
            texts: A string column of Arrow, or Python strings.

        Returns:
            The batch; an Arrow column in one piece is not copied.

        Raises:
            InvalidTextError: A row is null, is not valid UTF-8 or holds a lone surrogate.
            TypeError: The column holds something else than strings.
        """
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.chunk(0) if texts.num_chunks == 1 else texts.combine_chunks()
        if not isinstance(texts, pa.Array):
            return cls._from_array(_from_strings(texts))
        if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
            return cls._from_array(texts)
        if pa.types.is_string_view(texts.type) or pa.types.is_dictionary(texts.type):
            return cls._from_array(texts.cast(pa.large_string()))
        raise TypeError(f"texts must be a column of strings, not of {texts.type}")

    @classmethod
    def _from_array(cls, array: pa.Array) -> Texts:
        if array.null_count:
            raise InvalidTextError("no text (null)", np.flatnonzero(array.is_null()).tolist())
        _check_utf8(array)
        width: Any = np.int64 if pa.types.is_large_string(array.type) else np.int32
        _, offsets, data = array.buffers()
        if offsets is None or not len(array):
            return cls(np.empty(0, np.uint8), np.zeros(len(array) + 1, np.int64))
        starts = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]
        held = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
        return cls(held, starts.astype(np.int64, copy=False))

    def byte_lengths(self) -> npt.NDArray[np.int64]:
        """How many bytes each document has."""
        return np.diff(self.offsets)

    def document(self, row: int) -> npt.NDArray[np.uint8]:
        """The bytes of one document."""
        return self.data[self.offsets[row] : self.offsets[row + 1]]

    def string(self, row: int) -> str:
        """One document as a Python string."""
        return self.document(row).tobytes().decode()

    def strings(self) -> list[str]:
        """All documents as Python strings, for libraries that take nothing else."""
        return [self.string(row) for row in range(len(self))]

    def select(self, rows: npt.NDArray[np.intp]) -> Texts:
        """A batch of some of the documents, copied."""
        pieces = [self.document(int(row)) for row in rows]
        offsets = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
        return Texts(np.concatenate(pieces) if pieces else np.empty(0, np.uint8), offsets)


def _from_strings(texts: Sequence[str]) -> pa.Array:
    """An Arrow column of Python strings; Arrow's own error doesn't say which row it refuses."""
    if isinstance(texts, str):
        raise TypeError("texts must be a sequence of strings, not one string")
    try:
        return pa.array(texts, pa.large_string())
    except (UnicodeEncodeError, pa.ArrowInvalid):
        surrogates = [row for row, text in enumerate(texts) if not _encodable(text)]
        if not surrogates:
            raise
        raise InvalidTextError("a lone surrogate is no character", surrogates) from None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_utf8(array: pa.Array) -> None:
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        invalid = [row for row, value in enumerate(array) if not _decodable(value)]
        raise InvalidTextError("not valid UTF-8", invalid) from None


def _decodable(value: pa.Scalar) -> bool:
    try:
        value.as_buffer().to_pybytes().decode()
    except UnicodeDecodeError:
        return False
    return True
