r"""What arXiv's catalogue says of a paper: categories, licence, version, dates.

The catalogue is the snapshot that arXiv publishes as JSON lines, one paper a line, some millions of
them in some gigabytes. It's never held: an index of hashes and places is built once in the folder
for temporary files and mapped into memory, and a paper's line is read when the paper is.
"""

from __future__ import annotations

import email.utils
import functools
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
import numpy.typing as npt
import xxhash

from filters.papers.identifiers import arxiv_id
from schemas import Decision, Document

__all__ = ["Catalogue", "CatalogueError", "Metadata", "PaperRecord", "spdx_licence"]

_ID = re.compile(rb'"id"\s*:\s*"([^"\\]+)"')
_ENTRY = np.dtype([("hash", "<u8"), ("offset", "<u8")])
_BLOCK = 1 << 20


class CatalogueError(Exception):
    """The catalogue can't be read; says what to do."""


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """What the catalogue says of one paper.

    Attributes:
        categories: The primary one first.
        licence: SPDX identifier; ``LicenseRef-`` for arXiv's own; empty when it names none.
        version: The latest version.
        date: When that version was submitted, ISO 8601.
        title: The title.
    """

    categories: tuple[str, ...] = ()
    licence: str = ""
    version: int = 0
    date: str = ""
    title: str = ""


# https://info.arxiv.org/help/license/index.html; SPDX has no name for arXiv's own licence, under
# which nobody but arXiv may pass a paper on.
_LICENCES: Mapping[str, str] = {
    "creativecommons.org/licenses/by/4.0": "CC-BY-4.0",
    "creativecommons.org/licenses/by/3.0": "CC-BY-3.0",
    "creativecommons.org/licenses/by-sa/4.0": "CC-BY-SA-4.0",
    "creativecommons.org/licenses/by-nc-sa/4.0": "CC-BY-NC-SA-4.0",
    "creativecommons.org/licenses/by-nc-sa/3.0": "CC-BY-NC-SA-3.0",
    "creativecommons.org/licenses/by-nc-nd/4.0": "CC-BY-NC-ND-4.0",
    "creativecommons.org/publicdomain/zero/1.0": "CC0-1.0",
    "creativecommons.org/licenses/publicdomain": "CC-PDDC",
    "arxiv.org/licenses/nonexclusive-distrib/1.0": "LicenseRef-arXiv-nonexclusive-distrib-1.0",
    "arxiv.org/licenses/assumed-1991-2003": "LicenseRef-arXiv-assumed-1991-2003",
}


def spdx_licence(url: str) -> str:
    """The SPDX identifier of a licence's address; the address itself when there's none known."""
    bare = re.sub(r"^https?://(?:www\.)?", "", url.strip()).rstrip("/")
    return _LICENCES.get(bare, url.strip())


