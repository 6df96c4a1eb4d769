"""Corpora for ``benchmarks.near_duplicates``: real text cut to documents, with planted copies.

Run: ``python -m benchmarks.near_duplicates_corpus FOLDER... --output corpus.parquet`` with folders
of text (``.tex``, ``.md``, ``.txt``, ``.py``, ``.lean``, ``.thy``, ``.hs``, ``.c``, JSON lines and
Parquet with a ``text``).

Its documents are consecutive pieces of one file. Composed ones, for sizes that no folder at hand
reaches, draw their paragraphs from the whole collection; two of them share about nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["SCHEMA", "composed", "edited", "pieces", "write"]

_SUFFIXES = frozenset(".tex .md .txt .py .lean .thy .hs .c .cpp .jl .r .rst".split())
PIECE_CHARS = 5_000
SCHEMA = pa.schema([("document_id", pa.string()), ("text", pa.string())])


def pieces(folders: Sequence[Path]) -> Iterator[str]:
    """Documents of about ``PIECE_CHARS`` characters, consecutive pieces of one text each."""
    for text in _texts(folders):
        piece: list[str] = []
        size = 0
        for line in text.splitlines():
            piece.append(line)
            size += len(line) + 1
            if size >= PIECE_CHARS:
                yield "\n".join(piece)
                piece, size = [], 0
        if size >= PIECE_CHARS // 4:
            yield "\n".join(piece)


def _texts(folders: Sequence[Path]) -> Iterator[str]:
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            if path.suffix == ".jsonl":
                yield from _json_texts(path)
            elif path.suffix == ".parquet":
                if "text" in pq.read_schema(path).names:
                    yield from (t for t in pq.read_table(path)["text"].to_pylist() if t)
            elif path.suffix in _SUFFIXES:
                yield path.read_text("utf-8", "replace")


def _json_texts(path: Path) -> Iterator[str]:
    for line in path.read_text("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("text"), str):
            yield row["text"]


def composed(paragraphs: Sequence[str], count: int, seed: int) -> Iterator[str]:
    """Documents of about ``PIECE_CHARS`` characters out of paragraphs drawn at random."""
    generator = random.Random(seed)
    for _ in range(count):
        parts: list[str] = []
        size = 0
        while size < PIECE_CHARS:
            parts.append(paragraphs[generator.randrange(len(paragraphs))])
            size += len(parts[-1]) + 2
        yield "\n\n".join(parts)[: PIECE_CHARS + 500]


def edited(text: str, share: float, generator: random.Random) -> str:
    """A copy with a share of its words replaced by words that are nowhere else."""
    words = text.split(" ")
    for place in range(len(words)):
        if generator.random() < share:
            words[place] = f"x{generator.randrange(10**9)}"
    return " ".join(words)


def write(path: Path, texts: Iterator[str], *, rows: int = 10_000) -> int:
    """Writes documents named by their number; returns how many."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        batch: list[str] = []
        for text in texts:
            batch.append(text)
            if len(batch) == rows:
                count += _flush(writer, batch, count)
        count += _flush(writer, batch, count)
    return count


def _flush(writer: pq.ParquetWriter, batch: list[str], first: int) -> int:
    ids = [f"d{number:08d}" for number in range(first, first + len(batch))]
    writer.write_table(pa.table([ids, batch], schema=SCHEMA))
    size = len(batch)
    batch.clear()
    return size


def main() -> int:
    """Writes the corpus of pieces."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    print(write(arguments.output, pieces(arguments.folders)), "documents")
    return 0


if __name__ == "__main__":
    sys.exit(main())
