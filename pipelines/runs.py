"""A run from beginning to end: plan, phases, conservation of counts, manifest."""

from __future__ import annotations

import errno
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import structlog
import yaml

from filters.exact_duplicates import ExactDuplicates
from pipelines.duplicates import PARTITIONS
from pipelines.engine import Engine
from pipelines.errors import ConservationError, EngineFailed, InputFilesFailed, OtherRun
from pipelines.funnel import FunnelStage, draw_funnel, funnel_of
from pipelines.inputs import InputFile
from pipelines.plan import Plan, make_plan
from pipelines.progress import Display, Tally
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory
from pipelines.web import FindDuplicates, ReadArchives, WriteShards, plan_of
from pipelines.writing import shard_count

__all__ = [
    "Outcome",
    "Run",
    "manifest_funnel",
]

MANIFEST_VERSION = 1

# A worker that dies takes its phase with it; what it had committed stays. As long as a new attempt
# commits something, it is worth making; a task that kills every worker is not.
_FRUITLESS_ATTEMPTS = 2
# Below this much input one process is done before two have started (measured: workers take 5 s).
_PARALLEL_BYTES = 24 << 20
_PARALLEL_TEXT_BYTES = 64 << 20
_PARALLEL_KEYS = 2_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left.

    Attributes:
        manifest: The manifest's content.
        funnel: The funnel.
        resumed_tasks: Tasks that an earlier start had finished.
        already_complete: True when there was nothing left to do.
    """

    manifest: dict[str, Any]
    funnel: list[FunnelStage]
    resumed_tasks: int
    already_complete: bool


class Run:
    """One run of a recipe over inputs into a folder.

    Args:
        recipe: The recipe.
        inputs: The files.
        output: The folder.
        engine: What runs the phases.
        display: How progress is shown.
        fresh: Whether to clear what an earlier run left, instead of resuming it.
        keep_work: Whether intermediate files stay.
        command: The command line, for the manifest.
    """

    def __init__(
        self,
        recipe: Recipe,
        inputs: Sequence[InputFile],
        output: Path,
        engine: Engine,
        *,
        display: Literal["live", "json", "quiet"] = "live",
        fresh: bool = False,
        keep_work: bool = False,
        command: str = "",
    ) -> None:
        self._recipe = recipe
        self._inputs = inputs
        self._directory = RunDirectory(output.resolve())
        self._engine = engine
        self._display = display
        self._fresh = fresh
        self._keep_work = keep_work
        self._command = command
        self._metrics: dict[str, Any] = {}
        self._log = structlog.get_logger().bind(run=str(output))

    def execute(self) -> Outcome:
        """Runs what isn't finished yet.

        Raises:
            ModelNotFound, RecipeError: Before any work, when a stage can't work.
            OtherRun, RunLocked: The folder is another run's, or in use.
            InputFilesFailed, EngineFailed, ConservationError, OSError: The run can be resumed.
        """
        self._recipe.check()
        with self._directory.locked():
            if self._fresh:
                self._directory.clear()
            plan = self._planned()
            finished = self._finished(plan)
            if finished is not None:
                return finished
            started = time.monotonic()
            resumed = len(self._done("read", range(len(plan.tasks))))
            self._log.info("run started", tasks=len(plan.tasks), resumed_tasks=resumed)
            self._read(plan)
            duplicates = self._find_duplicates(plan)
            shards = self._write(plan)
            manifest = self._manifest(plan, duplicates, shards, time.monotonic() - started, resumed)
            self._log.info("run finished", **manifest["counts"])
            return Outcome(manifest, manifest_funnel(manifest), resumed, False)

    # ---- plan -----------------------------------------------------------------------------------

    def _planned(self) -> Plan:
        directory = self._directory
        plan = make_plan(self._recipe, self._inputs)
        if directory.plan.exists():
            self._refuse_other(json.loads(directory.plan.read_text("utf-8")), plan)
            removed = directory.remove_stale()
            if removed:
                self._log.info("removed half-written files of an earlier start", files=removed)
        else:
            directory.work.mkdir(parents=True, exist_ok=True)
            text = yaml.safe_dump(plan.recipe, sort_keys=False, allow_unicode=True, width=100)
            directory.recipe.write_text(text, encoding="utf-8")
        directory.write_json(directory.plan, plan.to_json())
        plan_of.cache_clear()
        return plan

    def _refuse_other(self, before: dict[str, Any], plan: Plan) -> None:
        if before["fingerprint"] == plan.fingerprint:
            return
        now = plan.to_json()
        changed = [
            part
            for part in ("recipe_digest", "code", "models", "task_bytes")
            if before.get(part) != now[part]
        ]
        sizes = ([(f["name"], f["size"]) for f in content["inputs"]] for content in (before, now))
        if next(sizes) != next(sizes):
            changed.append("inputs")
        raise OtherRun(
            f"{self._directory.root} holds a run with other {', '.join(changed)}: "
            "choose another folder, or --fresh to delete what is there"
        )

    def _finished(self, plan: Plan) -> Outcome | None:
        if not self._directory.manifest.exists():
            return None
        manifest = json.loads(self._directory.manifest.read_text("utf-8"))
        if manifest["fingerprint"] != plan.fingerprint:
            return None
        return Outcome(manifest, manifest_funnel(manifest), len(plan.tasks), True)

    # ---- phase 1 --------------------------------------------------------------------------------

    def _read(self, plan: Plan) -> None:
        tasks = range(len(plan.tasks))
        failures: dict[int, str] = {}

        def missing() -> list[tuple[int, int]]:
            done = self._done("read", tasks)
            return [(n, -1) for n in tasks if n not in done and n not in failures]

        self._phase("Read WARC records", plan, missing, failures)
        while repairs := self._misread(plan, failures):
            self._log.info("ranges read again from their true beginning", tasks=len(repairs))
            for number, _ in repairs:
                self._directory.marker("read", number).unlink()

            def remaining(repairs: list[tuple[int, int]] = repairs) -> list[tuple[int, int]]:
                done = self._done("read", [number for number, _ in repairs])
                return [(n, start) for n, start in repairs if n not in done]

            self._phase("Read again", plan, remaining, failures)
        if failures:
            self._directory.write_json(
                self._directory.work / "failed.json",
                {plan.tasks[n].name: why for n, why in sorted(failures.items())},
            )
            if not self._recipe.input.tolerate_failed_files:
                shown = "\n".join(sorted(set(failures.values()))[:10])
                raise InputFilesFailed(
                    f"{len(failures)} range(s) couldn't be read; the others are done:\n{shown}"
                )

    def _phase(
        self,
        label: str,
        plan: Plan,
        pending: Callable[[], list[tuple[int, int]]],
        failures: dict[int, str],
    ) -> None:
        """Runs the pending tasks; goes on after a worker's death as long as work gets done."""
        fruitless = 0
        while elements := pending():
            total = sum(task.end - task.start for task in plan.tasks)
            todo = sum(plan.tasks[n].end - plan.tasks[n].start for n, _ in elements)
            display = Display(
                label, total, self._directory.progress, before=self._tally(plan), mode=self._display
            )
            try:
                with display:
                    metrics = self._engine.run(
                        label,
                        _interleaved(elements),
                        ReadArchives(str(self._directory.root)),
                        log=self._directory.engine_log,
                        parallel=todo >= _PARALLEL_BYTES,
                    )
                self._metrics |= metrics
            except EngineFailed as error:
                _raise_if_disk_full(error)
                left = pending()
                fruitless = fruitless + 1 if len(left) == len(elements) else 0
                self._log.warning("a worker ended", error=str(error)[:500], tasks_left=len(left))
                if fruitless >= _FRUITLESS_ATTEMPTS or not _worker_died(error):
                    raise
                continue
            left = pending()
            for number, _ in left:
                failures[number] = self._failure(plan, number)
            return

    def _failure(self, plan: Plan, number: int) -> str:
        """Why a task has no marker: its file is opened again, for the message."""
        from pipelines.inputs import open_source

        task = plan.tasks[number]
        try:
            open_source(task.uri).read_at(task.start, 1)
        except OSError as error:
            return f"{task.uri}: {error}"
        return f"{task.uri}: bytes {task.start} to {task.end} could not be read"

    def _misread(self, plan: Plan, failures: dict[int, str]) -> list[tuple[int, int]]:
        """Tasks whose first record isn't where the range before them ended: (task, true start).

        One is found per file and round, since what follows it hangs on how it ends.
        """
        repairs = []
        previous: dict[str, Any] | None = None
        broken: set[str] = set()
        for task in plan.tasks:
            if task.number in failures or task.name in broken:
                previous = None
                continue
            marker = self._marker("read", task.number)
            if task.start > 0 and previous is not None and marker["first"] != previous["next"]:
                repairs.append((task.number, previous["next"]))
                broken.add(task.name)
            previous = marker
        return repairs

    # ---- phase 2 --------------------------------------------------------------------------------

    def _find_duplicates(self, plan: Plan) -> dict[str, int]:
        marker = self._directory.marker("duplicates", 0)
        stage = next((s for s in self._recipe.built() if s.name == ExactDuplicates.name), None)
        if stage is None or not stage.enabled:
            return {"candidates": 0, "duplicates": 0, "clusters": 0}
        if not marker.exists():
            shutil.rmtree(marker.parent, ignore_errors=True)
            done = sorted(self._done("read", range(len(plan.tasks))))
            keys = sum(self._marker("read", n)["candidates"] for n in done)
            root = str(self._directory.root)
            self._metrics |= self._engine.run(
                "Find duplicates",
                done,
                FindDuplicates(root),
                log=self._directory.engine_log,
                parallel=keys > _PARALLEL_KEYS,
            )
            counts = self._duplicate_counts(keys)
            self._directory.write_json(marker, counts)
        content: dict[str, int] = json.loads(marker.read_text("utf-8"))
        return content

    def _duplicate_counts(self, keys: int) -> dict[str, int]:
        import pyarrow.parquet as pq

        duplicates = 0
        clusters: set[str] = set()
        for partition in range(PARTITIONS):
            path = self._directory.duplicates(partition)
            if path.exists():
                column = pq.read_table(path, columns=["kept_id"]).column("kept_id")
                duplicates += len(column)
                clusters.update(column.to_pylist())
        return {"candidates": keys, "duplicates": duplicates, "clusters": len(clusters)}

    # ---- phase 3 --------------------------------------------------------------------------------

    def _write(self, plan: Plan) -> list[dict[str, Any]]:
        read = [self._marker("read", n) for n in sorted(self._done("read", range(len(plan.tasks))))]
        text_bytes = sum(marker["text_bytes"] for marker in read)
        count = shard_count(text_bytes, self._recipe.output.shard_bytes)
        done = self._done("write", range(count))
        missing = [(number, count) for number in range(count) if number not in done]
        if missing:
            self._metrics |= self._engine.run(
                "Write shards",
                missing,
                WriteShards(str(self._directory.root)),
                log=self._directory.engine_log,
                parallel=text_bytes >= _PARALLEL_TEXT_BYTES,
            )
        return [self._marker("write", number) for number in range(count)]

    # ---- end ------------------------------------------------------------------------------------

    def _manifest(
        self,
        plan: Plan,
        duplicates: dict[str, int],
        shards: list[dict[str, Any]],
        seconds: float,
        resumed: int,
    ) -> dict[str, Any]:
        directory = self._directory
        read = [self._marker("read", n) for n in sorted(self._done("read", range(len(plan.tasks))))]
        tally = Tally()
        for marker in read:
            tally.add(marker["tally"])
        drops = tally.to_json()["drops"]
        removed = sum(shard["duplicates"] for shard in shards)
        if removed:
            drops[ExactDuplicates.name] = {"duplicate": removed}
        files = [file for marker in (*read, *shards) for file in marker["files"]]
        kept = sum(shard["kept"] for shard in shards)
        _assert_conserved(tally, read, duplicates, shards, files)
        stages = [(stage.name, stage.enabled) for stage in self._recipe.built()]
        funnel = funnel_of(tally.records, drops, stages)
        failed = directory.work / "failed.json"
        manifest: dict[str, Any] = {
            "manifest_version": MANIFEST_VERSION,
            "fingerprint": plan.fingerprint,
            "recipe": {"name": self._recipe.name, "sha256": plan.recipe_digest},
            "stages": [{"name": name, "enabled": enabled} for name, enabled in stages],
            "code": plan.code,
            "models": plan.models,
            "inputs": _input_entries(plan, read),
            "failed_inputs": json.loads(failed.read_text("utf-8")) if failed.exists() else {},
            "counts": {
                "records": tally.records,
                "kept": kept,
                "dropped": tally.records - kept,
                "duplicates": removed,
            },
            "record_types": _summed(marker["record_types"] for marker in read),
            "languages": _summed(marker["languages"] for marker in read),
            "drops": drops,
            "html_bytes": _html_bytes(read),
            "text_bytes": sum(shard["text_bytes"] for shard in shards),
            "formulas": {
                name: _summed(shard["formulas"][name] for shard in shards)
                for name in ("formulas_found", "formulas_kept")
            },
            "files": sorted(files, key=lambda file: file["path"]),
            "run": {
                "command": self._command,
                "engine": self._engine.description,
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(seconds, 2),
                "resumed_tasks": resumed,
                "beam_metrics": dict(sorted(self._metrics.items())),
            },
        }
        title = f"{self._recipe.name}: {tally.records:,} records, {kept:,} documents kept"
        for suffix in ("png", "svg"):
            draw_funnel(funnel, title, directory.root / f"funnel.{suffix}")
        directory.write_json(directory.manifest, manifest)
        if not self._keep_work:
            shutil.rmtree(directory.work, ignore_errors=True)
        return manifest

    def _done(self, phase: str, numbers: Iterable[int]) -> set[int]:
        return {n for n in numbers if self._directory.marker(phase, n).exists()}

    def _marker(self, phase: str, number: int) -> dict[str, Any]:
        marker = self._directory.read_marker(phase, number)
        if marker is None:
            raise ConservationError(f"phase {phase} ended without its part {number}")
        return marker

    def _tally(self, plan: Plan) -> Tally:
        total = Tally()
        for number in self._done("read", range(len(plan.tasks))):
            total.add(self._marker("read", number)["tally"])
        return total


