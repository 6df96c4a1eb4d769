"""The manifest of a run: what it counted, proved to add up, and the digest of every file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from pipelines.deduplication.index import scheme_of
from pipelines.errors import ConservationError
from pipelines.funnel import FunnelStage, funnel_of
from pipelines.plan import Plan
from pipelines.progress import Tally
from pipelines.recipe import Recipe

__all__ = ["MANIFEST_VERSION", "make_manifest", "manifest_funnel", "summed_tally"]

MANIFEST_VERSION = 1

_Markers = Sequence[dict[str, Any]]


def make_manifest(
    recipe: Recipe,
    plan: Plan,
    read: _Markers,
    shards: _Markers,
    *,
    duplicates: dict[str, int],
    failed_inputs: dict[str, str],
) -> dict[str, Any]:
    """All of a manifest but ``run``, which says what differs between two runs of the same bytes.

    Args:
        recipe: The run's recipe.
        plan: Its plan.
        read: The markers of its read tasks.
        shards: The markers of its shards.
        duplicates: How many duplicates each stage found.
        failed_inputs: Inputs that couldn't be read, with the reason.

    Raises:
        ConservationError: Records went missing between two stages.
    """
    tally = summed_tally(read)
    files = [file for marker in (*read, *shards) for file in marker["files"]]
    removed = sum(duplicates.values())
    _assert_conserved(tally, read, removed, shards, files)
    drops = tally.to_json()["drops"]
    drops |= {stage: {"duplicate": count} for stage, count in duplicates.items() if count}
    kept = sum(shard["kept"] for shard in shards)
    near = recipe.deduplication.near
    return {
        "manifest_version": MANIFEST_VERSION,
        "fingerprint": plan.fingerprint,
        "subset": recipe.subset,
        "recipe": {"name": recipe.name, "sha256": plan.recipe_digest},
        "stages": [{"name": stage.name, "enabled": stage.enabled} for stage in recipe.built()],
        "code": plan.code,
        "models": plan.models,
        "signatures": {"scheme": scheme_of(near) if near else ""},
        "inputs": _input_entries(plan, read),
        "failed_inputs": failed_inputs,
        "counts": {
            "records": tally.records,
            "kept": kept,
            "dropped": tally.records - kept,
            "duplicates": removed,
        },
        "record_types": _summed(marker["record_types"] for marker in read),
        "languages": _summed(marker["languages"] for marker in read),
        "drops": drops,
        "source_bytes": _source_bytes(read),
        "splits": _summed(shard["splits"] for shard in shards),
        "text_bytes": sum(shard["text_bytes"] for shard in shards),
        "formulas": {
            name: _summed(shard["formulas"][name] for shard in shards)
            for name in ("formulas_found", "formulas_kept")
        },
        "files": sorted(files, key=lambda file: file["path"]),
    }


def manifest_funnel(manifest: dict[str, Any]) -> list[FunnelStage]:
    """The funnel that a manifest tells."""
    stages = [(stage["name"], stage["enabled"]) for stage in manifest["stages"]]
    return funnel_of(manifest["counts"]["records"], manifest["drops"], stages)


def summed_tally(read: _Markers) -> Tally:
    """What the tasks counted, together."""
    total = Tally()
    for marker in read:
        total.add(marker["tally"])
    return total


def _assert_conserved(
    tally: Tally,
    read: _Markers,
    duplicates: int,
    shards: _Markers,
    files: _Markers,
) -> None:
    """Records in = rows of the trails, and every stage passes on what it got."""
    candidates = sum(marker["candidates"] for marker in read)
    trails = sum(file["rows"] for file in files if file["path"].startswith("trails/"))
    gathered = sum(shard["candidates"] for shard in shards)
    removed = sum(shard["duplicates"] for shard in shards)
    kept = sum(shard["kept"] for shard in shards)
    checks = [
        ("records read and kept or dropped", tally.records, tally.kept + tally.drops.total()),
        ("records that passed and candidates written", tally.kept, candidates),
        ("candidates and those gathered into shards", candidates, gathered),
        ("duplicates found and left out", duplicates, removed),
        ("candidates and documents with duplicates", candidates, kept + removed),
        ("records read and rows of the trails", tally.records, trails),
    ]
    for what, first, second in checks:
        if first != second:
            raise ConservationError(f"{what} differ: {first} and {second}")


def _input_entries(plan: Plan, read: _Markers) -> list[dict[str, Any]]:
    """Each input with its records and the digests of its ranges."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for marker in read:
        by_name.setdefault(marker["task"]["name"], []).append(marker)
    entries = []
    for item in plan.inputs:
        markers = by_name.get(item.name, [])
        entries.append(
            {
                **asdict(item),
                "records": sum(marker["tally"]["records"] for marker in markers),
                "range_bytes": plan.task_bytes,
                "xxh3_128": [marker["digest"] for marker in markers],
            }
        )
    return entries


def _summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for entry in counts:
        total.update(entry)
    return dict(sorted(total.items()))


def _source_bytes(read: _Markers) -> dict[str, dict[str, int]]:
    """Source bytes by the stage and reason that dropped them; ``passed`` for the others."""
    total: dict[str, dict[str, int]] = {}
    for marker in read:
        for stage, reason, count in marker["source_bytes"]:
            reasons = total.setdefault(stage or "passed", {})
            reasons[reason or "passed"] = reasons.get(reason or "passed", 0) + count
    return {stage: dict(sorted(reasons.items())) for stage, reasons in sorted(total.items())}