class Catalogue:
    """The snapshot, looked up by identifier.

    Args:
        path: JSON lines, unpacked.

    Raises:
        CatalogueError: It isn't there, is packed, or holds no identifiers.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except OSError as error:
            raise CatalogueError(f"metadata.file: {error}") from error
        head = self._file.read(4)
        if head[:2] in (b"\x1f\x8b", b"PK", b"BZ") or head == b"\x28\xb5\x2f\xfd":
            raise CatalogueError(f"metadata.file: {path} is packed; unpack it first")
        self._index = self._mapped()

    def __len__(self) -> int:
        return len(self._index)

    def find(self, number: str) -> PaperRecord | None:
        """What is said of a paper; None when it isn't in the catalogue."""
        wanted = _hash(number.encode())
        at = int(np.searchsorted(self._index["hash"], np.uint64(wanted)))
        while at < len(self._index) and int(self._index["hash"][at]) == wanted:
            self._file.seek(int(self._index["offset"][at]))
            row = _parsed(self._file.readline())
            if row is not None and row.get("id") == number:
                return _record(row)
            at += 1
        return None

    def _mapped(self) -> npt.NDArray[Any]:
        stat = self._path.stat()
        known = f"{self._path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"
        name = f"proofmill-catalogue-{xxhash.xxh3_128_hexdigest(known.encode())}.npy"
        # Never beside the catalogue: that may be a shared or an installed folder.
        place = Path(tempfile.gettempdir()) / name
        return _loaded(place) if place.is_file() else _stored(self._built(), place)

    def _built(self) -> npt.NDArray[Any]:
        hashes = bytearray()
        offsets = bytearray()
        offset = 0
        self._file.seek(0)
        for line in self._file:
            found = _ID.search(line)
            if found is not None:
                hashes += _hash(found.group(1)).to_bytes(8, "little")
                offsets += offset.to_bytes(8, "little")
            offset += len(line)
        if not hashes:
            raise CatalogueError(
                f'metadata.file: {self._path} has no lines with an "id"; arXiv\'s JSON snapshot has'
            )
        index = np.empty(len(hashes) // 8, _ENTRY)
        index["hash"] = np.frombuffer(bytes(hashes), "<u8")
        index["offset"] = np.frombuffer(bytes(offsets), "<u8")
        index.sort(order=("hash", "offset"))
        return index


def _stored(index: npt.NDArray[Any], place: Path) -> npt.NDArray[Any]:
    """Keeps an index; two processes that build it at once write the same bytes."""
    handle, temporary = tempfile.mkstemp(dir=place.parent, suffix=".npy")
    with os.fdopen(handle, "wb") as file:
        np.save(file, index)
    Path(temporary).replace(place)
    return _loaded(place)


def _loaded(place: Path) -> npt.NDArray[Any]:
    index: npt.NDArray[Any] = np.load(place, mmap_mode="r")
    return index


def _hash(number: bytes) -> int:
    return xxhash.xxh3_64_intdigest(number)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _record(row: Mapping[str, Any]) -> PaperRecord:
    versions = [item for item in row.get("versions") or () if isinstance(item, dict)]
    latest = versions[-1] if versions else {}
    number = str(latest.get("version", "")).lstrip("v")
    return PaperRecord(
        tuple(str(row.get("categories") or "").split()),
        spdx_licence(str(row.get("license") or "")),
        int(number) if number.isdigit() else 0,
        _iso_date(str(latest.get("created") or "")) or str(row.get("update_date") or ""),
        " ".join(str(row.get("title") or "").split()),
    )


def _iso_date(date: str) -> str:
    """``Mon, 2 Apr 2007 19:18:42 GMT`` as ISO 8601; empty when it's no such date."""
    try:
        return email.utils.parsedate_to_datetime(date).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError):
        return ""


@functools.lru_cache(maxsize=2)
def _catalogue(path: str) -> Catalogue:
    """The catalogue of a path, opened once a process."""
    return Catalogue(Path(path))


@dataclass(frozen=True, slots=True)
class Metadata:
    """Looks a paper up in arXiv's catalogue and tells its categories, licence, version and date.

    Attributes:
        file: The JSON snapshot, unpacked; empty for none, so that nothing is known but what the
            identifier says.
        unknown: What becomes of a paper that isn't in it.
    """

    file: str = ""
    unknown: str = "keep"

    name: ClassVar[str] = "metadata"

    def __post_init__(self) -> None:
        if self.unknown not in ("keep", "drop"):
            raise ValueError(f"unknown: keep or drop, not {self.unknown!r}")

    def check(self) -> None:
        """Raises ``CatalogueError`` before any work when the catalogue can't be used."""
        if self.file:
            _catalogue(self.file)

    def model_digest(self) -> str:
        """XXH3-128 of the catalogue: what a paper's fate hangs on belongs to the run's record."""
        if not self.file:
            return ""
        digest = xxhash.xxh3_128()
        with Path(self.file).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return f"xxh3-128:{digest.hexdigest()}"

    def judge(self, document: Document) -> Decision:
        """Looks the paper up by its URL; fills in categories, licence, version and date."""
        number = arxiv_id(document.url.rpartition("/abs/")[2]) if document.url else None
        if number is None:
            return self._unknown("no_identifier")
        if number.archive:
            document.categories = (number.archive,)
        if not self.file:
            return Decision.keep(self.name, "no_catalogue")
        record = _catalogue(self.file).find(number.number)
        if record is None:
            return self._unknown("not_in_catalogue")
        document.categories = record.categories or document.categories
        document.licence = record.licence
        document.version = number.version or record.version
        document.date = record.date or document.date
        return Decision.keep(self.name, "found", detail=" ".join(record.categories))

    def _unknown(self, reason: str) -> Decision:
        if self.unknown == "drop" and self.file:
            return Decision.drop(self.name, reason)
        return Decision.keep(self.name, reason)
