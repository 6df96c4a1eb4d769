"""One phase over a corpus: what is left to do is done, and all of it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pipelines.engine import Engine
from pipelines.errors import ConservationError, EngineFailed, InputFilesFailed
from pipelines.progress import Display
from pipelines.run_directory import RunDirectory

__all__ = ["DisplayMode", "finish_phase"]

DisplayMode = Literal["live", "json", "quiet"]

# Below this much input one process is done before two have started (measured: workers take 5 s).
_PARALLEL_BYTES = 24 << 20


def finish_phase(
    phase: str,
    sizes: Sequence[int],
    run: RunDirectory,
    engine: Engine,
    transform: Callable[[str], Any],
    display: DisplayMode,
) -> list[dict[str, Any]]:
    """Runs a phase for the files, or parts of files, that it isn't finished for.

    Args:
        phase: Its name.
        sizes: The bytes of each.
        run: The folder.
        engine: What runs it.
        transform: Makes the transform, numbers of theirs to the same, of the folder.
        display: How progress is shown.

    Returns:
        The markers of all, in order.

    Raises:
        InputFilesFailed: Some files couldn't be read; the others are done.
        EngineFailed, OSError: The same call goes on.
        ConservationError: A file left neither a result nor a reason.
    """
    tasks = range(len(sizes))
    missing = _missing(run, phase, tasks)
    for number in missing:
        # Of an earlier start; this one may succeed.
        run.failure(number, phase).unlink(missing_ok=True)
    while left := [n for n in _missing(run, phase, tasks) if not run.failure(n, phase).exists()]:
        total = sum(sizes[number] for number in left)
        try:
            with Display(phase.capitalize(), total, run.progress, mode=display):
                engine.run(
                    phase.capitalize(),
                    left,
                    transform(str(run.root)),
                    log=run.engine_log,
                    parallel=total >= _PARALLEL_BYTES,
                )
            break
        except EngineFailed as error:
            error.raise_if_disk_full()
            # A worker that dies takes the others with it; what they had finished stays.
            if not error.worker_lost or len(_missing(run, phase, tasks)) == len(left):
                raise
    failures = [run.read_json(run.failure(number, phase)) for number in missing]
    # The parts of a file fail for the same reason.
    reasons = list(dict.fromkeys(reason for reason in failures if reason is not None))
    if reasons:
        shown = "\n".join(reasons[:10])
        raise InputFilesFailed(
            f"{len(reasons)} file(s) couldn't be read; others are done:\n{shown}"
        )
    return [_marker(run, phase, number) for number in tasks]


def _missing(run: RunDirectory, phase: str, tasks: Sequence[int]) -> list[int]:
    done = set(run.done(phase, tasks))
    return [number for number in tasks if number not in done]


def _marker(run: RunDirectory, phase: str, number: int) -> dict[str, Any]:
    marker: dict[str, Any] | None = run.read_json(run.marker(phase, number))
    if marker is None:
        raise ConservationError(f"{phase} ended without task {number}")
    return marker
