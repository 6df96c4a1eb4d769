"""Where input files come from: local paths and globs, S3, HTTPS, and lists of paths."""

from __future__ import annotations

import fnmatch
import functools
import glob
import gzip
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from extractors.warc import ByteSource, FileSource
from pipelines.errors import InputError
from pipelines.object_store import store_of

__all__ = ["InputFile", "ReadTask", "open_source", "resolve_inputs", "unique_by_name"]

# https://commoncrawl.org/get-started: paths of a crawl's files are relative to this.
COMMON_CRAWL = "https://data.commoncrawl.org/"

_ARCHIVE_NAME = re.compile(r"\.w?arc(\.|$)", re.IGNORECASE)
_PATHS_NAME = re.compile(r"\.paths(\.gz|\.txt)?$")


@dataclass(frozen=True, slots=True)
class InputFile:
    """One input file.

    Attributes:
        name: Its name in trails and manifest, the same on every machine: the path below
            ``crawl-data/`` for Common Crawl, else the path below the input that named it.
        uri: Where it's read from.
        size: Bytes.
    """

    name: str
    uri: str
    size: int


@dataclass(frozen=True, slots=True)
class ReadTask:
    """One range of one input file.

    Attributes:
        number: Its place among the run's tasks.
        name: The file's name in the trails.
        uri: Where the file is read from.
        start: First byte of the range.
        end: First byte after it.
    """

    number: int
    name: str
    uri: str
    start: int
    end: int


def resolve_inputs(
    inputs: Sequence[str], *, limit: int | None = None, base: str = COMMON_CRAWL
) -> list[InputFile]:
    """Finds the files that the inputs name, in an order that doesn't depend on the inputs' order.

    Args:
        inputs: Paths, folders (every ``*.warc*`` and ``*.arc*`` below), globs, ``s3://`` and
            ``https://`` addresses, ``s3://`` globs, and lists named ``*.paths`` or ``*.paths.gz``.
        limit: The first so many files of each list are taken; None for all.
        base: What the lines of a list are relative to.

    Raises:
        InputError: An input names nothing, or two files share a name.
    """
    files: dict[str, InputFile] = {}
    for name, uri in _named(inputs, limit, base):
        known = files.get(name)
        if known is not None and known.uri == uri:
            continue
        if known is not None:
            raise InputError(f"{uri} and {known.uri} would both be called {name}; rename one")
        files[name] = InputFile(name, uri, _size(uri))
    return [files[name] for name in sorted(files)]


def unique_by_name(found: Iterable[InputFile]) -> list[InputFile]:
    """Files in order of name, each once.

    Raises:
        InputError: Two different files share a name.
    """
    files: dict[str, InputFile] = {}
    for file in found:
        known = files.get(file.name)
        if known is not None and known.uri != file.uri:
            raise InputError(f"{file.uri} and {known.uri} would both be called {file.name}")
        files[file.name] = file
    return [files[name] for name in sorted(files)]


def open_source(uri: str) -> ByteSource:
    """Opens a file for reading at offsets.

    Raises:
        OSError: It can't be opened or read, retries included.
    """
    if uri.startswith(("s3://", "gs://")):
        return _ObjectSource(uri)
    if uri.startswith(("https://", "http://")):
        return _HttpSource(uri)
    return FileSource(uri)


def is_remote(uri: str) -> bool:
    """Whether a file is read over the network."""
    return "://" in uri


def _named(inputs: Iterable[str], limit: int | None, base: str) -> Iterator[tuple[str, str]]:
    for text in inputs:
        if _PATHS_NAME.search(text):
            for line in _lines(text)[:limit]:
                uri = line if is_remote(line) else base + line
                yield _name(uri, ""), uri
        elif text.startswith(("s3://", "gs://")):
            yield from _object_matches(text)
        elif is_remote(text):
            yield _name(text, ""), text
        else:
            yield from _local_matches(text)


def _local_matches(text: str) -> Iterator[tuple[str, str]]:
    path = Path(text)
    if path.is_dir():
        found = [p for p in path.rglob("*") if p.is_file() and _ARCHIVE_NAME.search(p.name)]
        root = path
    elif path.is_file():
        found, root = [path], path.parent
    else:
        # pathlib's glob wants a root; a user's pattern has its own.
        matches = glob.glob(text, recursive=True)  # noqa: PTH207
        found = [Path(p) for p in matches if Path(p).is_file()]
        fixed = re.split(r"[*?\[]", text)[0]
        root = Path(fixed if fixed.endswith("/") else str(Path(fixed).parent))
    if not found:
        raise InputError(f"no input: {text} is no file, no folder with archives, and matches none")
    for item in found:
        yield _name(item.as_posix(), root.as_posix()), str(item)


