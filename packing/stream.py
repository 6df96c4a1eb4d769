"""The token stream of a source, merged from its shards, and what is known of its documents.

The stream is one file of little-endian integers with the documents one behind the other, each with
the BOS and EOD that the recipe gives it. Megatron, OLMo-core and datatrove read that very file,
each with an index of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from packing.token_shards import ShardPaths
from pipelines.run_directory import write_atomically

__all__ = [
    "DocumentNames",
    "NumberFile",
    "StreamSummary",
    "linked_or_copied",
    "merge_shards",
    "number_file",
    "stream_dtype",
]

_Ints = npt.NDArray[np.int64]


def stream_dtype(ids: np.dtype[Any]) -> str:
    """The type of a token in a stream: as in the shards, but signed above 16 bits.

    Megatron and GPT-NeoX know no unsigned 32-bit numbers; OLMo-core and datatrove, which do, read
    the same bytes, since no vocabulary has two thousand million entries.
    """
    return "<u2" if ids.itemsize == np.dtype(np.uint16).itemsize else "<i4"


class NumberFile:
    """A ``.npy`` file of unknown length that is written piece by piece.

    Args:
        file: Where to.
        dtype: The type of a number.
    """

    def __init__(self, file: IO[bytes], dtype: str) -> None:
        self.count = 0
        self._file = file
        self._dtype = np.dtype(dtype)
        self._begin()

    def append(self, numbers: npt.ArrayLike) -> None:
        """Writes some numbers more."""
        content = np.ascontiguousarray(numbers, self._dtype)
        self._file.write(content.tobytes())
        self.count += len(content)

    def finish(self) -> None:
        """Says at the file's beginning how many there are."""
        self._file.seek(0)
        self._begin()

    def _begin(self) -> None:
        # NumPy leaves room in the header for a length of any size.
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self.count,),
        }
        np.lib.format.write_array_header_1_0(self._file, header)


@contextmanager
def number_file(path: Path, dtype: str) -> Iterator[NumberFile]:
    """A ``.npy`` file that appears, whole, when the block ends well."""
    with write_atomically(path) as temporary, temporary.open("wb") as file:
        numbers = NumberFile(file, dtype)
        yield numbers
        numbers.finish()


@dataclass(slots=True)
class StreamSummary:
    """What a merged stream holds.

    Attributes:
        documents: Its documents.
        tokens: All its tokens, BOS and EOD counted.
        files: Input files that its documents came from.
        tables: The documents' tables, in order, each with its rows.
    """

    documents: int
    tokens: int
    files: list[str]
    tables: list[tuple[str, int]]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def merge_shards(
    shards: Sequence[ShardPaths],
    stream: Path,
    index: Path,
    tables: Path,
    skipped: Path,
    *,
    shard_dtype: npt.DTypeLike,
    dtype: str,
    bos: int | None,
    eod: int | None,
) -> StreamSummary:
    """Concatenates shards in the order given.

    Args:
        shards: The shards.
        stream: The file of the tokens.
        index: The folder of what is known of the documents: ``documents.npy`` (where each begins),
            ``prompts.npy`` (tokens of its prompt; empty when no document has one), ``rows.npy`` and
            ``files.npy`` (where it was read), ``names.npy`` and ``names.bin`` (its id).
        tables: The folder of the documents' tables; the shards' are linked there.
        skipped: The folder of the tables of what is no document, likewise.
        shard_dtype: The type of a token in the shards.
        dtype: The type of a token in the stream.
        bos: Id before every document.
        eod: Id behind every document.
    """
    files: list[str] = []
    linked: list[tuple[str, int]] = []
    has_prompts = any(
        int(column.max() or 0) > 0
        for shard in shards
        for column in _prompt_columns(shard.documents)
    )
    with ExitStack() as stack:
        tokens = stack.enter_context(stack.enter_context(write_atomically(stream)).open("wb"))
        names = stack.enter_context(
            stack.enter_context(write_atomically(index / "names.bin")).open("wb")
        )
        begins, prompts, rows, origins, name_ends = (
            stack.enter_context(number_file(index / f"{name}.npy", kind))
            for name, kind in (
                ("documents", "<i8"),
                ("prompts", "<i8"),
                ("rows", "<i8"),
                ("files", "<i4"),
                ("names", "<i8"),
            )
        )
        begins.append([0])
        name_ends.append([0])
        total, named = 0, 0
        for number, shard in enumerate(shards):
            table = tables / f"part-{number:05d}.parquet"
            linked_or_copied(shard.documents, table)
            if shard.skipped.exists():
                linked_or_copied(shard.skipped, skipped / table.name)
            read = _DocumentColumns.of(shard.documents)
            linked.append((table.name, len(read.counts)))
            ids = np.fromfile(shard.ids, shard_dtype)
            tokens.write(_delimited(ids, read.counts, dtype, bos, eod).data)
            units = np.cumsum(read.counts + (bos is not None) + (eod is not None)) + total
            begins.append(units)
            total = int(units[-1]) if len(units) else total
            if has_prompts:
                shift = int(bos is not None)
                prompts.append(np.where(read.prompts > 0, read.prompts + shift, 0))
            rows.append(read.rows)
            origins.append([_number(files, name) for name in read.files])
            encoded = [name.encode() for name in read.names]
            names.write(b"".join(encoded))
            lengths = np.cumsum([len(name) for name in encoded], dtype=np.int64) + named
            name_ends.append(lengths)
            named = int(lengths[-1]) if len(lengths) else named
        return StreamSummary(begins.count - 1, total, files, linked)


