"""The index: what deduplication knows of each document, one set of files a task.

A document is a row of a task. Its *ordinal* is its place among all documents, tasks in order: what
crosses a shuffle is an ordinal, and everything else is looked up in memory-mapped files.
"""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from filters.code.chunk_duplicates import CHUNK_KEY_BYTES, ChunkDuplicates
from filters.exact_duplicates import ExactDuplicates
from filters.minhash import SCHEME, Shingles, band_hashes
from filters.near_duplicates import NearDuplicates
from filters.repeated_paragraphs import RepeatedParagraphs
from filters.url_duplicates import UrlDuplicates
from pipelines.files import fetched, listed, remove
from pipelines.parquet import write_table
from pipelines.run_directory import write_atomically
from schemas.signatures import SIGNATURES

__all__ = [
    "CHUNK",
    "PARAGRAPH",
    "Index",
    "IndexEntry",
    "IndexWriter",
    "IndexedTask",
    "Stages",
    "scheme_of",
    "write_index_array",
]

# A paragraph of a document that is long enough to be counted.
PARAGRAPH = np.dtype([("hash", "<u8"), ("row", "<i8")])

# A chunk of a document: its hash, and the document's row and place in the order of reading.
CHUNK = np.dtype([("high", "<u8"), ("low", "<u8"), ("sequence", "<i8"), ("row", "<i8")])

# Texts that are signed at a time.
_BATCH = 64
# Characters of a batch: long texts go with fewer others.
_BATCH_CHARS = 1 << 20
_SHINGLE_BYTES = 4


_AnyStage: TypeAlias = (
    UrlDuplicates | ChunkDuplicates | ExactDuplicates | NearDuplicates | RepeatedParagraphs
)


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of deduplication that a recipe has switched on.

    Attributes:
        url: By address.
        exact: By equal normalised text.
        near: By similar text.
        paragraphs: Of parts of texts.
        chunks: By equal chunks, as AlgebraicStack did.
    """

    url: UrlDuplicates | None = None
    exact: ExactDuplicates | None = None
    near: NearDuplicates | None = None
    paragraphs: RepeatedParagraphs | None = None
    chunks: ChunkDuplicates | None = None

    @property
    def enabled(self) -> tuple[_AnyStage, ...]:
        """The stages that are switched on, in the order in which they judge."""
        stages = (self.url, self.chunks, self.exact, self.near, self.paragraphs)
        return tuple(stage for stage in stages if stage is not None)

    @property
    def score(self) -> str:
        """The score that decides which of several documents stays; empty for none."""
        named = (stage.score for stage in (self.exact, self.near) if stage is not None)
        return next(filter(None, named), "")

    def __bool__(self) -> bool:
        return bool(self.enabled)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What is indexed of a document.

    Attributes:
        document_id: Its id.
        text: Its text; hashed and forgotten.
        subset: The subset it belongs to.
        url: Its address; empty for none.
        date: When it was captured or made, ISO 8601; empty when unknown.
        licence: Its licence's SPDX identifier; empty when unknown.
        score: The score that ``best_score`` looks at.
        group: What chunks are held against each other within, such as a programming language.
        sequence: Its place in the order of reading, which chunks go by.
    """

    document_id: str
    text: str
    subset: str = ""
    url: str = ""
    date: str = ""
    licence: str = ""
    score: float | None = None
    group: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class IndexedTask:
    """One task of an index.

    Attributes:
        folder: Where its files lie.
        number: Its number there.
        rows: Its documents.
        id_bytes: Bytes of its longest document_id.
        earlier: Whether it's of an earlier run, whose documents stay.
    """

    folder: str
    number: int
    rows: int
    id_bytes: int
    earlier: bool = False

    def file(self, kind: str) -> Path:
        """One of its files: ``parquet``, ``signatures``, ``bands``, ``shingles``, ``starts``."""
        return Path(self.folder) / f"{self.number:06d}.{kind}"

    def remove(self) -> None:
        """Removes what an earlier attempt at it left."""
        for path in listed(Path(self.folder), f"{self.number:06d}.*"):
            remove(path)


