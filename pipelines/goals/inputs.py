"""Trace files as input: which ones there are, what lies beside them, how they're opened."""

from __future__ import annotations

import bz2
import glob
import gzip
import json
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import zstandard

from extractors.formal.formats import LineFormat, line_format
from extractors.warc import ByteSource
from pipelines.errors import InputError
from pipelines.inputs import InputFile, is_remote, open_source
from pipelines.subsets import InputNames

__all__ = ["LEDGER", "beside", "first_line_format", "is_compressed", "resolve_traces", "unpacked"]

# The driver's status rows, one a module.
LEDGER = "status.jsonl"

_COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": lambda data: zstandard.ZstdDecompressor().stream_reader(data).read(),
}
_SUFFIXES = (".json", ".jsonl", ".out")
_HEAD = 1 << 20


def resolve_traces(given: InputNames) -> list[InputFile]:
    """Finds the trace files that the inputs name.

    Args:
        given: Files, folders (every ``*.jsonl``, ``*.json``, compressed or not, and every
            ``PIDE/messages`` below), globs, ``s3://`` and ``https://`` addresses.

    Returns:
        The files by name.

    Raises:
        InputError: An input names nothing, or two files share a name.
    """
    files: dict[str, InputFile] = {}
    for text in given.names:
        for name, uri in _named(text, given.limit):
            known = files.get(name)
            if known is not None and known.uri != uri:
                raise InputError(f"{uri} and {known.uri} would both be called {name}; rename one")
            files[name] = InputFile(name, uri, _size(uri))
    return [files[name] for name in sorted(files)]


def _named(text: str, limit: int | None) -> Sequence[tuple[str, str]]:
    if is_remote(text):
        return [(PurePosixPath(text).name, text)]
    path = Path(text)
    if path.is_dir():
        below = [p for p in sorted(path.rglob("*")) if p.is_file() and _is_trace(p)]
        if not below:
            raise InputError(f"{text}: no traces below it ({', '.join(_SUFFIXES)})")
        return [(p.relative_to(path).as_posix(), str(p.resolve())) for p in below[:limit]]
    found = [text] if path.is_file() else sorted(glob.glob(text, recursive=True))  # noqa: PTH207, absolute globs too
    if not found:
        raise InputError(f"{text}: no such file, folder or glob")
    return [(Path(name).name, str(Path(name).resolve())) for name in found]


def _is_trace(path: Path) -> bool:
    if any(part.startswith(".") for part in path.parts[-2:]):
        return False
    if path.name == "messages":
        return path.parent.name == "PIDE"
    return _plain(path.name).endswith(_SUFFIXES)


def _plain(name: str) -> str:
    """The name without the suffix of its compression."""
    for suffix in _COMPRESSIONS:
        name = name.removesuffix(suffix)
    return name


def _size(uri: str) -> int:
    try:
        return open_source(uri).size if is_remote(uri) else Path(uri).stat().st_size
    except OSError as error:
        raise InputError(f"{uri}: {error}") from error


def is_compressed(name: str) -> bool:
    """Whether a file's name says that it's compressed."""
    return _plain(name) != name


def unpacked(name: str, data: bytes) -> str:
    """The text of a whole trace file.

    Raises:
        OSError, ValueError: It's damaged, or no UTF-8.
    """
    for suffix, unpack in _COMPRESSIONS.items():
        if name.endswith(suffix):
            try:
                data = unpack(data)
            except (zstandard.ZstdError, lzma.LZMAError, EOFError) as error:
                raise OSError(f"{name}: {error}") from error
    return data.decode("utf-8")


def first_line_format(source: ByteSource) -> LineFormat | None:
    """The format of JSON lines that a file is in; None when it's another document."""
    head = source.read_at(0, _HEAD)
    while b"\n" not in head and (more := source.read_at(len(head), _HEAD)):
        head += more
    for line in head.split(b"\n"):
        if line.strip():
            return text_format(line)
    return None


def text_format(line: bytes | str) -> LineFormat | None:
    """The format that a first line tells."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return line_format(value) if isinstance(value, dict) else None


def beside(uri: str) -> Callable[[str], str | None]:
    """Finds text files beside a trace.

    ``.lean`` is the source of the same name, whatever the trace's suffixes; a name without a dot is
    a file of that name in the same folder. ``files/`` of a driver's output is looked into too.
    """

    def found(suffix: str) -> str | None:
        if is_remote(uri):
            return None
        path = Path(uri)
        name = suffix if not suffix.startswith(".") else path.name.partition(".")[0] + suffix
        candidate = path.with_name(name)
        if not candidate.is_file() and suffix == ".in":
            # Answers are NAME.expected.out, commands NAME.in.
            candidate = path.with_name(path.name.removesuffix(".expected.out") + suffix)
        return candidate.read_text("utf-8") if candidate.is_file() else None

    return found
