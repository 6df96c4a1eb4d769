"""Finding documents by URL, site or words of their text."""

from __future__ import annotations

from dataclasses import dataclass

from audit.errors import AuditError
from audit.run import AuditRun

__all__ = ["Hit", "search"]

_AROUND = 80


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
        limit: At most so many.
        offset: How many are passed over first.

    Raises:
        AuditError: Nothing was asked for.
    """
    if not any((url, domain, text, dropped_by, reason, verdict)):
        raise AuditError("say what to search for: a URL, a domain, words of the text, a stage")
    texts = [t for t in ("documents", "dropped") if t in run.tables]
    held = " UNION ALL ".join(
        f"SELECT document_id, text FROM {table} WHERE contains(lower(text), lower(?))"
        for table in texts
    )
    join, excerpt, found = "", "''", []
    if text:
        if not texts:
            return ()
        join = f"JOIN ({held}) held USING (document_id)"
        found = [text] * len(texts)
        excerpt = (
            f"substr(held.text, greatest(instr(lower(held.text), lower(?)) - {_AROUND}, 1), "
            f"{2 * _AROUND} + len(?))"
        )
    rows = run.rows(
        f"""
        SELECT trails.document_id, url, site, language, text_chars, verdict, dropped_by, reason,
               {excerpt}
        FROM trails {join}
        WHERE (? = '' OR contains(lower(url), lower(?)) OR trails.document_id = ?)
          AND (? = '' OR site = lower(?) OR ends_with(site, '.' || lower(?)))
          AND (? = '' OR dropped_by = ?) AND (? = '' OR reason = ?) AND (? = '' OR verdict = ?)
        ORDER BY record_type IN ('request', 'metadata'), trails.document_id LIMIT ? OFFSET ?
        """,
        [
            *([text, text] if text else []), *found, url, url, url, domain, domain, domain,
            dropped_by, dropped_by, reason, reason, verdict, verdict, limit, offset,
        ],
    )  # fmt: skip
    return tuple(Hit(*row) for row in rows)
