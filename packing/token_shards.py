"""Tokens of one part of a source: the unit of work, of resuming and of reuse.

A shard is kept under a digest of all that decides its bytes (file, row groups, tokenizer, options,
code), without BOS and EOD: other packings of the same documents read the same shard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from packing.breaks import breaks_of
from packing.sources import ColumnNames, SourcePart
from packing.tokenizers import SpannedTokens, Tokenizer
from pipelines.deduplication.parts import tables_of
from pipelines.progress import ProgressWriter, Tally
from pipelines.run_directory import write_atomically
from schemas.packing import SKIPPED_DOCUMENTS, TOKENIZED_DOCUMENTS

__all__ = ["ShardPaths", "ShardSummary", "TokenShard"]

_Ints = npt.NDArray[np.int64]

# Characters of text that are encoded at a time, and whose documents are one row group.
_BATCH_BYTES: Final = 8 << 20
_PLACES: Final = ("char_starts", "char_ends", "paragraph_breaks", "line_breaks")


@dataclass(frozen=True, slots=True)
class ShardPaths:
    """The files of a shard.

    Attributes:
        ids: Token ids, one document behind the other.
        documents: A row a document.
        skipped: A row for each row of the input that is no document; missing when there are none.
        marker: What says that the shard is finished.
    """

    ids: Path
    documents: Path
    skipped: Path
    marker: Path

    @classmethod
    def of(cls, folder: Path, key: str) -> ShardPaths:
        """The files under a key."""
        return cls(
            folder / f"{key}.ids",
            folder / f"{key}.documents.parquet",
            folder / f"{key}.skipped.parquet",
            folder / f"{key}.json",
        )


@dataclass(slots=True)
class ShardSummary:
    """What a finished shard holds.

    Attributes:
        documents: Documents with tokens.
        tokens: Their tokens.
        text_bytes: Bytes of their texts in UTF-8.
        text_chars: Characters of their texts.
        prompts: Documents with a prompt.
        longest: Tokens of the longest.
        skipped: Rows that are no documents, by reason.
    """

    documents: int = 0
    tokens: int = 0
    text_bytes: int = 0
    text_chars: int = 0
    prompts: int = 0
    longest: int = 0
    skipped: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the input that has a text.

    Attributes:
        document_id: Its id.
        row: Its number in the file.
        text: The text, prompt and completion together.
        prompt_chars: Characters of the prompt; 0 for an ordinary document.
    """

    document_id: str
    row: int
    text: str
    prompt_chars: int


