r"""Papers a second, both editions in turn, in one process and as whole runs on two cores.

    python benchmarks/papers.py PAPERS... [--repeat 3] [--run]

Unpacking is part of both. CPU seconds of this process; with ``--run``, those of a run with two
workers over four tars, each of which holds every paper ``--copies`` times.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from benchmarks.latex_papers import named_papers
from extractors.latex import (
    PaperOptions,
    SourceError,
    extract_paper,
    extract_paper_redpajama,
    read_source,
)

_RECIPES = ("arxiv", "arxiv-redpajama")


def _measured(papers: list[tuple[str, bytes]], repeat: int) -> None:
    megabytes = sum(_tex_bytes(raw) for _, raw in papers) / 1e6
    packed = sum(len(raw) for _, raw in papers) / 1e6
    print(f"{len(papers)} papers, {packed:.1f} MB packed, {megabytes:.1f} MB of TeX\n")
    print("| edition | papers/s | MB/s packed | MB/s of TeX | slowest paper |")
    print("| --- | --- | --- | --- | --- |")
    editions = {
        "ours": lambda raw: extract_paper(raw),
        "ours, Markdown": lambda raw: extract_paper(raw, PaperOptions(form="markdown")),
        "RedPajama": extract_paper_redpajama,
        "unpacking alone": read_source,
    }
    totals: dict[str, float] = {}
    slowest: dict[str, tuple[float, str]] = {}
    for _ in range(repeat):
        for edition, extract in editions.items():
            for name, raw in papers:
                started = time.process_time()
                with contextlib.suppress(SourceError):
                    extract(raw)
                seconds = time.process_time() - started
                totals[edition] = totals.get(edition, 0.0) + seconds
                slowest[edition] = max(slowest.get(edition, (0.0, "")), (seconds, name))
    for edition, seconds in totals.items():
        each = seconds / repeat
        worst, name = slowest[edition]
        print(
            f"| {edition} | {len(papers) / each:.0f} | {packed / each:.1f} | {megabytes / each:.1f}"
            f" | {worst * 1000:.0f} ms ({name}) |"
        )
    print(f"\nours / RedPajama: {totals['ours'] / totals['RedPajama']:.2f}")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


def _tex_bytes(raw: bytes) -> int:
    try:
        return sum(map(len, read_source(raw).files.values()))
    except SourceError:
        return 0


def _runs(papers: list[tuple[str, bytes]], copies: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        number = 0
        for tar in range(4):
            with tarfile.open(root / f"arXiv_src_2401_{tar:03d}.tar", "w") as archive:
                for _ in range(copies):
                    for _, raw in papers:
                        number += 1
                        member = tarfile.TarInfo(f"2401/2401.{number:05d}.gz")
                        member.size = len(raw)
                        archive.addfile(member, io.BytesIO(raw))
        print(f"\n{number} papers, {sum(p.stat().st_size for p in root.iterdir()) / 1e6:.0f} MB\n")
        print("| recipe | wall s | CPU s | papers per CPU s | peak MB of a process |")
        print("| --- | --- | --- | --- | --- |")
        for recipe in _RECIPES:
            output = root / f"run-{recipe}"
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            started = time.monotonic()
            command = [sys.executable, "-m", "pipelines.cli", "run", recipe, "--workers", "2"]
            command += ["--output", str(output)]
            for path in sorted(root.glob("*.tar")):
                command += ["--input", str(path)]
            subprocess.run(command, check=True, capture_output=True)
            wall = time.monotonic() - started
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            kept = json.loads((output / "manifest.json").read_text())["counts"]
            print(
                f"| {recipe} | {wall:.1f} | {cpu:.1f} | {number / cpu:.1f}"
                f" | {after.ru_maxrss // 1024} | {kept}"
            )


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("papers", nargs="+", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--copies", type=int, default=2)
    arguments = parser.parse_args()
    papers = list(named_papers(arguments.papers))
    _measured(papers, arguments.repeat)
    if arguments.run:
        _runs(papers, arguments.copies)


if __name__ == "__main__":
    main()
