"""The tables of the web subset: what is known of where a page comes from."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from schemas.tables import Layout

__all__ = ["WEB", "WebProvenance"]

WEB = Layout(
    "web",
    2,
    [
        # Where the record lies, so that one range request brings it back.
        pa.field("warc_file", pa.string(), nullable=False),
        pa.field("warc_offset", pa.int64(), nullable=False),
        pa.field("warc_length", pa.int64(), nullable=False),
        pa.field("warc_inner_offset", pa.int64(), nullable=False),
        pa.field("warc_record_id", pa.string(), nullable=False),
        pa.field("payload_digest", pa.string(), nullable=False),
        # What the server answered.
        pa.field("http_status", pa.int16(), nullable=False),
        pa.field("content_type", pa.string(), nullable=False),
    ],
    place=("warc_file", "warc_offset", "warc_inner_offset"),
)


@dataclass(slots=True)
class WebProvenance:
    """Where a record of a web archive lies, and how the server answered.

    Attributes:
        warc_file: The archive's name in the run's manifest.
        warc_offset: First byte of the record, or of its gzip member, in that file.
        warc_length: Bytes that the record or member takes in the file.
        warc_inner_offset: Where the record begins in its inflated member; 0 unless the member
            holds several.
        warc_record_id: WARC-Record-ID without angle brackets.
        payload_digest: WARC-Payload-Digest as the crawler wrote it, empty when it wrote none.
        http_status: Status code of the response; 0 when there was none.
        content_type: Media type of the response; empty when there was none.
    """

    warc_file: str
    warc_offset: int
    warc_length: int
    warc_inner_offset: int = 0
    warc_record_id: str = ""
    payload_digest: str = ""
    http_status: int = 0
    content_type: str = ""
