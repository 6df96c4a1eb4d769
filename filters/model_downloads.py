"""Models by URL: fetched once into the user's cache, and only if they are what was asked for.

Large models come over connections that break: what arrived stays, and the next attempt, or the next
start, asks for the rest. A file enters the cache only when its SHA-256 is the wanted one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["DownloadFailed", "cached_path", "download", "downloads_reported"]


class DownloadFailed(Exception):
    """The file couldn't be fetched, or isn't the wanted one; the message says why."""


# Bytes that have arrived, and how many there will be (0 when the server doesn't say).
Report = Callable[[int, int], None]
_report: ContextVar[Report | None] = ContextVar("report", default=None)

_DIGEST = re.compile(r"[0-9a-f]{64}")
_BLOCK = 1 << 20
# Attempts in a row that bring nothing; one that brings something starts the count anew.
_FRUITLESS_ATTEMPTS = 4
_PAUSE_SECONDS = 0.5


@contextmanager
def downloads_reported(report: Report) -> Iterator[None]:
    """Downloads in the block tell how far they are."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def cached_path(url: str, sha256: str) -> Path:
    """Where a model lies once it's fetched: ``$XDG_CACHE_HOME`` or ``~/.cache``, by its digest."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    name = Path(unquote(urlsplit(url).path)).name or "model"
    return base / "proofmill" / "models" / sha256.lower() / name


def download(url: str, sha256: str) -> Path:
    """The cached file of a URL, fetched if it isn't there.

    Args:
        url: Its ``http://`` or ``https://`` address.
        sha256: The digest that it must have.

    Raises:
        DownloadFailed: No digest is given, the server doesn't give the file, or another one.
        OSError: The cache can't be written.
    """
    if not _DIGEST.fullmatch(sha256.lower()):
        raise DownloadFailed(f"{url}: a model by URL needs its sha256, 64 hexadecimal digits")
    if not url.startswith(("http://", "https://")):
        raise DownloadFailed(f"{url}: only http:// and https:// addresses can be fetched")
    path = cached_path(url, sha256)
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    with path.with_name(path.name + ".lock").open("w") as lock:
        # Worker processes that start together: the first one fetches, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.is_file():
            return path
        continued = partial.exists()
        _fetch(url, partial)
        if continued and _sha256(partial) != sha256.lower():
            # What an earlier start had left may be of another version of the file.
            partial.unlink()
            _fetch(url, partial)
        found = _sha256(partial)
        if found != sha256.lower():
            partial.unlink()
            raise DownloadFailed(
                f"{url} has sha256 {found}, wanted is {sha256}: it isn't the file that was asked "
                "for; what arrived was deleted"
            )
        partial.replace(path)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(url: str, partial: Path) -> None:
    """Appends to the partial file until it's whole."""
    fruitless = 0
    while True:
        before = partial.stat().st_size if partial.exists() else 0
        problem = _attempt(url, partial, before)
        if problem is None:
            return
        after = partial.stat().st_size if partial.exists() else 0
        fruitless = 0 if after > before else fruitless + 1
        if fruitless >= _FRUITLESS_ATTEMPTS:
            raise DownloadFailed(
                f"{url}: {problem}; {after:,} bytes have arrived and stay, the next start asks for "
                "the rest"
            )


def _attempt(url: str, partial: Path, start: int) -> str | None:
    """One request for what is missing; what went wrong, or None when all is there."""
    import urllib3

    headers = {"User-Agent": "proofmill", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    retries = urllib3.Retry(
        total=3, read=0, backoff_factor=_PAUSE_SECONDS, status_forcelist=(429, 500, 502, 503, 504)
    )
    timeout = urllib3.Timeout(connect=30, read=60)
    with urllib3.PoolManager(retries=retries, timeout=timeout) as pool:
        try:
            answer = pool.request("GET", url, headers=headers, preload_content=False)
        except urllib3.exceptions.HTTPError as error:
            return str(error)
        with answer:
            if answer.status == 416 and start:  # nothing is missing
                return None
            if answer.status not in (200, 206):
                raise DownloadFailed(f"{url}: HTTP {answer.status} {answer.reason or ''}".rstrip())
            if answer.status == 200:
                start = 0
            return _receive(answer, partial, start)


def _receive(answer: object, partial: Path, start: int) -> str | None:
    import urllib3

    assert isinstance(answer, urllib3.BaseHTTPResponse)
    expected = int(answer.headers.get("content-length") or 0)
    report, arrived = _report.get(), start
    try:
        with partial.open("r+b" if partial.exists() else "wb") as file:
            file.truncate(start)
            file.seek(start)
            # Not ``stream``, which keeps what it has when a connection breaks within a block.
            while block := answer.read1(_BLOCK):
                file.write(block)
                arrived += len(block)
                if report is not None:
                    report(arrived, start + expected if expected else 0)
    except urllib3.exceptions.HTTPError as error:
        return f"the connection broke: {error}"
    if expected and arrived - start < expected:
        return f"{arrived - start:,} of {expected:,} bytes arrived"
    return None
