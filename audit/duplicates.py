"""Clusters of duplicates: which document stands for which others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from audit.documents import Record, records
from audit.errors import DocumentNotFound
from audit.run import AuditRun

__all__ = ["Cluster", "Link", "Member", "cluster_of", "clusters", "link_of"]

# What the duplicate stages write into a decision's detail.
_DETAIL = r"^kept (\S+), one of (\d+) in cluster (\S+)$"


@dataclass(frozen=True, slots=True)
class Link:
    """What a duplicate stage said of a document that it dropped.

    Attributes:
        stage: The stage.
        kept_id: The document that stays in its place.
        cluster: The smallest document_id of its group.
        members: How many documents the group has.
        similarity: Jaccard similarity to the one that stays, for near-duplicates.
    """

    stage: str
    kept_id: str
    cluster: str
    members: int
    similarity: float | None


@dataclass(frozen=True, slots=True)
class Member:
    """A document of a cluster.

    Attributes:
        document_id, url, date, text_chars: Which one.
        kept: Whether it is the one that stays.
        stage: The stage that dropped it, empty for the one that stays.
        similarity: To the one that stays, where it was measured.
        known: False when it isn't in this run (it's of an earlier one).
    """

    document_id: str
    url: str
    date: str
    text_chars: int
    kept: bool
    stage: str
    similarity: float | None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Cluster:
    """A group of duplicates.

    Attributes:
        name: The smallest document_id in it, by which it's called.
        kept_id: The document that stays.
        members: Its documents, the kept one first.
        size: How many it has, those of earlier runs included.
    """

    name: str
    kept_id: str
    members: tuple[Member, ...]
    size: int


def link_of(record: Record) -> Link | None:
    """What a duplicate stage said of a record; None when none dropped it."""
    for decision in record.decisions:
        found = None if decision.keeps else re.match(_DETAIL, decision.detail)
        if found:
            return Link(
                decision.filter,
                found[1],
                found[3],
                int(found[2]),
                decision.score,
            )
    return None


def cluster_of(run: AuditRun, name: str) -> Cluster:
    """The cluster of a document, or the one of that name.

    Args:
        run: The run.
        name: A cluster's name, or the document_id of any of its documents, kept or not.

    Raises:
        DocumentNotFound: No duplicate stage put such a document into a group.
    """
    found = records(run, "document_id = ?", [name], limit=1)
    link = link_of(found[0]) if found else None
    dropped = _dropped_for(run, link.kept_id if link else name)
    if not dropped and not link:
        dropped = _dropped_in(run, name)
    links = [(record, said) for record in dropped if (said := link_of(record))]
    if not links:
        raise DocumentNotFound(f"{run.name}: {name} is in no group of duplicates")
    first = links[0][1]
    # A record that was read twice has two trails; the one that stays is meant.
    kept = sorted(
        records(run, "document_id = ?", [first.kept_id]),
        key=lambda record: record.verdict == "drop",
    )
    members = [
        _member(kept[0], None)
        if kept
        else Member(first.kept_id, "", "", 0, True, "", None, known=False)
    ]
    members += [_member(record, said) for record, said in links]
    return Cluster(first.cluster, first.kept_id, tuple(members), max(s.members for _, s in links))


_MOST = 1000


def _dropped_for(run: AuditRun, kept_id: str) -> list[Record]:
    """The records that were dropped in favour of one."""
    if run.kind == "deduplication":
        return records(run, "verdict = 'drop' AND kept_id = ?", [kept_id], limit=_MOST)
    if "signatures" in run.tables:
        # A narrow table, unlike the trails' decisions.
        ids = run.rows(
            "SELECT document_id FROM signatures WHERE kept_id = ? LIMIT ?", [kept_id, _MOST]
        )
        named = [row[0] for row in ids]
        if not named:
            return []
        return records(
            run, "document_id IN (SELECT unnest(?)) AND verdict = 'drop'", [named], limit=_MOST
        )
    return _dropped_saying(run, "starts_with", f"kept {kept_id}, one of ")


def _dropped_in(run: AuditRun, cluster: str) -> list[Record]:
    """The dropped records of a cluster that's called by a document of another run."""
    if run.kind == "deduplication":
        return records(run, "verdict = 'drop' AND cluster = ?", [cluster], limit=_MOST)
    return _dropped_saying(run, "ends_with", f" in cluster {cluster}")


def _dropped_saying(
    run: AuditRun, test: Literal["starts_with", "ends_with"], text: str
) -> list[Record]:
    return records(
        run,
        f"reason = 'duplicate' AND "
        f"len(list_filter(decisions, lambda d: d.verdict = 'drop' AND {test}(d.detail, ?))) > 0",
        [text],
        limit=_MOST,
    )


def _member(record: Record, link: Link | None) -> Member:
    return Member(
        record.document_id,
        record.url,
        record.date,
        record.text_chars,
        link is None,
        link.stage if link else "",
        link.similarity if link else None,
    )


def clusters(run: AuditRun, *, limit: int = 50) -> tuple[Cluster, ...]:
    """The largest clusters, without their members' rows."""
    part = "regexp_extract(d.detail, ?, {})".format
    rows = run.rows(
        f"""
        SELECT {part(3)}, {part(1)}, max({part(2)}::BIGINT)
        FROM (SELECT unnest(decisions) AS d FROM trails WHERE reason = 'duplicate')
        WHERE d.verdict = 'drop' AND starts_with(d.detail, 'kept ')
        GROUP BY ALL ORDER BY 3 DESC, 1 LIMIT ?
        """,
        [_DETAIL] * 3 + [limit],
    )
    return tuple(Cluster(name, kept, (), size) for name, kept, size in rows)