class TokenShard:
    """Writes the tokens of one part.

    Args:
        part: The part.
        columns: Names of columns.
        tokenizer: The tokenizer.
        paths: Where to.
    """

    def __init__(
        self, part: SourcePart, columns: ColumnNames, tokenizer: Tokenizer, paths: ShardPaths
    ) -> None:
        self._part = part
        self._columns = columns
        self._tokenizer = tokenizer
        self._paths = paths
        self._summary = ShardSummary()
        self._skipped: list[dict[str, Any]] = []
        self._reasons: Counter[str] = Counter()

    def write(self, progress: ProgressWriter | None = None, size: int = 0) -> ShardSummary:
        """Tokenizes the part; its files appear when all are whole, the marker last.

        Args:
            progress: Told what is done.
            size: Bytes of input that the part counts for in it.
        """
        share = size / max(self._part.part.rows, 1)
        with ExitStack() as stack:
            ids = stack.enter_context(
                stack.enter_context(write_atomically(self._paths.ids)).open("wb")
            )
            documents = stack.enter_context(
                _documents_writer(stack.enter_context(write_atomically(self._paths.documents)))
            )
            for batch in self._batches():
                tokens = self._encoded(batch)
                ids.write(tokens.ids.tobytes())
                documents.write_table(self._documents(batch, tokens))
                self._report(progress, int(share * self._seen))
        self._summary.skipped = dict(sorted(self._reasons.items()))
        if self._skipped:
            with write_atomically(self._paths.skipped) as temporary:
                pq.write_table(pa.Table.from_pylist(self._skipped, SKIPPED_DOCUMENTS), temporary)
        self._report(progress, size, done=True)
        return self._summary

    @property
    def _seen(self) -> int:
        return self._summary.documents + sum(self._reasons.values())

    def _report(self, progress: ProgressWriter | None, size: int, *, done: bool = False) -> None:
        if progress is not None:
            drops = Counter({("read", reason): n for reason, n in self._reasons.items()})
            progress.report(Tally(size, self._seen, self._summary.documents, drops), done=done)

    # ---- rows -----------------------------------------------------------------------------------

    def _batches(self) -> Iterator[list[_Row]]:
        """Rows with texts, some megabytes at a time."""
        waiting: list[_Row] = []
        size = 0
        for row in self._rows():
            waiting.append(row)
            size += len(row.text)
            if size >= _BATCH_BYTES:
                yield waiting
                waiting, size = [], 0
        if waiting:
            yield waiting

    def _rows(self) -> Iterator[_Row]:
        names = self._columns
        texts = (names.prompt, names.completion) if self._part.prompts else (names.text,)
        wanted = [*texts, names.document_id, *([names.subset] if self._part.filtered else [])]
        number = _rows_before(self._part)
        for table in tables_of(self._part.part, wanted):
            columns = {name: table.column(name) for name in table.column_names}
            for row in range(table.num_rows):
                read = self._row(columns, row, number + row, texts)
                if read is not None:
                    yield read
            number += table.num_rows

    def _row(
        self, columns: dict[str, pa.ChunkedArray], row: int, number: int, texts: Sequence[str]
    ) -> _Row | None:
        """A row as it is read; None for one of another source or without text, which is noted."""
        if self._part.filtered:
            subset = columns[self._columns.subset][row].as_py() or "documents"
            if subset != self._part.source:
                return None
        given = columns.get(self._columns.document_id)
        named = None if given is None else given[row].as_py()
        document_id = f"{self._part.part.file.name}:{number}" if named in (None, "") else str(named)
        try:
            parts = [columns[name][row].as_py() for name in texts]
        except UnicodeDecodeError:
            self._skip(document_id, number, "invalid_utf8")
            return None
        if None in parts:
            self._skip(document_id, number, "null_text")
            return None
        text = "".join(parts)
        if not text:
            self._skip(document_id, number, "empty_text")
            return None
        return _Row(document_id, number, text, len(parts[0]) if self._part.prompts else 0)

    def _skip(self, document_id: str, row: int, reason: str) -> None:
        self._reasons[reason] += 1
        self._skipped.append(
            {
                "document_id": document_id,
                "source": self._part.source,
                "file": self._part.part.file.name,
                "row": row,
                "reason": reason,
            }
        )

    def _encoded(self, batch: list[_Row]) -> SpannedTokens:
        """Tokens of a batch; rows that have none are taken out of it, and noted."""
        tokens = self._tokenizer.encode_with_offsets([row.text for row in batch])
        empty = np.flatnonzero(np.diff(tokens.offsets) == 0)
        if len(empty):
            for place in empty.tolist():
                self._skip(batch[place].document_id, batch[place].row, "no_tokens")
            kept = np.diff(tokens.offsets) > 0
            batch[:] = [row for row, keep in zip(batch, kept.tolist(), strict=True) if keep]
            offsets = np.concatenate([tokens.offsets[:1], tokens.offsets[1:][kept]])
            tokens = SpannedTokens(tokens.ids, offsets, tokens.starts, tokens.ends)
        return tokens

    # ---- documents ------------------------------------------------------------------------------

    def _documents(self, batch: list[_Row], tokens: SpannedTokens) -> pa.Table:
        """The rows of a batch's documents."""
        bounds = tokens.offsets - tokens.offsets[0]
        counts = np.diff(bounds)
        texts = [row.text.encode() for row in batch]
        prompts, paragraphs, lines = [], [], []
        for place, (row, text) in enumerate(zip(batch, texts, strict=True)):
            inside = slice(int(tokens.offsets[place]), int(tokens.offsets[place + 1]))
            starts, ends = tokens.starts[inside], tokens.ends[inside]
            found = breaks_of(np.frombuffer(text, np.uint8), starts, ends)
            paragraphs.append(found.paragraphs)
            lines.append(found.lines)
            # A token that holds the end of the prompt and more is part of what is to be predicted.
            behind = np.searchsorted(ends, row.prompt_chars, side="right")
            prompts.append(int(behind) if row.prompt_chars else 0)
        sizes = [len(text) for text in texts]
        summary = self._summary
        summary.documents += len(batch)
        summary.tokens += int(bounds[-1])
        summary.text_bytes += sum(sizes)
        summary.text_chars += sum(len(row.text) for row in batch)
        summary.prompts += sum(count > 0 for count in prompts)
        summary.longest = max(summary.longest, int(counts.max(initial=0)))
        return pa.table(
            [
                [row.document_id for row in batch],
                pa.repeat(self._part.source, len(batch)),
                pa.repeat(self._part.part.file.name, len(batch)),
                [row.row for row in batch],
                sizes,
                [len(row.text) for row in batch],
                counts,
                prompts,
                _lists(bounds, tokens.starts),
                _lists(bounds, tokens.ends),
                _lists(*_flattened(paragraphs)),
                _lists(*_flattened(lines)),
            ],
            schema=TOKENIZED_DOCUMENTS,
        )


def _documents_writer(path: Path) -> pq.ParquetWriter:
    """Places grow from token to token, so that their differences are what is stored."""
    return pq.ParquetWriter(
        path,
        TOKENIZED_DOCUMENTS,
        compression="zstd",
        compression_level=3,
        use_dictionary=["source", "file"],
        column_encoding={f"{name}.list.element": "DELTA_BINARY_PACKED" for name in _PLACES},
        version="2.6",
        data_page_version="2.0",
        write_page_checksum=True,
    )


def _flattened(places: Sequence[_Ints]) -> tuple[_Ints, _Ints]:
    bounds = np.cumsum([0, *map(len, places)])
    return bounds, np.concatenate([np.zeros(0, np.int64), *places])


def _lists(bounds: _Ints, values: _Ints) -> pa.ListArray:
    kind = TOKENIZED_DOCUMENTS.field("char_starts").type
    return pa.ListArray.from_arrays(
        pa.array(bounds, pa.int32()), pa.array(values, pa.int32()), type=kind
    )


def _rows_before(part: SourcePart) -> int:
    """Rows of the file before the part."""
    metadata = pq.read_metadata(part.part.file.path)
    return sum(metadata.row_group(number).num_rows for number in range(part.part.first))
