"""Repositories as archives: tar, plain or compressed, and zip. Nothing is written to disk.

An archive is read twice: first its names, licence files and commit; then, file by file, its
contents. What a hostile archive brings is recorded, and memory stays bounded by one file:

- members that aren't files (links, devices), paths that leave the archive or hide control
  characters, members that a later one of the same name replaces;
- more bytes or members than the limits allow, headers that ask for much memory, broken ends.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from lzma import LZMAError
from typing import IO

import zstandard
from isal import igzip, isal_zlib

from extractors.sources.compression import (
    Opened,
    SourceUnreadable,
    TooLarge,
    file_object,
    opened_stream,
)
from extractors.sources.licences import LicenceFiles
from extractors.sources.repositories import Repository, described_repository
from extractors.sources.source_file import SourceFile, Unread, clean_name, unsafe_path

__all__ = ["ArchiveLimits", "archive_files"]


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds that keep one archive from harming a run.

    Attributes:
        unpacked_bytes: What it may unpack to.
        members: Entries that it may have.
        file_bytes: What one file may have; a larger one is recorded without being read.
    """

    unpacked_bytes: int = 16 << 30
    members: int = 5_000_000
    file_bytes: int = 20_000_000


# What the libraries raise on a broken archive.
_ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]
_BROKEN: tuple[type[Exception], ...] = (
    tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, LZMAError, zstandard.ZstdError,
    igzip.BadGzipFile, _ISAL_ERROR, NotImplementedError, RuntimeError, ValueError,
    OverflowError, OSError,
)  # fmt: skip
# A name or a set of attributes that takes more is an attack; PATH_MAX is 4,096.
_MOST_HEADER = 1 << 20
_HEADER_TYPES = (
    tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)  # fmt: skip


class _Member(tarfile.TarInfo):
    """A header that asks for no more memory than a header needs."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> _Member:
        member = super().frombuf(buf, encoding or "utf-8", errors)
        if member.type in _HEADER_TYPES and member.size > _MOST_HEADER:
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        if member.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("a sparse file")
        return member


@dataclass(slots=True)
class _Entry:
    """An entry of an archive, of either kind."""

    number: int
    name: str
    size: int
    seconds: float
    kind: str
    read: Callable[[], bytes]
    packed: int = 0


@dataclass(slots=True)
class _Contents:
    """What the first reading of an archive finds."""

    last: dict[str, int] = field(default_factory=dict)
    licences: LicenceFiles = field(default_factory=LicenceFiles)
    commit: str = ""
    files: int = 0


def archive_files(
    source: Opened,
    name: str,
    repository: Repository,
    limits: ArchiveLimits,
) -> Iterator[SourceFile]:
    """The files of an archive, in its order.

    Args:
        source: The archive.
        name: Its name, which may say what repository it is of.
        repository: What is known of it besides.
        limits: Bounds.

    Yields:
        Its files; what is no file, or unsafe, or broken, with the reason.

    Raises:
        OSError: The archive can't be read, whatever is in it.
    """
    entries = _zip_entries if source.read_at(0, 4) in (b"PK\3\4", b"PK\5\6") else _tar_entries
    contents = _Contents()
    damage = _first_reading(entries, source, contents, limits)
    root = _common_root(contents.last)
    known = described_repository(repository, name, root, contents.commit)
    contents.licences.strip(root)
    try:
        for entry in entries(source, limits, contents):
            yield _source_file(entry, root, known, contents, limits)
    except SourceUnreadable:
        raise
    except TooLarge as error:
        yield SourceFile.unreadable(-1, "", "archive_too_large", str(error))
        return
    except _BROKEN as error:
        yield SourceFile.unreadable(-1, "", "archive_broken", f"{type(error).__name__}: {error}")
        return
    if damage:
        yield SourceFile.unreadable(-1, "", "archive_broken", damage)
    elif not contents.files:
        yield SourceFile.unreadable(-1, "", "empty_archive", "no files in it")


def _first_reading(
    entries: Callable[[Opened, ArchiveLimits, _Contents], Iterator[_Entry]],
    source: Opened,
    contents: _Contents,
    limits: ArchiveLimits,
) -> str:
    """Names, licences and commit; returns what was broken."""
    try:
        for entry in entries(source, limits, contents):
            if entry.kind != "file":
                continue
            contents.files += 1
            contents.last[entry.name] = entry.number
            if contents.licences.is_one(entry.name):
                contents.licences.add(entry.name, entry.read)
    except SourceUnreadable:
        raise
    except _BROKEN as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _source_file(
    entry: _Entry, root: str, known: Repository, contents: _Contents, limits: ArchiveLimits
) -> SourceFile:
    path = entry.name.removeprefix(root)
    if entry.kind != "file":
        return SourceFile.unreadable(entry.number, path, entry.kind)
    if unsafe_path(entry.name):
        return SourceFile.unreadable(entry.number, path, "unsafe_path", size=entry.size)
    if contents.last.get(entry.name, entry.number) != entry.number:
        return SourceFile.unreadable(
            entry.number, path, "replaced_member", "a later entry has the same name", entry.size
        )
    if entry.size > limits.file_bytes:
        detail = f"{entry.size} bytes"
        return SourceFile.unreadable(entry.number, path, "too_large", detail, entry.size)
    if entry.packed and entry.size > _MOST_RATIO * max(entry.packed, 1024):
        detail = f"{entry.size} bytes from {entry.packed}"
        return SourceFile.unreadable(entry.number, path, "bomb", detail, entry.size)
    date = _date(entry.seconds)
    return SourceFile(
        entry.number,
        path,
        entry.size,
        entry.read,
        repo=known.name,
        commit=known.commit,
        licence=known.licence or contents.licences.of(path),
        stars=known.stars,
        date=known.date or date,
        url=known.url(path),
    )


# DEFLATE can't do better than 1,032 to 1; text does 50 to 1 at the most.
_MOST_RATIO = 500


def _date(seconds: float) -> str:
    """Modification times of archives that Git makes are the commit's."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if seconds > 0 else ""


