"""Web archives: WARC and ARC files in any container, with their damage reported."""

from extractors.warc.http import HttpError, HttpResponse, parse_http
from extractors.warc.reader import ArchiveReader, Container, ReadLimits, container_of
from extractors.warc.records import Damage, WarcRecord
from extractors.warc.source import ByteSource, BytesSource, FileSource

__all__ = [
    "ArchiveReader",
    "ByteSource",
    "BytesSource",
    "Container",
    "Damage",
    "FileSource",
    "HttpError",
    "HttpResponse",
    "ReadLimits",
    "WarcRecord",
    "container_of",
    "parse_http",
]
