"""The tasks of a packing run, phase by phase: digest, tokenize, merge, arrange, write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from packing.arranging import arrange
from packing.corpus import PackedCorpus, PackedFolder, PackedRow
from packing.formats.litdata import write_litdata_chunk
from packing.formats.mds import write_mds_shard
from packing.formats.megatron import write_megatron
from packing.formats.packed_parquet import packed_schema, write_packed_parquet
from packing.formats.raw import write_raw
from packing.provenance import write_provenance
from packing.recipe import Format, PackingRecipe
from packing.sequences import SequenceLayout
from packing.sources import ColumnNames, SourcePart, file_digest
from packing.stream import merge_shards
from packing.token_shards import ShardPaths, TokenShard
from packing.tokenizers import Tokenizer, load
from pipelines.errors import InputError
from pipelines.progress import ProgressWriter
from pipelines.run_directory import file_sha256

__all__ = [
    "MIXED",
    "ArrangeSource",
    "DigestInput",
    "DigestOutput",
    "IndexStream",
    "MergeSource",
    "TokenizePart",
    "TokenizerChoice",
    "WriteRows",
    "row_file",
]

# Where packed formats keep the one stream of all sources.
MIXED: Final = "mixed"

RowFormat = Literal["parquet", "mds", "litdata", "provenance"]


@dataclass(frozen=True, slots=True)
class TokenizerChoice:
    """Which tokenizer, as workers load it.

    Attributes:
        path: Its file.
        encoding: Its encoding, where the file doesn't tell.
        specials: Whether special tokens in texts are parsed.
        backend: What computes the ids; never changes them.
        device: The device for it.
    """

    path: str
    encoding: str | None = None
    specials: Literal["parse", "text"] = "parse"
    backend: Literal["auto", "reference", "cpu", "torch"] = "auto"
    device: str | None = None

    def load(self) -> Tokenizer:
        """The tokenizer, loaded once a process."""
        return _loaded(self)


@lru_cache(maxsize=1)
def _loaded(choice: TokenizerChoice) -> Tokenizer:
    return load(
        choice.path,
        encoding=choice.encoding,
        specials=choice.specials,
        backend=choice.backend,
        device=choice.device,
    )


@dataclass(frozen=True, slots=True)
class DigestInput:
    """Reads an input file through, for its digest."""

    path: str
    marker: Path

    def run(self) -> dict[str, Any]:
        """The digest."""
        return {"xxh3_128": file_digest(self.path)}


@dataclass(frozen=True, slots=True)
class TokenizePart:
    """Tokenizes a part.

    Attributes:
        number: Its number among all parts, for the progress display.
        part: The part.
        modified: When its file was changed last, as it was when its digest was taken.
        key: What its shard is kept under.
        shards: The folder of shards.
        columns: Names of columns.
        tokenizer: The tokenizer.
        progress: The file of progress.
        size: Bytes that the part counts for in it.
    """

    number: int
    part: SourcePart
    modified: int
    key: str
    shards: Path
    columns: ColumnNames
    tokenizer: TokenizerChoice
    progress: Path
    size: int

    @property
    def paths(self) -> ShardPaths:
        """The files of its shard."""
        return ShardPaths.of(self.shards, self.key)

    @property
    def marker(self) -> Path:
        """The shard's own."""
        return self.paths.marker

    def run(self) -> dict[str, Any]:
        """Counts of what was tokenized."""
        file = self.part.part.file
        now = Path(file.path).stat()
        if (now.st_size, now.st_mtime_ns) != (file.size, self.modified):
            raise InputError(f"{file.path} changed while it was read: start again with --fresh")
        shard = TokenShard(self.part, self.columns, self.tokenizer.load(), self.paths)
        progress = ProgressWriter(self.progress, self.number)
        return shard.write(progress, self.size).to_json()


@dataclass(frozen=True, slots=True)
class MergeSource:
    """Concatenates the shards of a source."""

    source: str
    shards: tuple[ShardPaths, ...]
    root: Path
    shard_dtype: str
    dtype: str
    layout: SequenceLayout
    marker: Path

    def run(self) -> dict[str, Any]:
        """Counts of the stream."""
        folder = PackedFolder(self.root)
        merged = merge_shards(
            self.shards,
            folder.stream(self.source),
            folder.index(self.source),
            folder.documents(self.source),
            folder.skipped(self.source),
            shard_dtype=self.shard_dtype,
            dtype=self.dtype,
            bos=self.layout.bos,
            eod=self.layout.eod,
        )
        return merged.to_json()


