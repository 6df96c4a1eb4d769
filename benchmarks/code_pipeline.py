"""The code subset beside a plain loop, datatrove, and pyarrow alone, over the same Parquet.

``python -m benchmarks.code_pipeline --corpus FOLDER --datatrove-python PYTHON``: each round runs
every line once. Times are CPU seconds of all processes; megabytes are those of the files' contents.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pyarrow.parquet as pq

from benchmarks import plain_code_loop
from benchmarks.measuring import Elapsed, Sample, machine, run_command
from pipelines.code import SourceTaskReader
from pipelines.plan import make_plan
from pipelines.reading import read_task
from pipelines.recipe import load_recipe
from pipelines.run_directory import RunDirectory
from pipelines.subsets import InputNames, subset_of

_HERE = Path(__file__).parent


@dataclass(slots=True)
class _Row:
    title: str
    measure: Callable[[], Sample]
    samples: list[Sample] = field(default_factory=list)

    def rate(self, number: int, size: int) -> float:
        """Megabytes of contents for a CPU second."""
        return size / 1e6 / self.samples[number].cpu_seconds


def _contents(corpus: Path) -> tuple[int, int]:
    """Files of a corpus, and the bytes of their contents."""
    files, size = 0, 0
    for path in sorted(corpus.glob("*.parquet")):
        sizes = pq.read_table(path, columns=["size"]).column("size").to_pylist()
        files += len(sizes)
        size += sum(sizes)
    return files, size


def _pyarrow(corpus: Path, files: int, size: int) -> Sample:
    clock = Elapsed()
    for path in sorted(corpus.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(
                1000, columns=plain_code_loop.COLUMNS, use_threads=False
            ):
                batch.column("content").to_pylist()
    return clock.sample(files, size)


def _phase(corpus: Path, recipe: str, files: int, size: int) -> Sample:
    """Reading, judging, trails, texts and signatures, in one process without Beam."""
    chosen = load_recipe(recipe)
    plan = make_plan(chosen, subset_of("code").resolve(InputNames([str(corpus)])))
    kept = 0
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder:
        run = RunDirectory(Path(folder))
        run.work.mkdir()
        reader = SourceTaskReader(chosen)
        clock = Elapsed()
        for task in plan.tasks:
            kept += read_task(task, chosen, reader, run)["candidates"]
        return clock.sample(files, size, kept=kept)


def _command(corpus: Path, recipe: str, files: int, size: int) -> Sample:
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder:
        command = [sys.executable, "-m", "pipelines.cli", "run", recipe, "--input", str(corpus),
                   "--output", f"{folder}/run", "--workers", "2", "--progress", "json"]  # fmt: skip
        sample, output = run_command(command, files, size)
        kept = json.loads(output.splitlines()[-1])["counts"]["kept"]
    return Sample(
        files, size, sample.cpu_seconds, sample.wall_seconds, sample.peak_bytes, kept=kept
    )


def _script(python: str, script: str, corpus: Path, files: int, size: int) -> Sample:
    folder = tempfile.mkdtemp(prefix="proofmill-benchmark-")
    try:
        return run_command(
            [python, str(_HERE / script), str(corpus), f"{folder}/out"], files, size
        )[0]
    finally:
        shutil.rmtree(folder)


def _lines(given: argparse.Namespace, files: int, size: int) -> list[_Row]:
    corpus = given.corpus
    rows = [
        _Row("pyarrow alone, the same columns to Python", lambda: _pyarrow(corpus, files, size)),
        _Row(
            "published rules as a plain loop, one process",
            lambda: _script(sys.executable, "plain_code_loop.py", corpus, files, size),
        ),
    ]
    for recipe in ("algebraic-stack-published", "algebraic-stack"):
        rows += [
            _Row(
                f"{recipe}: first phase, one process",
                lambda recipe=recipe: _phase(corpus, recipe, files, size),  # type: ignore[misc]
            ),
            _Row(
                f"{recipe}: the whole command, two workers",
                lambda recipe=recipe: _command(corpus, recipe, files, size),  # type: ignore[misc]
            ),
        ]
    if given.datatrove_python:
        rows.append(
            _Row(
                "datatrove: read, size, digits and words, two workers",
                lambda: _script(given.datatrove_python, "datatrove_code.py", corpus, files, size),
            )
        )
    return rows


def _table(rows: list[_Row], files: int, size: int) -> str:
    plain = rows[1]
    lines = [
        "| What | CPU s | files/CPU s | MB/CPU s | to the plain loop | wall s | peak MB | kept |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for row in rows:
        cpu = median(sample.cpu_seconds for sample in row.samples)
        ratio = median(
            row.rate(number, size) / plain.rate(number, size) for number in range(len(row.samples))
        )
        wall = median(sample.wall_seconds for sample in row.samples)
        peak = max(sample.peak_bytes for sample in row.samples) / 1e6
        kept = row.samples[-1].kept
        lines.append(
            f"| {row.title} | {cpu:.1f} | {files / cpu:,.0f} | {size / 1e6 / cpu:.1f} | "
            f"{ratio:.2f} | {wall:.1f} | {f'{peak:,.0f}' if peak else ''} | "
            f"{'' if kept is None else f'{kept:,}'} |"
        )
    return "\n".join(lines)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--datatrove-python", default="")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    files, size = _contents(given.corpus)
    rows = _lines(given, files, size)
    for number in range(given.runs):
        for row in rows:
            row.samples.append(row.measure())
            shown = row.samples[-1]
            print(
                f"round {number + 1}: {row.title}: {shown.cpu_seconds:.1f} CPU s", file=sys.stderr
            )
    print(f"{files:,} files, {size / 1e6:,.1f} MB of contents, {given.runs} rounds; {machine()}\n")
    print(_table(rows, files, size))


if __name__ == "__main__":
    _main()
