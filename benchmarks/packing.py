"""Packing measured: truncation and padding by packer, speed of packing, the stage and loading.

python -m benchmarks.packing --corpus CORPUS --tokenizer tokenizer.json --work WORK

``CORPUS`` is what ``benchmarks.packing_corpus`` wrote. Prints Markdown.
"""

from __future__ import annotations

import argparse
import bisect
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.measuring import machine, versions
from packing.loader import Batches, Plan
from packing.packers import best_fit
from packing.recipe import FORMATS, PackingRecipe
from packing.run import PackingRun
from packing.sources import find_files
from packing.stages import TokenizerChoice
from pipelines.terminal import silence_logs

__all__ = ["main"]

_LENGTHS: Final = (2048, 4096, 8192)
_PACKERS: Final = ("concatenate", "best-fit", "one-per-sequence")
_DOCUMENTS: Final = 3_000_000
_COMPARED: Final = 300_000
_BATCHES: Final = 200


@dataclass(slots=True)
class Spent:
    """CPU and wall time of a block."""

    cpu: float = 0.0
    wall: float = 0.0


@contextmanager
def measured() -> Iterator[Spent]:
    """Time of this process, all its threads and children."""
    spent, cpu, wall = Spent(), _cpu(), time.perf_counter()
    yield spent
    spent.cpu, spent.wall = _cpu() - cpu, time.perf_counter() - wall


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


@dataclass(frozen=True, slots=True)
class Packing:
    """What all runs have in common."""

    inputs: tuple[str, ...]
    tokenizer: TokenizerChoice
    work: Path

    def run(self, name: str, workers: int = 1, *, share: bool = True, **settings: Any) -> Path:
        """Packs the corpus into a folder."""
        recipe = PackingRecipe(**settings)
        output = self.work / name
        PackingRun(
            recipe,
            self.tokenizer,
            find_files(self.inputs, recipe.columns),
            output,
            shards=self.work / "shards" if share else None,
            workers=workers,
            display="quiet",
            fresh=True,
        ).execute()
        return output