@dataclass(frozen=True, slots=True)
class ArrangeSource:
    """Decides which stretches of a stream make up each sequence."""

    source: str
    root: Path
    tables: tuple[str, ...]
    recipe: PackingRecipe
    layout: SequenceLayout
    marker: Path

    def run(self) -> dict[str, Any]:
        """Counts of the arrangement."""
        folder, recipe = PackedFolder(self.root), self.recipe
        key = (recipe.seed, "documents", self.source) if recipe.shuffle_documents else None
        found = arrange(
            folder.index(self.source),
            [folder.documents(self.source) / name for name in self.tables],
            recipe.packer,
            self.layout,
            keep_tail=recipe.tail == "pad",
            utilisation=recipe.utilisation,
            order_key=key,
        )
        return found.to_json()


@dataclass(frozen=True, slots=True)
class IndexStream:
    """Names a stream for the readers of whole documents, and writes their indices."""

    source: str
    format: Format
    root: Path
    dtype: str
    marker: Path

    def run(self) -> dict[str, Any]:
        """The files."""
        folder = PackedFolder(self.root)
        stream, documents = folder.stream(self.source), folder.index(self.source) / "documents.npy"
        place = folder.format(self.format)
        if self.format == "megatron":
            # The name that the preprocessing of both gives, `PREFIX_text_document`.
            prefix = place / f"{self.source}_text_document"
            files = write_megatron(stream, documents, self.dtype, prefix)
        else:
            files = write_raw(stream, documents, place / self.source)
        return {"files": [path.relative_to(self.root).as_posix() for path in files]}


def row_file(kind: RowFormat, root: Path, name: str, shard: int, shards: int) -> Path:
    """The file of some rows."""
    names = {
        "parquet": f"train-{shard:05d}-of-{shards:05d}.parquet",
        "mds": f"shard.{shard:05d}.mds",
        "litdata": f"chunk-0-{shard}.bin",
        "provenance": f"part-{shard:05d}.parquet",
    }
    return PackedFolder(root).format(kind) / name / names[kind]


@dataclass(frozen=True, slots=True)
class WriteRows:
    """Writes one file of packed rows.

    Attributes:
        kind: The format.
        root: The folder of the packed corpus.
        name: The source, or ``MIXED``.
        first: The first row.
        count: How many rows.
        shard: Number of the file.
        shards: How many files there are.
        marker: The task's marker.
    """

    kind: RowFormat
    root: Path
    name: str
    first: int
    count: int
    shard: int
    shards: int
    marker: Path

    def run(self) -> dict[str, Any]:
        """Name, bytes and rows of the file."""
        corpus = PackedCorpus(self.root)
        path = row_file(self.kind, self.root, self.name, self.shard, self.shards)
        rows = self._rows(corpus)
        prompts = corpus.has_prompts
        if self.kind == "parquet":
            schema = packed_schema(corpus.layout, corpus.dtype, prompts=prompts)
            count = write_packed_parquet(path, rows, schema)
        elif self.kind == "mds":
            count = write_mds_shard(path, rows, corpus.layout, corpus.dtype, prompts=prompts)
        elif self.kind == "litdata":
            count = write_litdata_chunk(path, rows)
        else:
            count = write_provenance(path, rows)
        return {"name": path.name, "bytes": path.stat().st_size, "rows": count}

    def _rows(self, corpus: PackedCorpus) -> Iterator[PackedRow]:
        if self.name == MIXED:
            return corpus.mixed_rows(corpus.mixture(), self.first, self.count)
        number = corpus.entries.index(corpus.entry(self.name))
        return corpus.rows(number, self.first, self.count)


@dataclass(frozen=True, slots=True)
class DigestOutput:
    """Takes the digest of a finished file."""

    path: Path
    marker: Path

    def run(self) -> dict[str, Any]:
        """Bytes and SHA-256."""
        return {"bytes": self.path.stat().st_size, "sha256": file_sha256(self.path)}
