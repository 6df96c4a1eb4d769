"""How long do questions over a run take, and how much memory?

Cold: the command in a process of its own, Python's start and the imports included. Warm: what one
page of the explorer asks, in a process that has the run open; no answer is kept from before.

    python -m benchmarks.audit_run runs/sample runs/large --trails 100000
    python -m benchmarks.audit_questions runs/large
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from audit import AuditRun, open_run
from audit.comparing import diff
from audit.duplicates import cluster_of, clusters
from audit.explaining import explain
from audit.funnels import funnel
from audit.histograms import histogram, scored_stages
from audit.ledger import ensure_ledger
from audit.sampling import sample
from audit.searching import search
from audit.what_if import what_if
from benchmarks.measuring import machine, run_command, versions


def _cold(run: Path, document: str, url: str) -> None:
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "audit"]
    questions: dict[str, list[str]] = {
        "explain document_id": ["explain", str(run), document],
        "explain URL": ["explain", str(run), url],
        "funnel --by domain": ["funnel", str(run), "--by", "domain"],
        "what-if": ["what-if", str(run), "--set", "math_score.threshold_with_math=0.5"],
        "sample --near-threshold": [
            *("sample", str(run), "--dropped-by", "math_score", "--near-threshold", "0.3"),
        ],
        "diff": ["diff", str(run), str(run)],
    }
    print("| command, cold | wall s | CPU s | peak MB |\n|---|---:|---:|---:|")
    for name, arguments in questions.items():
        rounds = [run_command([*command, *arguments], 1, 1)[0] for _ in range(3)]
        peak = max(each.peak_bytes for each in rounds) / 1e6
        print(
            f"| {name} | {min(each.wall_seconds for each in rounds):.2f} | "
            f"{min(each.cpu_seconds for each in rounds):.2f} | {peak:,.0f} |",
            flush=True,
        )


def _questions(run: AuditRun, document: str, url: str) -> dict[str, Callable[[], Any]]:
    cluster = clusters(run, limit=1)[0].name
    return {
        "explain, by id": lambda: explain(run, document),
        "explain, by URL": lambda: explain(run, url),
        "explain, by another spelling of the URL": lambda: explain(run, url.split("://", 1)[1]),
        "funnel": lambda: funnel(run),
        "funnel by domain": lambda: funnel(run, "domain"),
        "funnel by language": lambda: funnel(run, "language"),
        "stages with scores": lambda: scored_stages(run),
        "histogram of math_score": lambda: histogram(run, "math_score"),
        "histogram of perplexity": lambda: histogram(run, "perplexity"),
        "what-if, few change": lambda: what_if(run, ["math_score.threshold_with_math=0.5"]),
        "what-if, half of all change": lambda: what_if(run, ["perplexity.threshold=100"]),
        "what-if, a stage switched off": lambda: what_if(run, ["math_score.enabled=false"]),
        "sample with texts": lambda: sample(run, dropped_by="math_score", n=20),
        "sample near a threshold": lambda: sample(run, stage="math_score", near_threshold=0.3),
        "search by URL": lambda: search(run, url="cauchy"),
        "search by domain": lambda: search(run, domain="wiki-clone.test"),
        "search by words, many": lambda: search(run, text="Cauchy"),
        "search by words, none": lambda: search(run, text="no such words"),
        "largest clusters": lambda: clusters(run),
        "a cluster": lambda: cluster_of(run, cluster),
        "two runs": lambda: diff(run, run),
    }


def _warm(where: Path, document: str, url: str) -> None:
    with open_run(where) as run:
        before = time.perf_counter(), time.process_time()
        ensure_ledger(run)
        after = time.perf_counter(), time.process_time()
        print("\n| question, warm | wall ms | CPU ms |\n|---|---:|---:|")
        made = [(b - a) * 1000 for a, b in zip(before, after, strict=True)]
        print(f"| getting ready, once | {made[0]:,.0f} | {made[1]:,.0f} |")
        for name, ask in _questions(run, document, url).items():
            walls, cpus = [], []
            for _ in range(5):
                run.forget("ledger")
                before = time.perf_counter(), time.process_time()
                ask()
                walls.append((time.perf_counter() - before[0]) * 1000)
                cpus.append((time.process_time() - before[1]) * 1000)
            print(f"| {name} | {median(walls):,.0f} | {median(cpus):,.0f} |", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"\npeak memory of the process over all of them: {peak:,.0f} MB")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    given = parser.parse_args()
    print(f"{machine()}\n{versions('duckdb', 'pyarrow')}\n")
    with open_run(given.run) as run:
        (trails,) = run.one("SELECT count(*) FROM trails")
        document, url = run.one(
            "SELECT document_id, url FROM trails WHERE dropped_by = 'near_duplicates' "
            "ORDER BY document_id LIMIT 1"
        )
    print(f"{trails:,} trails\n")
    _cold(given.run, document, url)
    _warm(given.run, document, url)


if __name__ == "__main__":
    main()
