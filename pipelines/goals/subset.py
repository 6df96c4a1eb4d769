"""The subset of formal proof steps: traces of Lean and Isabelle in, goal states out.

Each range of each trace file is read module by module. The recipe's stages judge each step: whether
it's one, whether it's of a test problem, which side of the splits it's on; equal pairs are found
over the whole corpus. Beside the documents lie the files' texts and the declarations, each once.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.formal.formats import LineFormat, modules_of_document, modules_of_lines
from extractors.formal.lines import LineRange
from extractors.formal.traced import TracedModule, TraceError
from filters.formal.splits import Side, Splits, novel_premise_sides
from pipelines.digests import DigestedSource
from pipelines.errors import SourceFailed
from pipelines.files import fetched, listed
from pipelines.goals.inputs import (
    LEDGER,
    beside,
    first_line_format,
    is_compressed,
    resolve_traces,
    text_format,
    unpacked,
)
from pipelines.goals.judge import StepJudge
from pipelines.inputs import InputFile, ReadTask, open_source
from pipelines.judge import Judged
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from pipelines.subsets import Subset
from schemas.goal_states import DECLARATIONS, FILES, GOAL_STATES
from schemas.tables import rows_table

__all__ = ["GOAL_STATES_SUBSET", "TraceTaskReader"]

_Modules = Iterator[TracedModule | tuple[int, TraceError]]


class TraceTaskReader:
    """Reads ranges of trace files and judges their steps.

    Args:
        recipe: The recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._judge = StepJudge(recipe)

    def read(self, task: ReadTask, exact_start: int | None) -> _TraceReading:
        """Begins to read a range; see ``TaskReader``."""
        try:
            source = DigestedSource(open_source(task.uri), task.start, task.end)
        except OSError as error:
            raise SourceFailed(f"{task.uri}: {error}") from error
        return _TraceReading(task, source, self._judge)

    def close(self) -> None:
        """There is nothing to end."""


class _TraceReading:
    """One range while it's read; see ``TaskReading``."""

    # A range knows by itself where its first module begins.
    first: int | None = None
    next: int | None = None

    def __init__(self, task: ReadTask, source: DigestedSource, judge: StepJudge) -> None:
        self._task = task
        self._source = source
        self._judge = judge
        self._lines: LineRange | None = None

    @property
    def position(self) -> int:
        return self._lines.position - self._task.start if self._lines is not None else 0

    def __iter__(self) -> Iterator[Judged]:
        self._judge.files, self._judge.declarations = [], []
        name = self._task.name
        if name.rpartition("/")[2] == LEDGER:
            yield from self._ledger()
            return
        try:
            for item in self._modules():
                if isinstance(item, tuple):
                    offset, error = item
                    yield self._judge.failed(name, offset, error.reason, str(error))
                else:
                    yield from self._judged(item)
        except TraceError as error:
            yield self._judge.failed(name, self._task.start, error.reason, str(error))

    def _judged(self, module: TracedModule) -> Iterator[Judged]:
        """A module's steps; one that contradicts itself is on record, and the others go on."""
        try:
            yield from self._judge.module(module, self._task.name)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            detail = f"{type(error).__name__}: {error}"
            yield self._judge.failed(
                self._task.name, module.first_record, "malformed", detail, module
            )

    def _modules(self) -> _Modules:
        task = self._task
        if not is_compressed(task.name):
            form = first_line_format(self._source)
            if form is not None:
                self._lines = LineRange(self._source, task.start, task.end, form.begins)
                return modules_of_lines(self._lines, form, beside(task.uri), task.name)
        text = self._whole()
        first = text.partition("\n")[0] if not text.startswith("\n") else ""
        form = text_format(first) if first else None
        if form is not None:
            return modules_of_lines(_numbered(text), form, beside(task.uri), task.name)
        return modules_of_document(text, beside(task.uri), task.name)

    def _whole(self) -> str:
        data = self._source.read_at(0, self._source.size)
        try:
            return unpacked(self._task.name, data)
        except (OSError, ValueError) as error:
            raise SourceFailed(f"{self._task.uri}: {error}") from error

    def _ledger(self) -> Iterator[Judged]:
        """The driver's status rows: what it couldn't trace is on record here too."""
        for number, row in _numbered(self._whole()):
            if row.get("status") not in ("ok", "errors"):
                module = TracedModule(
                    row.get("system", "lean4"), row.get("module", ""), row.get("file", "")
                )
                yield self._judge.failed(
                    self._task.name,
                    number,
                    str(row.get("status", "unknown")),
                    str(row.get("message", "")),
                    module,
                )

    def digest(self) -> str:
        return self._source.digest()

    def side_tables(self) -> Mapping[str, pa.Table]:
        """The files and declarations of the range's modules."""
        return {
            "files": rows_table(self._judge.files, FILES),
            "declarations": rows_table(self._judge.declarations, DECLARATIONS),
        }


