"""What the filters on text cost: documents a second and core, alone and beside the bare libraries.

Run from the repository's root::

    python -m benchmarks.filters [--documents FILE.parquet ...] [--json filters.json]

Documents are Parquet files with a column ``text``; without any, the embedded sample's pages. A
filter's line is its ``judge`` on a document that nothing has looked at yet; the bare libraries get
the line that the filter would give them, ready made. Three questions more: does predicting many
documents in one call pay, what does a second process cost in memory, and do the libraries start
threads of their own?
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pyarrow.parquet as pq

from benchmarks.measuring import machine, versions
from extractors.warc import ArchiveReader, BytesSource
from filters import normalisation
from filters.models import load_fasttext, load_kenlm, model_path
from filters.normalisation import normalise_for_models
from filters.web import passages
from filters.web.language import Language
from filters.web.math_score import MathScore, classifier_line
from filters.web.perplexity import Perplexity
from filters.web.quality import QualityRules
from filters.web.word_order import WordOrder
from pipelines.isolation import IsolatedExtractor
from pipelines.pages import PageJudge
from pipelines.recipe import Audit, Limits, Recipe
from pipelines.sample import sample_warc_path
from pipelines.stages import Extract
from schemas import Document

_PROCESSES = 4
_CHAIN: tuple[Any, ...] = (Language(), MathScore(), Perplexity(), WordOrder(), QualityRules())


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: documents and megabytes of text a second of CPU time."""

    title: str
    documents: float
    megabytes: float


def texts_of(files: Sequence[Path]) -> list[str]:
    """The documents' texts; the sample's when no files are given."""
    if files:
        return [
            text
            for file in files
            for text in pq.read_table(file, columns=["text"]).column(0).to_pylist()
        ]
    recipe = Recipe(
        name="benchmark",
        subset="web",
        edition="ours",
        summary="Every page's text.",
        audit=Audit(shadow_share=0.0),
        stages=({"responses": {}}, {"extract": {}}),
    )
    with IsolatedExtractor(Extract(), Limits()) as extractor:
        judge = PageJudge(recipe, extractor)
        archive = ArchiveReader(BytesSource(sample_warc_path().read_bytes()))
        return [judged.text for item in archive if (judged := judge.judge(item, "")).text]


def _forget() -> None:
    """What the filters of a recipe remember of a text for each other."""
    normalise_for_models.cache_clear()
    normalisation._masked.cache_clear()
    passages.passages_of.cache_clear()


def _alone(judge: Any) -> Callable[[Sequence[str]], None]:
    def run(texts: Sequence[str]) -> None:
        for text in texts:
            judge.judge(Document("", text=text))
            _forget()

    return run


def _chain(texts: Sequence[str]) -> None:
    """All filters on one document after the other, each whatever the one before said."""
    for text in texts:
        document = Document("", text=text)
        for judge in _CHAIN:
            judge.judge(document)


def measured(runs: dict[str, Callable[[], None]], texts: Sequence[str], rounds: int) -> list[Line]:
    """Runs everything once a round and takes the median of each."""
    seconds: dict[str, list[float]] = {title: [] for title in runs}
    for _ in range(rounds):
        for title, run in runs.items():
            _forget()
            started = time.process_time()
            run()
            seconds[title].append(time.process_time() - started)
    characters = sum(map(len, texts))
    return [
        Line(title, len(texts) / median(found), characters / median(found) / 1e6)
        for title, found in seconds.items()
    ]


def speed(texts: Sequence[str], rounds: int) -> list[Line]:
    """The table of speeds."""
    lines = [classifier_line(text, "ours") for text in texts]
    normalised = [normalise_for_models(text, "ours") for text in texts]
    classifier = load_fasttext("math-score-small")
    many = classifier._model.multilinePredict  # type: ignore[attr-defined]
    kenlm = load_kenlm("perplexity-small")
    runs: dict[str, Callable[[], None]] = {
        "fastText alone, a line a call": lambda: [classifier.predict(x, 2) for x in lines] and None,
        "fastText alone, all lines in one call": lambda: many(lines, 2, 0.0, "strict") and None,
        "kenlm alone": lambda: [kenlm.score(x) for x in normalised] and None,
        "normalisation alone": lambda: [normalise_for_models(x, "ours") for x in texts] and None,
    }
    for judge in _CHAIN:
        run = _alone(judge)
        runs[judge.name] = lambda run=run: run(texts)  # type: ignore[misc]
    runs["all five, as a recipe runs them"] = lambda: _chain(texts)
    return measured(runs, texts, rounds)


