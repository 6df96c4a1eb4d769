"""A packed corpus as it lies in its folder: what the loader, the formats and the audit read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from packing.mixture import Mixture, MixtureSource
from packing.sequences import PackedSource, Rows, SequenceLayout
from packing.stream import DocumentNames
from pipelines.errors import NotARun

__all__ = ["PackedCorpus", "PackedFolder", "PackedRow", "SourceEntry"]

# Sequences that are gathered at a time.
_ROWS: Final = 256


class PackedFolder:
    """Names of the files of a packed corpus.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.description = root / "packed.json"
        self.mixture = root / "mixture.json"
        self.statistics = root / "statistics.json"

    def stream(self, source: str) -> Path:
        """The tokens of a source."""
        return self.root / "tokens" / f"{source}.bin"

    def index(self, source: str) -> Path:
        """What is known of its documents and sequences."""
        return self.root / "index" / source

    def documents(self, source: str) -> Path:
        """The tables of its documents."""
        return self.root / "documents" / source

    def skipped(self, source: str) -> Path:
        """The tables of rows that are no documents."""
        return self.root / "skipped" / source

    def format(self, name: str) -> Path:
        """Everything in a training format, or of the provenance's table."""
        return self.root / name


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A source as ``packed.json`` lists it.

    Attributes:
        name: Its name.
        weight: Its share in the mixture.
        documents: Its documents.
        tokens: Tokens of its stream.
        sequences: Its sequences.
        files: Input files by their numbers.
        tables: Documents' tables in order, each with its rows.
    """

    name: str
    weight: int
    documents: int
    tokens: int
    sequences: int
    files: tuple[str, ...]
    tables: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class PackedRow:
    """One packed sequence with all that is known of it.

    Attributes:
        source: Its source.
        sequence: Its number there.
        ids: Its tokens, padded.
        cu_seqlens: Where its pieces begin and end, padding as the last.
        position_ids: Places of tokens in their pieces.
        loss_mask: Which tokens are to be predicted.
        filled: Tokens that are no padding.
        document_ids: The document of each piece.
        document_tokens: Which token of it, its BOS counted, a piece begins with.
        char_starts: First character of each piece in its document's text.
        char_ends: The character behind its last.
        origins: Input file and row of each piece's document.
    """

    source: str
    sequence: int
    ids: npt.NDArray[Any]
    cu_seqlens: npt.NDArray[np.int32]
    position_ids: npt.NDArray[np.int32]
    loss_mask: npt.NDArray[np.bool_]
    filled: int
    document_ids: list[str]
    document_tokens: list[int]
    char_starts: list[int]
    char_ends: list[int]
    origins: list[tuple[str, int]]

    def pieces(self) -> Iterator[tuple[int, int, int]]:
        """Number, first token and the token behind the last of each piece."""
        bounds = [*self.cu_seqlens[: len(self.document_ids)].tolist(), self.filled]
        for piece in range(len(self.document_ids)):
            yield piece, bounds[piece], bounds[piece + 1]


class _Details:
    """What a source knows beside its tokens."""

    def __init__(self, index: Path, files: Sequence[str]) -> None:
        self.names = DocumentNames(index, files)
        self.bounds = np.load(index / "bounds.npy", mmap_mode="r")
        self.char_starts = np.load(index / "char_starts.npy", mmap_mode="r")
        self.char_ends = np.load(index / "char_ends.npy", mmap_mode="r")


class PackedCorpus:
    """A packed corpus.

    Args:
        root: Its folder.

    Raises:
        NotARun: The folder holds none, or one that isn't finished.
    """

    def __init__(self, root: Path) -> None:
        self.folder = PackedFolder(root)
        try:
            content = json.loads(self.folder.description.read_text("utf-8"))
        except FileNotFoundError as error:
            raise NotARun(f"{root} holds no packed corpus, or one that isn't finished") from error
        self.dtype: str = content["dtype"]
        self.layout = SequenceLayout(**content["layout"])
        self.vocab_size: int = content["vocab_size"]
        self.seed: int = content["seed"]
        self.places: int = content["places"]
        # Whether weights are counts of sequences, from epochs, and not shares.
        self.exact: bool = content["exact"]
        self.entries = [
            SourceEntry(
                **{
                    **entry,
                    "files": tuple(entry["files"]),
                    "tables": tuple((name, rows) for name, rows in entry["tables"]),
                }
            )
            for entry in content["sources"]
        ]

    @staticmethod
    def description(
        layout: SequenceLayout,
        dtype: str,
        vocab_size: int,
        seed: int,
        places: int,
        exact: bool,
        entries: Sequence[SourceEntry],
    ) -> dict[str, Any]:
        """What ``packed.json`` holds."""
        return {
            "layout": asdict(layout),
            "dtype": dtype,
            "vocab_size": vocab_size,
            "seed": seed,
            "places": places,
            "exact": exact,
            "sources": [asdict(entry) for entry in entries],
        }

    def entry(self, name: str) -> SourceEntry:
        """A source's entry.

        Raises:
            KeyError: There is no such source.
        """
        return next((e for e in self.entries if e.name == name), None) or _unknown(
            name, self.entries
        )

    @cached_property
    def sources(self) -> list[PackedSource]:
        """The sources, in the order of ``entries``."""
        return [
            PackedSource(
                entry.name,
                self.folder.stream(entry.name),
                self.dtype,
                self.folder.index(entry.name),
                self.layout,
            )
            for entry in self.entries
        ]

    @property
    def has_prompts(self) -> bool:
        """Whether any source has tokens that are prompts."""
        return any(source.has_prompts for source in self.sources)

    @cached_property
    def _details(self) -> list[_Details]:
        return [_Details(self.folder.index(entry.name), entry.files) for entry in self.entries]

    def mixture(
        self,
        *,
        seed: int | None = None,
        weights: dict[str, int] | None = None,
        shuffle: bool = True,
    ) -> Mixture:
        """The training order.

        Args:
            seed: Chooses it; that of packing by default.
            weights: Whole-number weights by source instead of those of packing.
            shuffle: Whether the order is permuted.

        Raises:
            KeyError: A weight names no source.
            ValueError: No source has weight.
        """
        for name in weights or ():
            self.entry(name)
        sources = [
            MixtureSource(
                entry.name,
                entry.sequences,
                entry.weight if weights is None else weights.get(entry.name, 0),
            )
            for entry in self.entries
        ]
        return Mixture(
            sources,
            seed=self.seed if seed is None else seed,
            shuffle=shuffle,
            exact=self.exact and weights is None,
        )

    def rows(self, number: int, first: int, count: int) -> Iterator[PackedRow]:
        """Sequences of a source one after another.

        Args:
            number: The source's number.
            first: The first sequence.
            count: How many; fewer where the source ends.
        """
        end = min(first + count, self.entries[number].sequences)
        for begin in range(first, end, _ROWS):
            yield from self._read(number, np.arange(begin, min(begin + _ROWS, end)))

    def mixed_rows(self, mixture: Mixture, first: int, count: int) -> Iterator[PackedRow]:
        """Sequences as the training order has them."""
        for begin in range(first, first + count, _ROWS):
            placed = mixture.at(begin, min(_ROWS, first + count - begin))
            rows: dict[int, PackedRow] = {}
            for number in np.unique(placed.sources).tolist():
                places = np.flatnonzero(placed.sources == number)
                read = self._read(number, placed.sequences[places])
                rows.update(zip(places.tolist(), read, strict=True))
            yield from (rows[place] for place in sorted(rows))

    def _read(self, number: int, sequences: npt.NDArray[np.int64]) -> Iterator[PackedRow]:
        rows: Rows = self.sources[number].read(sequences)
        details = self._details[number]
        positions, masks, filled = rows.position_ids(), rows.loss_mask(), rows.filled()
        for row, sequence in enumerate(sequences.tolist()):
            inside = rows.pieces(row)
            first = int(details.bounds[sequence])
            pieces = slice(first, first + inside.stop - inside.start)
            documents = rows.documents[inside].tolist()
            yield PackedRow(
                self.entries[number].name,
                sequence,
                rows.ids[row],
                rows.cu_seqlens(row),
                positions[row],
                masks[row],
                int(filled[row]),
                details.names.document_ids(documents),
                rows.firsts[inside].tolist(),
                details.char_starts[pieces].tolist(),
                details.char_ends[pieces].tolist(),
                [details.names.origin(document) for document in documents],
            )


def _unknown(name: str, entries: Sequence[SourceEntry]) -> SourceEntry:
    raise KeyError(f"no source {name!r}; there are {', '.join(e.name for e in entries)}")