def _numbered(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """JSON lines of a text with their numbers; only a line feed ends one.

    Raises:
        TraceError: A line is no JSON object.
    """
    for number, line in enumerate(text.split("\n")):
        if line.strip():
            try:
                value = json.loads(line)
            except ValueError as error:
                raise TraceError("not_json", f"line {number + 1}: {error}") from error
            if not isinstance(value, dict):
                raise TraceError("not_json", f"line {number + 1} is no object")
            yield number, value


def _splittable(file: InputFile) -> bool:
    """JSON lines of several modules can be read in ranges, other documents as a whole."""
    if is_compressed(file.name) or file.name.rpartition("/")[2] == LEDGER:
        return False
    form: LineFormat | None = first_line_format(open_source(file.uri))
    return form is not None and not form.whole


def _sample() -> list[str]:
    folder = resources.files("pipelines.goals.sample")
    return [str(folder.joinpath(name)) for name in ("lean.jsonl", "isabelle.json")]


# ---- what only the whole corpus tells -----------------------------------------------------------


def _with_novel_premises(
    run: RunDirectory, recipe: Recipe, tasks: Sequence[int], documents: pa.Table
) -> pa.Table:
    """Fills in ``split_novel_premises``."""
    written = set(listed(run.side_table("declarations", 0).parent, "*.parquet"))
    paths = [run.side_table("declarations", task) for task in tasks]
    there = [fetched(path) for path in paths if path in written]
    keys = tuple((str(path), path.stat().st_mtime_ns) for path in there)
    splits = recipe.enabled(Splits) or Splits(0.0, 0.0)
    sides = _novel_sides(keys, splits)
    index = documents.schema.get_field_index("split_novel_premises")
    column = [
        sides.get(declaration, "train")
        for declaration in documents.column("declaration_id").to_pylist()
    ]
    amended: pa.Table = documents.set_column(
        index, documents.schema.field(index), pa.array(column, pa.string())
    )
    return amended


@functools.lru_cache(maxsize=1)
def _novel_sides(keys: tuple[tuple[str, int], ...], splits: Splits) -> dict[str, Side]:
    """The sides by declaration, worked out once a process.

    Args:
        keys: The declarations' files, and when they were written.
        splits: The shares.
    """
    premises: dict[str, Sequence[str]] = {}
    groups: dict[str, str] = {}
    columns = ["declaration_id", "statement_key", "num_steps", "premises"]
    for path, _ in keys:
        for batch in pq.ParquetFile(Path(path)).iter_batches(columns=columns):
            for row in batch.to_pylist():
                if row["num_steps"]:
                    # What a proof names, where the trace tells; else what its term has.
                    named = [p for p in row["premises"] if p["role"] == "explicit"]
                    premises[row["declaration_id"]] = sorted(
                        {premise["full_name"] for premise in named or row["premises"]}
                    )
                    groups[row["declaration_id"]] = row["statement_key"]
    return novel_premise_sides(premises, groups, splits)


GOAL_STATES_SUBSET = Subset(
    name="goal_states",
    layout=GOAL_STATES,
    resolve=resolve_traces,
    sample=_sample,
    splittable=_splittable,
    reader=TraceTaskReader,
    reading="Read traces",
    amend=_with_novel_premises,
)
