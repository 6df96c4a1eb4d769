"""Texts without the paragraphs that many documents share."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from filters.repeated_paragraphs import RepeatedParagraphs
from pipelines.deduplication.stages import repeated_paragraphs

__all__ = ["Reducer"]


class Reducer:
    """Takes repeated paragraphs out of a part's documents, and counts.

    Args:
        root: The deduplication's folder.
        paragraphs: The stage.
        column: The text's column.
        rows: The part's documents.
    """

    def __init__(self, root: Path, paragraphs: RepeatedParagraphs, column: str, rows: int) -> None:
        self._paragraphs = paragraphs
        self._column = column
        self._repeated = _repeated(root)
        self.removed = np.zeros(rows, np.int64)
        self.characters = np.zeros(rows, np.int64)
        self.emptied = np.zeros(rows, np.bool_)
        self.texts: dict[int, str] = {}

    def reduced(self, table: pa.Table, rows: npt.NDArray[np.int64]) -> pa.Table:
        """Documents with what is left of their texts; those of which nothing is left are out.

        Args:
            table: The documents.
            rows: Their rows in the part.
        """
        texts: list[str | None] = []
        for row, text in zip(rows, table.column(self._column).to_pylist(), strict=True):
            found = self._paragraphs.without(text or "", self._repeated)
            self.removed[row], self.characters[row] = len(found.removed), found.characters
            self.emptied[row] = bool(found.removed) and not found.text.strip()
            self.texts.update(found.removed)
            texts.append(found.text if found.removed else text)
        index = table.column_names.index(self._column)
        field = table.schema.field(index)
        changed = table.set_column(index, field, pa.array(texts, field.type))
        kept: pa.Table = changed.filter(pa.array(~self.emptied[rows]))
        return kept


@functools.lru_cache(maxsize=2)
def _repeated(root: Path) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(repeated_paragraphs(root)["hash"])
