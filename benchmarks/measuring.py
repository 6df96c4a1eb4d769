"""What the benchmarks share: one measurement, a line of measurements, the table of lines.

Every round measures every line once, so that what else the machine does falls on all lines alike;
a ratio is the median of the ratios within a round.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, Literal

import psutil

from pipelines.plan import code_digest

__all__ = [
    "Elapsed",
    "Line",
    "Sample",
    "machine",
    "markdown",
    "measure",
    "run_command",
    "to_json",
    "versions",
]

_SAMPLE_SECONDS = 0.5


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


class Elapsed:
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
        """What was measured since."""
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        return Sample(pages, gzip_bytes, cpu, wall, kept=kept, stages=stages or {})


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


def run_command(
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


def to_json(measured: Sequence[Line]) -> list[dict[str, Any]]:
    """The lines with every sample, as plain data."""
    return [
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
    ]


def machine() -> dict[str, str]:
    """Date, cores, memory and load, for whoever compares numbers."""
    cpu = platform.processor() or platform.machine()
    for text in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if text.startswith("model name"):
            cpu = text.partition(":")[2].strip()
            break
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{len(os.sched_getaffinity(0))} cores, {cpu}, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "load_before": f"{os.getloadavg()[0]:.1f}",
    }


def versions(*names: str) -> str:
    """Versions of Python, of this project's code and of packages."""
    return ", ".join(
        [
            f"Python {platform.python_version()}",
            f"proofmill {metadata.version('proofmill')} (code {code_digest()[:12]})",
            *(f"{name} {metadata.version(name)}" for name in names),
        ]
    )
