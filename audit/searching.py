"""Finding documents by URL, site or words of their text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from audit.documents import texts_by_id
from audit.errors import AuditError
from audit.run import AuditRun

__all__ = ["Hit", "search"]

_AROUND = 80
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
    held, words = _holding(run, text)
    rows = run.rows(
        f"""
        WITH held AS MATERIALIZED ({held})
        SELECT document_id, url, site, language, text_chars, verdict, dropped_by, reason
        FROM trails
        WHERE (? = '' OR contains(lower(url), lower(?)) OR document_id = ?)
          AND (? = '' OR (contains(lower(url), lower(?))
                          AND (site = lower(?) OR ends_with(site, '.' || lower(?)))))
          AND (? = '' OR dropped_by = ?) AND (? = '' OR reason = ?) AND (? = '' OR verdict = ?)
          AND (? = '' OR language = ?)
          AND (? = '' OR document_id IN (SELECT document_id FROM held))
        ORDER BY record_type IN ('request', 'metadata'), document_id LIMIT ? OFFSET ?
        """,
        [
            *words, url, url, url, domain, domain, domain, domain, dropped_by, dropped_by, reason,
            reason, verdict, verdict, language, language, text, limit, offset,
        ],
    )  # fmt: skip
    texts = texts_by_id(run, [row[0] for row in rows]) if text else {}
    found = [(*row, _excerpt(texts.get(row[0], ("", ""))[1], text)) for row in rows]
    return tuple(Hit(*values) for values in found)


def _holding(run: AuditRun, text: str) -> tuple[str, list[str]]:
    """SQL for the ids of the texts that hold some words, and its parameters."""
    tables = [table for table in ("documents", "dropped") if text and table in run.tables]
    if not tables:
        return "SELECT '' AS document_id WHERE false", []
    one = "SELECT document_id FROM {} WHERE regexp_matches(text, ?)"
    return " UNION ALL ".join(map(one.format, tables)), [_pattern(text)] * len(tables)


def _pattern(text: str) -> str:
    """A regular expression for words as they are, in any case, whatever space is between them."""
    words = (_SPECIAL.sub(r"\\\g<0>", word) for word in text.split())
    return "(?i)" + r"\s+".join(words)


def _excerpt(text: str, words: str) -> str:
    found = re.search(_pattern(words), text) if words else None
    if found is None:
        return ""
    start = max(found.start() - _AROUND, 0)
    return text[start : found.end() + _AROUND]