def truncation(packing: Packing) -> list[str]:
    """Documents cut and space wasted, by packer and length."""
    rows = [
        "| length | packer | sequences | documents cut | of those that fit | cuts at paragraph / "
        "line / token | utilisation |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for length in _LENGTHS:
        for packer in _PACKERS:
            folder = packing.run(
                f"{packer}-{length}",
                packer=packer,
                sequence_length=length,
                overlap=int(packer == "concatenate"),
                shuffle_documents=packer == "concatenate",
                formats=(),
            )
            found = json.loads((folder / "statistics.json").read_text())["total"]
            cuts = [found["cuts_at"][place] for place in ("paragraph", "line", "token")]
            rows.append(
                f"| {length:,} | {packer} | {found['sequences']:,} | "
                f"{found['documents_cut']:,} ({found['cut_rate']:.1%}) | "
                f"{found['documents_that_fit_cut']:,} ({found['avoidable_cut_rate']:.1%}) | "
                f"{' / '.join(f'{cut:,}' for cut in cuts) if any(cuts) else ''} | "
                f"{found['utilisation']:.3%} |"
            )
    return rows


def piece_by_piece(lengths: Sequence[int], capacity: int) -> int:
    """Best-fit-decreasing with a sorted list of spaces: how many sequences it needs."""
    spaces: list[int] = []
    count = 0
    for length in sorted(lengths, reverse=True):
        place = bisect.bisect_left(spaces, length)
        if place == len(spaces):
            count += 1
            space = capacity
        else:
            space = spaces.pop(place)
        bisect.insort(spaces, space - length)
    return count


def packing_speed(lengths: np.ndarray[Any, np.dtype[np.int64]]) -> list[str]:
    """Best-fit on the histogram against best-fit piece by piece, on lengths as real ones."""
    generator = np.random.default_rng(0)
    capacity = 4096
    short = lengths[lengths <= capacity]
    rows = [
        "| documents | packer | sequences | utilisation | CPU s | million documents / CPU s |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]

    def line(count: int, name: str, pack: Callable[[], int], tokens: int) -> None:
        with measured() as spent:
            sequences = pack()
        rows.append(
            f"| {count:,} | {name} | {sequences:,} | {tokens / sequences / capacity:.4%} | "
            f"{spent.cpu:.2f} | {count / spent.cpu / 1e6:.2f} |"
        )

    for count in (_COMPARED, _DOCUMENTS):
        drawn = generator.choice(short, count)
        starts, total = np.cumsum(drawn) - drawn, int(drawn.sum())
        line(count, "ours", lambda s=starts, d=drawn: len(best_fit(s, d, capacity)), total)
        if count == _COMPARED:
            listed = drawn.tolist()
            line(count, "piece by piece", lambda d=listed: piece_by_piece(d, capacity), total)
    return rows


def stage_speed(packing: Packing) -> list[str]:
    """The whole stage, and the part of it that is not tokenizing, with every format."""
    rows = [
        "| what | workers | CPU s | wall s | million tokens / CPU s |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for workers in (1, 2):
        for name, share in (("everything", False), ("tokens there, all formats", True)):
            with measured() as spent:
                folder = packing.run("stage", workers, share=share, formats=FORMATS)
            tokens = json.loads((folder / "statistics.json").read_text())["total"]["text_tokens"]
            rows.append(
                f"| {name} | {workers} | {spent.cpu:.1f} | {spent.wall:.1f} | "
                f"{tokens / spent.cpu / 1e6:.2f} |"
            )
    return rows


def loading_speed(packing: Packing) -> list[str]:
    """Random batches of 8 x 4,096 tokens: ours, and Hugging Face datasets on the packed Parquet."""
    folder = packing.run("loading", formats=("parquet",))
    rows = ["| loader | million tokens / CPU s |", "| --- | ---: |"]
    batches = Batches(Plan(str(folder), batch_size=8, steps=_BATCHES))
    batches.batch(0)
    with measured() as spent:
        tokens = sum(batch["input_ids"].size for batch in batches)
    rows.append(f"| ours: ids, targets, positions, cu_seqlens | {tokens / spent.cpu / 1e6:.1f} |")
    try:
        import datasets
    except ImportError:
        return rows
    with tempfile.TemporaryDirectory() as cache:
        files = sorted(str(path) for path in (folder / "parquet").rglob("*.parquet"))
        read = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=cache)
        columns = ["input_ids", "position_ids"]
        shuffled = read.select_columns(columns).with_format("numpy").shuffle(seed=0)
        with measured() as spent:
            tokens = 0
            for step in range(_BATCHES):
                first = step * 8 % (len(shuffled) - 8)
                tokens += shuffled[first : first + 8]["input_ids"].size
    version = datasets.__version__
    rows.append(
        f"| datasets {version}, shuffled: ids, positions | {tokens / spent.cpu / 1e6:.1f} |"
    )
    return rows


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    arguments = parser.parse_args()
    silence_logs()
    sources = sorted(arguments.corpus.glob("*.parquet"))
    packing = Packing(
        tuple(f"{path.stem}={path}" for path in sources),
        TokenizerChoice(str(arguments.tokenizer)),
        arguments.work,
    )
    print(", ".join(f"{key}: {value}" for key, value in machine().items()))
    print(versions("numpy", "pyarrow"), f"load {os.getloadavg()[0]:.1f}\n")
    print("\n".join(truncation(packing)), "\n", flush=True)
    folder = arguments.work / "best-fit-4096" / "index"
    lengths = np.concatenate(
        [np.diff(np.load(path)) for path in sorted(folder.glob("*/documents.npy"))]
    )
    print("\n".join(packing_speed(lengths)), "\n", flush=True)
    print("\n".join(stage_speed(packing)), "\n", flush=True)
    print("\n".join(loading_speed(packing)), flush=True)


if __name__ == "__main__":
    main()
