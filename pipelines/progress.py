"""Progress of a run: workers append lines to a file, the driver reads them and draws."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

__all__ = ["Display", "ProgressWriter", "Tally"]

# Workers report at most this often; a line is far below the 4 kB that one append writes whole.
_REPORT_SECONDS = 1.0
_REFRESH_SECONDS = 0.5


@dataclass(slots=True)
class Tally:
    """What was counted: input bytes, records, kept, drops by (stage, reason)."""

    bytes: int = 0
    records: int = 0
    kept: int = 0
    drops: Counter[tuple[str, str]] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        drops: dict[str, dict[str, int]] = {}
        for (stage, reason), count in sorted(self.drops.items()):
            drops.setdefault(stage, {})[reason] = count
        return {"bytes": self.bytes, "records": self.records, "kept": self.kept, "drops": drops}

    def add(self, content: Mapping[str, Any]) -> None:
        """Adds what ``to_json`` gave."""
        self.bytes += content["bytes"]
        self.records += content["records"]
        self.kept += content["kept"]
        for stage, reasons in content["drops"].items():
            for reason, count in reasons.items():
                self.drops[stage, reason] += count


class ProgressWriter:
    """Appends what a task has done so far to the run's progress file.

    Args:
        path: The file.
        task: The task's number.
    """

    def __init__(self, path: Path, task: int) -> None:
        self._path = path
        self._task = task
        self._next = time.monotonic() + _REPORT_SECONDS

    def report(self, tally: Tally, *, done: bool = False) -> None:
        """Appends a line, unless the last one is less than a second old."""
        now = time.monotonic()
        if now < self._next and not done:
            return
        self._next = now + _REPORT_SECONDS
        line = json.dumps({"task": self._task, "done": done, **tally.to_json()})
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode() + b"\n")
        finally:
            os.close(descriptor)


class Display:
    """Draws the progress of a phase while it runs.

    Args:
        phase: What is being done, in the reader's words.
        total_bytes: Input bytes of the phase.
        path: The progress file.
        before: What finished tasks of an earlier start have counted.
        mode: ``live`` draws on the terminal (a line now and then when it is none), ``json``
            writes one JSON line a second, ``quiet`` nothing.
        stream: Where to.
    """

    def __init__(
        self,
        phase: str,
        total_bytes: int,
        path: Path,
        *,
        before: Tally | None = None,
        mode: Literal["live", "json", "quiet"] = "live",
        stream: TextIO | None = None,
    ) -> None:
        self._phase = phase
        self._total = total_bytes
        self._path = path
        self._before = before or Tally()
        self._mode = mode
        # The engine turns standard error away while it runs; this copy of it stays.
        self._stream = stream or os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)
        self._position = path.stat().st_size if path.exists() else 0
        self._tasks: dict[int, dict[str, Any]] = {}
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)
        self._console = Console(file=self._stream)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._bar_task = self._bar.add_task(
            phase, total=max(total_bytes, 1), completed=self._before.bytes, rate=""
        )

    def __enter__(self) -> Self:
        if self._mode != "quiet":
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def tally(self) -> Tally:
        """Everything counted so far, earlier starts included."""
        total = Tally()
        total.add(self._before.to_json())
        for content in list(self._tasks.values()):
            total.add(content)
        return total

    def _watch(self) -> None:
        if self._mode == "json":
            while not self._stop.wait(1.0):
                self._read()
                self._write_line()
            self._read()
            self._write_line()
            return
        if not self._console.is_terminal:
            self._watch_log()
            return
        with Live(console=self._console, refresh_per_second=4) as live:
            while not self._stop.wait(_REFRESH_SECONDS):
                self._read()
                live.update(self._drawing())
            self._read()
            live.update(self._drawing())

    def _watch_log(self) -> None:
        """Not a terminal: a line now and then, so that a log file stays readable."""
        while not self._stop.wait(10.0):
            self._read()
            tally = self.tally
            share = tally.bytes / max(self._total, 1)
            print(
                f"{self._phase}: {share:.0%}, {tally.records:,} records, {tally.kept:,} kept, "
                f"{self._rate(tally)}",
                file=self._stream,
                flush=True,
            )

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._position += len(line)
                    content = json.loads(line)
                    self._tasks[content["task"]] = content
        except FileNotFoundError:
            return

    def _rate(self, tally: Tally) -> str:
        seconds = max(time.monotonic() - self._started, 1e-3)
        records = (tally.records - self._before.records) / seconds
        megabytes = (tally.bytes - self._before.bytes) / seconds / 1e6
        return f"{records:,.0f} records/s, {megabytes:.1f} MB/s"

    def _drawing(self) -> Group:
        tally = self.tally
        self._bar.update(self._bar_task, completed=tally.bytes, rate=self._rate(tally))
        table = Table(box=None, pad_edge=False)
        table.add_column("so far", style="dim")
        table.add_column(justify="right")
        table.add_row("records", f"{tally.records:,}")
        stages: Counter[str] = Counter()
        for (stage, _), count in tally.drops.items():
            stages[stage] += count
        for stage, count in stages.most_common():
            table.add_row(f"dropped by {stage}", f"{count:,}")
        table.add_row("passed so far", f"{tally.kept:,}")
        return Group(self._bar, table)

    def _write_line(self) -> None:
        tally = self.tally
        seconds = time.monotonic() - self._started
        remaining = self._total - tally.bytes
        speed = (tally.bytes - self._before.bytes) / max(seconds, 1e-3)
        content = {
            "phase": self._phase,
            "seconds": round(seconds, 1),
            "total_bytes": self._total,
            "eta_seconds": round(remaining / speed, 1) if speed > 0 else None,
            **tally.to_json(),
        }
        print(json.dumps(content), file=self._stream, flush=True)
