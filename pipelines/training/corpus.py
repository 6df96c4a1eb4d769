"""Builds a training corpus: files, web archives and document shards in, one row a page out.

One Beam phase, whose elements are numbers of tasks: each reads its files, extracts the text,
labels it by its formulas, strips them, and writes its rows to one Parquet file. What a page is
doesn't depend on who reads it when, and pages are put in an order of their own afterwards: any
number of workers and any order of input give the same corpus. A killed build goes on with the tasks
that are missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import apache_beam as beam

from pipelines.engine import Engine
from pipelines.errors import ConservationError, InputError, InputFilesFailed, SourceFailed
from pipelines.inputs import InputFile
from pipelines.parquet import row_writer
from pipelines.plan import code_digest
from pipelines.progress import Display, ProgressWriter, Tally
from pipelines.run_directory import RunDirectory
from pipelines.training.pages import PAGES, Corpus, pages_file, pages_table
from pipelines.training.reading import PageReader, ReadingTask
from pipelines.training.sources import Source

__all__ = ["DOCUMENTS", "WARC", "CorpusInputs", "build_corpus"]

WARC, DOCUMENTS = "warc", "documents"


@dataclass(frozen=True, slots=True)
class CorpusInputs:
    """What a corpus is made of.

    Attributes:
        sources: Files, by source.
        data: Folder that the sources' globs are relative to.
        warcs: Web archives; every page in them is read.
        documents: Parquet files with the columns ``document_id`` and ``text``, as runs write them.
        share: Share of the documents that is taken, drawn by the hash of document_id.
    """

    sources: tuple[Source, ...] = ()
    data: Path = Path()
    warcs: tuple[InputFile, ...] = ()
    documents: tuple[Path, ...] = ()
    share: float = 1.0


def build_corpus(
    inputs: CorpusInputs,
    folder: Path,
    engine: Engine,
    display: Literal["live", "json", "quiet"] = "live",
) -> Corpus:
    """Builds the corpus, or what is missing of it.

    Args:
        inputs: What it is made of.
        folder: Where it is kept; that of another corpus is cleared.
        engine: What runs the phase.
        display: How progress is shown.

    Raises:
        InputError: The inputs name no file.
        InputFilesFailed: Files couldn't be read; the same command goes on with them.
        EngineFailed: The engine ended early; likewise.
    """
    tasks = _tasks(inputs)
    if not tasks:
        raise InputError("the inputs name no file that is there")
    run = RunDirectory(folder.resolve())
    plan = {
        "code": [code_digest(), _training_digest()],
        "sources": [asdict(source) for source in _all_sources(inputs)],
        "share": inputs.share,
        "tasks": [asdict(task) for task in tasks],
    }
    with run.locked():
        # As it reads back: tuples are lists there.
        if run.read_json(run.plan) != json.loads(json.dumps(plan)):
            run.clear()
            run.work.mkdir(parents=True, exist_ok=True)
            run.write_json(run.plan, plan)
        run.remove_stale()
        _build(run, tasks, engine, display)
    return Corpus(run, len(tasks), {source.name: source for source in _all_sources(inputs)})


_TASK_BYTES = 8 << 20
_TASK_FILES = 500
# Below this much input one process is done before two have started (measured for runs).
_PARALLEL_BYTES = 8 << 20


def _all_sources(inputs: CorpusInputs) -> list[Source]:
    found = list(inputs.sources)
    if inputs.warcs:
        found.append(Source(WARC, tuple(item.name for item in inputs.warcs), home="web archives"))
    if inputs.documents:
        files = tuple(sorted(path.name for path in inputs.documents))
        found.append(Source(DOCUMENTS, files, home="document shards", role="prose"))
    names = [source.name for source in found]
    if len(set(names)) < len(names):
        raise InputError(f"two sources have the same name: {', '.join(sorted(names))}")
    return found


def _tasks(inputs: CorpusInputs) -> list[ReadingTask]:
    tasks: list[ReadingTask] = []
    for source in inputs.sources:
        batch: list[tuple[str, str, str]] = []
        size = 0
        for name, path in source.found(inputs.data):
            status = path.stat()
            batch.append((name, str(path.resolve()), f"{status.st_size} {status.st_mtime_ns}"))
            size += status.st_size
            if size >= _TASK_BYTES or len(batch) >= _TASK_FILES:
                tasks.append(ReadingTask(len(tasks), "files", source.name, tuple(batch), size))
                batch, size = [], 0
        if batch:
            tasks.append(ReadingTask(len(tasks), "files", source.name, tuple(batch), size))
    for item in inputs.warcs:
        file = (item.name, item.uri, str(item.size))
        tasks.append(ReadingTask(len(tasks), WARC, WARC, (file,), item.size))
    for path in sorted(inputs.documents):
        status = path.stat()
        file = (path.name, str(path.resolve()), f"{status.st_size} {status.st_mtime_ns}")
        tasks.append(ReadingTask(len(tasks), DOCUMENTS, DOCUMENTS, (file,), status.st_size))
    return tasks


# The modules of this package that decide what a row holds.
_DECIDING = ("detex", "formats", "labels", "pages", "reading", "sources")


def _training_digest() -> str:
    """SHA-256 over this package's deciding code, which the digest of a run's code leaves out."""
    digest = hashlib.sha256()
    for name in _DECIDING:
        digest.update(resources.files(__package__).joinpath(f"{name}.py").read_bytes())
    return digest.hexdigest()


def _build(
    run: RunDirectory,
    tasks: Sequence[ReadingTask],
    engine: Engine,
    display: Literal["live", "json", "quiet"],
) -> None:
    numbers = [task.number for task in tasks]
    for number in numbers:
        # Of an earlier start; this one may succeed.
        run.failure(number).unlink(missing_ok=True)
    done = set(run.done("corpus", numbers))
    missing = [number for number in numbers if number not in done]
    if not missing:
        return
    before = Tally()
    for number in done:
        before.add(run.read_json(run.marker("corpus", number))["tally"])
    total = sum(task.bytes for task in tasks)
    todo = sum(tasks[number].bytes for number in missing)
    with Display("Build corpus", total, run.progress, before=before, mode=display):
        engine.run(
            "Build corpus",
            missing,
            BuildCorpus(str(run.root)),
            log=run.engine_log,
            parallel=todo >= _PARALLEL_BYTES,
        )
    left = set(missing) - set(run.done("corpus", missing))
    reasons = {number: run.read_json(run.failure(number)) for number in sorted(left)}
    if None in reasons.values():
        raise ConservationError(f"tasks {sorted(left)} left neither a result nor a reason")
    if reasons:
        shown = "\n".join(sorted(set(reasons.values()))[:10])
        raise InputFilesFailed(f"{len(reasons)} task(s) couldn't be read:\n{shown}")


class BuildCorpus(beam.PTransform):
    """Numbers of tasks to the numbers of the finished ones.

    Args:
        root: The corpus's folder, which holds its plan.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def expand(self, tasks: beam.PCollection) -> beam.PCollection:
        """Reads, labels and strips."""
        return tasks | "Read, label and strip" >> beam.ParDo(_BuildTask(self._root))


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(int)
class _BuildTask(beam.DoFn):
    def __init__(self, root: str) -> None:
        self._run = RunDirectory(Path(root))

    def setup(self) -> None:
        plan: dict[str, Any] = self._run.read_json(self._run.plan)
        self._tasks = [ReadingTask.from_json(task) for task in plan["tasks"]]
        sources = [Source(**{**row, "files": tuple(row["files"])}) for row in plan["sources"]]
        self._reader = PageReader({source.name: source for source in sources}, plan["share"])

    def teardown(self) -> None:
        self._reader.close()

    def process(self, element: int) -> Iterator[int]:
        task, run, tally = self._tasks[element], self._run, Tally()
        progress = ProgressWriter(run.progress, element)
        path = pages_file(run, element)
        path.unlink(missing_ok=True)
        try:
            with row_writer(path, PAGES, pages_table) as rows:
                for row in self._reader.read(task, tally):
                    rows.add(row)
                    progress.report(tally)
        except SourceFailed as error:
            # Put on record; no exception, which would end the phase for the other tasks too.
            run.write_json(run.failure(element), str(error))
            return
        tally.bytes = task.bytes
        run.write_json(run.marker("corpus", element), {"tally": tally.to_json()})
        progress.report(tally, done=True)
        yield element
