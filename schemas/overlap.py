"""The Arrow tables of an overlap report; ``schemas/README.md`` describes every column."""

from __future__ import annotations

import pyarrow as pa

from schemas.version import versioned

__all__ = ["OVERLAPS", "OVERLAP_DOCUMENTS", "OVERLAP_PROBLEMS", "PROBLEMS", "REMOVALS"]


def _text(name: str) -> pa.Field[pa.DataType]:
    return pa.field(name, pa.string(), nullable=False)


def _count(name: str) -> pa.Field[pa.DataType]:
    return pa.field(name, pa.int64(), nullable=False)


_PLACE = [_text("file"), _count("row"), _text("document_id")]
_ITEM = [_text("problem_set"), _text("item"), _text("side")]

OVERLAPS = versioned(
    "overlaps",
    1,
    [
        *_PLACE,
        _text("edition"),
        *_ITEM,
        _text("group"),
        _count("document_start"),
        _count("document_end"),
        _count("problem_start"),
        _count("problem_end"),
        _count("ngrams"),
        _count("tokens"),
        pa.field("contained", pa.bool_(), nullable=False),
        pa.field("lcs_ratio", pa.float64()),
        _text("before"),
        _text("text"),
        _text("after"),
    ],
)

OVERLAP_PROBLEMS = versioned(
    "overlap_problems",
    1,
    [
        _text("edition"),
        *_ITEM,
        _text("group"),
        pa.field("searched", pa.bool_(), nullable=False),
        _count("documents"),
        _count("documents_containing"),
        _count("stretches"),
        _count("ngrams"),
    ],
)

OVERLAP_DOCUMENTS = versioned(
    "overlap_documents",
    1,
    [*_PLACE, _text("edition"), _count("problems"), _count("stretches"), _count("ngrams")],
)

PROBLEMS = versioned(
    "problems",
    1,
    [
        _text("problem_set"),
        _text("item"),
        _text("group"),
        _text("input"),
        _text("output"),
        _text("formal"),
        _text("language"),
        pa.field("names", pa.list_(pa.string()), nullable=False),
    ],
)

# One row a document that a removal dropped or cut.
REMOVALS = versioned(
    "removals",
    1,
    [
        *_PLACE,
        _text("verdict"),
        _text("reason"),
        _text("detail"),
        _count("characters_before"),
        _count("characters_after"),
        pa.field(
            "cuts",
            pa.list_(pa.struct([_count("start"), _count("end")])),
            nullable=False,
        ),
    ],
)
