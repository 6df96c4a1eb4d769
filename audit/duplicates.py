"""Clusters of duplicates: which document stands for which others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

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
    target = link.cluster if link else name
    # The kept one bears the cluster's name only by chance.
    dropped = records(
        run,
        "reason = 'duplicate' AND len(list_filter(decisions, lambda d: d.verdict = 'drop' "
        "AND (ends_with(d.detail, ?) OR starts_with(d.detail, ?)))) > 0",
        [f" in cluster {target}", f"kept {target}, one of "],
        limit=1000,
    )
    links = [(record, link) for record in dropped if (link := link_of(record))]
    if not links:
        raise DocumentNotFound(f"{run.name}: {name} is in no group of duplicates")
    first = links[0][1]
    kept = records(run, "document_id = ?", [first.kept_id], limit=1)
    members = [
        _member(kept[0], None)
        if kept
        else Member(first.kept_id, "", "", 0, True, "", None, known=False)
    ]
    members += [_member(record, link) for record, link in links]
    return Cluster(first.cluster, first.kept_id, tuple(members), first.members)


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


def known_ids(members: Iterable[Member]) -> list[str]:
    """The ids of the members that this run has."""
    return [member.document_id for member in members if member.known]
