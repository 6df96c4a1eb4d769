"""One page through a recipe, for a person who looks: from a file, or out of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from extractors.warc import ArchiveReader, ByteSource, Damage, WarcRecord
from extractors.warc.members import MAGIC
from extractors.warc.records import starts_record
from pipelines.errors import PageNotFound
from pipelines.inputs import open_source
from pipelines.isolation import IsolatedExtractor
from pipelines.judge import Judged
from pipelines.pages import PageJudge
from pipelines.recipe import Recipe
from pipelines.stages import Extract

__all__ = ["Wanted", "inspect_page"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which record of an archive is meant; the first that fits every field that is given.

    Attributes:
        url: Its target URI.
        offset: Where it, or its gzip member, begins.
        record_id: Its WARC-Record-ID.
    """

    url: str = ""
    offset: int | None = None
    record_id: str = ""

    @property
    def given(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.url or self.record_id or self.offset is not None)

    def fits(self, record: WarcRecord) -> bool:
        """Whether a record is the one."""
        return (
            (not self.url or record.target_uri == self.url)
            and (not self.record_id or record.record_id == self.record_id)
            and (self.offset is None or record.offset == self.offset)
            and (self.offset is not None or record.record_type in ("response", "resource"))
        )


def inspect_page(source: str, wanted: Wanted, recipe: Recipe) -> Judged:
    """Takes one page through every stage of a recipe, whatever the first verdict is.

    Args:
        source: An HTML file, or an archive (path, ``s3://``, ``https://``).
        wanted: Which record of the archive; nothing for an HTML file.
        recipe: The recipe.

    Raises:
        PageNotFound: The archive has no such record, or none was asked for.
        OSError: The source can't be read.
    """
    bytes_source = open_source(source)
    if is_archive(bytes_source):
        item = _find(bytes_source, wanted, source)
    else:
        item = _as_record(bytes_source, wanted.url or Path(source).resolve().as_uri())
    with IsolatedExtractor(recipe.always(Extract), recipe.limits) as extractor:
        return PageJudge(recipe, extractor).judge(item, source, every_filter=True)


def is_archive(source: ByteSource) -> bool:
    """Whether a file is a web archive by its first bytes."""
    head = source.read_at(0, 1024)
    return head.startswith((MAGIC, b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")) or starts_record(head)


def _find(source: ByteSource, wanted: Wanted, name: str) -> WarcRecord | Damage:
    if not wanted.given:
        raise PageNotFound(f"{name} is an archive: say which page with --url, --offset or --id")
    start = wanted.offset or 0
    for item in ArchiveReader(source, start, exact=wanted.offset is not None):
        if isinstance(item, WarcRecord) and wanted.fits(item):
            return item
        if wanted.offset is not None:
            break
    raise PageNotFound(f"{name} has no record {wanted.url or wanted.record_id or wanted.offset}")


def _as_record(source: ByteSource, url: str) -> WarcRecord:
    """An HTML file as the response that would have brought it."""
    header = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    data = header + source.read_at(0, source.size)
    fields = {"warc-type": "response", "warc-target-uri": url}
    return WarcRecord(0, source.size, 0, "WARC/1.0", fields, data, 0, len(data))
