"""What tokenizing and packing leave beside the tokens: the documents, and what was left out."""

from __future__ import annotations

import pyarrow as pa

from schemas.version import versioned

__all__ = ["PROVENANCE", "SKIPPED_DOCUMENTS", "TOKENIZED_DOCUMENTS"]

_PLACES = pa.list_(pa.field("element", pa.int32(), nullable=False))

TOKENIZED_DOCUMENTS = versioned(
    "tokenized_documents",
    1,
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("text_bytes", pa.int64(), nullable=False),
        pa.field("text_chars", pa.int64(), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),
        pa.field("prompt_tokens", pa.int64(), nullable=False),
        pa.field("char_starts", _PLACES, nullable=False),
        pa.field("char_ends", _PLACES, nullable=False),
        pa.field("paragraph_breaks", _PLACES, nullable=False),
        pa.field("line_breaks", _PLACES, nullable=False),
    ],
)

SKIPPED_DOCUMENTS = versioned(
    "skipped_documents",
    1,
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ],
)

PROVENANCE = versioned(
    "packing_provenance",
    1,
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("token_start", pa.int32(), nullable=False),
        pa.field("token_end", pa.int32(), nullable=False),
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("document_token_start", pa.int64(), nullable=False),
        pa.field("char_start", pa.int64(), nullable=False),
        pa.field("char_end", pa.int64(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
    ],
)
