"""The Arrow tables that a run leaves: documents, trails, dropped texts.

``schemas/README.md`` describes every column for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType

import pyarrow as pa

from schemas.decision import Decision
from schemas.version import versioned

__all__ = [
    "DECISIONS",
    "DOCUMENTS",
    "DROPPED_TEXTS",
    "TRAILS",
    "DocumentRow",
    "Provenance",
    "TrailRow",
    "documents_table",
    "dropped_texts_table",
    "trails_table",
]

# Shared by all rows that have none.
_NO_COUNTS: Mapping[str, int] = MappingProxyType({})


def _no_counts() -> Mapping[str, int]:
    return _NO_COUNTS


_COUNTS = pa.map_(pa.string(), pa.int32())

# One entry a filter that judged, in the order in which they judged.
DECISIONS = pa.list_(
    pa.struct(
        [
            pa.field("filter", pa.string(), nullable=False),
            pa.field("verdict", pa.string(), nullable=False),
            pa.field("reason", pa.string(), nullable=False),
            pa.field("score", pa.float64()),
            pa.field("threshold", pa.float64()),
            pa.field("detail", pa.string(), nullable=False),
            pa.field("shadow", pa.bool_(), nullable=False),
        ]
    )
)

# Where a record lies, so that one range request brings it back.
_PROVENANCE: list[pa.Field[pa.DataType]] = [
    pa.field("warc_file", pa.string(), nullable=False),
    pa.field("warc_offset", pa.int64(), nullable=False),
    pa.field("warc_length", pa.int64(), nullable=False),
    pa.field("warc_inner_offset", pa.int64(), nullable=False),
    pa.field("warc_record_id", pa.string(), nullable=False),
    pa.field("payload_digest", pa.string(), nullable=False),
]

DOCUMENTS = versioned(
    "documents",
    1,
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("date", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("language_score", pa.float64(), nullable=False),
        *_PROVENANCE,
        pa.field("content_type", pa.string(), nullable=False),
        pa.field("encoding", pa.string(), nullable=False),
        pa.field("html_bytes", pa.int64(), nullable=False),
        pa.field("extraction", pa.string(), nullable=False),
        pa.field("formulas_found", _COUNTS, nullable=False),
        pa.field("formulas_kept", _COUNTS, nullable=False),
        pa.field("scores", pa.map_(pa.string(), pa.float64()), nullable=False),
        pa.field("decisions", DECISIONS, nullable=False),
        pa.field("extraction_info", pa.string(), nullable=False),
        pa.field("extraction_config", pa.string(), nullable=False),
    ],
)

TRAILS = versioned(
    "trails",
    1,
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("date", pa.string(), nullable=False),
        *_PROVENANCE,
        pa.field("record_type", pa.string(), nullable=False),
        pa.field("http_status", pa.int16(), nullable=False),
        pa.field("content_type", pa.string(), nullable=False),
        pa.field("html_bytes", pa.int64(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        pa.field("dropped_by", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("notes", pa.string(), nullable=False),
        pa.field("shadow", pa.bool_(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("text_chars", pa.int64(), nullable=False),
        pa.field("formulas_found", _COUNTS, nullable=False),
        pa.field("formulas_kept", _COUNTS, nullable=False),
        pa.field("decisions", DECISIONS, nullable=False),
    ],
)

DROPPED_TEXTS = versioned(
    "dropped_texts",
    1,
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("warc_file", pa.string(), nullable=False),
        pa.field("warc_offset", pa.int64(), nullable=False),
        pa.field("warc_inner_offset", pa.int64(), nullable=False),
        pa.field("dropped_by", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
    ],
)


@dataclass(slots=True)
class Provenance:
    """Where a record lies.

    Attributes:
        warc_file: The archive's name in the run's manifest.
        warc_offset: First byte of the record, or of its gzip member, in that file.
        warc_length: Bytes that the record or member takes in the file.
        warc_inner_offset: Where the record begins in its inflated member; 0 unless the member
            holds several.
        warc_record_id: WARC-Record-ID without angle brackets.
        payload_digest: WARC-Payload-Digest as the crawler wrote it, empty when it wrote none.
    """

    warc_file: str
    warc_offset: int
    warc_length: int
    warc_inner_offset: int = 0
    warc_record_id: str = ""
    payload_digest: str = ""


@dataclass(slots=True)
class TrailRow:
    """Everything that was decided on one record; see ``TRAILS`` for the columns."""

    document_id: str
    subset: str
    provenance: Provenance
    url: str = ""
    date: str = ""
    record_type: str = ""
    http_status: int = 0
    content_type: str = ""
    html_bytes: int = 0
    verdict: str = "keep"
    dropped_by: str = ""
    reason: str = ""
    notes: str = ""
    shadow: bool = False
    language: str = ""
    text_chars: int = 0
    formulas_found: Mapping[str, int] = field(default_factory=_no_counts)
    formulas_kept: Mapping[str, int] = field(default_factory=_no_counts)
    decisions: list[Decision] = field(default_factory=list)


@dataclass(slots=True)
class DocumentRow:
    """A document that passed, with its trail; see ``DOCUMENTS`` for the columns."""

    trail: TrailRow
    title: str
    text: str
    language_score: float
    encoding: str
    extraction: str
    scores: Mapping[str, float]
    extraction_info: str
    extraction_config: str


def trails_table(rows: Sequence[TrailRow]) -> pa.Table:
    """Trail rows as an Arrow table of schema ``TRAILS``."""
    columns: dict[str, pa.Array | list[object]] = {
        **_plain(rows, ("document_id", "subset", "url", "date")),
        **_provenance([row.provenance for row in rows]),
        **_plain(
            rows,
            (
                "record_type",
                "http_status",
                "content_type",
                "html_bytes",
                "verdict",
                "dropped_by",
                "reason",
                "notes",
                "shadow",
                "language",
                "text_chars",
            ),
        ),
        "formulas_found": _counts(row.formulas_found for row in rows),
        "formulas_kept": _counts(row.formulas_kept for row in rows),
        "decisions": decisions_array([row.decisions for row in rows]),
    }
    return _table(columns, TRAILS)


def documents_table(rows: Sequence[DocumentRow]) -> pa.Table:
    """Document rows as an Arrow table of schema ``DOCUMENTS``."""
    trails = [row.trail for row in rows]
    columns: dict[str, pa.Array | list[object]] = {
        **_plain(
            trails,
            ("document_id", "subset", "url", "date", "language", "content_type", "html_bytes"),
        ),
        **_provenance([trail.provenance for trail in trails]),
        **_plain(
            rows,
            (
                "title",
                "text",
                "language_score",
                "encoding",
                "extraction",
                "extraction_info",
                "extraction_config",
            ),
        ),
        "formulas_found": _counts(trail.formulas_found for trail in trails),
        "formulas_kept": _counts(trail.formulas_kept for trail in trails),
        "scores": _scores(row.scores for row in rows),
        "decisions": decisions_array([trail.decisions for trail in trails]),
    }
    return _table(columns, DOCUMENTS)


def dropped_texts_table(rows: Sequence[tuple[TrailRow, str]]) -> pa.Table:
    """Dropped documents' texts as an Arrow table of schema ``DROPPED_TEXTS``."""
    trails = [trail for trail, _ in rows]
    places = _provenance([trail.provenance for trail in trails])
    columns: dict[str, pa.Array | list[object]] = {
        **_plain(trails, ("document_id", "url", "dropped_by", "reason")),
        **{name: places[name] for name in ("warc_file", "warc_offset", "warc_inner_offset")},
        "text": [text for _, text in rows],
    }
    return _table(columns, DROPPED_TEXTS)


