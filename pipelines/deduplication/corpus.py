"""Deduplication of document Parquet: two passes over the text, one that signs and one that writes.

A run fills a folder: ``documents/`` with what stays, in the files and the order it came in,
``decisions/`` with a row a document, ``dropped/`` with texts of what went, ``signatures/`` by which
a later run can be held against this one, and ``manifest.json``.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import apache_beam as beam
import pyarrow as pa
import structlog
import yaml

from pipelines.deduplication.earlier import (
    EarlierSignatures,
    earlier_signatures,
    import_signatures,
)
from pipelines.deduplication.index import (
    Index,
    IndexedTask,
    IndexWriter,
)
from pipelines.deduplication.manifest import make_manifest, manifest_funnel
from pipelines.deduplication.parts import (
    CorpusFile,
    CorpusPart,
    entries_of,
    parts_of,
)
from pipelines.deduplication.progress import PhaseDisplay
from pipelines.deduplication.recipe import DeduplicationRecipe
from pipelines.deduplication.stages import Deduplication, repeated_paragraphs
from pipelines.deduplication.writing import write_part
from pipelines.engine import Engine
from pipelines.errors import ConservationError, InputError, OtherRun
from pipelines.files import address_of, remove_tree, size_of
from pipelines.funnel import FunnelStage, draw_funnel
from pipelines.parquet import write_table
from pipelines.plan import code_versions
from pipelines.run_directory import RunDirectory, write_atomically
from schemas.signatures import REPEATED_PARAGRAPHS

__all__ = ["CorpusRun", "DeduplicationOutcome"]

# Documents below which one process signs them before two have started.
_PARALLEL_BYTES = 48 << 20


@dataclass(frozen=True, slots=True)
class DeduplicationOutcome:
    """What a run left.

    Attributes:
        manifest: The manifest's content.
        funnel: Documents by stage.
        already_complete: True when there was nothing left to do.
    """

    manifest: dict[str, Any]
    funnel: list[FunnelStage]
    already_complete: bool


@dataclass(frozen=True, slots=True)
class _Job:
    """What every worker needs to know; equal fingerprints give equal bytes."""

    root: str
    recipe: dict[str, Any]
    parts: tuple[CorpusPart, ...]

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory(Path(self.root))


class CorpusRun:
    """One deduplication of some Parquet files into a folder.

    Args:
        recipe: The recipe.
        files: The files.
        output: The folder.
        engine: What runs the phases.
        against: Finished runs whose documents are there already.
        display: How progress is shown.
        fresh: Whether to clear what an earlier start left, instead of resuming it.
        keep_work: Whether intermediate files stay.
        command: The command line, for the manifest.
    """

    def __init__(
        self,
        recipe: DeduplicationRecipe,
        files: Sequence[CorpusFile],
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
        self._files = files
        self._directory = RunDirectory(output.resolve())
        self._engine = engine
        self._against = [RunDirectory(path.resolve()) for path in against]
        self._display = display
        self._fresh = fresh
        self._keep_work = keep_work
        self._command = command
        self._log = structlog.get_logger().bind(run=str(output))

    def execute(self) -> DeduplicationOutcome:
        """Does what isn't done yet.

        Raises:
            InputError: A run to hold this one against has other signatures, or none.
            OtherRun, RunLocked: The folder is another run's, or in use.
            EngineFailed, OSError: The run can be resumed.
            ConservationError: Documents went missing.
        """
        earlier = earlier_signatures(self._against, self._recipe.deduplication.near)
        with self._directory.locked():
            if self._fresh:
                self._directory.clear()
            fingerprint = self._fingerprint(earlier)
            finished = self._begun(fingerprint)
            if finished is not None:
                return DeduplicationOutcome(finished, manifest_funnel(finished), True)
            started = time.monotonic()
            job = _Job(
                str(self._directory.root), self._recipe.resolved, tuple(parts_of(self._files))
            )
            self._log.info("run started", parts=len(job.parts))
            signed = self._sign(job)
            imported = import_signatures(
                earlier, self._directory.work / "earlier", self._recipe.deduplication.near
            )
            index = Index((*imported, *signed))
            if len(signed) != len(job.parts) or index.documents - index.first_new != sum(
                file.rows for file in self._files
            ):
                raise ConservationError("documents went missing while they were signed")
            self._deduplication().find(index)
            self._check_unchanged()
            markers = self._write(job)
            manifest = self._finish(fingerprint, earlier, markers, time.monotonic() - started)
            self._log.info("run finished", **manifest["counts"])
            return DeduplicationOutcome(manifest, manifest_funnel(manifest), False)

    # ---- plan -----------------------------------------------------------------------------------

    def _fingerprint(self, earlier: Sequence[EarlierSignatures]) -> dict[str, Any]:
        decisive = {
            "recipe": self._recipe.digest,
            "code": code_versions(),
            "inputs": [[file.subset, file.name, file.size, file.rows] for file in self._files],
            "against": [file.sha256 for file in earlier],
        }
        digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
        return {**decisive, "fingerprint": digest}

    def _begun(self, fingerprint: dict[str, Any]) -> dict[str, Any] | None:
        """The manifest, when there is nothing left to do."""
        directory = self._directory
        before = directory.read_json(directory.plan)
        if before is not None and before.get("fingerprint") != fingerprint["fingerprint"]:
            changed = [key for key in fingerprint if before.get(key) != fingerprint[key]]
            changed.remove("fingerprint")
            raise OtherRun(
                f"{directory.root} holds a run with other {', '.join(changed) or 'contents'}: "
                "choose another folder, or --fresh to delete what is there"
            )
        directory.work.mkdir(parents=True, exist_ok=True)
        directory.remove_stale()
        text = yaml.safe_dump(self._recipe.resolved, sort_keys=False, allow_unicode=True, width=100)
        with write_atomically(directory.recipe) as temporary:
            temporary.write_text(text, encoding="utf-8")
        directory.write_json(directory.plan, fingerprint)
        manifest: dict[str, Any] | None = directory.read_json(directory.manifest)
        return manifest

    # ---- passes ---------------------------------------------------------------------------------

    def _sign(self, job: _Job) -> list[IndexedTask]:
        directory = self._directory
        numbers = range(len(job.parts))
        todo = [n for n in numbers if n not in set(directory.done("sign", numbers))]
        self._pass("Sign documents", job, todo, SignDocuments(job), "sign")
        markers = (directory.read_json(directory.marker("sign", number)) for number in numbers)
        return [IndexedTask(**marker) for marker in markers if marker is not None]

    def _write(self, job: _Job) -> list[dict[str, Any]]:
        directory = self._directory
        numbers = range(len(job.parts))
        todo = [n for n in numbers if n not in set(directory.done("write", numbers))]
        self._pass("Write documents", job, todo, WriteDocuments(job), "write")
        markers = [directory.read_json(directory.marker("write", number)) for number in numbers]
        if None in markers:
            raise ConservationError("documents went missing while they were written")
        return markers

    def _pass(
        self, label: str, job: _Job, todo: list[int], transform: beam.PTransform, phase: str
    ) -> None:
        if not todo:
            return
        size = sum(_part_bytes(job.parts[number]) for number in todo)
        markers = [self._directory.marker(phase, number) for number in todo]
        with PhaseDisplay(label, self._display, markers):
            self._run(label, todo, transform, parallel=size > _PARALLEL_BYTES)

    def _run(
        self, label: str, elements: Sequence[Any], transform: beam.PTransform, *, parallel: bool
    ) -> None:
        self._engine.run(
            label, elements, transform, log=self._directory.engine_log, parallel=parallel
        )

    def _phase(
        self, label: str, elements: Sequence[Any], transform: beam.PTransform, *, parallel: bool
    ) -> None:
        with PhaseDisplay(label, self._display):
            self._run(label, elements, transform, parallel=parallel)

    def _check_unchanged(self) -> None:
        """Raises when the second pass would read other documents than the first."""
        for file in self._files:
            if size_of(Path(file.path)) != file.size:
                raise InputError(
                    f"{file.path} has changed since its documents were signed: "
                    "start again with --fresh"
                )

    def _deduplication(self) -> Deduplication:
        return Deduplication(
            self._directory.deduplication,
            self._recipe.deduplication,
            self._phase,
            self._recipe.precedence,
            self._engine.local,
        )

    # ---- end ------------------------------------------------------------------------------------

    def _finish(
        self,
        fingerprint: dict[str, Any],
        earlier: Sequence[EarlierSignatures],
        markers: Sequence[dict[str, Any]],
        seconds: float,
    ) -> dict[str, Any]:
        directory = self._directory
        repeated = self._write_repeated(range(len(markers)))
        manifest = make_manifest(
            self._recipe, self._files, fingerprint, [*markers], repeated_files=repeated
        )
        manifest["run"] = {
            "command": self._command,
            "engine": self._engine.description,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 2),
            "against": [address_of(run.root) for run in self._against],
        }
        counts = manifest["counts"]
        title = f"{self._recipe.name}: {counts['documents']:,} documents, {counts['kept']:,} kept"
        for suffix in ("png", "svg"):
            draw_funnel(manifest_funnel(manifest), title, directory.root / f"funnel.{suffix}")
        directory.write_json(directory.manifest, manifest)
        if not self._keep_work:
            remove_tree(directory.work)
        return manifest

    def _write_repeated(self, parts: Iterable[int]) -> list[dict[str, Any]]:
        """A table of the paragraphs that were taken out, most frequent first."""
        directory = self._directory
        if self._recipe.deduplication.paragraphs is None:
            return []
        texts: dict[int, str] = {}
        for part in parts:
            for key, text in directory.read_json(directory.removed(part)) or ():
                texts[key] = min(text, texts.get(key, text))
        counted = repeated_paragraphs(directory.deduplication)
        rows = sorted(
            (
                {"hash": key, "documents": documents, "text": texts[key]}
                for key, documents in counted.tolist()
                if key in texts
            ),
            key=lambda row: (-row["documents"], row["hash"]),
        )
        path = directory.root / "repeated" / "paragraphs.parquet"
        write_table(path, pa.Table.from_pylist(rows, REPEATED_PARAGRAPHS))
        return [asdict(directory.written(path, len(rows)))]


class SignDocuments(beam.PTransform):
    """Numbers of parts to those that are in the index."""

    def __init__(self, job: _Job) -> None:
        super().__init__()
        self._sign = _Sign(job)

    def expand(self, parts: beam.PCollection) -> beam.PCollection:
        """Reads, hashes and signs."""
        return parts | "Sign documents" >> beam.ParDo(self._sign)


class WriteDocuments(beam.PTransform):
    """Numbers of parts to those whose documents and decisions are written."""

    def __init__(self, job: _Job) -> None:
        super().__init__()
        self._write = _Write(job)

    def expand(self, parts: beam.PCollection) -> beam.PCollection:
        """Reads again, and keeps what no stage dropped."""
        return parts | "Write documents" >> beam.ParDo(self._write)


class _PartWorker(beam.DoFn):
    def __init__(self, job: _Job) -> None:
        self._job = job
        self._run = job.directory

    def setup(self) -> None:
        self._recipe = DeduplicationRecipe.model_validate(self._job.recipe)


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(int)
class _Sign(_PartWorker):
    def process(self, element: int) -> Iterator[int]:
        stages = self._recipe.deduplication
        writer = IndexWriter(self._run.index, element, stages)
        score = stages.near.score if stages.near else ""
        for entry in entries_of(self._job.parts[element], self._recipe.columns, score):
            writer.add(entry)
        self._run.write_json(self._run.marker("sign", element), asdict(writer.finish()))
        yield element


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(int)
class _Write(_PartWorker):
    def process(self, element: int) -> Iterator[int]:
        write_part(self._run, self._recipe, self._job.parts[element])
        yield element


def _part_bytes(part: CorpusPart) -> int:
    return part.file.size * part.rows // max(part.file.rows, 1)