def _hold(name: str, ready: Any, done: Any) -> None:
    """A process that has loaded a model, used it, and waits."""
    if name == "perplexity-small":
        load_kenlm(name).score("let there be a function")
    elif name:
        load_fasttext(name).predict("let there be a function", 1)
    ready.release()
    done.wait()


def memory() -> list[dict[str, Any]]:
    """What a model costs in each of several processes: private and shared memory, and threads."""
    context = multiprocessing.get_context("spawn")
    rows = []
    for name in ("", "lid.176", "math-score-small", "perplexity-small"):
        ready, done = context.Semaphore(0), context.Event()
        workers = [
            context.Process(target=_hold, args=(name, ready, done)) for _ in range(_PROCESSES)
        ]
        for worker in workers:
            worker.start()
        for _ in workers:
            ready.acquire()
        found = [psutil.Process(worker.pid) for worker in workers]
        full = [process.memory_full_info() for process in found]
        rows.append(
            {
                "model": name or "none",
                "file_mb": model_path(name).stat().st_size / 1e6 if name else 0.0,
                "private_mb": sum(info.uss for info in full) / len(full) / 1e6,
                "with_its_share_mb": sum(info.pss for info in full) / len(full) / 1e6,
                "threads": max(process.num_threads() for process in found),
            }
        )
        done.set()
        for worker in workers:
            worker.join()
    return rows


def _work(texts: Sequence[str], seconds: float, out: Any) -> None:
    _chain(texts[:20])
    started, cpu, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < seconds:
        _chain(texts[count % len(texts) :][:20])
        count += 20
    out.put((count, time.perf_counter() - started, time.process_time() - cpu))


def scaling(texts: Sequence[str], seconds: float = 5.0) -> list[dict[str, float]]:
    """Documents a second by one process, and by one a core at the same time.

    If the libraries' threads fought with each other, a document would cost more CPU time beside
    other processes than alone; wall time shows it only where nothing else runs.
    """
    context = multiprocessing.get_context("spawn")
    rows = []
    for count in dict.fromkeys((1, len(os.sched_getaffinity(0)))):
        out = context.Queue()
        workers = [context.Process(target=_work, args=(texts, seconds, out)) for _ in range(count)]
        for worker in workers:
            worker.start()
        answers = [out.get() for _ in workers]
        for worker in workers:
            worker.join()
        rows.append(
            {
                "processes": count,
                "documents_per_second": sum(n / wall for n, wall, _ in answers),
                "documents_per_cpu_second": sum(n for n, _, _ in answers)
                / sum(cpu for _, _, cpu in answers),
            }
        )
    return rows


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=Path, nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    texts = texts_of(given.documents)
    characters = sum(map(len, texts)) / len(texts)
    print(f"{len(texts):,} documents, {characters:,.0f} characters in the mean\n")
    lines = speed(texts, given.rounds)
    print("| | documents/s | MB/s |\n| --- | ---: | ---: |")
    for line in lines:
        print(f"| {line.title} | {line.documents:,.0f} | {line.megabytes:,.1f} |")
    kept = memory()
    print(f"\n{_PROCESSES} processes at a time:\n")
    print("| model | file MB | private MB | with its share MB | threads |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for row in kept:
        sizes = " | ".join(f"{row[k]:.1f}" for k in ("file_mb", "private_mb", "with_its_share_mb"))
        print(f"| {row['model']} | {sizes} | {row['threads']} |")
    scaled = scaling(texts)
    print()
    for found in scaled:
        print(
            f"{found['processes']:.0f} process(es): "
            f"{found['documents_per_second']:,.0f} documents/s, "
            f"{found['documents_per_cpu_second']:,.0f} a second of CPU time"
        )
    if given.json:
        content = {
            "machine": machine(),
            "versions": versions("fasttext-community", "kenlm-ex"),
            "documents": len(texts),
            "speed": [asdict(line) for line in lines],
            "memory": kept,
            "scaling": scaled,
        }
        given.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
