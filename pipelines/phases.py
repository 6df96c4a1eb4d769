"""The phases of a run as Beam transforms: elements are tasks, not documents.

1. **Read**: each range of each input file is read record by record; the recipe's stages judge each
   in order. Trails of the dropped and the documents that passed are written to files.
2. **Find duplicates**: by address, equal text and similar text, over hashes of the passed
   documents (``pipelines.deduplication``); one of each group stays.
3. **Write**: each output shard gathers the documents of its range of ids, sorts them, leaves the
   duplicates out and is written once.

The graphs stay in the portable subset that every engine runs right: no tagged outputs, no state,
no Beam sinks, no text across a shuffle, one terminal collection each.
"""

from __future__ import annotations

import functools
import gc
import json
import time
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.metrics import Metrics

from pipelines.errors import SourceFailed
from pipelines.files import fetched
from pipelines.plan import Plan
from pipelines.reading import read_task
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from pipelines.subsets import subset_of
from pipelines.writing import write_shard

__all__ = ["Phase", "ReadTasks", "WriteShards", "plan_of"]


class Phase(beam.PTransform):
    """A phase of a run.

    Args:
        root: The run's folder, which holds its plan.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root


class ReadTasks(Phase):
    """Tasks, as (number, exact start or -1), to the numbers of the finished ones."""

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        """Reads, judges and extracts."""
        return tasks | "Read, judge and extract" >> beam.ParDo(_ReadTask(self._root))


class WriteShards(Phase):
    """Shards, as (number, how many), to the numbers of the written ones."""

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        """Gathers, sorts and writes."""
        return shards | "Write shards" >> beam.ParDo(_WriteShard(self._root))


@functools.lru_cache(maxsize=4)
def plan_of(root: str) -> tuple[Plan, Recipe]:
    """The plan of a run and its recipe, read once a process."""
    plan = Plan.from_json(json.loads(fetched(RunDirectory(Path(root)).plan).read_text("utf-8")))
    return plan, Recipe.model_validate(plan.recipe)


class _Worker(beam.DoFn):
    """What the functions of all phases know: the run's folder, its plan and its recipe."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._run = RunDirectory(Path(root))

    def setup(self) -> None:
        self._plan, self._recipe = plan_of(self._root)


@beam.typehints.with_input_types(tuple[int, int])
@beam.typehints.with_output_types(int)
class _ReadTask(_Worker):
    """Reads one task; that its file can't be read is put on record, and is no exception."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._records = Metrics.counter("read", "records")
        self._kept = Metrics.counter("read", "passed")
        self._bytes = Metrics.counter("read", "bytes")
        self._milliseconds = Metrics.distribution("read", "task_milliseconds")

    def setup(self) -> None:
        super().setup()
        # A task makes many small objects that live until its next row group is written; looking
        # through them again and again for cycles, of which there are none, would cost a tenth.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        self._reader = subset_of(self._recipe.subset).reader(self._recipe)

    def teardown(self) -> None:
        self._reader.close()

    def process(self, element: tuple[int, int]) -> Iterator[int]:
        number, exact_start = element
        started = time.monotonic()
        try:
            marker = read_task(
                self._plan.tasks[number],
                self._recipe,
                self._reader,
                self._run,
                exact_start=None if exact_start < 0 else exact_start,
            )
        except SourceFailed as error:
            self._run.write_json(self._run.failure(number), str(error))
            return
        self._records.inc(marker["tally"]["records"])
        self._kept.inc(marker["tally"]["kept"])
        self._bytes.inc(marker["tally"]["bytes"])
        self._milliseconds.update(int((time.monotonic() - started) * 1000))
        yield number


@beam.typehints.with_input_types(tuple[int, int])
@beam.typehints.with_output_types(int)
class _WriteShard(_Worker):
    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._documents = Metrics.counter("write", "documents")

    def process(self, element: tuple[int, int]) -> Iterator[int]:
        number, count = element
        tasks = self._run.done("read", range(len(self._plan.tasks)))
        marker = write_shard(self._run, self._recipe, tasks, number, count)
        self._documents.inc(marker["kept"])
        yield number