class IndexWriter:
    """Writes one task's part of the index.

    Args:
        folder: The index's folder.
        task: The task's number.
        stages: What is to be found.
    """

    def __init__(self, folder: Path, task: int, stages: Stages) -> None:
        self._task = IndexedTask(str(folder), task, 0, 1)
        self._stages = stages
        self._waiting: list[IndexEntry] = []
        self._chars = 0
        self._tables: list[pa.Table] = []
        self._bands: list[npt.NDArray[np.uint64]] = []
        self._signatures: list[npt.NDArray[np.uint32]] = []
        self._groups: list[int] = []
        self._shingle_file: IO[bytes] | None = None
        self._shingle_sizes: list[int] = []
        self._paragraphs: list[npt.NDArray[np.void]] = []
        self._chunks: list[npt.NDArray[np.void]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, entry: IndexEntry) -> None:
        """Adds the next row's document."""
        self._waiting.append(entry)
        self._chars += len(entry.text)
        if len(self._waiting) >= _BATCH or self._chars >= _BATCH_CHARS:
            self._index()

    def end_group(self) -> None:
        """Ends a group of rows: the table is written in the groups of the documents it is of."""
        if self._waiting:
            self._index()
        rows = sum(table.num_rows for table in self._tables)
        self._groups.append(rows - sum(self._groups))

    def finish(self) -> IndexedTask:
        """Writes the files; returns what the index needs to know of them."""
        if self._waiting:
            self._index()
        table = pa.concat_tables([SIGNATURES.empty_table(), *self._tables]).combine_chunks()
        write_table(self._task.file("parquet"), table, self._groups)
        near = self._stages.near
        if near is not None and table.num_rows:
            self._write("bands", np.concatenate(self._bands, axis=1))
            self._write("signatures", np.concatenate(self._signatures))
            if near.verify == "exact":
                self._write_shingles()
        if self._stages.paragraphs is not None:
            self._write("paragraphs", np.concatenate([np.empty(0, PARAGRAPH), *self._paragraphs]))
        if self._stages.chunks is not None:
            self._write("chunks", np.concatenate([np.empty(0, CHUNK), *self._chunks]))
        longest = max((len(i.encode()) for i in table.column("document_id").to_pylist()), default=1)
        return IndexedTask(self._task.folder, self._task.number, table.num_rows, longest)

    def _write_shingles(self) -> None:
        gathered = self._shingle_file
        with write_atomically(self._task.file("shingles")) as path, path.open("wb") as file:
            if gathered is not None:
                gathered.seek(0)
                shutil.copyfileobj(gathered, file, 1 << 20)
                gathered.close()
        self._write("starts", np.cumsum([0, *self._shingle_sizes], dtype=np.int64))

    def _write(self, kind: str, array: npt.NDArray[Any]) -> None:
        write_index_array(self._task, kind, array)

    def _index(self) -> None:
        entries, self._waiting, self._chars = self._waiting, [], 0
        stages = self._stages
        signatures: list[bytes] | None = None
        if stages.near is not None:
            shingles = stages.near.minhash.shingler.shingles([entry.text for entry in entries])
            signatures = self._sign(stages.near, shingles)
        if stages.paragraphs is not None:
            self._hash_paragraphs(stages.paragraphs, entries)
        if stages.chunks is not None:
            self._hash_chunks(stages.chunks, entries)
        columns: dict[str, Any] = {
            name: [getattr(entry, name) for entry in entries]
            for name in ("document_id", "subset", "date", "licence", "score")
        }
        columns["text_chars"] = [len(entry.text) for entry in entries]
        columns["url_key"] = [stages.url.key(e.url) if stages.url else None for e in entries]
        columns["text_key"] = [stages.exact.key(e.text) if stages.exact else None for e in entries]
        columns["signature"] = signatures or [None] * len(entries)
        columns["kept_id"] = [""] * len(entries)
        self._tables.append(pa.Table.from_pydict(columns, schema=SIGNATURES))

    def _hash_paragraphs(
        self, paragraphs: RepeatedParagraphs, entries: Sequence[IndexEntry]
    ) -> None:
        first = sum(table.num_rows for table in self._tables)
        for row, entry in enumerate(entries, first):
            hashes = paragraphs.hashes(entry.text)
            own = np.empty(len(hashes), PARAGRAPH)
            own["hash"], own["row"] = hashes, row
            self._paragraphs.append(own)

    def _hash_chunks(self, chunks: ChunkDuplicates, entries: Sequence[IndexEntry]) -> None:
        first = sum(table.num_rows for table in self._tables)
        for row, entry in enumerate(entries, first):
            packed = b"".join(chunks.keys(entry.text, entry.group))
            words = np.frombuffer(packed, "<u8").reshape(-1, CHUNK_KEY_BYTES // 8)
            own = np.empty(len(words), CHUNK)
            own["high"], own["low"] = words[:, 0], words[:, 1]
            own["sequence"], own["row"] = entry.sequence, row
            self._chunks.append(own)

    def _sign(self, near: NearDuplicates, shingles: Shingles) -> list[bytes]:
        made = near.minhash.signatures(shingles)
        bands = band_hashes(made, near.band_count, near.row_count)
        # No shingle, no band: empty texts are equal, and that's for the exact stage to say.
        bands[:, np.diff(shingles.starts) == 0] = 0
        self._bands.append(bands)
        self._signatures.append(made)
        if near.verify == "exact":
            # Sets are the bulk of an index: they wait on disk, not in memory.
            if self._shingle_file is None:
                self._shingle_file = tempfile.TemporaryFile(dir=self._task.folder)  # noqa: SIM115
            sets = [shingles.of(number) for number in range(len(shingles))]
            self._shingle_file.writelines(values.astype("<u4").data for values in sets)
            self._shingle_sizes += map(len, sets)
        return [row.tobytes() for row in made.astype("<u4")]


@dataclass(frozen=True)
class Index:
    """All tasks of an index, those of earlier runs first.

    Attributes:
        tasks: The tasks.
    """

    tasks: tuple[IndexedTask, ...]

    @functools.cached_property
    def bases(self) -> npt.NDArray[np.int64]:
        """The ordinal of each task's first document, and the number of all documents."""
        return np.cumsum([0, *(task.rows for task in self.tasks)], dtype=np.int64)

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return int(self.bases[-1])

    @functools.cached_property
    def first_new(self) -> int:
        """The ordinal of the first document that is of no earlier run."""
        return sum(task.rows for task in self.tasks if task.earlier)

    @property
    def id_bytes(self) -> int:
        """Bytes of the longest document_id."""
        return max((task.id_bytes for task in self.tasks), default=1)

    def table(self, place: int, columns: Sequence[str]) -> pa.Table:
        """Columns of the table of a task, given by its place in ``tasks``."""
        return pq.read_table(fetched(self.tasks[place].file("parquet")), columns=list(columns))

    def bands(self, place: int) -> npt.NDArray[np.uint64]:
        """The band hashes of a task, of shape (bands, rows); 0 for a document without shingles."""
        return _mapped(str(self.tasks[place].file("bands")))

    def signatures(self, ordinals: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
        """The signatures of some documents, in the order given."""
        order = np.argsort(ordinals, kind="stable")
        ordered = ordinals[order]
        cuts = np.searchsorted(ordered, self.bases)
        parts = [
            _mapped(str(self.tasks[place].file("signatures")))[
                ordered[cuts[place] : cuts[place + 1]] - self.bases[place]
            ]
            for place in range(len(self.tasks))
            if cuts[place] < cuts[place + 1]
        ]
        gathered = np.concatenate(parts)
        result = np.empty_like(gathered)
        result[order] = gathered
        return result

    def shingles(self, ordinal: int) -> npt.NDArray[np.uint32] | None:
        """The set of shingles of a document; None when it's of an earlier run."""
        place = int(np.searchsorted(self.bases, ordinal, side="right")) - 1
        task = self.tasks[place]
        if task.earlier:
            return None
        row = ordinal - int(self.bases[place])
        first, last = (int(start) for start in _mapped(str(task.file("starts")))[row : row + 2])
        # Read, not mapped: sets are the bulk of an index, and what is mapped counts as memory.
        file = _opened(str(task.file("shingles")))
        packed = os.pread(file.fileno(), (last - first) * _SHINGLE_BYTES, first * _SHINGLE_BYTES)
        return np.frombuffer(packed, "<u4")

    def chunks(self, place: int) -> npt.NDArray[np.void]:
        """The ``CHUNK`` rows of a task; none of an earlier run's."""
        if self.tasks[place].earlier:
            return np.empty(0, CHUNK)
        return _mapped(str(self.tasks[place].file("chunks")))

    def paragraphs(self, place: int) -> npt.NDArray[np.void]:
        """The ``PARAGRAPH`` rows of a task."""
        return _mapped(str(self.tasks[place].file("paragraphs")))

    def to_json(self) -> list[dict[str, Any]]:
        """As plain data."""
        return [asdict(task) for task in self.tasks]

    @classmethod
    def from_json(cls, content: Sequence[Mapping[str, Any]]) -> Self:
        """From what ``to_json`` gave."""
        return cls(tuple(IndexedTask(**task) for task in content))

    @classmethod
    def read(cls, path: Path) -> Self:
        """From a file that holds ``to_json``."""
        return cls.from_json(json.loads(fetched(path).read_text("utf-8")))


def write_index_array(task: IndexedTask, kind: str, array: npt.NDArray[Any]) -> None:
    """Writes one of a task's arrays, to be memory-mapped."""
    with write_atomically(task.file(kind)) as path, path.open("wb") as file:
        np.save(file, array, allow_pickle=False)


@functools.lru_cache(maxsize=512)
def _mapped(path: str) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.load(fetched(Path(path)), mmap_mode="r", allow_pickle=False)
    return array


@functools.lru_cache(maxsize=256)
def _opened(path: str) -> io.FileIO:
    return io.FileIO(fetched(Path(path)))


def scheme_of(near: NearDuplicates) -> str:
    """What two signatures must share to be comparable."""
    shingler = near.minhash.shingler
    parts = (SCHEME, shingler.unit, shingler.ngram, shingler.normalisation, near.signature_length)
    return "/".join(map(str, parts))
