"""Faults at random moments: whatever happens, the resumed run has the bytes of an undisturbed one.

A run over an archive of small tasks is started again and again with the command that a user types,
and each time something is done to it after a random while: its process group is killed, it's
interrupted or terminated, one of its workers is killed, its disk is full, a file of a finished task
is damaged after a kill, its object store is gone for half a minute. Then the same command is given
until it ends well, and every file's digest is compared.

Run: ``python -m benchmarks.chaos --rounds 25 --seed 1``. A full disk needs root, for a small file
system in memory; without it those rounds say so and are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import psutil
from tabulate import tabulate

from pipelines.sample.warc_writer import archive_bytes
from tests.pipelines.test_runs import entries
from tests.s3_server import s3_server

_PAGES = 400
_SETTINGS = ("input.task_bytes=20000", "output.shard_bytes=40000", "audit.dropped_text=all")
_OUTAGE_SECONDS = 30.0
_ATTEMPTS = 6
_KINDS = ("documents", "trails", "dropped", "views", "signatures")


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed.

    Attributes:
        fault: What was done.
        after: Seconds after the start at which it was done.
        exit_code: What the disturbed command ended with; None when it was killed.
        attempts: How often the command was given until it ended well.
        same: Whether every file then had the undisturbed run's bytes.
    """

    fault: str
    after: float
    exit_code: int | None
    attempts: int
    same: bool


