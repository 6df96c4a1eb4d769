"""One row of the trails as a value, and the text that was kept of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.run import AuditRun
from schemas import Decision, Verdict

__all__ = ["Record", "record_of", "records", "text_of"]

_TEXTS = (
    "document_id", "subset", "record_type", "url", "site", "date", "language", "verdict",
    "dropped_by", "reason", "notes",
)  # fmt: skip
# What the common core of every subset's trails holds; all other plain columns are provenance.
_CORE = frozenset(
    (
        *_TEXTS, "shadow", "text_chars", "source_bytes", "html_bytes", "formulas_found",
        "formulas_kept", "decisions",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a run: its trail.

    Attributes:
        document_id, subset, url, site, date, language: As the trails have them.
        verdict, dropped_by, reason: What was decided.
        notes: What was odd and could be mended.
        record_type: What kind of record it is: a WARC-Type, ``file``, ``paper``, ``damage``.
        shadow: Whether every filter judged it although one had dropped it.
        text_chars, source_bytes: Sizes.
        formulas_found, formulas_kept: Formulas by encoding, in the source and in the text.
        decisions: What every stage said, in order.
        provenance: Whatever other columns its subset has: archive and offset, repository and
            commit, and so on.
    """

    document_id: str
    subset: str
    url: str
    site: str
    date: str
    language: str
    verdict: str
    dropped_by: str
    reason: str
    notes: str
    record_type: str
    shadow: bool
    text_chars: int
    source_bytes: int
    formulas_found: Mapping[str, int]
    formulas_kept: Mapping[str, int]
    decisions: tuple[Decision, ...]
    provenance: Mapping[str, Any]


def records(
    run: AuditRun, condition: str, parameters: Sequence[Any] = (), *, limit: int = 100
) -> list[Record]:
    """The trails that a condition picks.

    Args:
        run: The run.
        condition: SQL of this package's own, with ``?`` for parameters.
        parameters: Their values.
        limit: At most so many.
    """
    rows = run.mappings(f"SELECT * FROM trails WHERE {condition} LIMIT ?", [*parameters, limit])
    return [record_of(row) for row in rows]


def record_of(row: Mapping[str, Any]) -> Record:
    """A row of the trails as a value."""
    texts = {name: row.get(name) or "" for name in _TEXTS}
    return Record(
        **texts,
        shadow=bool(row.get("shadow")),
        text_chars=int(row.get("text_chars") or 0),
        source_bytes=int(row.get("source_bytes") or 0),
        formulas_found=dict(row.get("formulas_found") or {}),
        formulas_kept=dict(row.get("formulas_kept") or {}),
        decisions=tuple(
            Decision(**{**entry, "verdict": Verdict(entry["verdict"])})
            for entry in row["decisions"]
        ),
        provenance={name: _plain(value) for name, value in row.items() if name not in _CORE},
    )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def text_of(run: AuditRun, document_id: str) -> tuple[str, str] | None:
    """The text that the run has of a document: (``documents`` or ``dropped``, text); None when
    neither table holds it."""
    for table in ("documents", "dropped"):
        if table in run.tables:
            rows = run.rows(
                f"SELECT text FROM {table} WHERE document_id = ? LIMIT 1", [document_id]
            )
            if rows:
                return table, rows[0][0]
    return None
