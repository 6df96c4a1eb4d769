"""What a subset of the corpus brings to a run; everything else is the same for all of them.

A run reads its input task by task, judges each record by the recipe's stages, looks for duplicates
and writes shards. A ``Subset`` says which files are input, how they are cut, how one task is read
and judged, and which columns of provenance its tables have.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from pipelines.errors import RecipeError
from pipelines.inputs import InputFile, ReadTask
from pipelines.judge import Judged
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from schemas.tables import Layout

__all__ = [
    "SUBSETS",
    "InputNames",
    "LeavesTables",
    "Subset",
    "TaskReader",
    "TaskReading",
    "subset_of",
]


@dataclass(frozen=True, slots=True)
class InputNames:
    """What a user names as input.

    Attributes:
        names: Paths, folders, globs, addresses, lists; what the subset understands.
        limit: The first so many files of each list are taken; None for all.
        base: What the lines of a list are relative to; empty for the subset's own.
    """

    names: Sequence[str]
    limit: int | None = None
    base: str = ""


class TaskReading(Protocol):
    """One task while it's read: an iterable of what became of each record, in order."""

    @property
    def position(self) -> int:
        """Bytes of the task's range that are behind it, for the progress display."""

    @property
    def first(self) -> int | None:
        """Where the task's first record began, of a range whose beginning had to be guessed."""

    @property
    def next(self) -> int | None:
        """Where the first record after the range begins, which the next task must agree with."""

    def __iter__(self) -> Iterator[Judged]:
        """Reads and judges; raises ``SourceFailed`` when the input can't be read."""

    def digest(self) -> str:
        """Digest of the range's bytes, what reading skipped included; asked for at the end."""


@runtime_checkable
class LeavesTables(Protocol):
    """A ``TaskReading`` that leaves tables beside the documents."""

    def side_tables(self) -> Mapping[str, pa.Table]:
        """The tables, by their names in ``SIDE_TABLES``; asked for at the end."""


class TaskReader(Protocol):
    """What a worker process keeps from task to task: models, the extractor's child process."""

    def read(self, task: ReadTask, exact_start: int | None) -> TaskReading:
        """Begins to read a task.

        Args:
            task: The range.
            exact_start: Where its first record is known to begin, when an earlier reading of the
                range had guessed wrong.

        Raises:
            SourceFailed: The input can't be opened.
        """

    def close(self) -> None:
        """Ends what was kept."""


@dataclass(frozen=True)
class Subset:
    """A subset of the corpus.

    Attributes:
        name: Its name in recipes.
        layout: Its tables.
        resolve: Finds the input files that a user names, in an order that doesn't depend on the
            order of naming; raises ``InputError``.
        sample: The embedded input, which is used when none is named.
        splittable: Whether a file larger than a task is cut into ranges that are read on their own.
        reader: Makes the reader of a worker process.
        reading: What the first phase does, in the reader's words.
        views: Layouts that can be written beside the documents, by name: from the table of
            documents to the view's.
        amend: Fills in columns of a shard's documents that only the whole corpus tells: from the
            run, its recipe, the tasks that were read and the documents to the documents.
    """

    name: str
    layout: Layout
    resolve: Callable[[InputNames], list[InputFile]]
    sample: Callable[[], list[str]]
    splittable: Callable[[InputFile], bool]
    reader: Callable[[Recipe], TaskReader]
    reading: str
    views: Mapping[str, Callable[[pa.Table], pa.Table]] = field(default_factory=dict)
    amend: Callable[[RunDirectory, Recipe, Sequence[int], pa.Table], pa.Table] | None = None

    def check(self, recipe: Recipe) -> None:
        """Raises ``RecipeError`` when a recipe asks for what the subset hasn't."""
        for view in recipe.output.views:
            if view not in self.views:
                known = ", ".join(sorted(self.views)) or "none"
                raise RecipeError(f"output.views: {view!r} is unknown; {self.name} has: {known}")


# Where each subset is defined: the module, and its ``Subset`` there. Imported on first use, since
# each brings its own libraries.
SUBSETS: Mapping[str, tuple[str, str]] = {
    "web": ("pipelines.web", "WEB_SUBSET"),
    "code": ("pipelines.code", "CODE_SUBSET"),
    "goal_states": ("pipelines.goals.subset", "GOAL_STATES_SUBSET"),
    "papers": ("pipelines.papers", "PAPERS_SUBSET"),
}


@functools.cache
def subset_of(name: str) -> Subset:
    """The subset of a name; ``Recipe`` has made sure that there is one."""
    module, attribute = SUBSETS[name]
    subset: Any = getattr(import_module(module), attribute)
    assert isinstance(subset, Subset)
    return subset
