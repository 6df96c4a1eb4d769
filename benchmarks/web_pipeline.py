"""Measures the web subset against its ceiling, stage by stage, and beside datatrove, in one run.

Every round measures every line once, so that what else the machine does falls on all lines alike;
a ratio is the median of the ratios within a round. One-core lines are pages per CPU second, whole
commands are pages per second of wall time.

Run: ``python -m benchmarks.web_pipeline --warc WARC``, with ``--datatrove-python PYTHON --lid-model
MODEL`` for the comparison. The WARC comes from ``benchmarks.web_corpus`` or is a Common Crawl file;
what is made from it is kept beside it. ``README.md`` in this folder says what each line means.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import logging
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata, resources
from pathlib import Path
from statistics import median
from typing import Any, Literal
from unittest.mock import patch

import psutil
import structlog
from fastwarc.warc import ArchiveIterator, WarcRecordType

from extractors.extraction import Extraction
from extractors.html import extract_html
from extractors.warc import ArchiveReader, Damage, FileSource, WarcRecord, parse_http
from filters.web.math_prefilter import MathPrefilter
from pipelines.duplicates import find_duplicates
from pipelines.engine import Engine
from pipelines.inputs import resolve_inputs
from pipelines.isolation import ExtractionFailed
from pipelines.judge import Judged, PageJudge
from pipelines.plan import code_digest, make_plan
from pipelines.reading import read_task
from pipelines.recipe import Stage, load_recipe
from pipelines.run_directory import RunDirectory
from pipelines.runs import Run
from pipelines.writing import write_shard
from schemas import Decision, Document

RECIPE = "open-web-math"

_SAMPLE_SECONDS = 0.5
# What a Common Crawl file of 1 GB is cut into, a 64th. A smaller input is cut smaller; what each
# task costs, its files and their fsync, weighs more there than it does in real use.
_TASK_BYTES = 16_000_000
# datatrove's own default is 1 s of wall time, at which a busy machine drops pages (it lost 201 of
# 3,266 at a load of 3); the benchmark compares work done, so that none may be lost.
_PEER_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement.

    Attributes:
        pages: Response records that went in.
        gzip_bytes: Bytes of the archives that were read.
        cpu_seconds: CPU time of all processes and threads.
        wall_seconds: Wall time.
        peak_bytes: Largest memory of the process tree (sum of PSS), 0 when not sampled.
        kept: Documents that came out, None when there are none to come.
        stages: Seconds a stage, when the line was taken apart: CPU time in ours, wall time over all
            workers in datatrove's.
    """

    pages: int
    gzip_bytes: int
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int = 0
    kept: int | None = None
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Line:
    """One line of the table.

    Attributes:
        title: What ran.
        measure: Runs it once.
        clock: Which time its pages/s are counted by.
        bound: What limits it.
        against: Titles of the lines that its ratios are taken to.
        aim: The ratio that the project aims at, to the first of them; 0 for none.
        samples: What was measured, a round each.
    """

    title: str
    measure: Callable[[], Sample]
    clock: Literal["cpu", "wall"]
    bound: str
    against: tuple[str, ...] = ()
    aim: float = 0.0
    samples: list[Sample] = field(default_factory=list)

    def rates(self) -> list[float]:
        """Pages a second, a round each."""
        if self.clock == "cpu":
            return [sample.pages / sample.cpu_seconds for sample in self.samples]
        return [sample.pages / sample.wall_seconds for sample in self.samples]


# ---- inputs ------------------------------------------------------------------------------------