def decisions_array(lists: Sequence[Sequence[Decision]]) -> pa.Array:
    """Decisions, one list a document, as an Arrow array of type ``DECISIONS``."""
    offsets = [0]
    flat: list[Decision] = []
    for decisions in lists:
        flat.extend(decisions)
        offsets.append(len(flat))
    struct = DECISIONS.value_type
    children = [
        pa.array(list(map(attrgetter(member.name), flat)), member.type) for member in struct
    ]
    values = pa.StructArray.from_arrays(children, fields=list(struct))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=DECISIONS)


def _table(columns: Mapping[str, pa.Array | list[object]], schema: pa.Schema) -> pa.Table:
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, schema.field(name).type)
        for name, column in ((name, columns[name]) for name in schema.names)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _plain(rows: Sequence[object], names: Sequence[str]) -> dict[str, pa.Array | list[object]]:
    return {name: list(map(attrgetter(name), rows)) for name in names}


def _provenance(places: Sequence[Provenance]) -> dict[str, pa.Array | list[object]]:
    return _plain(places, tuple(member.name for member in _PROVENANCE))


def _counts(maps: Iterable[Mapping[str, int]]) -> list[object]:
    # Sorted, so that equal counts are equal bytes whatever the order in which they were found.
    return [sorted((k, v) for k, v in counts.items() if v) if counts else () for counts in maps]


def _scores(maps: Iterable[Mapping[str, float]]) -> list[object]:
    return [sorted(scores.items()) for scores in maps]
