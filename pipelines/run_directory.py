"""The folder that a run fills: names of its files, atomic writes, markers of finished work."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.errors import RunLocked
from pipelines.files import fetched, is_mirrored, listed, publish, remove, remove_tree
from pipelines.remote_lock import held

__all__ = [
    "OUTPUTS",
    "SIDE_TABLES",
    "RunDirectory",
    "WrittenFile",
    "file_sha256",
    "write_atomically",
]

_TEMPORARY = ".tmp-"

# Folders of a run's result.
OUTPUTS = ("documents", "trails", "decisions", "dropped", "views", "signatures", "repeated")
# Folders of tables that a subset's reading leaves beside the documents.
SIDE_TABLES = ("files", "declarations")


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A finished output file as the manifest lists it: its path below the run, rows, bytes and
    SHA-256."""

    path: str
    rows: int
    bytes: int
    sha256: str


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Gives a temporary name to write to, which becomes ``path`` when the block ends well.

    A reader sees the whole file or none; after a crash at any moment a stale temporary file is all
    that is left, and the next start removes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}{_TEMPORARY}{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        publish(path)
    finally:
        temporary.unlink(missing_ok=True)


# What people look at: pictures and data cards.
_SHOWN = ("funnel.*", "funnel-languages.*", "card.*")


class RunDirectory:
    """The folder of one run, on this machine or mirrored from an object store.

    ``documents/``, ``trails/``, ``dropped/`` and ``views/`` are the result; ``work/`` holds what
    later phases read and the markers by which a killed run resumes.

    Args:
        root: The folder; made on demand.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.work = root / "work"
        self.plan = root / "plan.json"
        self.manifest = root / "manifest.json"
        self.recipe = root / "recipe.yaml"
        self.card = root / "card.json"
        self.log = root / "log.jsonl"
        self.engine_log = self.work / "engine.log"
        self.progress = self.work / "progress.jsonl"
        # Deduplication's files, and what it knows of each candidate.
        self.deduplication = self.work / "deduplication"
        self.index = self.deduplication / "index"

    def marker(self, phase: str, number: int) -> Path:
        """The file that says that a task is finished."""
        return self.work / phase / f"{number:06d}.json"

    def candidates(self, task: int) -> Path:
        """Documents of a task that passed every filter of their own."""
        return self.work / "read" / f"{task:06d}.documents.parquet"

    def candidate_trails(self, task: int) -> Path:
        """The trails of ``candidates``, row by row."""
        return self.work / "read" / f"{task:06d}.trails.parquet"

    def read_outputs(self, task: int) -> list[Path]:
        """Every file that reading a task may leave, its marker excepted."""
        return [
            self.candidates(task),
            self.candidate_trails(task),
            *listed(self.index, f"{task:06d}.*"),
            self.read_trails(task),
            self.read_dropped(task),
            *(self.side_table(name, task) for name in SIDE_TABLES),
        ]

    def work_outputs(self, task: int) -> list[Path]:
        """What reading a task left for later phases."""
        return [
            path
            for path in (
                self.candidates(task),
                self.candidate_trails(task),
                *sorted(self.index.glob(f"{task:06d}.*")),
            )
            if path.exists()
        ]

    def damaged(self, marker: dict[str, Any]) -> list[str]:
        """Files of a finished task that are gone, or have other bytes than it wrote.

        An object store keeps its own checksums, so that files there aren't fetched to be read.
        """
        if is_mirrored(self.root):
            return []
        written = {file["path"]: file["sha256"] for file in marker["files"]}
        written |= marker.get("work_files", {})
        return [
            path
            for path, digest in sorted(written.items())
            if not (self.root / path).is_file() or file_sha256(self.root / path) != digest
        ]

    def failure(self, task: int, phase: str = "read") -> Path:
        """Why the input of a task couldn't be read."""
        return self.work / phase / f"{task:06d}.failed.json"

    def removed(self, part: int) -> Path:
        """The repeated paragraphs that were taken out of a part's texts."""
        return self.work / "write" / f"{part:06d}.removed.json"

    def read_trails(self, task: int) -> Path:
        """Trails of what a task's own filters dropped."""
        return self.root / "trails" / f"read-{task:06d}.parquet"

    def read_dropped(self, task: int) -> Path:
        """Texts of what a task's own filters dropped, as the audit policy says."""
        return self.root / "dropped" / f"read-{task:06d}.parquet"

    def side_table(self, name: str, task: int) -> Path:
        """What a task's reading leaves beside its documents: one of ``SIDE_TABLES``."""
        return self.root / name / f"read-{task:06d}.parquet"

    def shard(self, kind: str, number: int, count: int, split: str = "documents") -> Path:
        """One output shard of a kind: ``documents``, ``trails``, ``dropped`` or a view."""
        return self.root / kind / f"{split}-{number:05d}-of-{count:05d}.parquet"

    @staticmethod
    def shard_place(path: str) -> tuple[str, int, int]:
        """What ``shard`` made a name of: split, number and count."""
        split, number, _, count = PurePosixPath(path).stem.rsplit("-", 3)
        return split, int(number), int(count)

    def below(self, path: Path) -> str:
        """A path relative to the run, as the manifest writes it."""
        return path.relative_to(self.root).as_posix()

    def written(self, path: Path, rows: int) -> WrittenFile:
        """Describes a finished file."""
        return WrittenFile(self.below(path), rows, path.stat().st_size, file_sha256(path))

    def write_json(self, path: Path, content: Any) -> None:
        """Writes JSON atomically, keys in order."""
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        with write_atomically(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    def done(self, phase: str, numbers: Iterable[int]) -> list[int]:
        """Which of a phase's tasks are finished, in order."""
        present = {path.name for path in listed(self.work / phase, "*.json")}
        return [number for number in numbers if self.marker(phase, number).name in present]

    def read_json(self, path: Path) -> Any:
        """What ``write_json`` wrote; None when there is no such file."""
        try:
            return json.loads(fetched(path).read_text("utf-8"))
        except FileNotFoundError:
            return None

    def remove_stale(self) -> int:
        """Removes what a killed run left half-written; returns how many files that was."""
        stale = [p for p in self.root.rglob(f"*{_TEMPORARY}*") if p.is_file()]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def clear(self) -> None:
        """Removes everything that a run wrote here, and nothing else."""
        for name in (*OUTPUTS, *SIDE_TABLES, "work"):
            remove_tree(self.root / name)
        for path in (self.plan, self.manifest, self.recipe, self.log):
            remove(path)
        for pattern in _SHOWN:
            for path in listed(self.root, pattern):
                remove(path)

    def publish_shown(self) -> None:
        """Makes pictures and cards, which are written in place, visible to others."""
        for pattern in _SHOWN:
            for path in self.root.glob(pattern):
                publish(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes out of the folder; a crash releases the lock.

        Raises:
            RunLocked: Another run is at work here.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunLocked(f"another run is at work in {self.root}") from error
            with held(self.root / ".lock"):
                yield
