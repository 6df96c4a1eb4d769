"""A finished run as tables to be asked: DuckDB over its Parquet, local or on S3, read-only."""

from __future__ import annotations

import functools
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from audit.columns import address_sql, decisions_of_dedup, site_sql
from audit.errors import AuditError, NotAnswerable
from audit.places import LocalPlace, Place, place_of
from pipelines.errors import NotARun, RecipeError
from pipelines.recipe import Recipe

__all__ = ["AuditRun", "RunStage", "Value", "open_run"]

# What DuckDB may hold, in MiB; what needs more goes to its temporary folder. The process around it
# (Arrow, Python, the models of nothing) stays under 500 MB with it.
MEMORY_MIB = 192
_THREADS = 2

Value = str | int | float | bool | None | list[str] | list[int] | list[float]
"""What a query's parameter can be."""

# Folders of a run and the view that each becomes.
_TABLES = ("trails", "documents", "dropped", "signatures", "decisions", "repeated")

# The columns that every subset's trails have; a run that lacks one is none of ours.
_NEEDED = ("document_id", "verdict", "dropped_by", "reason", "decisions")


@dataclass(frozen=True, slots=True)
class RunStage:
    """One stage of the run.

    Attributes:
        name: Its name.
        enabled: False when the recipe switched it off.
        reads: What it looks at, as ``pipelines.stages.StageKind`` names it; empty when no recipe
            tells.
        settings: The filter, as a value; None when no recipe tells.
    """

    name: str
    enabled: bool
    reads: str = ""
    settings: Any = None