def rejected_pages(warc: Path) -> Path:
    """The archive without the pages that the prefilter lets through, their requests and metadata.

    Gzip members are copied as they are. The name carries a digest of the evidence table, so that a
    changed table makes a new file.
    """
    table = resources.files("filters.web").joinpath("math_evidence.yaml").read_bytes()
    state = warc.stat()
    mark = hashlib.sha256(table + f"{state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:10]
    path = warc.with_name(f"{warc.name.removesuffix('.warc.gz')}.rejected-{mark}.warc.gz")
    if path.exists():
        return path
    prefilter = MathPrefilter()
    unfinished = path.with_suffix(".tmp")
    with warc.open("rb") as source, unfinished.open("wb") as sink:
        for group in _groups(warc):
            pages = [record for record in group if record.record_type == "response"]
            if not any(prefilter.judge(_document(page)).keeps for page in pages):
                _copy(source, sink, group)
    unfinished.replace(path)
    return path


def first_pages(warc: Path, pages: int) -> Path:
    """A folder with the archive's first pages in two files, since datatrove's tasks are files."""
    folder = warc.with_name(f"{warc.name.removesuffix('.warc.gz')}.first{pages}")
    folder.mkdir(exist_ok=True)
    done = 0
    with ExitStack() as stack:
        source = stack.enter_context(warc.open("rb"))
        sinks = [stack.enter_context((folder / f"{n}.warc.gz").open("wb")) for n in (0, 1)]
        for group in _groups(warc):
            if done >= pages:
                break
            _copy(source, sinks[done % 2], group)
            done += sum(record.record_type == "response" for record in group)
    if done < pages:
        raise SystemExit(f"{warc} has {done} pages, --datatrove-pages asks for {pages}")
    return folder


def _groups(warc: Path) -> Iterator[list[WarcRecord]]:
    """The records of one fetch at a time: neighbours with the same target."""
    group: list[WarcRecord] = []
    with FileSource(warc) as file:
        for record in ArchiveReader(file):
            if isinstance(record, Damage):
                raise SystemExit(f"{warc} is damaged at {record.offset}: {record.reason}")
            if group and record.target_uri != group[0].target_uri:
                yield group
                group = []
            group.append(record)
    yield group


def _copy(source: Any, sink: Any, group: Sequence[WarcRecord]) -> None:
    for record in group:
        source.seek(record.offset)
        sink.write(source.read(record.length))


def _document(record: WarcRecord) -> Document:
    response = parse_http(record.data, record.block_start, record.block_end)
    return Document("page", raw=response.body(len(record.data)))


# ---- one core, no command ----------------------------------------------------------------------


def fastwarc_ceiling(warc: Path, record_types: WarcRecordType) -> Sample:
    """FastWARC over an archive: HTTP parsed, every body read, nothing done with it."""
    pages = 0
    clock = _Elapsed()
    with warc.open("rb") as file:
        for record in ArchiveIterator(file, record_types=record_types, parse_http=True):
            record.reader.read()
            pages += record.record_type == WarcRecordType.response
    return clock.sample(pages, warc.stat().st_size)


def our_reader(warc: Path) -> Sample:
    """Our reader over an archive: every record, checksums verified, nothing done with it."""
    pages = 0
    clock = _Elapsed()
    with FileSource(warc) as file:
        for record in ArchiveReader(file):
            if isinstance(record, WarcRecord):
                pages += record.record_type == "response"
    return clock.sample(pages, warc.stat().st_size)


class _NoText:
    """An extractor that finds nothing; only pages of the shadow share get as far as here."""

    def extract(
        self, raw: bytes | memoryview, *, http_charset: str, url: str, document_id: str
    ) -> Extraction:
        return Extraction("")


def rejecting(warc: Path) -> Sample:
    """Phase one of the recipe over pages that the prefilter rejects, trails written."""
    recipe = load_recipe(RECIPE).changed([f"input.task_bytes={_TASK_BYTES}"])
    plan = make_plan(recipe, resolve_inputs([str(warc)]))
    pages = 0
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder:
        run = RunDirectory(Path(folder))
        run.work.mkdir()
        clock = _Elapsed()
        judge = PageJudge(recipe, _NoText())
        for task in plan.tasks:
            pages += read_task(task, recipe, judge, run)["record_types"].get("response", 0)
        return clock.sample(pages, warc.stat().st_size)


# ---- stage by stage ----------------------------------------------------------------------------


class _StageClock:
    """Charges CPU time to one stage at a time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stage = "plan, Beam, manifest"
        self._since = time.process_time()

    def switch(self, stage: str) -> str:
        """Charges what passed to the stage so far and goes on with another; returns the former."""
        now = time.process_time()
        self.seconds[self._stage] += now - self._since
        former, self._stage, self._since = self._stage, stage, now
        return former

    def charged(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time charged to a stage."""

        @functools.wraps(function)
        def charged_function(*arguments: Any, **options: Any) -> Any:
            former = self.switch(stage)
            try:
                return function(*arguments, **options)
            finally:
                self.switch(former)

        return charged_function


class _TimedReader(ArchiveReader):
    """Our reader, its time charged to ``read``."""

    def __init__(self, clock: _StageClock, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._clock = clock

    def __iter__(self) -> Iterator[WarcRecord | Damage]:
        items = super().__iter__()
        while True:
            former = self._clock.switch("read")
            item = next(items, None)
            self._clock.switch(former)
            if item is None:
                return
            yield item


class _TimedJudge(PageJudge):
    """The judge, each stage's time charged to it; what is left of a record to ``responses``."""

    def __init__(self, clock: _StageClock, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clock = clock

    def judge(
        self, item: WarcRecord | Damage, warc_file: str, *, every_filter: bool = False
    ) -> Judged:
        former = self._clock.switch("responses")
        judged = super().judge(item, warc_file, every_filter=every_filter)
        self._clock.switch(former)
        return judged

    def _apply(self, stage: Stage, document: Document) -> Decision:
        former = self._clock.switch(stage.name)
        decision = super()._apply(stage, document)
        self._clock.switch(former)
        return decision

    def _extract(self, document: Document) -> Decision:
        former = self._clock.switch("extract")
        decision = super()._extract(document)
        self._clock.switch(former)
        return decision


class _ExtractorInProcess:
    """Our extractor without the child process, whose time would be counted elsewhere."""

    def __init__(self, *_: Any) -> None:
        pass

    def extract(
        self, raw: bytes | memoryview, *, http_charset: str, url: str, document_id: str
    ) -> Extraction:
        try:
            # What a pipe would hand over too: the child process gets bytes.
            return extract_html(bytes(raw), http_charset=http_charset, url=url)
        except Exception as error:
            raise ExtractionFailed(type(error).__name__, str(error)) from error

    def close(self) -> None:
        pass


def stage_by_stage(warc: Path, pages: int) -> Sample:
    """The whole recipe in this process, its CPU time taken apart."""
    clock = _StageClock()
    parts: dict[str, Any] = {
        "PageJudge": functools.partial(_TimedJudge, clock),
        "IsolatedExtractor": _ExtractorInProcess,
        "read_task": clock.charged("writing", read_task),
        "find_duplicates": clock.charged("exact_duplicates", find_duplicates),
        "write_shard": clock.charged("writing", write_shard),
    }
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder, ExitStack() as stack:
        for name, part in parts.items():
            stack.enter_context(patch(f"pipelines.web.{name}", part))
        reader = functools.partial(_TimedReader, clock)
        stack.enter_context(patch("pipelines.reading.ArchiveReader", reader))
        elapsed = _Elapsed()
        outcome = Run(
            load_recipe(RECIPE),
            resolve_inputs([str(warc)]),
            Path(folder) / "run",
            Engine(workers=1),
            display="quiet",
        ).execute()
        clock.switch("")
        _refuse_failures(outcome.manifest["drops"], pages)
        kept = outcome.manifest["counts"]["kept"]
        return elapsed.sample(pages, warc.stat().st_size, kept=kept, stages=dict(clock.seconds))


class _Elapsed:
    """Time since it was made, of this process."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._wall = time.perf_counter()

    def sample(
        self,
        pages: int,
        gzip_bytes: int,
        *,
        kept: int | None = None,
        stages: dict[str, float] | None = None,
    ) -> Sample:
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        return Sample(pages, gzip_bytes, cpu, wall, kept=kept, stages=stages or {})


# ---- whole commands ----------------------------------------------------------------------------


class _TreeWatch(threading.Thread):
    """Samples memory and CPU time of a process and all below it until told to stop.

    Memory is the sum of PSS, which counts a page shared by n processes once. CPU time is summed
    over the last sight of each process; a tree whose members aren't waited for has no better total.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._pid = pid
        self._cpu: dict[int, float] = {}
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            try:
                root = psutil.Process(self._pid)
                tree = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            self.peak_bytes = max(self.peak_bytes, sum(map(self._look_at, tree)))

    def stop(self) -> None:
        """Ends sampling."""
        self._over.set()
        self.join()

    @property
    def cpu_seconds(self) -> float:
        """CPU time that was seen."""
        return sum(self._cpu.values())

    def _look_at(self, process: psutil.Process) -> int:
        try:
            times = process.cpu_times()
            self._cpu[process.pid] = times.user + times.system
            pss: int = process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return 0
        return pss


def _command(
    command: Sequence[str], pages: int, gzip_bytes: int, environment: dict[str, str] | None = None
) -> tuple[Sample, str]:
    """Runs a command to its end; what it did and its standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        watch = _TreeWatch(process.pid)
        watch.start()
        output, _ = process.communicate()
        wall = time.perf_counter() - started
        watch.stop()
        if process.returncode != 0:
            errors.seek(0)
            raise SystemExit(f"{command[:4]} failed:\n{errors.read()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    waited = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    cpu = max(waited, watch.cpu_seconds)
    return Sample(pages, gzip_bytes, cpu, wall, watch.peak_bytes), output


def our_command(source: Path, pages: int, workers: int, settings: Sequence[str] = ()) -> Sample:
    """``proofmill run`` over an archive or a folder of them."""
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder:
        command = [sys.executable, "-m", "pipelines.cli", "run", RECIPE, "--progress", "json"]
        command += ["--input", str(source), "--output", f"{folder}/run", "--workers", str(workers)]
        for setting in settings:
            command += ["--set", setting]
        sample, output = _command(command, pages, _size(source))
    summary = json.loads(output.strip().splitlines()[-1])
    _refuse_failures(summary["drops"], pages)
    return _with_kept(sample, summary["counts"]["kept"])


def _refuse_failures(drops: dict[str, dict[str, int]], pages: int) -> None:
    """Work that fails is done fast; its speed says nothing."""
    failed = sum(
        count
        for reasons in drops.values()
        for reason, count in reasons.items()
        if reason.startswith("error:")
    )
    if failed > pages / 100:
        raise SystemExit(f"{failed} of {pages} pages failed: {drops}")


def datatrove_command(python: str, source: Path, pages: int, model: Path) -> Sample:
    """datatrove's usual web steps over a folder of archives.

    Raises:
        SystemExit: It failed, or it lost pages to its timeout or to errors.
    """
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder:
        arguments = [str(source), folder, str(model), str(_PEER_TIMEOUT_SECONDS)]
        # Its model cache goes into the scratch folder.
        home = {"HF_HOME": f"{folder}/cache"}
        command = [python, "-c", _DATATROVE, *arguments]
        sample, _ = _command(command, pages, _size(source), home)
        steps = json.loads(Path(folder, "logs", "stats.json").read_text("utf-8"))
    counts = [step["stats"] for step in steps]
    lost = {
        name: _total(stats[name])
        for stats in counts
        for name in ("timeout", "broken_process", "clean_error")
        if name in stats
    }
    if lost:
        raise SystemExit(f"datatrove lost pages, its speed says nothing: {lost}")
    stages = {
        step["name"].partition(": ")[2].partition(" ")[2]: float(_total(step["time_stats"]))
        for step in steps
    }
    return _with_kept(sample, int(_total(counts[-1].get("total", 0))), stages)


def _total(value: Any) -> Any:
    return value["total"] if isinstance(value, dict) else value


def _with_kept(sample: Sample, kept: int, stages: dict[str, float] | None = None) -> Sample:
    return Sample(**{**asdict(sample), "kept": kept, "stages": stages or {}})


def _size(source: Path) -> int:
    return sum(p.stat().st_size for p in ([source] if source.is_file() else source.iterdir()))


# Run by the other environment's Python, which doesn't have this package. The model's address is set
# on the instance: worker processes don't see what is set on the class.
_DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.extractors import Trafilatura
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter, LanguageFilter
from datatrove.pipeline.readers import WarcReader
from datatrove.pipeline.writers import ParquetWriter

source, output, model, timeout = sys.argv[1:]
language = LanguageFilter(languages=["en"])
language.model.MODEL_URL = model
LocalPipelineExecutor(
    [
        WarcReader(source, glob_pattern="*.warc.gz"),
        Trafilatura(timeout=float(timeout)),
        language,
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        ParquetWriter(f"{output}/documents"),
    ],
    tasks=2,
    workers=2,
    logging_dir=f"{output}/logs",
).run()
"""

# An environment in which the extractor can't be imported lets every page wait for the timeout.
_DATATROVE_CHECK = """
import fasttext, spacy, trafilatura
import datatrove.pipeline.readers, magic, cchardet
from importlib.metadata import version
print(", ".join(f"{n} {version(n)}" for n in ("datatrove", "trafilatura", "spacy")))
"""


def datatrove_versions(python: str) -> str:
    """Versions in the other environment.

    Raises:
        SystemExit: It lacks something that the pipeline imports.
    """
    checked = subprocess.run(
        [python, "-c", _DATATROVE_CHECK], capture_output=True, text=True, check=False
    )
    if checked.returncode != 0:
        raise SystemExit(f"{python} can't run datatrove's pipeline:\n{checked.stderr[-1500:]}")
    return checked.stdout.strip()


# ---- the table ---------------------------------------------------------------------------------


def lines(arguments: argparse.Namespace) -> list[Line]:
    """The lines in the order in which a round measures them."""
    warc: Path = arguments.warc
    rejected = rejected_pages(warc)
    everything, responses = WarcRecordType.any_type, WarcRecordType.response
    pages = fastwarc_ceiling(warc, responses).pages
    ceiling, all_records = (
        "FastWARC, responses, HTTP, bodies",
        "FastWARC, all records, HTTP, bodies",
    )
    on_rejected = "FastWARC, responses, rejected pages only"
    found = [
        Line(
            ceiling,
            lambda: fastwarc_ceiling(warc, responses),
            "cpu",
            "inflating",
        ),
        Line(all_records, lambda: fastwarc_ceiling(warc, everything), "cpu", "inflating"),
        Line(
            "Our reader, all records",
            lambda: our_reader(warc),
            "cpu",
            "inflating (libdeflate, CRC verified)",
            (all_records,),
        ),
        Line(on_rejected, lambda: fastwarc_ceiling(rejected, responses), "cpu", "inflating"),
        Line(
            "Read, responses, math_prefilter, trails",
            lambda: rejecting(rejected),
            "cpu",
            "inflating, matching the evidence, a trail for each record",
            (on_rejected,),
            0.70,
        ),
        Line(
            f"{RECIPE}, one process",
            lambda: stage_by_stage(warc, pages),
            "cpu",
            "extraction, see its stages",
            (ceiling,),
        ),
    ]
    peer = _peer_title(arguments.datatrove_pages)
    one = f"`proofmill run {RECIPE} --workers 1`"
    found.append(Line(one, lambda: our_command(warc, pages, 1), "wall", "extraction"))
    for workers in range(2, arguments.workers + 1):
        title = f"`proofmill run {RECIPE} --workers {workers}`"
        measure = functools.partial(our_command, warc, pages, workers)
        found.append(Line(title, measure, "wall", "extraction", (one, peer)))
    if arguments.datatrove_python:
        found += _peer_lines(arguments)
    return found


def _peer_title(pages: int) -> str:
    return f"datatrove, first {pages} pages, 2 workers"


def _peer_lines(arguments: argparse.Namespace) -> list[Line]:
    count: int = arguments.datatrove_pages
    cut = first_pages(arguments.warc, count)
    python, model = arguments.datatrove_python, arguments.lid_model.resolve()
    peer = _peer_title(count)
    return [
        Line(
            peer,
            lambda: datatrove_command(python, cut, count, model),
            "wall",
            "Trafilatura on every page",
        ),
        Line(
            f"`proofmill run {RECIPE}`, the same pages, 2 workers",
            lambda: our_command(cut, count, 2),
            "wall",
            "starting Python and Beam",
            (peer,),
            30,
        ),
        Line(
            "the same, prefilter off: every page extracted",
            lambda: our_command(cut, count, 2, ["math_prefilter.enabled=false"]),
            "wall",
            "starting Python and Beam, extraction",
            (peer,),
        ),
    ]


def measure(measured: Sequence[Line], runs: int) -> None:
    """Fills the lines, round by round."""
    for number in range(runs):
        for line in measured:
            line.samples.append(line.measure())
            shown = line.samples[-1]
            print(
                f"round {number + 1}: {line.title}: {line.rates()[-1]:,.0f} pages/s, "
                f"{shown.cpu_seconds:.1f} CPU s, {shown.wall_seconds:.1f} s",
                file=sys.stderr,
                flush=True,
            )


def ratios(line: Line, measured: Sequence[Line]) -> dict[int, list[float]]:
    """A line's pages/s over those of the lines that it is held against: by their number in the
    table, round by round. Lines that weren't measured are left out."""
    return {
        number: [own / its for own, its in zip(line.rates(), other.rates(), strict=True)]
        for number, other in enumerate(measured, 1)
        if other.title in line.against
    }


def markdown(measured: Sequence[Line]) -> str:
    """The table: medians, in brackets the least and the most of the rounds."""
    rows = [
        "| | | pages/s | gzip MB/s | CPU s | wall s | peak MB | kept | ratio or share | bound by |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for number, line in enumerate(measured, 1):
        samples = line.samples
        per_page = median(sample.gzip_bytes / sample.pages for sample in samples)
        peak = max(sample.peak_bytes for sample in samples)
        # One number, unless runs disagree, which they must not.
        kept = sorted({f"{sample.kept:,}" for sample in samples if sample.kept is not None})
        cells = [
            str(number),
            f"{line.title} ({line.clock} time)",
            _spread(line.rates(), "{:,.0f}" if median(line.rates()) >= 100 else "{:,.1f}"),
            f"{median(line.rates()) * per_page / 1e6:,.1f}",
            _spread([s.cpu_seconds for s in samples], "{:.1f}"),
            _spread([s.wall_seconds for s in samples], "{:.1f}"),
            f"{peak / 1e6:,.0f}" if peak else "",
            " / ".join(kept),
            _ratio(line, measured),
            line.bound,
        ]
        rows.append(f"| {' | '.join(cells)} |")
        rows += _stage_rows(line)
    return "\n".join(rows)


def _ratio(line: Line, measured: Sequence[Line]) -> str:
    shown = []
    for number, found in ratios(line, measured).items():
        ratio = _spread(found, "{:.2f}" if median(found) < 10 else "{:.1f}")
        aim = (
            f", aim {line.aim:g}"
            if line.aim and measured[number - 1].title == line.against[0]
            else ""
        )
        shown.append(f"{ratio} of line {number}{aim}")
    return "; ".join(shown)


def _stage_rows(line: Line) -> Iterator[str]:
    stages = line.samples[0].stages
    whole = median(sum(sample.stages.values()) for sample in line.samples) if stages else 0.0
    for name in sorted(stages, key=lambda name: -stages[name]):
        seconds = [sample.stages.get(name, 0.0) for sample in line.samples]
        cpu, wall = _spread(seconds, "{:.2f}"), ""
        if line.clock == "wall":
            cpu, wall = wall, cpu
        yield f"| | - {name} | | | {cpu} | {wall} | | | {median(seconds) / whole:.1%} | |"


def _spread(values: Sequence[float], form: str) -> str:
    middle = form.format(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({form.format(min(values))}–{form.format(max(values))})"


def circumstances(arguments: argparse.Namespace, peer: str) -> dict[str, Any]:
    """The machine, the versions and the input, for whoever compares numbers."""
    cpu = platform.processor() or platform.machine()
    for text in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if text.startswith("model name"):
            cpu = text.partition(":")[2].strip()
            break
    names = ("FastWARC", "apache-beam", "deflate", "hyperscan", "pyarrow", "resiliparse")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{len(os.sched_getaffinity(0))} cores, {cpu}, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "load_before": f"{os.getloadavg()[0]:.1f}",
        "versions": ", ".join(
            [
                f"Python {platform.python_version()}",
                f"proofmill {metadata.version('proofmill')} (code {code_digest()[:12]})",
                *(f"{name} {metadata.version(name)}" for name in names),
                *([peer] if peer else []),
            ]
        ),
        "input": f"{arguments.warc.name}, {arguments.warc.stat().st_size / 1e6:.0f} MB",
        "rounds": arguments.runs,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warc", type=Path, required=True, help="gzip WARC to measure on")
    parser.add_argument("--runs", type=int, default=3, help="rounds")
    parser.add_argument("--workers", type=int, default=2, help="whole command with 1 to so many")
    parser.add_argument("--datatrove-python", help="Python of an environment with datatrove")
    parser.add_argument("--datatrove-pages", type=int, default=400)
    parser.add_argument("--lid-model", type=Path, help="lid.176.ftz or .bin for datatrove")
    parser.add_argument("--only", default="", help="lines whose title holds this text")
    parser.add_argument("--json", type=Path, help="where to write the samples")
    arguments = parser.parse_args()
    arguments.warc = arguments.warc.resolve()
    if arguments.datatrove_python and not arguments.lid_model:
        parser.error("--datatrove-python needs --lid-model: datatrove's default is a download")
    python = arguments.datatrove_python
    if python and not shutil.which(python):
        parser.error(f"--datatrove-python: no {python}")
    about = circumstances(arguments, datatrove_versions(python) if python else "")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    measured = [line for line in lines(arguments) if arguments.only in line.title]
    measure(measured, arguments.runs)
    about["load_after"] = f"{os.getloadavg()[0]:.1f}"
    for name, value in about.items():
        print(f"- {name.replace('_', ' ')}: {value}")
    print(f"\n{markdown(measured)}")
    if arguments.json:
        content = {
            **about,
            "lines": [
                {
                    "title": line.title,
                    "clock": line.clock,
                    "bound": line.bound,
                    "pages_per_second": line.rates(),
                    "against": {
                        measured[number - 1].title: found
                        for number, found in ratios(line, measured).items()
                    },
                    "aim": line.aim,
                    "samples": [asdict(sample) for sample in line.samples],
                }
                for line in measured
            ],
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
