"""Finding documents by URL, site or words of their text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from audit.documents import text_of
from audit.errors import AuditError
from audit.run import AuditRun

__all__ = ["Hit", "search"]

_AROUND = 80
# Of more texts than this, the others' words aren't looked at any more.
_MOST_TEXTS = 10_000
_SPECIAL = re.compile(r"[!-/:-@\[-`{-~]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found.

    Attributes:
        document_id, url, site, language, text_chars: Which one.
        verdict, dropped_by, reason: What became of it.
        excerpt: The text around the words searched for; empty for other searches.
    """

    document_id: str
    url: str
    site: str
    language: str
    text_chars: int
    verdict: str
    dropped_by: str
    reason: str
    excerpt: str


def search(
    run: AuditRun,
    *,
    url: str = "",
    domain: str = "",
    text: str = "",
    dropped_by: str = "",
    reason: str = "",
    verdict: str = "",
    language: str = "",
    limit: int = 50,
    offset: int = 0,
) -> tuple[Hit, ...]:
    """Documents for which everything that is given holds, pages before other records.

    Args:
        run: The run.
        url: Part of the URL, or a document_id.
        domain: The site or a domain above it.
        text: Words of the text, whatever their case; only texts that the run has are searched.
        dropped_by, reason, verdict: What became of them.
        language: The language that they were found to be in.
        limit: At most so many.
        offset: How many are passed over first.

    Raises:
        AuditError: Nothing was asked for.
    """
    if not any((url, domain, text, dropped_by, reason, verdict, language)):
        raise AuditError("say what to search for: a URL, a domain, words of the text, a stage")
    held = _holding(run, text) if text else None
    if held == []:
        return ()
    rows = run.rows(
        """
        SELECT document_id, url, site, language, text_chars, verdict, dropped_by, reason
        FROM trails
        WHERE (? = '' OR contains(lower(url), lower(?)) OR document_id = ?)
          AND (? = '' OR site = lower(?) OR ends_with(site, '.' || lower(?)))
          AND (? = '' OR dropped_by = ?) AND (? = '' OR reason = ?) AND (? = '' OR verdict = ?)
          AND (? = '' OR language = ?) AND (? OR document_id IN (SELECT unnest(?)))
        ORDER BY record_type IN ('request', 'metadata'), document_id LIMIT ? OFFSET ?
        """,
        [
            url, url, url, domain, domain, domain, dropped_by, dropped_by, reason, reason,
            verdict, verdict, language, language, held is None, held or [""], limit, offset,
        ],
    )  # fmt: skip
    found = [(*row, _excerpt(run, row[0], text)) for row in rows]
    return tuple(Hit(*values) for values in found)


def _holding(run: AuditRun, text: str) -> list[str]:
    """The ids of the texts that hold some words, the first ``_MOST_TEXTS`` of them."""
    held: list[str] = []
    for table in ("documents", "dropped"):
        if table in run.tables:
            rows = run.rows(
                f"SELECT document_id FROM {table} WHERE regexp_matches(text, ?) LIMIT ?",
                [_pattern(text), _MOST_TEXTS],
            )
            held += [row[0] for row in rows]
    return held


def _pattern(text: str) -> str:
    """A regular expression for words as they are, in any case, whatever space is between them."""
    words = (_SPECIAL.sub(r"\\\g<0>", word) for word in text.split())
    return "(?i)" + r"\s+".join(words)


def _excerpt(run: AuditRun, document_id: str, text: str) -> str:
    held = text_of(run, document_id) if text else None
    if held is None:
        return ""
    found = re.search(_pattern(text), held[1])
    start = max(found.start() - _AROUND, 0) if found else 0
    return held[1][start : start + 2 * _AROUND + len(text)]
