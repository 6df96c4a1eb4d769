"""Writing views: one file a split, held-out statements kept out of the training side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from extractors.lean.kinds import is_gap
from pipelines.goals.views import isabelle, lean
from pipelines.goals.views.tables import GoalTables, Module, Row, Strategy
from pipelines.run_directory import write_atomically

__all__ = ["VIEWS", "Exported", "View", "export_view"]

_Json = dict[str, Any]
_SIDES = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class View:
    """A view.

    Attributes:
        about: What it is, in a few words.
        rows: A module's rows: the split's column is read from the first of each pair.
        system: The system that it's for.
        unit: Whether each row is a step's, a declaration's, or a whole file's.
        listed: Whether a file is one JSON list instead of lines.
        ascii: Whether characters beyond ASCII are escaped, as Python's ``json.dumps`` does.
        compact: Whether there are no spaces between, as Lean writes JSON.
    """

    about: str
    rows: Callable[[Module, _Options], Iterator[tuple[Row, _Json]]]
    system: str
    unit: Literal["step", "declaration", "file"]
    listed: bool = False
    ascii: bool = True
    compact: bool = False


@dataclass(frozen=True, slots=True)
class _Options:
    prompt: str
    project: str
    context: int
    side: Callable[[Row], str]


@dataclass(slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        rows: Rows of each side.
        files: The files.
        left_out: Training rows left out since a held-out statement is the same.
    """

    rows: Counter[str] = field(default_factory=Counter)
    files: list[Path] = field(default_factory=list)
    left_out: int = 0


def _of_steps(make: Callable[[Module], Iterator[_Json]]) -> Callable[..., Iterator[Any]]:
    """Rows of a function that gives one a step, with the steps."""

    def rows(module: Module, options: _Options) -> Iterator[tuple[Row, _Json]]:
        located = [step for step in module.steps if module.data and step["start_byte"] >= 0]
        yield from zip(located, make(module), strict=True)

    return rows


def _of_file(make: Callable[[Module], Iterator[_Json]]) -> Callable[..., Iterator[Any]]:
    """Rows of a function that gives one a file; the first step tells its side."""

    def rows(module: Module, options: _Options) -> Iterator[tuple[Row, _Json]]:
        first = next(iter([*module.steps, *module.declarations]), None)
        for row in make(module):
            yield first or {}, row

    return rows


def _prompts(module: Module, options: _Options) -> Iterator[tuple[Row, _Json]]:
    made: Iterator[tuple[Row, _Json]]
    if "full_proof" in options.prompt:
        by_name = {row["decl_name"]: row for row in module.declarations}
        made = ((by_name[row["declName"]], row) for row in lean.ntp_declarations(module))
    else:
        located = [step for step in module.steps if module.data and step["start_byte"] >= 0]
        made = zip(located, lean.ntp_tactics(module), strict=True)
    for owner, row in made:
        # As there: nothing that leaves a gap is a target.
        if not is_gap("", row.get("proof", "") + row.get("nextTactic", "")):
            side = options.side(owner)
            yield (
                owner,
                lean.prompt(
                    options.prompt, row, side, project=options.project, context=options.context
                ),
            )


VIEWS: Mapping[str, View] = {
    "proof-pile-lean": View(
        "Proof-Pile-II's lean_proofsteps: one text a file",
        _of_file(lean.proof_pile_lean),
        "lean4",
        "file",
    ),
    "proof-pile-isabelle": View(
        "Proof-Pile-II's isa_proofsteps: one text a theorem",
        lambda module, options: isabelle.proof_pile_isabelle(module),
        "isabelle",
        "declaration",
    ),
    "llmstep": View(
        "llmstep's and ntptutorial's input and output",
        lambda module, options: ((step, lean.llmstep(step)) for step in module.steps),
        "lean4",
        "step",
    ),
    "ntp-toolkit": View(
        "ntp-toolkit's training_data",
        _of_steps(lean.ntp_tactics),
        "lean4",
        "step",
        ascii=False,
        compact=True,
    ),
    "ntp-prompts": View("ntp-toolkit's instruction rows", _prompts, "lean4", "step"),
    "leandojo": View(
        "LeanDojo's benchmark, with corpus.jsonl",
        lambda module, options: lean.leandojo_theorems(module),
        "lean4",
        "declaration",
        listed=True,
    ),
    "minictx": View(
        "miniCTX's evaluation rows",
        lambda module, options: lean.minictx(module),
        "lean4",
        "declaration",
    ),
    "repl": View(
        "the REPL's tactics, an answer a file",
        _of_file(lean.repl_tactics),
        "lean4",
        "file",
        ascii=False,
    ),
    "pisa": View("PISA's extraction, a theory a row", _of_file(isabelle.pisa), "isabelle", "file"),
    "pisa-problems": View(
        "PISA's problems",
        lambda module, options: isabelle.pisa_problems(module),
        "isabelle",
        "declaration",
    ),
}


