"""How fast are texts tokenized, cold and warm, on one core and on all, beside the other libraries?

    python -m benchmarks.tokenizing --data ../shared/data --megabytes 60 --rounds 3 \
        --tokenizer ../shared/data/models/llama2-converted/tokenizer.json \
        --tokenizer ../shared/data/models/tiktoken/cl100k_base.tiktoken

Every line of a round runs in the same process on the same texts: ours, the reference library, and
whichever of gigatoken and fastokens is installed and takes the file. Speed is megabytes of UTF-8 a
CPU second, all threads together, since wall time on a shared machine says little; a ratio is the
median of the ratios within a round. The ids of every line are compared with the reference's.
fastokens is measured where it is installed and is no dependency: its package states no licence.
`--cut` makes short documents of long ones, which some libraries are faster on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measuring import machine, versions
from benchmarks.tokenized_texts import texts_of_archives
from packing.tokenizers import Texts, Tokens, load
from packing.tokenizers.files import TiktokenFile, read_tokenizer_file

# Passes over the texts: each thread of ours learns for itself, and what a pass gives it is chance.
_PASSES = 6

# Encodes all texts and says how many ids that made, with the ids of each document when asked.
Run = Callable[[], tuple[int, Callable[[], Iterator[np.ndarray]]]]


@dataclass(slots=True)
class Line:
    """One line of the table.

    Attributes:
        title: What ran.
        threads: On how many threads.
        prepare: Loads the tokenizer anew and returns what encodes.
        slow: Whether two passes are enough.
        cold: MB a CPU second of the first pass after loading, a round each.
        warm: Of the last pass.
        wall: Wall seconds of the last pass.
        tokens: Ids that were made.
        differing: Documents whose ids aren't the reference's.
    """

    title: str
    threads: int
    prepare: Callable[[], Run]
    slow: bool = False
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    tokens: int = 0
    differing: int = -1


def main() -> None:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokenizer", type=Path, action="append", required=True)
    parser.add_argument("--data", type=Path, help="folder of third-party data to take texts from")
    parser.add_argument("--parquet", type=Path, nargs="*", default=[], help="or Parquet files")
    parser.add_argument("--column", default="text")
    parser.add_argument("--megabytes", type=float, default=60)
    parser.add_argument("--cut", type=int, help="cut texts into documents of so many characters")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    texts = _texts(options)
    if options.cut:
        texts = Texts.of(
            [
                text[first : first + options.cut]
                for text in texts.strings()
                for first in range(0, len(text), options.cut)
            ]
        )
    size = int(texts.byte_lengths().sum())
    print(machine(), versions("tokenizers", "numba", "numpy"), file=sys.stderr)
    print(f"{len(texts):,} documents, {size / 1e6:.1f} MB", file=sys.stderr)
    results = {}
    for path in options.tokenizer:
        lines = _lines(path, texts)
        expected = load(path, backend="reference").encode_batch(texts)
        for number in range(options.rounds):
            for line in lines:
                _measure(line, texts, expected if number == 0 else None)
        print(f"\n### {path.parent.name}/{path.name}\n\n{_table(lines, size)}")
        results[str(path)] = [
            {"title": line.title, "threads": line.threads, "cold": line.cold, "warm": line.warm}
            | {"wall": line.wall, "tokens": line.tokens, "differing": line.differing}
            for line in lines
        ]
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "results": results}, indent=1))


def _texts(options: argparse.Namespace) -> Texts:
    if options.parquet:
        columns = [pq.read_table(path, columns=[options.column]) for path in options.parquet]
        column = pa.concat_tables(columns)[options.column].drop_null()
        return Texts.of(column.cast(pa.large_string()))
    if options.data is None:
        raise SystemExit("name texts: --data FOLDER or --parquet FILE...")
    return Texts.of(list(texts_of_archives(options.data, int(options.megabytes * 1e6))))


def _lines(path: Path, texts: Texts) -> list[Line]:
    """What is measured for a tokenizer, the reference first."""
    reference = load(path, backend="reference")
    lines = [Line(f"{reference.engine}", 1, _reference(path, texts), slow=True)]
    cores = len(os.sched_getaffinity(0))
    for threads in (1, cores):
        ours = load(path, backend="cpu")
        lines.append(Line(f"ours ({ours.engine})", threads, _ours(path, texts, threads)))
        if find_spec("gigatoken"):
            lines.append(Line("gigatoken", threads, _gigatoken(path, texts, threads)))
    if find_spec("fastokens"):
        lines.append(Line("fastokens", 1, _fastokens(path, texts)))
    return lines


def _measure(line: Line, texts: Texts, expected: Tokens | None) -> None:
    """Measures a line once, and compares its ids when it is told what they should be."""
    size = int(texts.byte_lengths().sum())
    try:
        run = line.prepare()
        speeds = []
        for _ in range(2 if line.slow else _PASSES):
            cpu, wall = time.process_time(), time.perf_counter()
            line.tokens, documents = run()
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            speeds.append(size / 1e6 / cpu)
    except (ValueError, RuntimeError, TypeError) as error:
        print(f"{line.title}: {error}", file=sys.stderr)
        return
    line.cold.append(speeds[0])
    line.warm.append(speeds[-1])
    line.wall.append(wall)
    if expected is not None:
        line.differing = sum(
            not np.array_equal(ids, expected.document(row)) for row, ids in enumerate(documents())
        )
    print(f"{line.title}: {speeds[0]:.1f}, {speeds[-1]:.1f} MB/CPU s", file=sys.stderr)


def _ours(path: Path, texts: Texts, threads: int) -> Callable[[], Run]:
    def prepare() -> Run:
        tokenizer = load(path, backend="cpu", threads=threads)

        def run() -> Any:
            tokens = tokenizer.encode_batch(texts)
            return len(tokens.ids), lambda: (tokens.document(row) for row in range(len(tokens)))

        return run

    return prepare


def _reference(path: Path, texts: Texts) -> Callable[[], Run]:
    """The library one document at a time, on one thread."""
    strings = texts.strings()
    file = read_tokenizer_file(path)

    def prepare() -> Run:
        encode: Callable[[str], Any]
        if isinstance(file, TiktokenFile):
            import tiktoken

            encoding = tiktoken.Encoding(
                file.encoding.name,
                pat_str=file.encoding.pattern,
                mergeable_ranks=file.ranks,
                special_tokens=file.encoding.special_tokens,
            )
            encode = lambda text: encoding.encode(text, allowed_special="all")  # noqa: E731
        elif path.suffix == ".json":
            import tokenizers

            tokenizer = tokenizers.Tokenizer.from_file(str(path))
            encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids  # noqa: E731
        else:
            import sentencepiece

            encode = sentencepiece.SentencePieceProcessor(model_file=str(path)).encode
        return _one_by_one(encode, strings)

    return prepare


def _one_by_one(encode: Callable[[str], Any], strings: list[str]) -> Run:
    def run() -> Any:
        documents = [encode(text) for text in strings]
        return sum(map(len, documents)), lambda: (np.asarray(ids) for ids in documents)

    return run


def _gigatoken(path: Path, texts: Texts, threads: int) -> Callable[[], Run]:
    import awkward
    import gigatoken

    letters = awkward.contents.NumpyArray(texts.data, parameters={"__array__": "char"})
    documents = awkward.Array(
        awkward.contents.ListOffsetArray(
            awkward.index.Index64(texts.offsets), letters, parameters={"__array__": "string"}
        )
    )

    def prepare() -> Run:
        if path.suffix == ".json":
            tokenizer = gigatoken.Tokenizer(str(path))
        elif path.suffix == ".tiktoken":
            tokenizer = gigatoken.Tokenizer.from_tiktoken(path)
        else:
            tokenizer = gigatoken.Tokenizer.from_sentencepiece(path)

        def run() -> Any:
            encoded = tokenizer.encode_batch(documents, parallel=threads > 1)
            ids = np.asarray(encoded.layout.content.data)
            ends = np.asarray(encoded.layout.offsets.data)
            return len(ids), lambda: (ids[ends[row] : ends[row + 1]] for row in range(len(texts)))

        return run

    return prepare


def _fastokens(path: Path, texts: Texts) -> Callable[[], Run]:
    import fastokens

    strings = texts.strings()

    def prepare() -> Run:
        if path.suffix != ".json":
            raise ValueError("takes tokenizer.json alone")
        tokenizer = fastokens.Tokenizer.from_file(str(path))
        return _one_by_one(lambda text: tokenizer.encode(text).ids, strings)

    return prepare


def _table(lines: list[Line], size: int) -> str:
    rows = [
        "| | threads | MB/CPU s cold | MB/CPU s warm | M tokens/CPU s | MB/s wall | of reference "
        "| of gigatoken | differing |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for line in lines:
        if not line.warm:
            rows.append(f"| {line.title} | {line.threads} | refused | | | | | | |")
            continue
        peers = [peer for peer in lines if peer.title == "gigatoken"]
        peer = next((peer for peer in peers if peer.threads == line.threads), line)
        rows.append(
            f"| {line.title} | {line.threads} | {median(line.cold):.1f} | {median(line.warm):.1f} "
            f"| {median(line.warm) * line.tokens / size:.1f} "
            f"| {size / 1e6 / median(line.wall):.1f} | {_ratio(line, lines[0])} "
            f"| {_ratio(line, peer)} | {line.differing if line.differing >= 0 else ''} |"
        )
    return "\n".join(rows)


def _ratio(line: Line, other: Line) -> str:
    """Median of the ratios of warm speeds within a round."""
    if line is other or not other.warm:
        return ""
    return f"{median(own / its for own, its in zip(line.warm, other.warm, strict=True)):.1f}"


if __name__ == "__main__":
    main()
