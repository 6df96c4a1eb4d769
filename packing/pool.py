"""Tasks over worker processes, each finished task marked by a file.

Tasks are pure functions of files to files. A marker appears after all that its task wrote, so that
a start after a crash does the unmarked ones and nothing else, and the outcome doesn't hang on how
many workers there were.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol, Self

from pipelines.errors import EngineFailed
from pipelines.run_directory import write_atomically

__all__ = ["Pool", "Task", "read_marker", "worker_count"]


class Task(Protocol):
    """Something that is done once.

    Attributes:
        marker: The file that says so, and holds what it gave.
    """

    @property
    def marker(self) -> Path:
        """The file that appears when the task is done."""

    def run(self) -> dict[str, Any]:
        """Does it; what is returned is kept in the marker."""


def worker_count(wanted: int) -> int:
    """Worker processes: as many as wanted, 0 for one a core."""
    return wanted or len(os.sched_getaffinity(0))


class Pool:
    """Worker processes, started when there is work for two.

    Args:
        workers: How many; with one, tasks run in this process.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def run(self, tasks: Sequence[Task]) -> None:
        """Does the tasks that have no marker yet.

        Raises:
            EngineFailed: A worker process was lost; what is done stays.
        """
        todo = [task for task in tasks if not task.marker.exists()]
        if min(self.workers, len(todo)) <= 1:
            for task in todo:
                _run(task)
            return
        # Spawned, not forked: threads of compiled libraries don't survive a fork.
        self._executor = self._executor or ProcessPoolExecutor(
            self.workers, multiprocessing.get_context("spawn")
        )
        try:
            running = [self._executor.submit(_run, task) for task in todo]
            for future in wait(running, return_when=FIRST_EXCEPTION).done:
                future.result()
        except BrokenProcessPool as error:
            raise EngineFailed(
                "a worker process was lost, perhaps for want of memory: fewer --workers need less"
            ) from error


def read_marker(task: Task) -> dict[str, Any]:
    """What a finished task gave."""
    content: dict[str, Any] = json.loads(task.marker.read_text("utf-8"))
    return content


def _run(task: Task) -> None:
    outcome = task.run()
    with write_atomically(task.marker) as temporary:
        temporary.write_text(json.dumps(outcome, sort_keys=True) + "\n", encoding="utf-8")
