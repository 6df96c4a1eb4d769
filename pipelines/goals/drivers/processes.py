"""A prover's process under limits: wall time, memory of all its children, bytes that it prints."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from pipelines.errors import InputError

__all__ = ["Ended", "Limits", "run_limited", "said_by"]

_POLL_SECONDS = 0.1
# What is kept of what a process says of itself.
_STDERR_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may use.

    Attributes:
        seconds: Wall time.
        memory_bytes: Resident memory of the process and its children together. Address space says
            nothing of a Lean: it maps its libraries' files.
        output_bytes: What it may print.
    """

    seconds: float = 600.0
    memory_bytes: int = 8 << 30
    output_bytes: int = 4 << 30


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        how: ``exit``, or the limit that it met.
        code: Its exit code; negative for a signal.
        seconds: Wall time.
        memory_bytes: The most memory that was seen.
        stderr: The end of what it said.
    """

    how: Literal["exit", "timeout", "oom", "output"]
    code: int
    seconds: float
    memory_bytes: int
    stderr: str


def run_limited(
    command: Sequence[str],
    output: Path,
    limits: Limits,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Ended:
    """Runs a command with its output in a file; ends it and all its children at a limit.

    Args:
        command: The program and its arguments.
        output: Where its standard output goes.
        limits: The limits.
        folder: Where it runs.
        environment: Variables besides those of this process.

    Raises:
        OSError: It can't be started.
    """
    started = time.monotonic()
    errors = output.with_name(output.name + ".stderr")
    peak = 0
    how: Literal["exit", "timeout", "oom", "output"] = "exit"
    try:
        with output.open("wb") as out, errors.open("wb") as err:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                # A group of its own, so that its children end with it.
                start_new_session=True,
            )
            try:
                while process.poll() is None:
                    peak = max(peak, _resident(process.pid))
                    if time.monotonic() - started > limits.seconds:
                        how = "timeout"
                    elif peak > limits.memory_bytes:
                        how = "oom"
                    elif output.stat().st_size > limits.output_bytes:
                        how = "output"
                    if how != "exit":
                        break
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_POLL_SECONDS)
            finally:
                _end(process)
        with errors.open("rb") as said:
            said.seek(max(errors.stat().st_size - _STDERR_BYTES, 0))
            text = said.read().decode("utf-8", "replace")
    finally:
        errors.unlink(missing_ok=True)
    return Ended(how, process.returncode, time.monotonic() - started, peak, text)


def said_by(command: Sequence[str], option: str) -> str:
    """What a program prints when it's asked something short, its version for one.

    Args:
        command: The program and its arguments.
        option: The option that named it, for the message.

    Raises:
        InputError: It can't be run, or ends with an error.
    """
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=120
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(f"{option} {command[0]}: {error}") from error


def _resident(pid: int) -> int:
    """Resident memory of a process and its children; 0 when it has just ended."""
    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += one.memory_info().rss
    return total


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of a process's group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
