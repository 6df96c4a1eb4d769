"""One row of the trails as a value, and the text that was kept of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.run import AuditRun
from schemas import Decision, Verdict

__all__ = ["Record", "record_of", "records", "text_of", "texts_by_id"]

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
    return texts_by_id(run, [document_id]).get(document_id)


def texts_by_id(run: AuditRun, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The texts that the run has of documents, as ``text_of`` tells of one."""
    found: dict[str, tuple[str, str]] = {}
    for table in ("documents", "dropped"):
        missing = [document_id for document_id in ids if document_id not in found]
        if missing and table in run.tables:
            # A plain comparison lets row groups be passed over.
            one = len(missing) == 1
            condition = "= ?" if one else "IN (SELECT unnest(?))"
            rows = run.rows(
                f"SELECT document_id, text FROM {table} WHERE document_id {condition}",
                [missing[0] if one else missing],
            )
            found |= {document_id: (table, text) for document_id, text in rows}
    return found
