"""The Arrow tables that a run leaves: documents, trails, dropped texts.

All subsets share a core of columns; a subset's ``Layout`` adds what it knows of where a document
comes from. ``schemas/README.md`` describes every column for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from schemas.decision import Decision
from schemas.version import versioned

__all__ = ["DECISIONS", "DocumentRow", "Layout", "TrailRow", "decisions_array", "rows_table"]

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

# What documents and trails of every subset begin with.
_IDENTITY: list[pa.Field[pa.DataType]] = [
    pa.field("document_id", pa.string(), nullable=False),
    pa.field("subset", pa.string(), nullable=False),
    pa.field("record_type", pa.string(), nullable=False),
    pa.field("url", pa.string(), nullable=False),
    pa.field("date", pa.string(), nullable=False),
]
_MEASURED: list[pa.Field[pa.DataType]] = [
    pa.field("source_bytes", pa.int64(), nullable=False),
    pa.field("language", pa.string(), nullable=False),
    pa.field("formulas_found", _COUNTS, nullable=False),
    pa.field("formulas_kept", _COUNTS, nullable=False),
    pa.field("notes", pa.string(), nullable=False),
    pa.field("decisions", DECISIONS, nullable=False),
]
_TEXT: list[pa.Field[pa.DataType]] = [
    pa.field("title", pa.string(), nullable=False),
    pa.field("text", pa.large_string(), nullable=False),
    pa.field("language_score", pa.float64(), nullable=False),
    pa.field("encoding", pa.string(), nullable=False),
    pa.field("extraction", pa.string(), nullable=False),
    pa.field("scores", pa.map_(pa.string(), pa.float64()), nullable=False),
    pa.field("extraction_info", pa.string(), nullable=False),
    pa.field("extraction_config", pa.string(), nullable=False),
]
_JUDGED: list[pa.Field[pa.DataType]] = [
    pa.field("verdict", pa.string(), nullable=False),
    pa.field("dropped_by", pa.string(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("shadow", pa.bool_(), nullable=False),
    pa.field("text_chars", pa.int64(), nullable=False),
]
_DROPPED: list[pa.Field[pa.DataType]] = [
    pa.field("dropped_by", pa.string(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("text", pa.large_string(), nullable=False),
]


@dataclass(slots=True)
class TrailRow:
    """Everything that was decided on one record.

    Attributes:
        document_id: 32 hex digits, a stable hash of the source's own identity.
        subset: The subset.
        provenance: Where the record comes from, a value with the layout's columns as attributes.
        record_type: What kind of record it is: WARC-Type, ``file``, ``paper``; ``damage`` for
            bytes that are no record.
        url: Where the document was or is.
        date: Its date, ISO 8601; empty when unknown.
        source_bytes: Bytes of the source that the text is made from, encodings undone; 0 when
            they weren't looked at.
        verdict: ``keep`` or ``drop``.
        dropped_by: The stage that dropped it first.
        reason: That stage's reason.
        notes: What was odd and could be mended, comma-separated codes.
        shadow: Whether every filter judged although one had dropped it.
        language: ISO 639 code of the text's language.
        text_chars: Characters of the text.
        formulas_found: Formulas in the source by encoding.
        formulas_kept: Formulas in the text by encoding.
        decisions: Every decision, in order.
    """

    document_id: str
    subset: str
    provenance: Any
    record_type: str = ""
    url: str = ""
    date: str = ""
    source_bytes: int = 0
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
    """A document that passed, with its trail; see ``schemas/README.md`` for the columns.

    ``content`` holds the layout's columns of content as attributes, where the layout has such.
    """

    trail: TrailRow
    title: str
    text: str
    language_score: float
    encoding: str
    extraction: str
    scores: Mapping[str, float]
    extraction_info: str
    extraction_config: str
    content: Any = None


class Layout:
    """The tables of one subset: the columns that all share, and its own of provenance.

    Args:
        subset: The subset.
        version: Raised by one whenever a column is added, removed or changes its meaning.
        provenance: Columns that say where a document comes from; a row's provenance has them as
            attributes.
        place: Those of them that say where the source lies: what dropped texts carry of them, and
            what orders documents of equal ids.
        licence: The column that holds the licence's SPDX identifier, if there is one.
        group: The column within whose values chunks are held against each other, if there is one.
        content: Further columns of the documents that trails don't repeat; a row's content has
            them as attributes.

    Attributes:
        subset: As given.
        place: As given.
        licence: As given.
        group: As given.
        documents: Schema of what is in the corpus.
        trails: Schema of what was decided on every record.
        dropped_texts: Schema of dropped documents' texts.
    """

    def __init__(
        self,
        subset: str,
        version: int,
        provenance: Sequence[pa.Field[pa.DataType]],
        *,
        place: Sequence[str],
        licence: str = "",
        group: str = "",
        content: Sequence[pa.Field[pa.DataType]] = (),
    ) -> None:
        self.subset = subset
        self.place = tuple(place)
        self.licence = licence
        self.group = group
        self._own = tuple(member.name for member in provenance)
        self._content = tuple(member.name for member in content)
        own = list(provenance)
        self.documents = versioned(
            "documents", version, [*_IDENTITY, *own, *_MEASURED, *_TEXT, *content]
        )
        self.trails = versioned("trails", version, [*_IDENTITY, *own, *_MEASURED, *_JUDGED])
        named = ("document_id", "subset", "url")
        places = [member for member in own if member.name in place]
        self.dropped_texts = versioned(
            "dropped_texts",
            version,
            [*(member for member in _IDENTITY if member.name in named), *places, *_DROPPED],
        )

    def trails_table(self, rows: Sequence[TrailRow]) -> pa.Table:
        """Trail rows as an Arrow table of schema ``trails``."""
        return _table({**self._shared(rows), **_plain(rows, _names(_JUDGED))}, self.trails)

    def documents_table(self, rows: Sequence[DocumentRow]) -> pa.Table:
        """Document rows as an Arrow table of schema ``documents``."""
        columns = {
            **self._shared([row.trail for row in rows]),
            **_plain(rows, [name for name in _names(_TEXT) if name != "scores"]),
            "scores": _scores(row.scores for row in rows),
            **_plain([row.content for row in rows], self._content),
        }
        return _table(columns, self.documents)

    def dropped_texts_table(self, rows: Sequence[tuple[TrailRow, str]]) -> pa.Table:
        """Dropped documents' texts as an Arrow table of schema ``dropped_texts``."""
        trails = [trail for trail, _ in rows]
        columns: dict[str, pa.Array | list[object]] = {
            **_plain(trails, ("document_id", "subset", "url", "dropped_by", "reason")),
            **_plain([trail.provenance for trail in trails], self.place),
            "text": [text for _, text in rows],
        }
        return _table(columns, self.dropped_texts)

    def _shared(self, trails: Sequence[TrailRow]) -> dict[str, pa.Array | list[object]]:
        """What documents and trails both have."""
        return {
            **_plain(trails, _names(_IDENTITY)),
            **_plain([trail.provenance for trail in trails], self._own),
            **_plain(trails, ("source_bytes", "language", "notes")),
            "formulas_found": _counts(trail.formulas_found for trail in trails),
            "formulas_kept": _counts(trail.formulas_kept for trail in trails),
            "decisions": decisions_array([trail.decisions for trail in trails]),
        }


def rows_table(rows: Sequence[object], schema: pa.Schema) -> pa.Table:
    """Values with a schema's columns as attributes, as a table of it."""
    return _table(_plain(rows, schema.names), schema)


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


def _names(fields: Sequence[pa.Field[pa.DataType]]) -> list[str]:
    return [member.name for member in fields]


def _counts(maps: Iterable[Mapping[str, int]]) -> list[object]:
    # Sorted, so that equal counts are equal bytes whatever the order in which they were found.
    return [sorted((k, v) for k, v in counts.items() if v) if counts else () for counts in maps]


def _scores(maps: Iterable[Mapping[str, float]]) -> list[object]:
    return [sorted(scores.items()) for scores in maps]