def _common_root(names: dict[str, int]) -> str:
    """The folder that all files are in, with its slash; empty when there is none."""
    roots = {name.partition("/")[0] if "/" in name else "" for name in names}
    return f"{roots.pop()}/" if len(roots) == 1 and "" not in roots else ""


# ---- tar ----------------------------------------------------------------------------------------


def _tar_entries(source: Opened, limits: ArchiveLimits, contents: _Contents) -> Iterator[_Entry]:
    unpacked = opened_stream(source, limits.unpacked_bytes)
    stream = io.BufferedReader(unpacked, 1 << 18)
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member, errorlevel=1) as tar:
        for number, member in enumerate(tar):
            # The library keeps every header; millions of members would fill the memory.
            tar.members = []  # type: ignore[attr-defined]
            if number >= limits.members:
                raise TooLarge(f"more than {limits.members} members")
            contents.commit = contents.commit or tar.pax_headers.get("comment", "")
            if member.isdir():
                continue
            yield _Entry(
                number,
                clean_name(member.name).removeprefix("./"),
                member.size,
                float(member.mtime),
                _kind(member),
                _tar_reader(tar, member),
            )
    # The library takes a cut header for the end; a whole archive ends with blocks of zeros.
    if not stream.read(1) and unpacked.tail.strip(b"\0"):
        raise tarfile.ReadError("it ends without its mark")


def _kind(member: tarfile.TarInfo) -> str:
    if member.isreg():
        return "file"
    if member.issym():
        return "symbolic_link"
    return "hard_link" if member.islnk() else "not_a_file"


def _tar_reader(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            file = tar.extractfile(member)
            data = file.read() if file is not None else b""
        except SourceUnreadable:
            raise
        except _BROKEN as error:
            # What comes after it is lost too, which the next header will say.
            raise Unread("cut", f"{type(error).__name__}: {error}") from error
        if len(data) != member.size:
            raise Unread("cut", f"{len(data)} of {member.size} bytes")
        return data

    return read


# ---- zip ----------------------------------------------------------------------------------------


def _zip_entries(source: Opened, limits: ArchiveLimits, contents: _Contents) -> Iterator[_Entry]:
    total = 0
    with zipfile.ZipFile(file_object(source)) as archive:
        contents.commit = archive.comment.decode("ascii", "replace")
        for number, member in enumerate(archive.infolist()):
            total += member.file_size
            if number >= limits.members:
                raise TooLarge(f"more than {limits.members} members")
            if member.is_dir():
                continue
            # The mode of what Unix packed: symbolic links are files with a bit of their own.
            link = (member.external_attr >> 16) & 0o170000 == 0o120000
            yield _Entry(
                number,
                clean_name(member.filename).removeprefix("./"),
                member.file_size,
                _zip_seconds(member),
                "symbolic_link" if link else "file",
                _zip_reader(archive, member),
                packed=member.compress_size or 1,
            )
            if total > limits.unpacked_bytes:
                raise TooLarge(f"more than {limits.unpacked_bytes} bytes when unpacked")


def _zip_seconds(member: zipfile.ZipInfo) -> float:
    try:
        return datetime(*member.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _zip_reader(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with archive.open(member) as file:
                # One byte more than is declared shows a lie without unpacking all of it.
                data: bytes = _up_to(file, member.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as e:
            raise Unread("member_broken", f"{type(e).__name__}: {e}") from e
        if len(data) != member.file_size:
            raise Unread("cut", f"{len(data)} of {member.file_size} bytes")
        return data

    return read


def _up_to(file: IO[bytes], size: int) -> bytes:
    return file.read(size)