def main() -> None:
    """Runs the rounds and prints a table; exits with 1 when one of them failed."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="proofmill-chaos-") as folder:
        rounds = list(_rounds(Path(folder), given.rounds, draw))
    print(
        tabulate(
            [(r.fault, f"{r.after:.1f}", r.exit_code, r.attempts, r.same) for r in rounds],
            headers=("fault", "after s", "exit code", "attempts", "same bytes"),
            tablefmt="github",
        )
    )
    counted = Counter((r.fault, r.same) for r in rounds)
    print(f"\n{dict(sorted(counted.items()))}")
    sys.exit(0 if rounds and all(r.same for r in rounds) else 1)


def _rounds(folder: Path, count: int, draw: random.Random) -> Iterator[Round]:
    archive = folder / "crawl-data" / "pages.warc.gz"
    archive.parent.mkdir()
    archive.write_bytes(archive_bytes(entries(_PAGES)))
    started = time.monotonic()
    _command(str(archive), str(folder / "undisturbed")).wait()
    length = time.monotonic() - started
    wanted = _digests(folder / "undisturbed")
    faults = dict(_FAULTS)
    for number in range(count):
        fault = sorted(faults)[number % len(faults)]
        after = draw.uniform(0.1, 1.0) * length
        result = faults[fault](archive, folder / f"round-{number}", after, wanted, draw)
        if result is None:
            print(f"{fault}: can't be done here", file=sys.stderr)
            continue
        print(result, file=sys.stderr, flush=True)
        yield result


# ---- faults -------------------------------------------------------------------------------------

_Fault = Callable[[Path, Path, float, dict[str, str], random.Random], Round | None]


def _signalled(name: str, number: signal.Signals, *, group: bool) -> _Fault:
    def fault(
        archive: Path, output: Path, after: float, wanted: dict[str, str], draw: random.Random
    ) -> Round:
        process = _command(str(archive), str(output))
        _wait(process, after)
        if process.poll() is None:
            (os.killpg if group else os.kill)(process.pid, number)
        code = process.wait()
        return _ended(name, after, code, archive, output, wanted)

    return fault


def _worker_killed(
    archive: Path, output: Path, after: float, wanted: dict[str, str], draw: random.Random
) -> Round:
    process = _command(str(archive), str(output))
    _wait(process, after)
    with contextlib.suppress(psutil.NoSuchProcess, IndexError):
        draw.choice(psutil.Process(process.pid).children(recursive=True)).kill()
    code = process.wait()
    return _ended("a child process is killed", after, code, archive, output, wanted)


def _damaged(
    archive: Path, output: Path, after: float, wanted: dict[str, str], draw: random.Random
) -> Round:
    process = _command(str(archive), str(output))
    _wait(process, after)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    # Of what is finished: files that their task's marker names, not those of a half-done one.
    found = [
        path
        for marker in sorted((output / "work" / "read").glob("??????.json"))
        for path in sorted((output / "work" / "read").glob(f"{marker.stem}.*.parquet"))
    ]
    if found:
        victim = draw.choice(found)
        content = bytearray(victim.read_bytes())
        content[draw.randrange(len(content))] ^= 0xFF
        victim.write_bytes(content)
    return _ended("killed, a finished file damaged", after, code, archive, output, wanted)


def _disk_full(
    archive: Path, output: Path, after: float, wanted: dict[str, str], draw: random.Random
) -> Round | None:
    size = draw.randrange(100, 1500)
    output.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(output)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        return None
    try:
        code = _command(str(archive), str(output)).wait()
        subprocess.run(["mount", "-o", "remount,size=512m", str(output)], check=True)
        return _ended(f"disk of {size} kB", 0.0, code, archive, output, wanted)
    finally:
        subprocess.run(["umount", str(output)], check=True)


def _store_gone(
    archive: Path, output: Path, after: float, wanted: dict[str, str], draw: random.Random
) -> Round:
    with s3_server(output / "mirrors", "corpus") as faults:
        boto3.client("s3").upload_file(str(archive), "corpus", "crawl-data/pages.warc.gz")
        address, source = "s3://corpus/run", "s3://corpus/crawl-data/pages.warc.gz"
        process = _command(source, address)
        _wait(process, after)
        faults.down = time.monotonic() + _OUTAGE_SECONDS
        code = last = process.wait()
        attempts = 1
        while last and attempts < _ATTEMPTS:
            last = _command(source, address).wait()
            attempts += 1
        client = boto3.client("s3")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket="corpus", Prefix="run/")
        found = {
            item["Key"].removeprefix("run/"): hashlib.sha256(
                client.get_object(Bucket="corpus", Key=item["Key"])["Body"].read()
            ).hexdigest()
            for page in pages
            for item in page.get("Contents", [])
            if item["Key"].split("/")[1] in _KINDS
        }
    shutil.rmtree(output, ignore_errors=True)
    return Round("S3 gone for 30 s", after, code, attempts, found == wanted)


_FAULTS: dict[str, _Fault] = {
    "child killed": _worker_killed,
    "damaged": _damaged,
    "disk full": _disk_full,
    "interrupted": _signalled("interrupted (SIGINT)", signal.SIGINT, group=True),
    "killed": _signalled("killed (SIGKILL, all)", signal.SIGKILL, group=True),
    "store gone": _store_gone,
    "terminated": _signalled("terminated (SIGTERM)", signal.SIGTERM, group=False),
}


# ---- running ------------------------------------------------------------------------------------


def _command(source: str, output: str) -> subprocess.Popen[bytes]:
    settings = [part for setting in _SETTINGS for part in ("--set", setting)]
    # Workers pay off from more input than this on; here they're wanted for what can happen to them.
    code = (
        "import pipelines.runs as runs; runs._PARALLEL_BYTES = 0; "
        "from pipelines.cli import main; main()"
    )
    arguments = ["run", "open-web-math", "--input", source, "--output", output, *settings]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--workers", "2", "--progress", "quiet"],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _ended(
    fault: str,
    after: float,
    code: int,
    archive: Path,
    output: Path,
    wanted: dict[str, str],
) -> Round:
    """Gives the command again until it ends well, and compares."""
    attempts, last = 1, code
    while last and attempts < _ATTEMPTS:
        last = _command(str(archive), str(output)).wait()
        attempts += 1
    same = last == 0 and _digests(output) == wanted
    for path in output.iterdir():
        shutil.rmtree(path, ignore_errors=True)
    return Round(fault, after, code, attempts, same)


def _digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in _KINDS
        for path in sorted((root / kind).rglob("*.parquet"))
    }


if __name__ == "__main__":
    main()
