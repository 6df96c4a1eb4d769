"""From tokens of a packed sequence back to the documents, their text and where they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from packing.corpus import PackedCorpus, PackedRow
from pipelines.parquet import open_writer
from pipelines.run_directory import write_atomically
from schemas.packing import PROVENANCE

__all__ = ["Span", "provenance_rows", "trace", "trail_of", "write_provenance"]

_GROUP_ROWS: Final = 65_536


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens of a sequence that are of one document.

    Attributes:
        token_start: The first, counted in the sequence.
        token_end: The one behind the last.
        document_id: The document.
        char_start: First character of its text that they stand for.
        char_end: The character behind the last; equal to the first for BOS and EOD.
        file: The input file that the document was read from.
        row: Its row there.
    """

    token_start: int
    token_end: int
    document_id: str
    char_start: int
    char_end: int
    file: str
    row: int


def write_provenance(path: Path, rows: Iterable[PackedRow]) -> int:
    """Writes the side table of a source: a row for each document in each sequence.

    Args:
        path: The file.
        rows: The source's sequences.

    Returns:
        Rows of the table.
    """
    count = 0
    with (
        write_atomically(path) as temporary,
        open_writer(temporary, PROVENANCE, ["source", "file"]) as file,
    ):
        waiting: list[dict[str, Any]] = []
        for row in rows:
            waiting.extend(provenance_rows(row))
            if len(waiting) >= _GROUP_ROWS:
                file.write_table(pa.Table.from_pylist(waiting, PROVENANCE))
                count += len(waiting)
                waiting = []
        if waiting:
            file.write_table(pa.Table.from_pylist(waiting, PROVENANCE))
    return count + len(waiting)


def provenance_rows(row: PackedRow) -> Iterator[dict[str, Any]]:
    """The side table's rows of one sequence."""
    for piece, begin, end in row.pieces():
        file, number = row.origins[piece]
        yield {
            "source": row.source,
            "sequence": row.sequence,
            "token_start": begin,
            "token_end": end,
            "document_id": row.document_ids[piece],
            "document_token_start": row.document_tokens[piece],
            "char_start": row.char_starts[piece],
            "char_end": row.char_ends[piece],
            "file": file,
            "row": number,
        }


def trace(
    corpus: PackedCorpus, source: str, sequence: int, start: int = 0, end: int | None = None
) -> list[Span]:
    """Which documents, and which of their characters, tokens of a sequence stand for.

    Args:
        corpus: The packed corpus.
        source: The source.
        sequence: The sequence.
        start: The first token.
        end: The token behind the last; all by default. Padding is of no document.

    Returns:
        The stretches in order.

    Raises:
        KeyError: There is no such source.
        IndexError: There is no such sequence, or the tokens aren't in it.
    """
    number = corpus.entries.index(corpus.entry(source))
    width = corpus.layout.row
    last = width if end is None else end
    if not 0 <= start <= last <= width:
        raise IndexError(f"a sequence has tokens 0 to {width}")
    rows = corpus.sources[number].read([sequence])
    packed = next(corpus.rows(number, sequence, 1))
    spans = []
    for piece, begin, finish in packed.pieces():
        first, behind = max(begin, start), min(finish, last)
        if first >= behind:
            continue
        token = packed.document_tokens[piece] - int(corpus.layout.bos is not None)
        chars = _characters(
            corpus,
            source,
            int(rows.documents[piece]),
            token + first - begin,
            token + behind - begin,
        )
        file, row = packed.origins[piece]
        spans.append(Span(first, behind, packed.document_ids[piece], *chars, file, row))
    return spans


def _characters(
    corpus: PackedCorpus, source: str, document: int, first: int, behind: int
) -> tuple[int, int]:
    """The characters of some tokens of a document; BOS and EOD lie at its ends."""
    for name, rows in corpus.entry(source).tables:
        if document < rows:
            starts, ends = _places(corpus.folder.documents(source) / name, document)
            break
        document -= rows
    first, behind = max(first, 0), max(behind, 0)
    if first >= len(starts):
        end = int(ends[-1]) if len(ends) else 0
        return end, end
    if behind <= first:
        return 0, 0
    return int(starts[first]), int(ends[min(behind, len(ends)) - 1])


def _places(path: Path, row: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    with pq.ParquetFile(path) as table:
        for group in range(table.num_row_groups):
            rows = table.metadata.row_group(group).num_rows
            if row < rows:
                read = table.read_row_group(group, columns=["char_starts", "char_ends"])
                return (
                    read.column("char_starts")[row].values.to_numpy(),
                    read.column("char_ends")[row].values.to_numpy(),
                )
            row -= rows
    raise IndexError(f"{path} has no such row")


def trail_of(run: Path, document_id: str) -> dict[str, Any] | None:
    """What a run says of a document: record, address, every stage's word.

    Args:
        run: The folder of the run that the document came from.
        document_id: The document.

    Returns:
        Its row of the trails; failing that its row of the documents, without the text; None when
        the run has neither.
    """
    for folder in ("trails", "documents"):
        for path in sorted((run / folder).glob("*.parquet")):
            schema = pq.read_schema(path)
            if "document_id" not in schema.names:
                continue
            columns = [name for name in schema.names if name != "text"]
            found = pq.read_table(
                path, columns=columns, filters=[("document_id", "=", document_id)]
            ).to_pylist()
            if found:
                row: dict[str, Any] = found[0]
                return row
    return None
