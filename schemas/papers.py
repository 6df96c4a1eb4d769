"""The tables of the papers subset: what is known of where a paper comes from."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from schemas.tables import Layout

__all__ = ["PAPERS", "PaperProvenance"]

PAPERS = Layout(
    "papers",
    1,
    [
        # Where the source lies.
        pa.field("archive", pa.string(), nullable=False),
        pa.field("member", pa.string(), nullable=False),
        pa.field("member_offset", pa.int64(), nullable=False),
        pa.field("source_digest", pa.string(), nullable=False),
        # What it is.
        pa.field("arxiv_id", pa.string(), nullable=False),
        pa.field("version", pa.int32(), nullable=False),
        pa.field("categories", pa.list_(pa.string()), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
    ],
    place=("archive", "member_offset", "member"),
    licence="licence",
)


@dataclass(slots=True)
class PaperProvenance:
    """Where a paper comes from, and what arXiv's catalogue says of it.

    Attributes:
        archive: The input's name in the run's manifest.
        member: The member of the archive; the file's name for a single paper.
        member_offset: First byte of the member's header in the archive.
        source_digest: SHA-256 of the source as arXiv stores it; empty when it wasn't read.
        arxiv_id: The identifier without version, ``2004.14974`` or ``math/0309136``; empty when the
            name is none.
        version: The version, 0 when unknown.
        categories: The primary one first; empty when unknown.
        licence: SPDX identifier; empty when unknown.
    """

    archive: str
    member: str
    member_offset: int
    source_digest: str = ""
    arxiv_id: str = ""
    version: int = 0
    categories: list[str] = field(default_factory=list)
    licence: str = ""
