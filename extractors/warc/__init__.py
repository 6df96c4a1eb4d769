"""Web archives: WARC and ARC files in any container, with their damage reported."""

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
    "ReadLimits",
    "WarcRecord",
    "container_of",
]