def export_view(
    run: Path,
    name: str,
    output: Path,
    *,
    split: Strategy = "random",
    prompt: str = "state_tactic",
    project: str = "",
    context: int = 0,
) -> Exported:
    """Writes a view of a run.

    A whole-file row is on the side of its file whatever the split. Training rows whose statement is
    also a held-out one are left out, so that no strategy leaks.

    Args:
        run: A finished run of a goal-state recipe.
        name: A key of ``VIEWS``.
        output: Folder for the files.
        split: The strategy.
        prompt: The prompt of ``ntp-prompts``.
        project: What its metadata call the project.
        context: Characters of context in its prompts; 0 for all.

    Raises:
        NotARun, InputError: There is nothing to export.
    """
    view = VIEWS[name]
    tables = GoalTables(run)
    sides = _Sides(tables, "file" if view.unit == "file" else split)
    options = _Options(prompt, project, context, sides.of)
    exported = Exported()
    folder = output / split if view.listed else output
    with ExitStack() as stack:
        writers = {side: stack.enter_context(_side_file(folder, view, side)) for side in _SIDES}
        corpus = None
        if name == "leandojo":
            corpus = stack.enter_context(_text_file(output / "corpus.jsonl"))
        for module in tables.modules(view.system):
            for owner, row in view.rows(module, options):
                side = sides.of(owner)
                if side == "train" and owner.get("statement_key") in sides.held_out:
                    exported.left_out += 1
                    continue
                writers[side].add(row)
                exported.rows[side] += 1
            if corpus is not None:
                for line in lean.leandojo_corpus(module):
                    corpus.write(json.dumps(line) + "\n")
    exported.files = [writer.path for writer in writers.values()]
    return exported


class _Sides:
    """Which side a row is on."""

    def __init__(self, tables: GoalTables, strategy: Strategy) -> None:
        self._column = f"split_{strategy}"
        self._novel = tables.novel_sides() if strategy == "novel_premises" else {}
        self.held_out = tables.held_out_statements(strategy)

    def of(self, row: Row) -> str:
        side = row.get(self._column)
        if side is None:
            side = self._novel.get(row.get("declaration_id", ""), "train")
        return side or "train"


class _Writer:
    """Writes JSON, a line a row or one list."""

    def __init__(self, path: Path, file: IO[str], view: View) -> None:
        self.path = path
        self._file = file
        self._view = view
        self._first = True

    def add(self, row: _Json) -> None:
        separators = (",", ":") if self._view.compact else (", ", ": ")
        text = json.dumps(row, ensure_ascii=self._view.ascii, separators=separators)
        if self._view.listed:
            self._file.write(("" if self._first else ", ") + text)
        else:
            self._file.write(text + "\n")
        self._first = False


@contextmanager
def _side_file(folder: Path, view: View, side: str) -> Iterator[_Writer]:
    """The file of a side, whole or not at all."""
    path = folder / f"{side}.{'json' if view.listed else 'jsonl'}"
    with _text_file(path) as file:
        file.write("[" if view.listed else "")
        yield _Writer(path, file, view)
        file.write("]" if view.listed else "")


@contextmanager
def _text_file(path: Path) -> Iterator[IO[str]]:
    with (
        write_atomically(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        yield file
