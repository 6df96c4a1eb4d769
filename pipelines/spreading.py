"""How a phase's tasks get into a graph and onto its workers."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np

__all__ = ["SpreadTasks"]

# ``Create`` writes each element into the graph, and Dataflow takes graphs of up to 10 MB. More
# tasks than these go packed: as steps from one to the next, of which nearly all are the same.
_MOST_PLAIN = 2000
_PACKED = 100_000


class SpreadTasks(beam.PTransform):
    """The tasks of a phase, each to be worked on by whichever worker is free, in any order.

    Args:
        tasks: Numbers, or tuples of numbers.
    """

    def __init__(self, tasks: Sequence[Any]) -> None:
        super().__init__()
        self._tasks = list(tasks)

    def expand(self, root: beam.pvalue.PBegin) -> beam.PCollection:
        """Few tasks as they are, many packed."""
        if len(self._tasks) <= _MOST_PLAIN:
            return root | "Tasks" >> beam.Create(self._tasks)
        tuples = isinstance(self._tasks[0], tuple)
        rows = np.array(sorted(self._tasks), "<i8").reshape(len(self._tasks), -1)
        packed = [
            (rows.shape[1], zlib.compress(_steps(rows[first : first + _PACKED]), 9))
            for first in range(0, len(rows), _PACKED)
        ]
        return (
            root
            | "Packed tasks" >> beam.Create(packed)
            | "Unpack" >> beam.FlatMap(_tuples if tuples else _numbers)
            | "Spread" >> beam.Reshuffle()
        )


def _steps(rows: np.ndarray[Any, np.dtype[np.int64]]) -> bytes:
    return np.diff(rows, axis=0, prepend=0).tobytes()


def _rows(packed: tuple[int, bytes]) -> np.ndarray[Any, np.dtype[np.int64]]:
    width, compressed = packed
    steps = np.frombuffer(zlib.decompress(compressed), "<i8").reshape(-1, width)
    return np.cumsum(steps, axis=0)


def _numbers(packed: tuple[int, bytes]) -> Iterator[int]:
    yield from _rows(packed)[:, 0].tolist()


def _tuples(packed: tuple[int, bytes]) -> Iterator[tuple[int, int]]:
    yield from map(tuple, _rows(packed).tolist())
