"""How fast are traces read, and does memory stay bounded on a large folder of them?

``python -m benchmarks.goal_states --traces TRACES --gigabytes 4`` repeats what traces there are
under other module names until there is as much, and runs ``lean-proofsteps`` over them in a process
of its own. Beside it stands how fast one process parses the same JSON and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

_FILE_BYTES = 128 << 20


def repeated(traces: Path, folder: Path, size: int) -> int:
    """Writes recorded steps again and again, each time as other modules; returns the bytes."""
    found = sorted(traces.glob("*.jsonl"))
    text = "".join(path.read_text("utf-8").rstrip("\n") + "\n" for path in found)
    written = number = copy = 0
    while written < size:
        path = folder / f"{number:04d}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            while file.tell() < min(_FILE_BYTES, size - written):
                renamed = text.replace('"module": "', f'"module": "Copy{copy}.')
                file.write(renamed.replace('"file": "', f'"file": "copy{copy}/'))
                copy += 1
        written += path.stat().st_size
        number += 1
    return written


def parsed_alone(path: Path) -> float:
    """Rows a CPU second of a process that parses the JSON and does nothing else."""
    started, rows = time.process_time(), 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            json.loads(line)
            rows += 1
    return rows / (time.process_time() - started)


def watched(command: list[str]) -> tuple[float, int, int]:
    """CPU seconds of a command with its children, and the most memory of one and of all."""
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    cpu: dict[int, float] = {}
    one = together = 0
    while process.poll() is None:
        total = 0
        try:
            for child in (process, *process.children(recursive=True)):
                memory, times = child.memory_info().rss, child.cpu_times()
                one, total = max(one, memory), total + memory
                cpu[child.pid] = times.user + times.system
        except psutil.Error:
            pass
        together = max(together, total)
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return sum(cpu.values()), one, together


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--traces", type=Path, required=True, help="folder of recorded steps")
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="proofmill-goals-") as scratch:
        folder, run = Path(scratch) / "traces", Path(scratch) / "run"
        folder.mkdir()
        size = repeated(given.traces, folder, int(given.gigabytes * 1e9))
        alone = parsed_alone(folder / "0000.jsonl")
        command = f"run lean-proofsteps --input {folder} --output {run} --progress quiet".split()
        command += ["--workers", str(given.workers), "--set", "exact_duplicates.enabled=false"]
        cpu, one, together = watched([sys.executable, "-m", "pipelines.cli", *command])
        counts = json.loads((run / "manifest.json").read_text("utf-8"))["counts"]
    rows = counts["records"]
    print(f"{size / 1e9:.2f} GB, {rows:,} rows, {counts['kept']:,} kept")
    print(f"{rows / cpu:,.0f} rows a CPU second, shards included; JSON alone {alone:,.0f}")
    print(f"memory: {one / 1e6:,.0f} MB of the largest process, {together / 1e6:,.0f} MB of all")


if __name__ == "__main__":
    main()