def _name(uri: str, root: str) -> str:
    _, marker, below = uri.partition("crawl-data/")
    if marker:
        return marker + below
    if is_remote(uri):
        parts = urlsplit(uri)
        return f"{parts.netloc}{parts.path}"
    return Path(uri).relative_to(root).as_posix() if root else Path(uri).name


def _lines(uri: str) -> list[str]:
    try:
        source = open_source(uri)
        data = source.read_at(0, source.size)
    except OSError as error:
        raise InputError(f"can't read the list {uri}: {error}") from error
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    return [line.strip() for line in data.decode().splitlines() if line.strip()]


def _size(uri: str) -> int:
    try:
        return open_source(uri).size
    except OSError as error:
        raise InputError(f"can't open {uri}: {error}") from error


class _RangeSource(ABC):
    """A remote file that is read by range requests; its size is known from the start."""

    def __init__(self, uri: str, size: int) -> None:
        self._uri = uri
        self._size = size

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        wanted = min(length, self._size - offset)
        if wanted <= 0:
            return b""
        data = self._fetch(offset, offset + wanted - 1)
        # A cut answer must not pass for the file's end.
        if len(data) != wanted:
            raise OSError(f"{self._uri}: {len(data)} of {wanted} bytes arrived")
        return data

    @abstractmethod
    def _fetch(self, first: int, last: int) -> bytes:
        """The bytes from ``first`` to ``last``, both included, as HTTP counts ranges."""


# ---- object stores ------------------------------------------------------------------------------


def _bucket_and_key(uri: str) -> tuple[str, str]:
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")


def _object_matches(uri: str) -> Iterator[tuple[str, str]]:
    scheme, bucket, key = uri.partition(":")[0], *_bucket_and_key(uri)
    if not any(sign in key for sign in "*?["):
        yield _name(uri, ""), uri
        return
    fixed = re.split(r"[*?\[]", key)[0]
    try:
        found = [
            f"{scheme}://{bucket}/{item.key}"
            for item in store_of(scheme, bucket).listed(fixed)
            if fnmatch.fnmatchcase(item.key, key)
        ]
    except OSError as error:
        raise InputError(f"can't list {uri}: {error}") from error
    if not found:
        raise InputError(f"no object matches {uri}")
    for item in found:
        yield _name(item, ""), item


class _ObjectSource(_RangeSource):
    """An object in a store, whose client retries."""

    def __init__(self, uri: str) -> None:
        bucket, self._key = _bucket_and_key(uri)
        self._store = store_of(uri.partition(":")[0], bucket)
        found = self._store.head(self._key)
        if found is None:
            raise OSError(f"{uri}: no such object")
        super().__init__(uri, found.size)

    def _fetch(self, first: int, last: int) -> bytes:
        return self._store.read_range(self._key, first, last)


# ---- HTTPS --------------------------------------------------------------------------------------


@functools.cache
def _http() -> urllib3.PoolManager:
    retries = urllib3.Retry(
        total=8,
        backoff_factor=1.0,
        backoff_jitter=1.0,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=True,
    )
    timeout = urllib3.Timeout(connect=30, read=120)
    headers = {"User-Agent": "proofmill", "Accept-Encoding": "identity"}
    return urllib3.PoolManager(retries=retries, timeout=timeout, headers=headers)


class _HttpSource(_RangeSource):
    """An HTTP resource; of a server that ignores ranges the range is cut from the whole."""

    def __init__(self, uri: str) -> None:
        answer = _request("HEAD", uri, {})
        if answer.status != 200 or "content-length" not in answer.headers:
            raise OSError(f"{uri}: HTTP {answer.status}, Content-Length missing or not found")
        super().__init__(uri, int(answer.headers["content-length"]))

    def _fetch(self, first: int, last: int) -> bytes:
        answer = _request("GET", self._uri, {"Range": f"bytes={first}-{last}"})
        if answer.status == 200:
            return answer.data[first : last + 1]
        if answer.status != 206:
            raise OSError(f"{self._uri}: HTTP {answer.status}")
        return answer.data


def _request(method: str, uri: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    try:
        manager = _http()
        return manager.request(method, uri, headers={**dict(manager.headers), **headers})
    except urllib3.exceptions.HTTPError as error:
        raise OSError(f"{uri}: {error}") from error
