"""Files of a run, wherever its folder lies: on this machine, or in an object store.

A run whose folder is ``s3://`` or ``gs://`` is worked on through a local mirror. Each process
writes a file in its mirror and publishes it; whoever needs one fetches it first. A mirrored path
spells out what it mirrors (``MIRRORS/s3/bucket/run/...``), so that it means the same object on
every machine, and the phases pass paths around as they do on one machine. A file is published whole
under its final name, the marker of a finished task after everything that it speaks of.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import functools
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.object_store import ObjectStore, StoredObject, store_of

__all__ = [
    "address_of",
    "drop_mirror",
    "exists",
    "fetched",
    "folder_at",
    "is_mirrored",
    "listed",
    "mirrors",
    "open_parquet",
    "publish",
    "remote_of",
    "remove",
    "remove_tree",
    "size_of",
]

_SCHEMES = ("s3", "gs")
# A smaller remote file is fetched rather than read in ranges: one request instead of several.
_FETCHED_WHOLE = 8 << 20
# What Parquet reads at a time of a remote file's row groups.
_BUFFER = 1 << 20


@functools.cache
def mirrors() -> Path:
    """Where mirrors lie; ``PROOFMILL_MIRRORS`` must say the same on every machine of a run."""
    chosen = os.environ.get("PROOFMILL_MIRRORS")
    return Path(chosen or Path(tempfile.gettempdir()) / "proofmill-mirrors").absolute()


@dataclass(frozen=True, slots=True)
class _Remote:
    """The object or folder that a mirrored path stands for."""

    scheme: str
    bucket: str
    key: str

    @property
    def store(self) -> ObjectStore:
        return store_of(self.scheme, self.bucket)

    @property
    def address(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"


def folder_at(address: str) -> Path:
    """The folder of a run by its address: the local one, or the mirror of a remote one.

    Args:
        address: A path, ``s3://bucket/prefix`` or ``gs://bucket/prefix``.

    Raises:
        ValueError: A remote address names no bucket and prefix, or goes upward.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return Path(address)
    bucket, _, key = rest.strip("/").partition("/")
    if scheme not in _SCHEMES or not bucket or not key:
        raise ValueError(f"{address}: expected a path, s3://bucket/prefix or gs://bucket/prefix")
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise ValueError(f"{address}: a prefix has no empty, . or .. part")
    return mirrors() / scheme / bucket / key


def remote_of(path: Path) -> _Remote | None:
    """What a path mirrors; None for a path of this machine alone."""
    if not path.is_relative_to(mirrors()):
        return None
    scheme, bucket, *key = path.relative_to(mirrors()).parts
    return _Remote(scheme, bucket, "/".join(key))


def is_mirrored(path: Path) -> bool:
    """Whether a path mirrors an object store."""
    return remote_of(path) is not None


def address_of(path: Path) -> str:
    """Where a file or folder lies, as a user would write it."""
    remote = remote_of(path)
    return remote.address if remote else str(path)


def publish(path: Path) -> None:
    """Makes a finished file visible to others; nothing to do on one machine."""
    remote = remote_of(path)
    if remote is None:
        return
    remote.store.upload(path, remote.key)
    stored = remote.store.head(remote.key)
    if stored is None or stored.size != path.stat().st_size:
        raise OSError(errno.EIO, "the store has another object than was written", remote.address)
    _mark(path, stored)


def fetched(path: Path) -> Path:
    """The path, its content there and current.

    Raises:
        FileNotFoundError: There is no such file.
        OSError: The store can't be reached.
    """
    remote = remote_of(path)
    if remote is None:
        return path
    stored = remote.store.head(remote.key)
    if stored is None:
        raise FileNotFoundError(errno.ENOENT, "no such object", remote.address)
    if not _is_current(path, stored):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path) as temporary:
            remote.store.download(remote.key, temporary)
            if temporary.stat().st_size != stored.size:
                raise OSError(errno.EIO, "the object was cut on its way", remote.address)
            _mark(temporary, stored)
            temporary.replace(path)
    return path


def exists(path: Path) -> bool:
    """Whether a file is there for everybody."""
    remote = remote_of(path)
    return path.exists() if remote is None else remote.store.head(remote.key) is not None


def size_of(path: Path) -> int:
    """Bytes of a file; raises ``FileNotFoundError`` when there is none."""
    remote = remote_of(path)
    if remote is None:
        return path.stat().st_size
    stored = remote.store.head(remote.key)
    if stored is None:
        raise FileNotFoundError(errno.ENOENT, "no such object", remote.address)
    return stored.size


def remove(path: Path) -> None:
    """Removes a file; one that isn't there is none."""
    path.unlink(missing_ok=True)
    remote = remote_of(path)
    if remote is not None:
        remote.store.delete([remote.key])


def remove_tree(folder: Path) -> None:
    """Removes a folder with everything in it."""
    shutil.rmtree(folder, ignore_errors=True)
    remote = remote_of(folder)
    if remote is not None:
        remote.store.delete([item.key for item in remote.store.listed(f"{remote.key}/")])


def drop_mirror(folder: Path) -> None:
    """Frees the disk that a remote folder's mirror takes; what was published stays."""
    if is_mirrored(folder):
        shutil.rmtree(folder, ignore_errors=True)


def listed(folder: Path, pattern: str) -> list[Path]:
    """The files of a folder whose path below it fits a pattern, sorted; not fetched.

    Args:
        folder: The folder.
        pattern: As of ``fnmatch``, where ``*`` doesn't stop at a slash.
    """
    remote = remote_of(folder)
    if remote is None:
        names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    else:
        prefix = f"{remote.key}/"
        names = [item.key.removeprefix(prefix) for item in remote.store.listed(prefix)]
    return sorted(folder / name for name in names if fnmatch.fnmatchcase(name, pattern))


@contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """A Parquet file, of a large remote one only the ranges that are read.

    Raises:
        FileNotFoundError: There is no such file.
    """
    remote = remote_of(path)
    stored = remote.store.head(remote.key) if remote else None
    if remote is None or stored is None or stored.size <= _FETCHED_WHOLE:
        with pq.ParquetFile(fetched(path)) as file:
            yield file
        return
    source = io.BufferedReader(_RangeFile(remote, stored.size), _BUFFER)
    with source, pq.ParquetFile(pa.PythonFile(source, mode="r"), pre_buffer=True) as file:
        yield file


class _RangeFile(io.RawIOBase):
    """An object as a file that can be read and sought in."""

    def __init__(self, remote: _Remote, size: int) -> None:
        super().__init__()
        self._remote = remote
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}
        self._position = base[whence] + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        first, last = self._position, self._position + wanted - 1
        data = self._remote.store.read_range(self._remote.key, first, last)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f"{path.name}.fetch-{os.getpid()}")
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _mark(path: Path, stored: StoredObject) -> None:
    """Gives a copy the object's time, by which it's known to be current."""
    os.utime(path, (stored.modified, stored.modified))


def _is_current(path: Path, stored: StoredObject) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return status.st_size == stored.size and abs(status.st_mtime - stored.modified) < 0.5
