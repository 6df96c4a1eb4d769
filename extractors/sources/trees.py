"""Repositories as checked-out trees, and plain folders: their files in order of path.

Links are never followed, so that no loop and no file outside is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors.sources.licences import LicenceFiles
from extractors.sources.repositories import Repository
from extractors.sources.source_file import SourceFile, Unread, clean_name, unsafe_path

__all__ = ["TreeFile", "tree_files", "tree_listing"]


@dataclass(frozen=True, slots=True)
class TreeFile:
    """An entry of a folder that is no folder.

    Attributes:
        path: Its path below the root, as the system spells it.
        size: Its bytes.
        offset: Sum of the sizes before it, each and one; what cuts a folder into tasks.
        kind: ``file``, or why it isn't read: ``symbolic_link``, ``not_a_file``, ``unreadable``.
    """

    path: str
    size: int
    offset: int
    kind: str = "file"


def tree_listing(
    root: Path, leave_out: Callable[[os.DirEntry[str]], bool] = lambda entry: False
) -> list[TreeFile]:
    """The entries below a folder in order of path, Git's own folder left out.

    Args:
        root: The folder.
        leave_out: Entries, folders too, that are input of their own.

    Raises:
        OSError: The folder itself can't be read.
    """
    files: list[TreeFile] = []
    offset = 0
    for path, size, kind in sorted(_walk(root, leave_out)):
        files.append(TreeFile(path, size, offset, kind))
        offset += size + 1
    return files


def _walk(
    root: Path, leave_out: Callable[[os.DirEntry[str]], bool]
) -> Iterator[tuple[str, int, str]]:
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as entries:
                found = list(entries)
        except OSError as error:
            if not folder:
                raise
            yield folder, 0, f"unreadable_folder:{error.strerror}"
            continue
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if leave_out(entry):
                continue
            if entry.is_symlink():
                yield path, 0, "symbolic_link"
            elif entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    folders.append(path)
            elif entry.name != ".git":
                yield path, *_described(entry)


def _described(entry: os.DirEntry[str]) -> tuple[int, str]:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0, "unreadable"
    return (status.st_size, "file") if stat.S_ISREG(status.st_mode) else (0, "not_a_file")


def tree_files(
    root: Path,
    listing: Sequence[TreeFile],
    chosen: Sequence[TreeFile],
    repository: Repository,
    file_bytes: int,
) -> Iterator[SourceFile]:
    """Some files of a folder.

    Args:
        root: The folder.
        listing: All its entries; licences are looked for among them.
        chosen: Those that are read.
        repository: What is known of the repository.
        file_bytes: What one file may have; a larger one is recorded without being read.
    """
    licences = LicenceFiles()
    for file in listing:
        if file.kind == "file" and file.size <= file_bytes and licences.is_one(file.path):
            licences.add(file.path, _reader(root / file.path, file.size))
    for file in chosen:
        path = clean_name(file.path)
        if file.kind != "file":
            reason, _, detail = file.kind.partition(":")
            yield SourceFile.unreadable(file.offset, path, reason, detail)
        elif unsafe_path(path):
            yield SourceFile.unreadable(file.offset, path, "unsafe_path", size=file.size)
        elif file.size > file_bytes:
            detail = f"{file.size} bytes"
            yield SourceFile.unreadable(file.offset, path, "too_large", detail, file.size)
        else:
            yield SourceFile(
                file.offset,
                path,
                file.size,
                _reader(root / file.path, file.size),
                repo=repository.name,
                commit=repository.commit,
                licence=repository.licence or licences.of(path),
                stars=repository.stars,
                date=repository.date,
                url=repository.url(path),
            )


def _reader(path: Path, size: int) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            # Not followed, should somebody put a link here meanwhile.
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(number, "rb") as file:  # noqa: PTH123
                data = file.read(size + 1)
        except OSError as error:
            raise Unread("unreadable", error.strerror or str(error)) from error
        if len(data) != size:
            raise Unread("changed", f"{size} bytes when it was listed")
        return data

    return read
