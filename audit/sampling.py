"""Documents to look at: a sample of what a stage dropped, or of what was near its threshold."""

from __future__ import annotations

from dataclasses import dataclass

from audit.documents import texts_by_id
from audit.errors import AuditError
from audit.ledger import ensure_ledger
from audit.run import AuditRun

__all__ = ["Sampled", "sample"]


@dataclass(frozen=True, slots=True)
class Sampled:
    """A document of a sample.

    Attributes:
        document_id, url, site, language, text_chars: Which one.
        verdict, dropped_by, reason: What became of it.
        stage: The stage that the score is of.
        score, threshold: What that stage measured; None without one.
        detail: What it wrote besides.
        text: Its text, when the run has it; else None.
        text_from: ``documents`` or ``dropped``; empty without a text.
    """

    document_id: str
    url: str
    site: str
    language: str
    text_chars: int
    verdict: str
    dropped_by: str
    reason: str
    stage: str
    score: float | None
    threshold: float | None
    detail: str
    text: str | None
    text_from: str


def sample(
    run: AuditRun,
    *,
    dropped_by: str = "",
    reason: str = "",
    stage: str = "",
    near_threshold: float | None = None,
    kept: bool = False,
    site: str = "",
    language: str = "",
    n: int = 20,
    offset: int = 0,
    with_text: bool = True,
) -> tuple[Sampled, ...]:
    """Documents that a stage decided on.

    The order is that of the hash of document_id, so that any first ``n`` are a random sample; with
    ``near_threshold``, those nearest to the threshold come first.

    Args:
        run: The run.
        dropped_by: The stage that dropped them.
        reason: Its reason.
        stage: The stage whose score counts; ``dropped_by`` when it isn't given.
        near_threshold: The most that a score may be away from its threshold.
        kept: Only documents that were kept.
        site: Only documents of a site.
        language: Only documents in a language.
        n: How many.
        offset: How many are passed over first.
        with_text: Whether the texts come along.

    Raises:
        AuditError: No such stage, or ``near_threshold`` without a stage.
    """
    scored = stage or dropped_by
    names = {s.name for s in run.stages} | {"read"}
    for name in (stage, dropped_by):
        if name and name not in names:
            raise AuditError(f"{run.name} has no stage {name}; it has {', '.join(sorted(names))}")
    if near_threshold is not None and not scored:
        raise AuditError("near_threshold needs the stage whose threshold is meant")
    ensure_ledger(run)
    rows = run.rows(
        """
        SELECT c.document_id, c.url, c.site, c.language, c.text_chars, c.verdict, c.dropped_by,
               c.reason, coalesce(l.filter, ''), l.score, l.threshold, coalesce(l.detail, '')
        FROM cases c LEFT JOIN ledger l ON l.place = c.place AND l.filter = ?
        WHERE (? = '' OR c.dropped_by = ?) AND (? = '' OR c.reason = ?)
          AND (NOT ? OR c.verdict = 'keep')
          AND (? = '' OR c.site = ? OR ends_with(c.site, '.' || ?))
          AND (? = '' OR c.language = ?)
          AND (?::DOUBLE IS NULL OR abs(l.score - l.threshold) <= ?::DOUBLE)
          AND (? = '' OR l.filter IS NOT NULL)
        ORDER BY CASE WHEN ?::DOUBLE IS NULL THEN 0 ELSE abs(l.score - l.threshold) END,
                 c.document_id
        LIMIT ? OFFSET ?
        """,
        [
            scored, dropped_by, dropped_by, reason, reason, kept, site, site, site, language,
            language, near_threshold, near_threshold, stage, near_threshold, n, offset,
        ],
    )  # fmt: skip
    texts = texts_by_id(run, [row[0] for row in rows]) if with_text else {}
    found = [(*row, *reversed(texts.get(row[0], ("", None)))) for row in rows]
    return tuple(Sampled(*values) for values in found)
