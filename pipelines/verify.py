"""Proves that a run is what its manifest says, and that it can be made again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from pipelines.deduplication.corpus import CorpusRun
from pipelines.deduplication.manifest import MANIFEST_KIND
from pipelines.deduplication.parts import CorpusFile
from pipelines.deduplication.recipe import DeduplicationRecipe
from pipelines.engine import Engine
from pipelines.errors import NotARun
from pipelines.files import fetched, folder_at, listed, open_parquet
from pipelines.inputs import InputFile
from pipelines.plan import code_digest
from pipelines.recipe import Recipe
from pipelines.run_directory import OUTPUTS, SIDE_TABLES, RunDirectory, file_sha256
from pipelines.runs import Run
from pipelines.splits import split_of
from pipelines.subsets import subset_of
from pipelines.writing import shard_bounds
from schemas.signatures import DUPLICATE_DECISIONS
from schemas.version import SchemaMismatch, check_schema

__all__ = ["Verification", "verify_run"]


@dataclass(slots=True)
class Verification:
    """What was found.

    Attributes:
        checked: What held, in sentences.
        faults: What didn't.
    """

    checked: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """True when nothing was wrong."""
        return not self.faults


def verify_run(root: Path, *, regenerate: bool = False, workers: int = 0) -> Verification:
    """Checks a finished run against its manifest.

    Args:
        root: The run's folder.
        regenerate: Whether to make the run again from the recorded recipe and inputs in a scratch
            folder and compare every file's digest.
        workers: Worker processes for that.

    Raises:
        NotARun: There is no manifest.
    """
    run = RunDirectory(root)
    try:
        manifest: dict[str, Any] = json.loads(fetched(run.manifest).read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotARun(f"{root} has no manifest.json: no run, or one that isn't finished") from error
    found = Verification()
    _check_files(run, manifest, found)
    if found.holds and manifest.get("kind") == MANIFEST_KIND:
        _check_decisions(run, manifest, found)
    elif found.holds:
        _check_documents(run, manifest, found)
        _check_trails(run, manifest, found)
    if regenerate:
        _check_regeneration(run, manifest, found, workers)
    return found


def _check_files(run: RunDirectory, manifest: dict[str, Any], found: Verification) -> None:
    named = {file["path"]: file for file in manifest["files"]}
    present = {
        run.below(path)
        for kind in (*OUTPUTS, *SIDE_TABLES)
        for path in listed(run.root / kind, "*.parquet")
    }
    found.faults += [f"{path} is not in the manifest" for path in sorted(present - set(named))]
    for path, file in sorted(named.items()):
        if path not in present:
            found.faults.append(f"{path} is missing")
        elif file_sha256(fetched(run.root / path)) != file["sha256"]:
            found.faults.append(f"{path} has changed: its SHA-256 is not the manifest's")
    if not found.faults:
        found.checked.append(f"{len(named)} files have the manifest's SHA-256")


def _check_documents(run: RunDirectory, manifest: dict[str, Any], found: Verification) -> None:
    schema = subset_of(manifest["subset"]).layout.documents
    paths = [f["path"] for f in manifest["files"] if f["path"].startswith("documents/")]
    rows = 0
    splits = json.loads(fetched(run.plan).read_text("utf-8"))["recipe"]["output"]["splits"]
    for path in sorted(paths):
        table = _table(run, path, schema, ["document_id", "decisions"], found)
        if table is None:
            return
        ids = table.column("document_id").to_pylist()
        rows += len(ids)
        split, number, count = run.shard_place(path)
        low, high = shard_bounds(number, count)
        if splits and any(split_of(document_id, splits) != split for document_id in ids):
            found.faults.append(f"{path}: holds documents of another split")
        if ids != sorted(ids):
            found.faults.append(f"{path}: rows are not in order of document_id")
        if ids and not (low <= ids[0] and ids[-1] < high):
            found.faults.append(f"{path}: holds documents of another shard")
        for document_id, decisions in zip(ids, table.column("decisions").to_pylist(), strict=True):
            if any(entry["verdict"] != "keep" for entry in decisions):
                found.faults.append(f"{path}: {document_id} is kept against a decision")
    if rows != manifest["counts"]["kept"]:
        found.faults.append(f"{rows} documents, the manifest says {manifest['counts']['kept']}")
    found.checked.append(f"{rows:,} documents, in order, each in its shard, none against a drop")


def _check_trails(run: RunDirectory, manifest: dict[str, Any], found: Verification) -> None:
    layout = subset_of(manifest["subset"]).layout
    rows, kept = 0, 0
    drops: dict[str, dict[str, int]] = {}
    for file in manifest["files"]:
        if not file["path"].startswith("trails/"):
            continue
        table = _table(run, file["path"], layout.trails, ["verdict", "dropped_by", "reason"], found)
        if table is None:
            return
        for verdict, stage, reason in _rows(table):
            rows += 1
            if verdict == "keep":
                kept += 1
            else:
                reasons = drops.setdefault(stage, {})
                reasons[reason] = reasons.get(reason, 0) + 1
    if rows != manifest["counts"]["records"]:
        found.faults.append(f"{rows} trails, {manifest['counts']['records']} records were read")
    if kept != manifest["counts"]["kept"] or drops != manifest["drops"]:
        found.faults.append("the trails' verdicts don't add up to the manifest's counts")
    found.checked.append(f"{rows:,} trails, one a record; their verdicts add up to the manifest's")
    for file in manifest["files"]:
        if file["path"].startswith("dropped/"):
            _table(run, file["path"], layout.dropped_texts, ["document_id"], found)


def _check_decisions(run: RunDirectory, manifest: dict[str, Any], found: Verification) -> None:
    """Of a deduplication: each document has one decision, and those that stay are there."""
    rows, kept = 0, 0
    for file in manifest["files"]:
        if not file["path"].startswith("decisions/"):
            continue
        table = _table(run, file["path"], DUPLICATE_DECISIONS, ["verdict"], found)
        if table is None:
            return
        rows += table.num_rows
        kept += table.column("verdict").to_pylist().count("keep")
    counts = manifest["counts"]
    documents = sum(f["rows"] for f in manifest["files"] if f["path"].startswith("documents/"))
    if (rows, kept, documents) != (counts["documents"], counts["kept"], counts["kept"]):
        found.faults.append("decisions and documents don't add up to the manifest's counts")
    found.checked.append(f"{rows:,} decisions, one a document; {kept:,} documents stayed")


def _rows(table: pa.Table) -> Iterator[tuple[str, str, str]]:
    columns = [table.column(name).to_pylist() for name in table.column_names]
    yield from zip(*columns, strict=True)


def _table(
    run: RunDirectory, path: str, schema: pa.Schema, columns: list[str], found: Verification
) -> pa.Table | None:
    try:
        with open_parquet(run.root / path) as file:
            check_schema(file.schema_arrow, schema)
            table: pa.Table = file.read(columns=columns)
            return table
    except (SchemaMismatch, pa.ArrowException) as error:
        found.faults.append(f"{path}: {error}")
        return None


def _check_regeneration(
    run: RunDirectory, manifest: dict[str, Any], found: Verification, workers: int
) -> None:
    if manifest["code"]["sha256"] != code_digest():
        found.faults.append(
            f"this code is not the run's (version {manifest['code']['version']}): "
            "check out the code that made the run to regenerate it"
        )
        return
    with tempfile.TemporaryDirectory(prefix="proofmill-verify-") as scratch:
        if manifest.get("kind") == MANIFEST_KIND:
            again = _deduplicated(run, manifest, Path(scratch), workers)
        else:
            again = _run_again(run, manifest, Path(scratch), workers)
    for old, new in zip(manifest["inputs"], again["inputs"], strict=True):
        if old["xxh3_128"] != new["xxh3_128"]:
            found.faults.append(f"the input {old['name']} has changed since the run")
    before = {file["path"]: file["sha256"] for file in manifest["files"]}
    after = {file["path"]: file["sha256"] for file in again["files"]}
    different = sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )
    if different:
        found.faults.append(
            f"made again, {len(different)} files differ: {', '.join(different[:5])}"
        )
    else:
        found.checked.append(f"made again from recipe and input: {len(before)} files, same bytes")


def _run_again(
    run: RunDirectory, manifest: dict[str, Any], scratch: Path, workers: int
) -> dict[str, Any]:
    recipe = Recipe.model_validate(json.loads(fetched(run.plan).read_text("utf-8"))["recipe"])
    inputs = [InputFile(entry["name"], entry["uri"], entry["size"]) for entry in manifest["inputs"]]
    against = [folder_at(path) for path in manifest["run"]["against"]]
    engine = Engine(workers)
    again = Run(recipe, inputs, scratch, engine, against=against, display="quiet")
    return again.execute().manifest


def _deduplicated(
    run: RunDirectory, manifest: dict[str, Any], scratch: Path, workers: int
) -> dict[str, Any]:
    recipe = DeduplicationRecipe.model_validate(
        yaml.safe_load(fetched(run.recipe).read_text("utf-8"))
    )
    files = [
        CorpusFile(
            entry["subset"],
            entry["name"],
            str(folder_at(entry["uri"])),
            entry["size"],
            entry["rows"],
        )
        for entry in manifest["inputs"]
    ]
    against = [folder_at(path) for path in manifest["run"]["against"]]
    engine = Engine(workers)
    again = CorpusRun(recipe, files, scratch, engine, against=against, display="quiet")
    return again.execute().manifest