def manifest_funnel(manifest: dict[str, Any]) -> list[FunnelStage]:
    """The funnel that a manifest tells."""
    stages = [(stage["name"], stage["enabled"]) for stage in manifest["stages"]]
    return funnel_of(manifest["counts"]["records"], manifest["drops"], stages)


def _interleaved(elements: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Tasks in an order that mixes files: workers get fixed shares of the list, and a costly file
    should not be all in one share."""
    return sorted(elements, key=lambda element: (element[0] * 2654435761) % 2**32)


def _worker_died(error: EngineFailed) -> bool:
    """Whether a worker process was lost, rather than code of ours raising."""
    return "Channel closed" in str(error) or "exited" in str(error)


def _raise_if_disk_full(error: EngineFailed) -> None:
    if "No space left on device" in str(error) or f"Errno {errno.ENOSPC}]" in str(error):
        raise OSError(errno.ENOSPC, "no space left for the run's files") from error


def _assert_conserved(
    tally: Tally,
    read: list[dict[str, Any]],
    duplicates: dict[str, int],
    shards: list[dict[str, Any]],
    files: list[dict[str, Any]],
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
        ("duplicates found and left out", duplicates["duplicates"], removed),
        ("candidates and documents with duplicates", candidates, kept + removed),
        ("records read and rows of the trails", tally.records, trails),
    ]
    for what, first, second in checks:
        if first != second:
            raise ConservationError(f"{what} differ: {first} and {second}")


def _input_entries(plan: Plan, read: list[dict[str, Any]]) -> list[dict[str, Any]]:
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


def _html_bytes(read: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Decoded page bytes by the stage and reason that dropped them; ``passed`` for the others."""
    total: dict[str, dict[str, int]] = {}
    for marker in read:
        for stage, reason, count in marker["html_bytes"]:
            reasons = total.setdefault(stage or "passed", {})
            reasons[reason or "passed"] = reasons.get(reason or "passed", 0) + count
    return {stage: dict(sorted(reasons.items())) for stage, reasons in sorted(total.items())}
