"""What a document was made from, brought back from where its trail says it lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from audit.documents import Record
from audit.run import AuditRun
from extractors.html.decode import decode_html
from extractors.warc import ArchiveReader, HttpError, WarcRecord, parse_http
from pipelines.inputs import open_source

__all__ = ["Source", "SourceFinder", "SourceUnavailable"]

Kind = Literal["html", "text", "binary"]

_MAX_BYTES = 64 << 20
"""The longest body that is unpacked; the pipeline's own limit is lower."""

_HTML = ("text/html", "application/xhtml+xml")


class SourceUnavailable(Exception):
    """The source can't be shown; the message says why and what would help."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source.

    Attributes:
        kind: What it is.
        text: It as text; empty for ``binary``.
        size: Its bytes.
        encoding: The character encoding that it was read in.
        media_type: What the server called it, when one did.
        place: Where it lies, in words.
    """

    kind: Kind
    text: str
    size: int
    encoding: str
    media_type: str
    place: str


class SourceFinder:
    """Finds sources of a run's documents.

    Args:
        run: The run.
        folder: Where its input files lie now, when they've been moved.
    """

    def __init__(self, run: AuditRun, folder: Path | None = None) -> None:
        self._folder = folder.resolve() if folder else None
        self._inputs = {
            str(entry.get("name")): str(entry.get("uri"))
            for entry in run.manifest.get("inputs", ())
        }

    def worth_showing(self, record: Record, *, has_text: bool) -> bool:
        """Whether a document's source can be read and tells more than its text."""
        reader = _reader_of(record.provenance)
        return reader is not None and not (reader.is_text and has_text)

    def find(self, record: Record) -> Source:
        """A document's source.

        Raises:
            SourceUnavailable: It can't be had.
        """
        reader = _reader_of(record.provenance)
        if reader is None:
            raise SourceUnavailable("The trail doesn't say where the source lies.")
        name = str(record.provenance[reader.column])
        uri = self._uri(name)
        try:
            return reader.read(uri, record)
        except OSError as error:
            raise SourceUnavailable(
                f"{name} can't be read ({error}). If it lies elsewhere now, start with "
                "`--inputs FOLDER`."
            ) from error

    def _uri(self, name: str) -> str:
        """Where an input file lies: as the run recorded, or below the folder that was named."""
        if name not in self._inputs:
            raise SourceUnavailable(f"The run's manifest lists no input {name}.")
        if self._folder is None:
            return self._inputs[name]
        for path in (self._folder / name, self._folder / Path(name).name):
            if path.is_file() and path.resolve().is_relative_to(self._folder):
                return str(path)
        raise SourceUnavailable(f"{self._folder} has no {name}.")


@dataclass(frozen=True, slots=True)
class _Reader:
    """How one kind of input is read.

    Attributes:
        column: The column of provenance that names the input file.
        read: Reads a record's source out of it.
        is_text: Whether the source is what the text is made of as it stands, as files of code are.
    """

    column: str
    read: Callable[[str, Record], Source]
    is_text: bool = False


def _reader_of(provenance: Mapping[str, Any]) -> _Reader | None:
    """How a source is read, by the columns of provenance that its subset has."""
    return next((r for r in _READERS if provenance.get(r.column) not in (None, "")), None)


def _from_archive(uri: str, record: Record) -> Source:
    """The record of a web archive, its HTTP encodings undone."""
    place = record.provenance
    offset, inner = int(place["warc_offset"]), int(place.get("warc_inner_offset") or 0)
    wanted_id = str(place.get("warc_record_id") or "")
    for item in ArchiveReader(open_source(uri), offset, exact=True):
        if item.offset != offset:
            break
        if not isinstance(item, WarcRecord):
            raise SourceUnavailable(f"Damaged bytes, no record: {item.reason} ({item.detail}).")
        if item.inner_offset == inner and item.record_id == wanted_id:
            return _of_record(item, f"{place['warc_file']}, byte {offset:,}")
    raise SourceUnavailable(
        f"{uri} has no such record at byte {offset:,}: it isn't the file that the run read."
    )


def _of_record(item: WarcRecord, place: str) -> Source:
    media_type = item.headers.get("content-type", "").partition(";")[0].strip().lower()
    charset = ""
    body: bytes | memoryview = memoryview(item.data)[item.block_start : item.block_end]
    if media_type == "application/http" and item.record_type == "response":
        try:
            response = parse_http(item.data, item.block_start, item.block_end)
            body = response.body(_MAX_BYTES)
        except HttpError as error:
            raise SourceUnavailable(f"Its HTTP body can't be read: {error}.") from error
        media_type, charset = response.content_type, response.charset
    return source_of_bytes(bytes(body), media_type, charset, place)


def source_of_bytes(
    body: bytes, media_type: str, charset: str, place: str, *, sniffed: bool = True
) -> Source:
    """Bytes as a source: decoded as the pipeline decodes them, unless they're no text.

    Args:
        body: The bytes.
        media_type: What the server called them.
        charset: The charset that it named.
        place: Where they lie, in words.
        sniffed: Whether bytes that begin like a page are one, whatever they're called.
    """
    head = body[:1024]
    begins = head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))
    is_html = media_type in _HTML or (sniffed and begins)
    if not is_html and b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Source("binary", "", len(body), "", media_type, place)
    text, encoding = decode_html(body, charset)
    return Source("html" if is_html else "text", text, len(body), encoding, media_type, place)


def _from_folder(uri: str, record: Record) -> Source:
    """A file of a folder or of a checked-out tree; other inputs aren't opened."""
    root, below = Path(uri).resolve(), str(record.provenance.get("path") or "")
    if not root.is_dir():
        raise SourceUnavailable(f"The file lies in {uri}, which isn't opened here.")
    path = (root / below).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise SourceUnavailable(f"{uri} has no file {below}.")
    if path.stat().st_size > _MAX_BYTES:
        raise SourceUnavailable(f"{below} is longer than {_MAX_BYTES:,} bytes.")
    return source_of_bytes(path.read_bytes(), "text/plain", "", str(path), sniffed=False)


_READERS = (
    _Reader("warc_file", _from_archive),
    _Reader("input_file", _from_folder, is_text=True),
)
"""What a subset adds when it has inputs of another kind: one row and one function."""