@dataclass(frozen=True, slots=True)
class _DocumentColumns:
    """The columns of a shard's documents that merging needs."""

    counts: _Ints
    prompts: _Ints
    rows: _Ints
    files: list[str]
    names: list[str]

    @classmethod
    def of(cls, path: Path) -> _DocumentColumns:
        wanted = ["tokens", "prompt_tokens", "row", "file", "document_id"]
        table = pq.read_table(path, columns=wanted)
        counts, prompts, rows = (table.column(name).to_numpy() for name in wanted[:3])
        return cls(
            counts,
            prompts,
            rows,
            table.column("file").to_pylist(),
            table.column("document_id").to_pylist(),
        )


def _prompt_columns(path: Path) -> Iterator[_Ints]:
    column = pq.read_table(path, columns=["prompt_tokens"]).column(0).to_numpy()
    if len(column):
        yield column


def _delimited(
    ids: npt.NDArray[Any], counts: _Ints, dtype: str, bos: int | None, eod: int | None
) -> npt.NDArray[Any]:
    """The ids with BOS and EOD around each document."""
    before, behind = int(bos is not None), int(eod is not None)
    ends = np.cumsum(counts + before + behind)
    delimited = np.empty(len(ids) + (before + behind) * len(counts), dtype)
    text = np.ones(len(delimited), np.bool_)
    for token, places in ((bos, ends - counts - before - behind), (eod, ends - 1)):
        if token is not None:
            text[places] = False
            delimited[places] = token
    delimited[text] = ids
    return delimited


def _number(names: list[str], name: str) -> int:
    """The number of a name, the last ones first: documents of a file stand together."""
    if not names or names[-1] != name:
        if name in names:
            return names.index(name)
        names.append(name)
    return len(names) - 1


class DocumentNames:
    """Ids of a stream's documents, and the input rows they came from, by their numbers.

    Args:
        index: The folder that ``merge_shards`` filled.
        files: Input files by their numbers.
    """

    def __init__(self, index: Path, files: Sequence[str]) -> None:
        self._ends = np.load(index / "names.npy", mmap_mode="r")
        self._rows = np.load(index / "rows.npy", mmap_mode="r")
        self._files = np.load(index / "files.npy", mmap_mode="r")
        path = index / "names.bin"
        self._names = np.memmap(path, np.uint8, "r") if path.stat().st_size else np.zeros(0, "u1")
        self._file_names = files

    def document_id(self, number: int) -> str:
        """The id of a document."""
        return self._names[self._ends[number] : self._ends[number + 1]].tobytes().decode()

    def document_ids(self, numbers: Iterable[int]) -> list[str]:
        """The ids of several documents."""
        return [self.document_id(number) for number in numbers]

    def origin(self, number: int) -> tuple[str, int]:
        """The input file and the row in it that a document was read from."""
        return self._file_names[int(self._files[number])], int(self._rows[number])


def linked_or_copied(source: Path, target: Path) -> None:
    """Gives a file a second name; a copy where the file system has no such thing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        target.unlink()
    try:
        os.link(source, target)
    except OSError:
        with write_atomically(target) as temporary:
            shutil.copyfile(source, temporary)