class AuditRun:
    """One finished run, opened for questions; safe to ask from several threads.

    Tables, as SQL names for the modules of this package: ``trails``, ``documents``, ``dropped``,
    ``signatures``. A table that the run hasn't is missing from ``tables``. ``trails`` has, besides
    its own columns, ``site`` (the URL's host without ``www.``) and ``source_bytes``; ``url`` of a
    record without one is what it's called by, such as repository and path.

    Args:
        place: Where it is.
        manifest: Its manifest.
        recipe: Its recipe as plain data; empty when there's none.
        memory_mib: What DuckDB may hold.
    """

    def __init__(
        self,
        place: Place,
        manifest: Mapping[str, Any],
        recipe: Mapping[str, Any],
        memory_mib: int = MEMORY_MIB,
    ) -> None:
        self.place = place
        self.manifest = manifest
        self.plain_recipe = recipe
        self._scratch = tempfile.TemporaryDirectory(prefix="proofmill-audit-")
        # In a file, where DuckDB compresses tables and pages them out.
        self._database = duckdb.connect(
            str(Path(self._scratch.name) / "scratch.duckdb"),
            config={
                "memory_limit": f"{memory_mib}MiB",
                "threads": _THREADS,
                "temp_directory": self._scratch.name,
                "preserve_insertion_order": False,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        self._local = threading.local()
        self._lock = threading.Lock()
        self._cache: dict[Any, Any] = {}
        self._locks: dict[Any, threading.Lock] = {}
        self._files = self._listed_files()
        self.tables = frozenset((*self._files, "trails"))
        self._cursor()

    # ---- what it is -----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """How a person calls it: the folder, or its address."""
        return str(self.place)

    @property
    def title(self) -> str:
        """What a picture or a page of it is headed with."""
        counts = self.manifest["counts"]
        records = counts.get("records", counts.get("documents", 0))
        name = self.manifest.get("recipe", {}).get("name", self.kind)
        return f"{name}: {records:,} records, {counts['kept']:,} kept"

    @property
    def kind(self) -> str:
        """``run``, or ``deduplication`` for what ``proofmill dedup`` left."""
        return str(self.manifest.get("kind", "run"))

    @functools.cached_property
    def recipe(self) -> Recipe | None:
        """The recipe with its filters; None for a deduplication, or one that this version can't
        read."""
        try:
            return Recipe.model_validate(dict(self.plain_recipe)) if self.plain_recipe else None
        except ValueError:
            return None

    def needed_recipe(self) -> Recipe:
        """The recipe.

        Raises:
            NotAnswerable: There's none, or this version can't read it.
        """
        if self.recipe is None:
            raise NotAnswerable(f"{self.name} has no recipe that this version can read")
        return self.recipe

    @functools.cached_property
    def stages(self) -> tuple[RunStage, ...]:
        """The stages in order, as far as the manifest and the recipe tell."""
        named = [
            RunStage(entry["name"], entry["enabled"])
            if isinstance(entry, dict)
            else RunStage(entry, True)
            for entry in self.manifest.get("stages", ())
        ]
        try:
            built = {stage.name: stage for stage in self.recipe.built()} if self.recipe else {}
        except RecipeError:
            built = {}
        return tuple(
            RunStage(
                stage.name,
                stage.enabled,
                built[stage.name].kind.reads,
                built[stage.name].settings,
            )
            if stage.name in built
            else stage
            for stage in named
        )

    def columns(self, table: str) -> list[str]:
        """The names of a table's columns; none when the run hasn't the table."""
        if table not in self.tables:
            return []
        names: list[str] = self.cached(
            ("columns", table), lambda: [row[0] for row in self.rows(f"DESCRIBE {table}")]
        )
        return names

    # ---- asking ---------------------------------------------------------------------------------

    def rows(self, sql: str, parameters: Sequence[Value] = ()) -> list[tuple[Any, ...]]:
        """A query's rows. ``sql`` is this package's own; what a user gave is a parameter."""
        found: list[tuple[Any, ...]] = self._execute(sql, parameters).fetchall()
        return found

    def mappings(self, sql: str, parameters: Sequence[Value] = ()) -> list[dict[str, Any]]:
        """A query's rows by the names of their columns."""
        answer = self._execute(sql, parameters)
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def arrow(self, sql: str, parameters: Sequence[Value] = ()) -> pa.Table:
        """A query's rows as an Arrow table."""
        return self._cursor().sql(sql, params=list(parameters)).to_arrow_table()

    def one(self, sql: str, parameters: Sequence[Value] = ()) -> tuple[Any, ...]:
        """The only row of a query."""
        (row,) = self.rows(sql, parameters)
        return row

    @contextmanager
    def scratch_table(
        self, sql: str, parameters: Sequence[Value] = (), **tables: pa.Table
    ) -> Iterator[str]:
        """A query's rows as a table of their own, for the time of the block.

        Args:
            sql: The query.
            parameters: Its parameters.
            tables: Arrow tables that the query names.
        """
        cursor = self._cursor()
        name = f"scratch_{uuid.uuid4().hex}"
        for given, table in tables.items():
            cursor.register(given, table)
        try:
            self._execute(f"CREATE TEMP TABLE {name} AS {sql}", parameters)
            yield name
        finally:
            for given in tables:
                cursor.unregister(given)
            cursor.execute(f"DROP TABLE IF EXISTS {name}")

    @contextmanager
    def beside(self, other: AuditRun) -> Iterator[None]:
        """Another run's tables, their names after ``other_``, for the time of the block."""
        other.attach(self._cursor(), "other_")
        try:
            yield
        finally:
            for table in other.tables:
                self._cursor().execute(f"DROP VIEW IF EXISTS other_{table}")

    def cached(self, key: Any, answer: Any) -> Any:
        """What ``answer`` gives, computed once by whoever asks first: a finished run doesn't
        change."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._cache:
                self._cache[key] = answer()
            return self._cache[key]

    def forget(self, *kept: Any) -> None:
        """Lets go of answers that were kept; those of the keys that are named stay."""
        with self._lock:
            self._cache = {key: value for key, value in self._cache.items() if key in kept}

    def _execute(self, sql: str, parameters: Sequence[Value]) -> Any:
        try:
            return self._cursor().execute(sql, list(parameters))
        except duckdb.IOException as error:
            raise OSError(f"{self.name}: {error}") from error
        except duckdb.OutOfMemoryException as error:
            raise AuditError(f"{self.name}: the question needs more memory: {error}") from error

    def _cursor(self) -> Any:
        """This thread's connection to the one database, with the run's tables."""
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._database.cursor()
            self.attach(cursor)
            self._local.cursor = cursor
        return cursor

    def close(self) -> None:
        """Lets go of files and memory."""
        self._database.close()
        self._scratch.cleanup()

    def __enter__(self) -> AuditRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- tables ---------------------------------------------------------------------------------

    def _listed_files(self) -> dict[str, list[str]]:
        """The Parquet files of each table, as the manifest lists them."""
        files: dict[str, list[str]] = {}
        for entry in self.manifest.get("files", ()):
            path = PurePosixPath(str(entry["path"]))
            if path.is_absolute() or ".." in path.parts:
                raise NotARun(f"{self.name}: its manifest lists {path}, outside of the run")
            if path.suffix == ".parquet" and path.parts[0] in _TABLES:
                files.setdefault(path.parts[0], []).append(path.as_posix())
        needed = "decisions" if self.kind == "deduplication" else "trails"
        if needed not in files:
            raise NotARun(f"{self.name}: its manifest lists no {needed}")
        return files

    def attach(self, cursor: Any, prefix: str = "") -> None:
        """Makes a view of every table that the run has; views are a connection's own.

        Args:
            cursor: The connection.
            prefix: What every view's name begins with.
        """
        raw = f"{prefix}raw_"
        for table, paths in self._files.items():
            self.place.attach(cursor, f"{raw}{table}", sorted(paths))
            if table != "trails":
                cursor.execute(
                    f"CREATE OR REPLACE TEMP VIEW {prefix}{table} AS SELECT * FROM {raw}{table}"
                )
        if self.kind == "deduplication":
            trails = decisions_of_dedup(f"{raw}decisions")
        else:
            names = [row[0] for row in cursor.execute(f"DESCRIBE {raw}trails").fetchall()]
            missing = [name for name in _NEEDED if name not in names]
            if missing:
                raise NotARun(f"{self.name}: its trails have no column {', '.join(missing)}")
            every = f"* REPLACE ({address_sql(names)} AS url)" if "url" in names else "*"
            trails = f"SELECT {every}, {', '.join(_added_columns(names))} FROM {raw}trails"
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW {prefix}trails AS {trails}")


def _added_columns(names: Sequence[str]) -> list[str]:
    added = [f"{site_sql('url')} AS site" if "url" in names else "'' AS site"]
    if "source_bytes" not in names:
        # Version 1 of the schema called it so.
        added.append(f"{'html_bytes' if 'html_bytes' in names else '0::BIGINT'} AS source_bytes")
    return added


def open_run(where: str | Path, *, memory_mib: int = MEMORY_MIB) -> AuditRun:
    """Opens a finished run.

    Args:
        where: Its folder, or its ``s3://`` address.
        memory_mib: What DuckDB may hold; what needs more goes to a temporary folder.

    Raises:
        NotARun: There's no manifest, or it's no run's.
        OSError: It can't be read.
    """
    place = place_of(where)
    manifest = _read_json(place, "manifest.json")
    recipe_text = place.read_text("recipe.yaml")
    try:
        recipe = yaml.safe_load(recipe_text) if recipe_text else {}
    except yaml.YAMLError:
        recipe = {}
    return AuditRun(place, manifest, recipe if isinstance(recipe, dict) else {}, memory_mib)


def _read_json(place: Place, name: str) -> Mapping[str, Any]:
    import json

    text = place.read_text(name)
    if text is None:
        hint = "" if isinstance(place, LocalPlace) else " (or it can't be reached)"
        raise NotARun(f"{place} has no {name}: no run, or one that hasn't finished{hint}")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise NotARun(f"{place}: {name} is not JSON: {error}") from error
    if not isinstance(content, dict) or "files" not in content:
        raise NotARun(f"{place}: {name} lists no files, it's no run's")
    return content
