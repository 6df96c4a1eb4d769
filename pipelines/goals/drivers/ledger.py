"""The status of each module of a work list: written as it's known, read when work goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from pipelines.goals.inputs import LEDGER
from pipelines.run_directory import write_atomically

__all__ = ["Ledger", "Status", "Work", "work_through"]


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a module.

    Attributes:
        module: Its name.
        file: Its file.
        status: ``ok``; ``errors``: traced, the prover reported errors in it; or why there is no
            trace: ``timeout``, ``oom``, ``output``, ``version_skew``, ``missing_import``,
            ``empty``, ``failed``, ``unreadable_trace``.
        system: The prover.
        steps: Steps of its trace.
        errors: Errors that the prover reported.
        seconds: Wall time.
        memory_bytes: The most memory that was seen.
        code: The process's exit code.
        message: What there is to say besides.
        fingerprint: What it was made of: the file, the extractor, the prover's version.
    """

    module: str
    file: str
    status: str
    system: str
    steps: int = 0
    errors: int = 0
    seconds: float = 0.0
    memory_bytes: int = 0
    code: int = 0
    message: str = ""
    fingerprint: str = ""

    @property
    def traced(self) -> bool:
        """Whether there is a trace."""
        return self.status in ("ok", "errors")


class Work(Protocol):
    """A module to trace."""

    @property
    def module(self) -> str:
        """Its name."""

    @property
    def fingerprint(self) -> str:
        """What its trace is made of."""

    def trace(self) -> Status:
        """Traces it: writes its trace, or says why there is none."""


class Ledger:
    """The status rows of an output folder.

    Args:
        folder: The folder; traces lie beside the rows.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows = folder / ".status"
        self._rows.mkdir(parents=True, exist_ok=True)

    def _path(self, module: str) -> Path:
        digest = hashlib.blake2b(module.encode(), digest_size=8).hexdigest()
        return self._rows / f"{digest}.json"

    def known(self, module: str, fingerprint: str) -> Status | None:
        """What is known of a module; None when it's nothing, or of another file or prover."""
        try:
            row = json.loads(self._path(module).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        status = Status(**row)
        return status if status.fingerprint == fingerprint else None

    def put(self, status: Status) -> None:
        """Writes a row."""
        with write_atomically(self._path(status.module)) as temporary:
            temporary.write_text(json.dumps(asdict(status), ensure_ascii=False), "utf-8")

    def finish(self, rows: Iterable[Status]) -> Path:
        """Writes all rows of a work list, by module, where the next step of work reads them."""
        path = self._folder / LEDGER
        with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8") as file:
            for status in sorted(rows, key=lambda status: status.module):
                file.write(json.dumps(asdict(status), ensure_ascii=False) + "\n")
        return path


def work_through(
    work: Iterable[Work], ledger: Ledger, jobs: int, *, retry: bool = False
) -> Iterator[tuple[Status, bool]]:
    """Traces what isn't traced yet, several at a time.

    Args:
        work: The work list.
        ledger: Where rows go.
        jobs: How many processes at a time.
        retry: Whether modules without a trace are tried again.

    Yields:
        Each status as it's known, and whether it was known before.
    """
    waiting: set[Future[Status]] = set()
    with ThreadPoolExecutor(jobs) as pool:
        for one in work:
            known = ledger.known(one.module, one.fingerprint)
            if known is not None and (known.traced or not retry):
                yield known, True
                continue
            waiting.add(pool.submit(one.trace))
            if len(waiting) >= 2 * jobs:
                waiting = yield from _finished(waiting, ledger)
        while waiting:
            waiting = yield from _finished(waiting, ledger)


def _finished(
    waiting: set[Future[Status]], ledger: Ledger
) -> Generator[tuple[Status, bool], None, set[Future[Status]]]:
    """Those that have ended; returns those that haven't."""
    done, left = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        status = future.result()
        ledger.put(status)
        yield status, False
    return left
