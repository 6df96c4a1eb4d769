"""How long does the explorer take for each page of a large run, and how much memory?

Serves the run in a process of its own and asks for every kind of page, several times with other
values. Besides the time until the answer is complete, the processor time of the server is shown:
on a machine that does other work too, it tells what the page costs.

    python -m benchmarks.audit_run runs/sample runs/large --trails 120000
    python -m benchmarks.explorer_pages runs/large --with runs/other
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from audit import open_run

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Server:
    """The explorer under measurement."""

    address: str
    process: psutil.Process

    def ask(self, path: str) -> tuple[float, float, int]:
        """Seconds until the answer is complete, processor seconds of the server, bytes."""
        before = self.process.cpu_times()
        start = time.perf_counter()
        with urllib.request.urlopen(self.address + path) as answer:
            size = len(answer.read())
        wall = time.perf_counter() - start
        after = self.process.cpu_times()
        return wall, after.user + after.system - before.user - before.system, size

    def peak_mib(self) -> float:
        """The most memory that the server's process ever held, as the kernel counted it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0


@contextmanager
def served(run: str, other: str) -> Iterator[Server]:
    """The explorer, started as a person would start it."""
    command = [
        sys.executable, "-c", "from pipelines.cli import main; main()", "audit", "serve", run,
        "--port", "0", *(["--with", other] if other else []),
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            lines = iter(process.stderr or ())
            address = next(m[0] for line in lines if (m := re.search(r"http://[^/]+", line)))
            server = Server(address, psutil.Process(process.pid))
            server.ask("/scores")  # what a start prepares is there when this is
            yield server
        finally:
            process.terminate()


def pages(run: str, other: str) -> dict[str, list[str]]:
    """Every kind of page, with addresses that differ where answers are kept."""
    with open_run(run) as opened:
        ids = {
            stage: [
                row[0]
                for row in opened.rows(
                    "SELECT document_id FROM trails WHERE dropped_by = ? "
                    "ORDER BY document_id LIMIT ?",
                    [stage, _ROUNDS],
                )
            ]
            for stage in ("", "math_score", "near_duplicates")
        }
        urls = [
            row[0]
            for row in opened.rows(
                "SELECT url FROM trails WHERE verdict = 'keep' ORDER BY document_id LIMIT ?",
                [_ROUNDS],
            )
        ]
    values = [0.05, 0.2, 0.4, 0.6, 0.95]
    words = ["theorem", "converges to", "integral", "prime number", "zebra crossing"]
    asked = {
        "funnel": ["/"] * _ROUNDS,
        "funnel by language, in tokens": ["/?by=language&unit=tokens"] * _ROUNDS,
        "documents of a reason": [
            f"/documents?dropped_by=math_score&start={50 * n}" for n in range(_ROUNDS)
        ],
        "search, address": [f"/documents?url={quote(url[8:30])}" for url in urls],
        "search, domain": [f"/documents?domain={quote(url.split('/')[2])}" for url in urls],
        "search, words": [f"/documents?text={quote(text)}" for text in words],
        "find an address": [f"/find?q={quote(url)}" for url in urls],
        "document, kept": [f"/documents/{i}" for i in ids[""]],
        "document, dropped": [f"/documents/{i}" for i in ids["math_score"]],
        "document, near-duplicate": [f"/documents/{i}" for i in ids["near_duplicates"]],
        "all scores": ["/scores"] * _ROUNDS,
        "one score": [f"/scores/math_score?value={value}" for value in values],
        "what-if": [
            f"/scores/math_score/what-if?setting=threshold_with_math&value={value}"
            for value in values
        ],
        "labels": [f"/labels?which=all&at={n}" for n in range(_ROUNDS)],
        "labels near a threshold": [
            f"/labels?stage=math_score&which=near&at={n}" for n in range(_ROUNDS)
        ],
        "run": ["/run"] * _ROUNDS,
    }
    if other:
        asked["compare"] = ["/compare"] * _ROUNDS
    return asked


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--with", dest="other", default="")
    given = parser.parse_args()
    asked = pages(given.run, given.other)
    with served(given.run, given.other) as server:
        print("| page | first, ms | median, ms | worst, ms | processor, ms | kB |")
        print("|---|---|---|---|---|---|")
        for name, paths in asked.items():
            times = [server.ask(path) for path in paths]
            walls = [1000 * wall for wall, _, _ in times]
            cost = 1000 * statistics.median(processor for _, processor, _ in times)
            later = walls[1:] or walls
            print(
                f"| {name} | {walls[0]:.0f} | {statistics.median(later):.0f} | {max(later):.0f} "
                f"| {cost:.0f} | {times[-1][2] / 1000:.0f} |",
                flush=True,
            )
        print(f"\npeak memory of the server: {server.peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
