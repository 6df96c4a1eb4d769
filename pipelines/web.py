"""The web subset: Common Crawl WARCs in, OpenWebMath shards out.

Three phases, each a Beam pipeline whose elements are tasks, not documents:

1. **Read**: each range of each WARC file is read record by record; the recipe's stages judge each
   page in order (responses, prefilter, extraction, language, MathScore, perplexity, URL rules,
   quality). Trails of the dropped and the documents that passed are written to files.
2. **Find duplicates**: the passed documents' keys, 64 bytes each, are grouped; one of each group
   stays.
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
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from filters.exact_duplicates import ExactDuplicates
from pipelines.duplicates import find_duplicates, key_blocks
from pipelines.isolation import IsolatedExtractor
from pipelines.judge import PageJudge
from pipelines.plan import Plan, ReadTask
from pipelines.reading import SourceFailed, read_task
from pipelines.recipe import Extract, Recipe
from pipelines.run_directory import RunDirectory
from pipelines.writing import write_shard

__all__ = ["FindDuplicates", "ReadArchives", "WriteShards", "plan_of"]


class ReadArchives(beam.PTransform):
    """Tasks, as (number, exact start or -1), to one line of counts a finished task.

    Args:
        root: The run's folder, which holds its plan.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        """Reads, judges and extracts."""
        return tasks | "Read, judge and extract" >> beam.ParDo(_ReadTask(self._root))


class FindDuplicates(beam.PTransform):
    """Task numbers to one line of counts a partition of keys.

    Args:
        root: The run's folder.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        """Groups the candidates' keys."""
        return (
            tasks
            | "Read keys" >> beam.ParDo(_ReadKeys(self._root))
            | "Group equal keys" >> beam.GroupByKey()
            | "Keep one of each" >> beam.ParDo(_KeepOne(self._root))
        )


class WriteShards(beam.PTransform):
    """Shards, as (number, how many), to one line of counts a written shard.

    Args:
        root: The run's folder.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def expand(self, shards: beam.PCollection) -> beam.PCollection:
        """Gathers, sorts and writes."""
        return shards | "Write shards" >> beam.ParDo(_WriteShard(self._root))


@functools.lru_cache(maxsize=4)
def plan_of(root: str) -> tuple[Plan, Recipe]:
    """The plan of a run and its recipe, read once a process."""
    plan = Plan.from_json(json.loads(RunDirectory(Path(root)).plan.read_text("utf-8")))
    return plan, Recipe.model_validate(plan.recipe)


@beam.typehints.with_input_types(tuple[int, int])
@beam.typehints.with_output_types(str)
class _ReadTask(beam.DoFn):
    """Reads one task; a file that can't be read is an answer too, not an exception."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._records = Metrics.counter("read", "records")
        self._kept = Metrics.counter("read", "passed")
        self._bytes = Metrics.counter("read", "bytes")
        self._milliseconds = Metrics.distribution("read", "task_milliseconds")

    def setup(self) -> None:
        plan, recipe = plan_of(self._root)
        self._plan = plan
        self._recipe = recipe
        # A task makes many small objects that live until its next row group is written; looking
        # through them again and again for cycles, of which there are none, would cost a tenth.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        stage: Extract = next(s.settings for s in recipe.built() if s.name == Extract.name)
        self._extractor = IsolatedExtractor(stage, recipe.limits)
        self._judge = PageJudge(recipe, self._extractor)

    def teardown(self) -> None:
        self._extractor.close()

    def process(self, element: tuple[int, int]) -> Iterator[str]:
        number, exact_start = element
        task: ReadTask = self._plan.tasks[number]
        started = time.monotonic()
        try:
            marker = read_task(
                task,
                self._recipe,
                self._judge,
                RunDirectory(Path(self._root)),
                exact_start=None if exact_start < 0 else exact_start,
            )
        except SourceFailed as error:
            yield json.dumps({"task": number, "failed": str(error)})
            return
        self._records.inc(marker["tally"]["records"])
        self._kept.inc(marker["tally"]["kept"])
        self._bytes.inc(marker["tally"]["bytes"])
        self._milliseconds.update(int((time.monotonic() - started) * 1000))
        yield json.dumps({"task": number})


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(tuple[int, bytes])
class _ReadKeys(beam.DoFn):
    def __init__(self, root: str) -> None:
        self._root = root

    def process(self, element: int) -> Iterable[tuple[int, bytes]]:
        return key_blocks(RunDirectory(Path(self._root)), element)


@beam.typehints.with_input_types(tuple[int, Iterable[bytes]])
@beam.typehints.with_output_types(str)
class _KeepOne(beam.DoFn):
    def __init__(self, root: str) -> None:
        self._root = root
        self._duplicates = Metrics.counter("duplicates", "duplicates")

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[str]:
        partition, blocks = element
        _, recipe = plan_of(self._root)
        settings = next(s.settings for s in recipe.built() if s.name == ExactDuplicates.name)
        counts = find_duplicates(RunDirectory(Path(self._root)), settings, partition, blocks)
        self._duplicates.inc(counts["duplicates"])
        yield json.dumps(counts)


@beam.typehints.with_input_types(tuple[int, int])
@beam.typehints.with_output_types(str)
class _WriteShard(beam.DoFn):
    def __init__(self, root: str) -> None:
        self._root = root
        self._documents = Metrics.counter("write", "documents")

    def process(self, element: tuple[int, int]) -> Iterator[str]:
        number, count = element
        plan, recipe = plan_of(self._root)
        run = RunDirectory(Path(self._root))
        tasks = [task.number for task in plan.tasks if run.marker("read", task.number).exists()]
        marker: dict[str, Any] = write_shard(run, recipe, tasks, number, count)
        self._documents.inc(marker["kept"])
        yield json.dumps({"shard": number})
