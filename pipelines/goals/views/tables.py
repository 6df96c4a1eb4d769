"""The three tables of a run, read module by module in the order of the traces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb

from pipelines.errors import InputError, NotARun

__all__ = ["GoalTables", "Module", "Row", "Strategy"]

Row = dict[str, Any]
Strategy = Literal["random", "file", "novel_premises"]

# Rows fetched at a time; a module's rows are in memory together.
_BATCH = 2048


@dataclass(slots=True)
class Module:
    """What a run has of one module.

    Attributes:
        steps: Its steps in the order of the trace.
        declarations: Its declarations by position.
        file: Its file; None when its text isn't known.
    """

    steps: list[Row]
    declarations: list[Row]
    file: Row | None
    _by_id: dict[str, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_id = {row["declaration_id"]: row for row in self.declarations}

    def declaration(self, step: Row) -> Row | None:
        """The declaration of a step."""
        return self._by_id.get(step["declaration_id"])

    @property
    def data(self) -> bytes:
        """The file's bytes; empty when they aren't known."""
        return self.file["text"].encode() if self.file is not None else b""


class GoalTables:
    """Reads a finished run of a goal-state recipe.

    Args:
        run: The run's folder.

    Raises:
        NotARun: It has no documents.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        if not any((run / "documents").glob("*.parquet")):
            raise NotARun(f"{run} has no documents: no finished run of a goal-state recipe")
        self._connection = duckdb.connect()
        # Sorting spills to disk above this; a module fits many times.
        self._connection.execute("set memory_limit = '2GB'; set preserve_insertion_order = false")
        columns = {row[0] for row in self._query(f"describe select * from {self._of('documents')}")}
        if "goals_before" not in columns:
            raise InputError(f"{run} is a run of another subset: its documents have no goals")

    def _of(self, kind: str) -> str:
        pattern = str(self._run / kind / "*.parquet").replace("'", "''")
        return f"read_parquet('{pattern}')"

    def _has(self, kind: str) -> bool:
        return any((self._run / kind).glob("*.parquet"))

    def _query(self, text: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(text, list(values)).fetchall()

    def modules(self, system: str = "") -> Iterator[Module]:
        """The modules in the order of their files, those without steps included.

        Args:
            system: ``lean4`` or ``isabelle``; empty for both.
        """
        where = "where system = ?" if system else ""
        values = [system] if system else []
        steps = _Grouped(self._rows("documents", where, values, "trace_offset, trace_step"))
        declared = _Grouped(self._rows("declarations", where, values, "decl_start_byte"))
        files = _Grouped(self._rows("files", where, values, "file_sha256"))
        while (key := min((g.key for g in (steps, declared, files) if g.key), default=())) != ():
            file = files.take(key)
            yield Module(steps.take(key), declared.take(key), file[0] if file else None)

    def _rows(self, kind: str, where: str, values: Sequence[object], order: str) -> Iterator[Row]:
        if not self._has(kind):
            return
        # Its own cursor: three are read side by side.
        cursor = self._connection.cursor()
        cursor.execute(
            f"select * from {self._of(kind)} {where} "
            f"order by system, file_path, module, trace_file, {order}",
            list(values),
        )
        names = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(_BATCH):
            yield from (dict(zip(names, row, strict=True)) for row in rows)

    def held_out_statements(self, strategy: Strategy) -> set[str]:
        """Keys of the statements of held-out steps: no training step may have one of them."""
        column = f"split_{strategy}"
        found = self._query(
            f"select distinct statement_key from {self._of('documents')} "
            f"where {column} in ('val', 'test') and statement_key <> ''"
        )
        return {row[0] for row in found}

    def novel_sides(self) -> dict[str, str]:
        """``split_novel_premises`` by declaration, which the declarations' table hasn't."""
        found = self._query(
            f"select distinct declaration_id, split_novel_premises from {self._of('documents')}"
        )
        return dict(found)


_Key = tuple[str, str, str, str]


class _Grouped:
    """Rows in order, taken a module at a time."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    @property
    def key(self) -> _Key | tuple[()]:
        """The module that comes next; empty at the end."""
        return _key(self._next) if self._next is not None else ()

    def take(self, key: _Key | tuple[()]) -> list[Row]:
        """The rows of a module."""
        taken = []
        while self._next is not None and _key(self._next) == key:
            taken.append(self._next)
            self._next = next(self._rows, None)
        return taken


def _key(row: Row) -> _Key:
    return row["system"], row["file_path"], row["module"], row["trace_file"]
