"""Two runs against each other: which documents changed sides, and whose text changed."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from audit.documents import text_of, texts_by_id
from audit.run import AuditRun

__all__ = ["Comparison", "Mover", "SideCount", "TextChange", "changed_lines", "diff", "texts_of"]

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class SideCount:
    """Documents that changed sides in one way.

    Attributes:
        before: Stage and reason that dropped them in the first run; empty when they were kept.
        after: The same for the second run; ``absent`` when it hasn't them.
        documents: How many.
    """

    before: str
    after: str
    documents: int


@dataclass(frozen=True, slots=True)
class Mover:
    """A document that changed sides."""

    document_id: str
    url: str
    site: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class TextChange:
    """A document of both runs whose text isn't the same.

    Attributes:
        document_id, url: Which one.
        chars_before, chars_after: Characters of its text in each.
        lines: The first lines that differ, as ``diff -u`` writes them; empty where a text is too
            long to be compared line by line.
    """

    document_id: str
    url: str
    chars_before: int
    chars_after: int
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs against each other.

    Attributes:
        kept_before, kept_after: Documents of each.
        entered: Kept by the second alone.
        left: Kept by the first alone.
        both: Kept by both.
        only_before, only_after: Records that the other run doesn't know at all.
        entered_by, left_by: Why they were out in the other run.
        sites: Sites by documents that entered and left.
        text_changed: Documents of both whose text differs.
        entered_examples, left_examples, text_examples: Documents.
    """

    kept_before: int
    kept_after: int
    entered: int
    left: int
    both: int
    only_before: int
    only_after: int
    entered_by: tuple[SideCount, ...]
    left_by: tuple[SideCount, ...]
    sites: Mapping[str, tuple[int, int]]
    text_changed: int
    entered_examples: tuple[Mover, ...]
    left_examples: tuple[Mover, ...]
    text_examples: tuple[TextChange, ...]


# A document's side in a run; captures of one id count as one, kept when any is.
_SIDE = """
    SELECT document_id, any_value(url) AS url, any_value(site) AS site,
           bool_or(verdict = 'keep') AS kept,
           CASE WHEN bool_or(verdict = 'keep') THEN ''
                ELSE min(dropped_by || ': ' || reason) END AS why
    FROM {table} GROUP BY document_id
"""

_MOVES = f"""
    SELECT coalesce(a.document_id, b.document_id) AS document_id,
           coalesce(a.url, b.url, '') AS url, coalesce(a.site, b.site, '') AS site,
           coalesce(a.kept, false) AS kept_before, coalesce(b.kept, false) AS kept_after,
           coalesce(a.why, 'absent') AS before, coalesce(b.why, 'absent') AS after
    FROM ({_SIDE.format(table="trails")}) a
    FULL JOIN ({_SIDE.format(table="other_trails")}) b USING (document_id)
"""

_ENTERED, _LEFT = "NOT kept_before AND kept_after", "kept_before AND NOT kept_after"

_TEXTS = """
    SELECT a.document_id, a.chars AS before, b.chars AS after
    FROM (SELECT document_id, any_value(len(text)) AS chars, min(hash(text)) AS h FROM documents
          GROUP BY document_id) a
    JOIN (SELECT document_id, any_value(len(text)) AS chars, min(hash(text)) AS h
          FROM other_documents GROUP BY document_id) b USING (document_id)
    WHERE a.h <> b.h
"""


def diff(
    run: AuditRun, other: AuditRun, *, examples: int = _EXAMPLES, sites: int = _EXAMPLES
) -> Comparison:
    """Compares two runs, document by document.

    Args:
        run: The first.
        other: The second.
        examples: How many documents are shown of each kind.
        sites: How many sites.
    """
    with run.beside(other), run.scratch_table(_MOVES) as moves:
        counts = run.one(
            f"""SELECT count(*) FILTER (kept_before), count(*) FILTER (kept_after),
                       count(*) FILTER ({_ENTERED}), count(*) FILTER ({_LEFT}),
                       count(*) FILTER (kept_before AND kept_after),
                       count(*) FILTER (after = 'absent'), count(*) FILTER (before = 'absent')
                FROM {moves}"""
        )
        found = run.rows(
            f"""SELECT site, count(*) FILTER ({_ENTERED}), count(*) FILTER ({_LEFT}) FROM {moves}
                WHERE kept_before <> kept_after GROUP BY site ORDER BY count(*) DESC, site LIMIT ?
            """,
            [sites],
        )
        changed, texts = _text_changes(run, other, examples)
        kept_before, kept_after, entered, left, both, only_before, only_after = counts
        return Comparison(
            kept_before=kept_before,
            kept_after=kept_after,
            entered=entered,
            left=left,
            both=both,
            only_before=only_before,
            only_after=only_after,
            entered_by=_ways(run, moves, _ENTERED),
            left_by=_ways(run, moves, _LEFT),
            sites={site: (came, went) for site, came, went in found},
            text_changed=changed,
            entered_examples=_movers(run, moves, _ENTERED, examples),
            left_examples=_movers(run, moves, _LEFT, examples),
            text_examples=texts,
        )


def texts_of(run: AuditRun, other: AuditRun, document_id: str) -> tuple[str | None, str | None]:
    """The two texts of a document, as far as the runs have them."""
    found = (text_of(run, document_id), text_of(other, document_id))
    return tuple(text[1] if text else None for text in found)  # type: ignore[return-value]


def _ways(run: AuditRun, moves: str, condition: str) -> tuple[SideCount, ...]:
    rows = run.rows(
        f"SELECT before, after, count(*) FROM {moves} WHERE {condition} "
        "GROUP BY ALL ORDER BY 3 DESC, 1, 2"
    )
    return tuple(SideCount(*row) for row in rows)


def _movers(run: AuditRun, moves: str, condition: str, count: int) -> tuple[Mover, ...]:
    rows = run.rows(
        f"SELECT document_id, url, site, before, after FROM {moves} WHERE {condition} "
        "ORDER BY document_id LIMIT ?",
        [count],
    )
    return tuple(Mover(*row) for row in rows)


def _text_changes(run: AuditRun, other: AuditRun, count: int) -> tuple[int, tuple[TextChange, ...]]:
    if "documents" not in run.tables or "documents" not in other.tables:
        return 0, ()
    with run.scratch_table(_TEXTS) as texts:
        (changed,) = run.one(f"SELECT count(*) FROM {texts}")
        rows = run.rows(
            f"""SELECT t.document_id, any_value(trails.url), any_value(before), any_value(after)
                FROM {texts} t JOIN trails USING (document_id) GROUP BY t.document_id
                ORDER BY t.document_id LIMIT ?""",
            [count],
        )
    ids = [row[0] for row in rows]
    before, after = texts_by_id(run, ids), texts_by_id(other, ids)
    found = [(*row, changed_lines(before[row[0]][1], after[row[0]][1])) for row in rows]
    return changed, tuple(TextChange(*values) for values in found)


# Comparing line by line takes time that grows with the square; longer texts aren't.
_COMPARED_CHARS = 500_000
_LINES = 40


def changed_lines(before: str, after: str) -> tuple[str, ...]:
    """The first lines in which two texts differ, with a line around them, as ``diff -u``."""
    if max(len(before), len(after)) > _COMPARED_CHARS:
        return ()
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    # Two lines of a head, that would name files.
    return tuple(itertools.islice(lines, 2, 2 + _LINES))
