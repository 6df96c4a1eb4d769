"""A run from beginning to end: plan, phases, what is left to do after a kill."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import apache_beam as beam
import structlog
import yaml

from pipelines.card import make_card, write_card
from pipelines.deduplication.earlier import earlier_signatures, import_signatures
from pipelines.deduplication.folder import DeduplicationFolder
from pipelines.deduplication.index import Index, IndexedTask
from pipelines.deduplication.stages import Deduplication
from pipelines.engine import Engine
from pipelines.errors import ConservationError, EngineFailed, InputFilesFailed, OtherRun
from pipelines.files import address_of, listed, remove, remove_tree
from pipelines.funnel import FunnelStage, draw_funnel
from pipelines.inputs import InputFile
from pipelines.language_funnels import draw_language_funnels
from pipelines.manifest import make_manifest, manifest_funnel, summed_tally
from pipelines.phases import Phase, ReadTasks, WriteShards, plan_of
from pipelines.plan import Plan, make_plan
from pipelines.progress import Display, Tally
from pipelines.recipe import Recipe
from pipelines.run_directory import RunDirectory, write_atomically
from pipelines.subsets import subset_of
from pipelines.token_counts import token_counter
from pipelines.writing import shard_count

__all__ = ["Outcome", "Run"]

# A worker that dies takes its phase with it; what it had committed stays. As long as a new attempt
# commits something, it is worth making; a task that kills every worker is not.
_FRUITLESS_ATTEMPTS = 2
# Below this much input one process is done before two have started (measured: workers take 5 s).
_PARALLEL_BYTES = 24 << 20
_PARALLEL_TEXT_BYTES = 64 << 20


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
        output: The folder; of a remote one its mirror, as ``folder_at`` gives it.
        engine: What runs the phases.
        against: Finished runs whose documents are there already; copies of them are dropped.
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
        against: Sequence[Path] = (),
        display: Literal["live", "json", "quiet"] = "live",
        fresh: bool = False,
        keep_work: bool = False,
        command: str = "",
    ) -> None:
        self._recipe = recipe
        self._subset = subset_of(recipe.subset)
        self._against = [RunDirectory(path.resolve()) for path in against]
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
            ModelNotFound, RecipeError, InputError: Before any work, when a stage can't work.
            OtherRun, RunLocked: The folder is another run's, or in use.
            InputFilesFailed, EngineFailed, ConservationError, OSError: The run can be resumed.
        """
        self._recipe.check()
        self._subset.check(self._recipe)
        self._earlier = earlier_signatures(self._against, self._recipe.deduplication.near)
        with self._directory.locked():
            if self._fresh:
                self._directory.clear()
            plan = self._planned()
            finished = self._finished(plan)
            if finished is not None:
                return finished
            started = time.monotonic()
            resumed = len(self._tasks_read(plan))
            self._log.info("run started", tasks=len(plan.tasks), resumed_tasks=resumed)
            self._read(plan)
            duplicates = self._find_duplicates(plan)
            shards = self._write(plan)
            seconds = time.monotonic() - started
            manifest = self._finish(plan, duplicates, shards, seconds, resumed)
            self._log.info("run finished", **manifest["counts"])
            return Outcome(manifest, manifest_funnel(manifest), resumed, False)

    # ---- plan -----------------------------------------------------------------------------------

    def _planned(self) -> Plan:
        directory = self._directory
        against = [file.sha256 for file in self._earlier]
        plan = make_plan(self._recipe, self._inputs, against)
        before = directory.read_json(directory.plan)
        if before is not None:
            self._refuse_other(before, plan)
            removed = directory.remove_stale()
            if removed:
                self._log.info("removed half-written files of an earlier start", files=removed)
            self._undo_damaged(plan)
        else:
            directory.work.mkdir(parents=True, exist_ok=True)
            text = yaml.safe_dump(plan.recipe, sort_keys=False, allow_unicode=True, width=100)
            with write_atomically(directory.recipe) as temporary:
                temporary.write_text(text, encoding="utf-8")
        directory.write_json(directory.plan, plan.to_json())
        plan_of.cache_clear()
        return plan

    def _refuse_other(self, before: dict[str, Any], plan: Plan) -> None:
        if before["fingerprint"] == plan.fingerprint:
            return
        now = plan.to_json()
        changed = [
            part
            for part in ("recipe_digest", "code", "models", "task_bytes", "against")
            if before.get(part) != now[part]
        ]
        sizes = ([(f["name"], f["size"]) for f in content["inputs"]] for content in (before, now))
        if next(sizes) != next(sizes):
            changed.append("inputs")
        raise OtherRun(
            f"{address_of(self._directory.root)} holds a run with other {', '.join(changed)}: "
            "choose another folder, or --fresh to delete what is there"
        )

    def _undo_damaged(self, plan: Plan) -> None:
        """Takes back finished work of an earlier start whose files are gone or changed."""
        directory = self._directory
        if directory.read_json(directory.manifest) is not None:
            # Of a finished run, that's for ``verify`` to find.
            return
        tasks = [n for n in self._tasks_read(plan) if directory.damaged(self._marker("read", n))]
        for number in tasks:
            remove(directory.marker("read", number))
        if tasks:
            DeduplicationFolder(directory.deduplication).forget()
            remove_tree(directory.work / "write")
            self._log.warning("files of finished tasks are damaged: read again", tasks=tasks)
        for path in listed(directory.work / "write", "*.json"):
            marker = directory.read_json(path)
            if "files" in marker and directory.damaged(marker):
                remove(path)
                self._log.warning("files of a shard are damaged: written again", shard=path.stem)

    def _finished(self, plan: Plan) -> Outcome | None:
        manifest = self._directory.read_json(self._directory.manifest)
        if manifest is None or manifest["fingerprint"] != plan.fingerprint:
            return None
        return Outcome(manifest, manifest_funnel(manifest), len(plan.tasks), True)

    # ---- phase 1 --------------------------------------------------------------------------------

    def _read(self, plan: Plan) -> None:
        tasks = range(len(plan.tasks))
        failures: dict[int, str] = {}

        for number in tasks:
            # Of an earlier start; this one may succeed.
            remove(self._directory.failure(number))

        def missing() -> list[tuple[int, int]]:
            done = set(self._directory.done("read", tasks))
            return [(n, -1) for n in tasks if n not in done and n not in failures]

        self._phase(self._subset.reading, plan, missing, failures)
        while repairs := self._misread(plan, failures):
            self._log.info("ranges read again from their true beginning", tasks=len(repairs))
            for number, _ in repairs:
                remove(self._directory.marker("read", number))

            def remaining(repairs: list[tuple[int, int]] = repairs) -> list[tuple[int, int]]:
                done = self._directory.done("read", [number for number, _ in repairs])
                return [(n, start) for n, start in repairs if n not in done]

            self._phase("Read again", plan, remaining, failures)
        if failures:
            self._directory.write_json(
                self._failed,
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
                    self._run_phase(
                        label,
                        _interleaved(elements),
                        ReadTasks,
                        parallel=todo >= _PARALLEL_BYTES,
                    )
            except EngineFailed as error:
                error.raise_if_disk_full()
                left = pending()
                fruitless = fruitless + 1 if len(left) == len(elements) else 0
                self._log.warning("a worker ended", error=str(error)[:500], tasks_left=len(left))
                if fruitless >= _FRUITLESS_ATTEMPTS or not error.worker_lost:
                    raise
                continue
            for number, _ in pending():
                failures[number] = self._failure(number)
            return

    def _failure(self, number: int) -> str:
        """Why a task has no marker."""
        reason: str | None = self._directory.read_json(self._directory.failure(number))
        if reason is None:
            raise ConservationError(f"task {number} left neither a result nor a reason")
        return reason

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
        """How many documents each stage that looks for duplicates drops."""
        stages = self._recipe.deduplication
        if not stages:
            return {}
        markers = self._read_markers(plan)
        index = Index(
            (
                *import_signatures(self._earlier, self._directory.work / "earlier", stages.near),
                *(IndexedTask(**marker["index"]) for marker in markers if marker["index"]),
            )
        )
        return Deduplication(
            self._directory.deduplication, stages, self._run_transform, local=self._engine.local
        ).find(index)

    # ---- phase 3 --------------------------------------------------------------------------------

    def _write(self, plan: Plan) -> list[dict[str, Any]]:
        text_bytes = sum(marker["text_bytes"] for marker in self._read_markers(plan))
        count = shard_count(text_bytes, self._recipe.output.shard_bytes)
        done = self._directory.done("write", range(count))
        missing = [(number, count) for number in range(count) if number not in done]
        if missing:
            self._run_phase(
                "Write shards", missing, WriteShards, parallel=text_bytes >= _PARALLEL_TEXT_BYTES
            )
        return [self._marker("write", number) for number in range(count)]

    def _run_phase(
        self, label: str, elements: Sequence[Any], phase: type[Phase], *, parallel: bool
    ) -> None:
        self._run_transform(label, elements, phase(str(self._directory.root)), parallel=parallel)

    def _run_transform(
        self, label: str, elements: Sequence[Any], transform: beam.PTransform, *, parallel: bool
    ) -> None:
        self._metrics |= self._engine.run(
            label, elements, transform, log=self._directory.engine_log, parallel=parallel
        )

    # ---- end ------------------------------------------------------------------------------------

    def _finish(
        self,
        plan: Plan,
        duplicates: dict[str, int],
        shards: list[dict[str, Any]],
        seconds: float,
        resumed: int,
    ) -> dict[str, Any]:
        """Checks that nothing went missing, and writes the pictures and the manifest."""
        directory = self._directory
        manifest = make_manifest(
            self._recipe,
            plan,
            self._read_markers(plan),
            shards,
            duplicates=duplicates,
            failed_inputs=directory.read_json(self._failed) or {},
        )
        manifest["run"] = {
            "command": self._command,
            "engine": self._engine.description,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 2),
            "resumed_tasks": resumed,
            "against": [address_of(run.root) for run in self._against],
            "beam_metrics": dict(sorted(self._metrics.items())),
        }
        counts = manifest["counts"]
        title = f"{self._recipe.name}: {counts['records']:,} records, {counts['kept']:,} kept"
        for suffix in ("png", "svg"):
            draw_funnel(manifest_funnel(manifest), title, directory.root / f"funnel.{suffix}")
        self._write_card(manifest)
        directory.publish_shown()
        directory.write_json(directory.manifest, manifest)
        if not self._keep_work:
            remove_tree(directory.work)
        return manifest

    def _write_card(self, manifest: dict[str, Any]) -> None:
        """The data card, of subsets that have what it tells documents apart by."""
        group = self._subset.layout.group
        if not group:
            return
        directory, tokenizer = self._directory, self._recipe.output.tokenizer
        card = make_card(
            directory,
            self._recipe.name,
            group,
            manifest["files"],
            token_counter(tokenizer) if tokenizer else None,
            Path(tokenizer).name,
        )
        write_card(directory, card)
        stages = [stage.name for stage in self._recipe.built() if stage.enabled]
        draw_language_funnels(card, stages, directory.root / "funnel-languages.png")

    @property
    def _failed(self) -> Path:
        return self._directory.work / "failed.json"

    def _marker(self, phase: str, number: int) -> dict[str, Any]:
        marker: dict[str, Any] | None = self._directory.read_json(
            self._directory.marker(phase, number)
        )
        if marker is None:
            raise ConservationError(f"phase {phase} ended without its part {number}")
        return marker

    def _read_markers(self, plan: Plan) -> list[dict[str, Any]]:
        """The markers of the tasks that are read, in order."""
        return [self._marker("read", n) for n in self._tasks_read(plan)]

    def _tasks_read(self, plan: Plan) -> list[int]:
        return self._directory.done("read", range(len(plan.tasks)))

    def _tally(self, plan: Plan) -> Tally:
        return summed_tally(self._read_markers(plan))


def _interleaved(elements: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Tasks in an order that mixes files: workers get fixed shares of the list, and a costly file
    should not be all in one share."""
    return sorted(elements, key=lambda element: (element[0] * 2654435761) % 2**32)
