"""Measures the web subset against its ceiling, stage by stage, and beside datatrove, in one run.

One-core lines are pages per CPU second, whole commands pages per second of wall time.

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
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import structlog
from fastwarc.warc import ArchiveIterator, WarcRecordType

from benchmarks.measuring import (
    Elapsed,
    Line,
    Sample,
    machine,
    markdown,
    measure,
    run_command,
    to_json,
    versions,
)
from benchmarks.stage_times import timed_stages
from extractors.extraction import Extraction
from extractors.warc import ArchiveReader, Damage, FileSource, WarcRecord, parse_http
from filters.web.math_prefilter import MathPrefilter
from pipelines.engine import Engine
from pipelines.inputs import resolve_inputs
from pipelines.plan import make_plan
from pipelines.reading import read_task
from pipelines.recipe import load_recipe
from pipelines.run_directory import RunDirectory
from pipelines.runs import Run
from pipelines.web import ArchiveTaskReader
from schemas import Document

RECIPE = "open-web-math"

_DATATROVE = Path(__file__).with_name("datatrove_web.py")
# What a Common Crawl file of 1 GB is cut into, a 64th. A smaller input is cut smaller; what each
# task costs, its files and their fsync, weighs more there than it does in real use.
_TASK_BYTES = 16_000_000
# datatrove's own default is 1 s of wall time, at which a busy machine drops pages (it lost 201 of
# 3,266 at a load of 3); the benchmark compares work done, so that none may be lost.
_PEER_TIMEOUT_SECONDS = 120.0


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
    clock = Elapsed()
    with warc.open("rb") as file:
        for record in ArchiveIterator(file, record_types=record_types, parse_http=True):
            record.reader.read()
            pages += record.record_type == WarcRecordType.response
    return clock.sample(pages, warc.stat().st_size)


def our_reader(warc: Path) -> Sample:
    """Our reader over an archive: every record, checksums verified, nothing done with it."""
    pages = 0
    clock = Elapsed()
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
        clock = Elapsed()
        reader = ArchiveTaskReader(recipe, _NoText())
        for task in plan.tasks:
            pages += read_task(task, recipe, reader, run)["record_types"].get("response", 0)
        return clock.sample(pages, warc.stat().st_size)


def stage_by_stage(warc: Path, pages: int) -> Sample:
    """The whole recipe in this process, its CPU time taken apart."""
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder:
        elapsed = Elapsed()
        with timed_stages() as clock:
            outcome = Run(
                load_recipe(RECIPE),
                resolve_inputs([str(warc)]),
                Path(folder) / "run",
                Engine(workers=1),
                display="quiet",
            ).execute()
        _refuse_failures(outcome.manifest["drops"], pages)
        kept = outcome.manifest["counts"]["kept"]
        return elapsed.sample(pages, warc.stat().st_size, kept=kept, stages=dict(clock.seconds))


# ---- whole commands ----------------------------------------------------------------------------


def our_command(source: Path, pages: int, workers: int, settings: Sequence[str] = ()) -> Sample:
    """``proofmill run`` over an archive or a folder of them."""
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder:
        command = [sys.executable, "-m", "pipelines.cli", "run", RECIPE, "--progress", "json"]
        command += ["--input", str(source), "--output", f"{folder}/run", "--workers", str(workers)]
        for setting in settings:
            command += ["--set", setting]
        sample, output = run_command(command, pages, _size(source))
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
        command = [python, str(_DATATROVE), *arguments]
        sample, _ = run_command(command, pages, _size(source), home)
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
    return replace(sample, kept=kept, stages=stages or {})


def _size(source: Path) -> int:
    return sum(p.stat().st_size for p in ([source] if source.is_file() else source.iterdir()))


# Run by the other environment's Python, which doesn't have this package. The model's address is set
# on the instance: worker processes don't see what is set on the class.


def datatrove_versions(python: str) -> str:
    """Versions in the other environment.

    Raises:
        SystemExit: It lacks something that the pipeline imports.
    """
    checked = subprocess.run([python, str(_DATATROVE)], capture_output=True, text=True, check=False)
    if checked.returncode != 0:
        raise SystemExit(f"{python} can't run datatrove's pipeline:\n{checked.stderr[-1500:]}")
    return checked.stdout.strip()


# ---- the lines ---------------------------------------------------------------------------------


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
    about = {
        **machine(),
        "versions": versions(
            "FastWARC", "apache-beam", "deflate", "hyperscan", "pyarrow", "resiliparse"
        ),
        "input": f"{arguments.warc.name}, {arguments.warc.stat().st_size / 1e6:.0f} MB",
        "rounds": arguments.runs,
    }
    if python:
        about["versions"] += f", {datatrove_versions(python)}"
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    measured = [line for line in lines(arguments) if arguments.only in line.title]
    measure(measured, arguments.runs)
    about["load_after"] = f"{os.getloadavg()[0]:.1f}"
    for name, value in about.items():
        print(f"- {name.replace('_', ' ')}: {value}")
    print(f"\n{markdown(measured)}")
    if arguments.json:
        content = {**about, "lines": to_json(measured)}
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
