"""Rewrites ``sample.warc.gz`` from the pages and the table beside it.

``python -m pipelines.sample.build`` writes the same bytes every time, as long as the compressors
are the ones that ``records.yaml`` names.
"""

from __future__ import annotations

import zlib
from importlib.metadata import version

from pipelines.sample import sample_warc_path
from pipelines.sample.generators import GENERATORS
from pipelines.sample.records import SampleRecord, page_response, sample_records
from pipelines.sample.warc_writer import WarcOther, WarcResponse, archive_bytes

__all__ = ["compressor_versions", "sample_archive", "sample_entries"]


def compressor_versions() -> dict[str, str]:
    """The versions, installed here, of what compresses the archive."""
    return {
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "brotli": version("brotli"),
        "zstandard": version("zstandard"),
    }


def sample_entries() -> list[WarcResponse | WarcOther]:
    """Every record of the sample, in order."""
    return [_entry(record) for record in sample_records()]


def sample_archive() -> bytes:
    """The archive's bytes, built afresh."""
    return archive_bytes(sample_entries())


def _entry(record: SampleRecord) -> WarcResponse | WarcOther:
    if bool(record.page) == bool(record.generator):
        raise ValueError(f"{record.url}: a row has either a page or a generator")
    return page_response(record) if record.page else GENERATORS[record.generator](record)


def main() -> None:
    """Writes the archive and says what it holds."""
    archive = sample_archive()
    sample_warc_path().write_bytes(archive)
    print(f"{sample_warc_path().name}: {len(sample_entries())} records, {len(archive)} bytes")


if __name__ == "__main__":
    main()
