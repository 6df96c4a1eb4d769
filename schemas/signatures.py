"""What deduplication leaves: signatures, and a decision on every document."""

from __future__ import annotations

import pyarrow as pa

from schemas.version import versioned

__all__ = ["DUPLICATE_DECISIONS", "REPEATED_PARAGRAPHS", "SIGNATURES"]

SIGNATURES = versioned(
    "signatures",
    1,
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        pa.field("date", pa.string(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("text_chars", pa.int64(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("url_key", pa.binary(16)),
        pa.field("text_key", pa.binary(16)),
        # Little-endian unsigned 32-bit entries, one a permutation.
        pa.field("signature", pa.binary()),
        # Empty for a document that stayed.
        pa.field("kept_id", pa.string(), nullable=False),
    ],
)

# One row a document that was looked at.
DUPLICATE_DECISIONS = versioned(
    "duplicate_decisions",
    1,
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("text_chars", pa.int64(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        # The stage that dropped it; the columns after it are empty for a document that stayed.
        pa.field("dropped_by", pa.string(), nullable=False),
        pa.field("kept_id", pa.string(), nullable=False),
        pa.field("kept_subset", pa.string(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("members", pa.int64(), nullable=False),
        pa.field("similarity", pa.float64()),
        pa.field("threshold", pa.float64()),
        # What many documents share and went from this one's text.
        pa.field("paragraphs_removed", pa.int64(), nullable=False),
        pa.field("chars_removed", pa.int64(), nullable=False),
    ],
)

# One row a paragraph that went because many documents share it.
REPEATED_PARAGRAPHS = versioned(
    "repeated_paragraphs",
    1,
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("documents", pa.int64(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
    ],
)
