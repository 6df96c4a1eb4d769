"""Inputs of the code subset: Parquet, archives of repositories, checked-out trees, folders."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from extractors.sources import TreeFile, tree_listing
from pipelines.inputs import (
    InputFile,
    is_remote,
    open_source,
    resolve_inputs,
    unique_by_name,
)
from pipelines.subsets import InputNames

__all__ = ["folder_listing", "is_archive", "is_parquet", "resolve_sources", "splittable"]

_PARQUET = re.compile(r"\.parquet$", re.IGNORECASE)
_ARCHIVE = re.compile(
    r"(?:\.tar(?:\.(?:gz|bz2|xz|zst))?|\.tgz|\.tbz2?|\.txz|\.tzst|\.zip)$"
    # GitHub's addresses name no suffix.
    r"|/(?:tar\.gz|zip|tarball|zipball|legacy\.tar\.gz)/[^/]+$",
    re.IGNORECASE,
)
_LIST = re.compile(r"\.paths(\.gz|\.txt)?$")


def is_parquet(uri: str) -> bool:
    """Whether an input is a table."""
    return _PARQUET.search(uri) is not None


def is_archive(uri: str) -> bool:
    """Whether an input is an archive of a repository."""
    return _ARCHIVE.search(uri) is not None


def splittable(file: InputFile) -> bool:
    """Whether an input is cut into tasks: tables by row groups, folders by files."""
    return is_parquet(file.uri) or not (is_remote(file.uri) or Path(file.uri).is_file())


def resolve_sources(given: InputNames) -> list[InputFile]:
    """Finds the inputs, in an order that doesn't depend on the order of naming.

    A folder holds tables, archives, checked-out trees (folders with ``.git``), each an input of its
    own, and files, which are one input together.

    Raises:
        InputError: An input names nothing, or two share a name.
    """
    return unique_by_name(file for text in given.names for file in _named(text, given))


def _named(text: str, given: InputNames) -> Iterator[InputFile]:
    path = Path(text)
    if not is_remote(text) and path.is_dir():
        yield from _in_folder(path)
    elif not is_remote(text) and path.is_file() and not _LIST.search(text):
        yield InputFile(path.name, str(path.resolve()), path.stat().st_size)
    elif is_remote(text) and "?" not in text and "*" not in text:
        # The host says whose the repository is.
        parts = urlsplit(text)
        yield InputFile(f"{parts.netloc}{parts.path}", text, open_source(text).size)
    else:
        yield from resolve_inputs([text], limit=given.limit, base=given.base)


def _in_folder(root: Path) -> Iterator[InputFile]:
    root = root.resolve()
    own = list(_inputs_below(root, ""))
    yield from (InputFile(f"{root.name}/{below}", str(root / below), size) for below, size in own)
    rest = folder_listing(str(root))
    if rest or not own:
        yield InputFile(f"{root.name}", str(root), _listed_bytes(rest))


def _inputs_below(root: Path, below: str) -> Iterator[tuple[str, int]]:
    """Tables, archives and checked-out trees below a folder: (path, bytes)."""
    if (root / ".git").exists():
        # In a checked-out tree an archive or a table is one of its files.
        return
    with os.scandir(root) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = f"{below}{entry.name}"
        if entry.is_symlink():
            continue
        if entry.is_dir(follow_symlinks=False):
            if Path(entry.path, ".git").exists():
                yield path, _listed_bytes(folder_listing(entry.path))
            elif os.access(entry.path, os.R_OK | os.X_OK):
                yield from _inputs_below(Path(entry.path), f"{path}/")
        elif entry.is_file(follow_symlinks=False) and (
            is_parquet(entry.name) or is_archive(entry.name)
        ):
            yield path, entry.stat(follow_symlinks=False).st_size


def _listed_bytes(listing: list[TreeFile]) -> int:
    return listing[-1].offset + listing[-1].size + 1 if listing else 0


@functools.lru_cache(maxsize=64)
def _cached_listing(root: str) -> tuple[TreeFile, ...]:
    checked_out = Path(root, ".git").exists()

    def leave_out(entry: os.DirEntry[str]) -> bool:
        if entry.is_symlink():
            return False
        if entry.is_dir(follow_symlinks=False):
            return entry.name != ".git" and Path(entry.path, ".git").exists()
        # What lies beside an archive and describes it is no source file.
        name = entry.name.removesuffix(".repo.json")
        return not checked_out and (is_parquet(name) or is_archive(name) or name != entry.name)

    return tuple(tree_listing(Path(root), leave_out))


def folder_listing(root: str) -> list[TreeFile]:
    """The files of a folder that are no inputs of their own, in order of path."""
    return list(_cached_listing(root))
