"""What does the record of decisions cost a run? The same run with it and without.

Three lines, in turn, each in a process of its own: the recipe as it is; without kept texts and
shadow share; and without any record at all: trails that hold nothing but ids, documents without
their decisions. The last isn't a setting of a run; it's made here, by taking the writing out.

On a busy machine the three differ by less than one run from the next. So the first line also
counts, within the one run, the CPU time of whatever makes and writes the record, and its share.

    python -m benchmarks.audit_cost --warc web.warc.gz --runs 3
"""

from __future__ import annotations

import argparse
import functools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa

from benchmarks.measuring import machine, versions

_LINES = ("recorded", "policy_off", "nothing_recorded")
_OFF = ("audit.dropped_text=none", "audit.shadow_share=0")


def _take_the_record_out() -> None:
    """Trails hold ids alone, and nobody's decisions are written."""
    from pipelines import writing
    from schemas import tables

    def no_decisions(lists: Sequence[object]) -> pa.Array:
        return pa.array([[]] * len(lists), tables.DECISIONS)

    def ids_alone(layout: tables.Layout, rows: Sequence[tables.TrailRow]) -> pa.Table:
        ids = pa.array([row.document_id for row in rows], pa.string())
        columns = [
            ids if field.name == "document_id" else _empty(field.type, len(rows))
            for field in layout.trails
        ]
        return pa.Table.from_arrays(columns, schema=layout.trails)

    setattr(tables, "decisions_array", no_decisions)  # noqa: B010
    setattr(writing, "decisions_array", no_decisions)  # noqa: B010
    setattr(tables.Layout, "trails_table", ids_alone)  # noqa: B010


@dataclass(slots=True)
class _Recording:
    """CPU time of this thread within the functions that make and write the record."""

    seconds: float = 0.0
    _depth: int = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted; once where one of them calls another."""

        @functools.wraps(function)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            self._depth += 1
            started = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.thread_time() - started

        return wrapper


def _count_the_record() -> _Recording:
    """Counts the time of rows of trails and dropped texts, of decisions, and of their files."""
    from pipelines import parquet, writing
    from schemas import tables

    recording = _Recording()
    for owner, name in (
        (parquet.RowWriter, "add"),
        (parquet.RowWriter, "flush"),
        (tables.Layout, "trails_table"),
        (tables, "decisions_array"),
        (writing, "_with_decisions"),
    ):
        setattr(owner, name, recording.timed(getattr(owner, name)))
    for writer, name, place in ((writing, "write_table", 1), (parquet.GroupWriter, "write", 1)):
        setattr(writer, name, _timed_for_the_record(recording, getattr(writer, name), place))
    return recording


def _timed_for_the_record(
    recording: _Recording, function: Callable[..., Any], place: int
) -> Callable[..., Any]:
    """A function that writes any table, its time counted where the table is of the record."""
    timed = recording.timed(function)

    def write(*arguments: Any) -> Any:
        table: pa.Table = arguments[place]
        kind = (table.schema.metadata or {}).get(b"proofmill.schema")
        return (timed if kind in (b"trails", b"dropped_texts") else function)(*arguments)

    return write


def _empty(kind: pa.DataType, count: int) -> pa.Array:
    if pa.types.is_string(kind):
        return pa.repeat("", count)
    if pa.types.is_list(kind) or pa.types.is_map(kind):
        return pa.array([[]] * count, kind)
    return pa.repeat(pa.scalar(0).cast(kind), count)


def _run_once(line: str, warc: str) -> dict[str, Any]:
    """One run in this process; its CPU time, that of its extracting process included."""
    from pipelines.engine import Engine
    from pipelines.recipe import load_recipe
    from pipelines.runs import Run
    from pipelines.subsets import InputNames, subset_of
    from pipelines.terminal import silence_logs

    silence_logs()
    recipe = load_recipe("open-web-math")
    if line != "recorded":
        recipe = recipe.changed(_OFF)
    if line == "nothing_recorded":
        _take_the_record_out()
    recording = _count_the_record() if line == "recorded" else _Recording()
    files = subset_of(recipe.subset).resolve(InputNames([warc]))
    with tempfile.TemporaryDirectory() as folder:
        before, started = _cpu(), time.perf_counter()
        outcome = Run(recipe, files, Path(folder) / "run", Engine(1), display="quiet").execute()
        wall, cpu = time.perf_counter() - started, _cpu() - before
        written = sum(file["bytes"] for file in outcome.manifest["files"])
    counts = outcome.manifest["counts"]
    return {"cpu": cpu, "wall": wall, "bytes": written, "record": recording.seconds, **counts}


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warc", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--line", choices=_LINES)
    given = parser.parse_args()
    if given.line:
        print(json.dumps(_run_once(given.line, given.warc)))
        return
    measured: dict[str, list[dict[str, Any]]] = {line: [] for line in _LINES}
    for _ in range(given.runs):
        for line in _LINES:
            command = [sys.executable, "-m", "benchmarks.audit_cost", "--warc", given.warc]
            done = subprocess.run(
                [*command, "--line", line], capture_output=True, text=True, check=True
            )
            measured[line].append(json.loads(done.stdout.splitlines()[-1]))
            print(line, measured[line][-1], file=sys.stderr, flush=True)
    print(f"{machine()}\n{versions('pyarrow')}\n")
    print("| | CPU s | over the last line | written MB | records | kept |")
    print("|---|---:|---:|---:|---:|---:|")
    for line, runs in measured.items():
        over = [a["cpu"] / b["cpu"] - 1 for a, b in zip(runs, measured[_LINES[-1]], strict=True)]
        print(
            f"| {line} | {median(run['cpu'] for run in runs):.1f} | {median(over):+.1%} "
            f"({min(over):+.1%} to {max(over):+.1%}) | {runs[0]['bytes'] / 1e6:.2f} | "
            f"{runs[0]['records']:,} | {runs[0]['kept']:,} |"
        )
    shares = [run["record"] / run["cpu"] for run in measured["recorded"]]
    print(
        f"\nwithin the first line, of its CPU time: {median(shares):.2%} "
        f"({min(shares):.2%} to {max(shares):.2%}) makes and writes the record"
    )


if __name__ == "__main__":
    main()
