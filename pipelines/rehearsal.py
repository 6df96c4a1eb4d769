"""A run's graphs without the run: what an engine would be sent, and whether it takes it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
from rich.table import Table

from pipelines.deduplication.stages import Deduplication
from pipelines.engine import Engine
from pipelines.graph import GraphSize
from pipelines.inputs import InputFile
from pipelines.phases import ReadTasks, WriteShards
from pipelines.plan import make_plan
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from pipelines.subsets import subset_of
from pipelines.writing import shard_count

__all__ = ["Rehearsed", "rehearsal_table", "rehearse"]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One phase's graph.

    Attributes:
        label: The phase.
        tasks: Its elements.
        size: How large the graph is.
    """

    label: str
    tasks: int
    size: GraphSize


def rehearse(
    recipe: Recipe, inputs: Sequence[InputFile], output: Path, engine: Engine
) -> list[Rehearsed]:
    """Builds and checks the graph of every phase; writes nothing.

    Args:
        recipe: The recipe.
        inputs: The files.
        output: Where the run would be.
        engine: What would run it.

    Raises:
        ModelNotFound, RecipeError: A stage can't work.
        GraphNotPortable, EngineFailed: A graph wouldn't be run, or not right.
    """
    recipe.check()
    subset_of(recipe.subset).check(recipe)
    with tempfile.TemporaryDirectory(prefix="proofmill-rehearsal-") as folder:
        log = Path(folder) / "engine.log"
        return [
            Rehearsed(label, len(tasks), engine.rehearse(label, tasks, transform, log=log))
            for label, tasks, transform in _phases(recipe, inputs, RunDirectory(output), engine)
        ]


def _phases(
    recipe: Recipe, inputs: Sequence[InputFile], run: RunDirectory, engine: Engine
) -> Iterator[tuple[str, Sequence[Any], beam.PTransform]]:
    plan = make_plan(recipe, inputs)
    tasks = range(len(plan.tasks))
    yield subset_of(recipe.subset).reading, [(n, -1) for n in tasks], ReadTasks(str(run.root))
    stages = Deduplication(run.deduplication, recipe.deduplication, _never, local=engine.local)
    for label, transform in stages.rehearsed():
        yield label, list(tasks), transform
    text_bytes = round(sum(file.size for file in inputs) * recipe.profile.output_share)
    count = shard_count(text_bytes, recipe.output.shard_bytes)
    yield "Write shards", [(n, count) for n in range(count)], WriteShards(str(run.root))


def _never(
    label: str, elements: Sequence[Any], transform: beam.PTransform, *, parallel: bool
) -> None:
    raise AssertionError("a rehearsal runs no phase")


def rehearsal_table(phases: Sequence[Rehearsed]) -> Table:
    """The graphs for the terminal."""
    table = Table(title="Graphs", title_justify="left", title_style="bold", box=None)
    for heading in ("phase", "tasks", "graph", "largest step", "untyped"):
        table.add_column(heading, justify="left" if heading == "phase" else "right")
    for phase in phases:
        table.add_row(
            phase.label,
            f"{phase.tasks:,}",
            f"{phase.size.graph_bytes / 1000:,.0f} kB",
            f"{phase.size.steps[0][1] / 1000:,.1f} kB",
            str(len(phase.size.untyped)),
        )
    return table
