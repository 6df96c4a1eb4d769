"""What a phase shows while it runs: parts done of parts to do, or the time it takes."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipelines.files import listed

__all__ = ["PhaseDisplay"]

_SECONDS = 0.5


class PhaseDisplay:
    """Draws a phase's progress on standard error.

    Args:
        label: What is being done.
        mode: ``live``, ``json`` (a line a second) or ``quiet``.
        markers: The files that appear as parts get done; none when that isn't known.
    """

    def __init__(
        self, label: str, mode: Literal["live", "json", "quiet"], markers: Sequence[Path] = ()
    ) -> None:
        self._label, self._mode, self._markers = label, mode, markers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="progress", daemon=True)
        # The engine turns standard error away while it runs; this copy of it stays.
        self._stream = os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)

    def __enter__(self) -> Self:
        if self._mode != "quiet":
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._stream.close()

    def _done(self) -> int:
        folders = {marker.parent for marker in self._markers}
        there = {path for folder in folders for path in listed(folder, "*.json")}
        return sum(marker in there for marker in self._markers)

    def _watch(self) -> None:
        console = Console(file=self._stream)
        if self._mode == "json":
            self._write_lines()
        elif console.is_terminal:
            self._draw(console)

    def _write_lines(self) -> None:
        started = time.monotonic()
        while not self._stop.wait(1.0):
            content = {
                "phase": self._label,
                "seconds": round(time.monotonic() - started, 1),
                "done": self._done(),
                "total": len(self._markers) or None,
            }
            print(json.dumps(content), file=self._stream, flush=True)

    def _draw(self, console: Console) -> None:
        counted = [MofNCompleteColumn(), TimeRemainingColumn()] if self._markers else []
        with Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
            *counted, console=console,
        ) as bar:  # fmt: skip
            task = bar.add_task(self._label, total=len(self._markers) or None)
            while not self._stop.wait(_SECONDS):
                bar.update(task, completed=self._done())
            bar.update(task, completed=self._done())
