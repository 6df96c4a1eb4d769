"""Why one document is in or out: everything that a run recorded of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.documents import Record, records, text_of
from audit.duplicates import Cluster, Link, cluster_of, link_of
from audit.errors import DocumentNotFound
from audit.overlaps import Overlap, overlaps_of
from audit.run import AuditRun
from filters.url_duplicates import canonical_url

__all__ = ["Explanation", "Formulas", "explain", "named_records"]

_DOCUMENT_ID = re.compile(r"[0-9a-f]{32}")
_CAPTURES = 20
# What a document may be asked for by, where its subset has it.
_NAMED_BY = ("url", "document_id", "warc_record_id", "path", "blob", "arxiv_id")
# Kinds of WARC records that bear a page's URL without being it.
_NO_PAGES = ("request", "metadata")


@dataclass(frozen=True, slots=True)
class Formulas:
    """Formulas of one encoding: in the source, and in the text."""

    encoding: str
    found: int
    kept: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that a run recorded of one document.

    Attributes:
        record: Its trail: verdict, every decision, provenance.
        title: Its title, when it was kept.
        text: Its text, when the run has it; else None.
        text_from: ``documents`` or ``dropped``; empty without a text.
        formulas: Formulas by encoding.
        link: What a duplicate stage said of it, if one dropped it.
        cluster: Its group of duplicates, whether it was dropped or stands for the others.
        later_link, later_cluster: The same by the deduplication that was asked besides.
        overlaps: Where it holds test problems, from a report that was given or lies beside.
        overlaps_searched: Whether there was such a report.
        extra: What else the table of documents has of it (encoding, extraction and the like).
        sentence: The answer in one sentence.
    """

    record: Record
    title: str
    text: str | None
    text_from: str
    formulas: tuple[Formulas, ...]
    link: Link | None
    cluster: Cluster | None
    later_link: Link | None
    later_cluster: Cluster | None
    overlaps: tuple[Overlap, ...]
    overlaps_searched: bool
    extra: Mapping[str, Any]
    sentence: str


def explain(
    run: AuditRun, key: str, *, overlaps: Sequence[Path] = (), dedup: AuditRun | None = None
) -> tuple[Explanation, ...]:
    """Explains every record that a URL or document_id names: one a capture.

    Args:
        run: The run.
        key: A document_id, or a URL; another spelling of it will do (scheme, ``www.``, final
            slash, tracking parameters) when it isn't there as given. Also a WARC-Record-ID, a path
            in a repository, a Git blob, an arXiv id, where a subset has such.
        overlaps: Folders of overlap reports; those that lie beside the run are found.
        dedup: A deduplication in which the document was judged again.

    Raises:
        DocumentNotFound: The run has no such record; the message tells what is close.
    """
    found = named_records(run, key)
    return tuple(_explained(run, record, overlaps, dedup) for record in found)


def named_records(run: AuditRun, key: str) -> list[Record]:
    """The records that a URL or document_id names, as ``explain`` finds them.

    Raises:
        DocumentNotFound: The run has none; the message tells what is close.
    """
    key = key.strip().strip("<>")
    if not key:
        raise DocumentNotFound("say which document: a URL or a document_id")
    if _DOCUMENT_ID.fullmatch(key):
        found = records(run, "document_id = ?", [key], limit=_CAPTURES)
    else:
        # Each column that's compared is read whole: of an address, one is enough.
        columns = ("url",) if "://" in key else _NAMED_BY
        named = [name for name in columns if name in run.columns("trails")]
        condition = " OR ".join(f"{name} = ?" for name in named)
        found = records(run, condition, [key] * len(named), limit=_CAPTURES)
        # An archive holds requests and metadata of the same URL; what a person means is the page.
        pages = [record for record in found if record.record_type not in _NO_PAGES]
        found = pages or found or _other_spelling(run, key)
    if not found:
        raise DocumentNotFound(_not_found(run, key))
    return found


def _other_spelling(run: AuditRun, key: str) -> list[Record]:
    """Records whose URL is another spelling of the one asked for."""
    wanted = canonical_url(key if "://" in key else f"http://{key}")
    site, _, path = wanted.partition("/")
    if not site:
        return []
    # Narrowed down by what costs little; the spelling itself decides.
    held = "contains(url, ?) AND contains(lower(url), ?)"
    near = records(run, held, [path.split("?")[0], site], limit=1000)
    return [record for record in near if canonical_url(record.url) == wanted][:_CAPTURES]


def _not_found(run: AuditRun, key: str) -> str:
    message = f"{run.name} has no record {key}"
    if _DOCUMENT_ID.fullmatch(key):
        return message
    site = canonical_url(key if "://" in key else f"http://{key}").partition("/")[0]
    if "." not in site:
        return message
    (count,) = run.one("SELECT count(*) FROM trails WHERE site = ?", [site])
    if count:
        return f"{message}; it has {count:,} of {site}: proofmill audit search finds them"
    return f"{message}, and none of {site}: it was never in the input"


def _explained(
    run: AuditRun, record: Record, reports: Sequence[Path], dedup: AuditRun | None
) -> Explanation:
    text = text_of(run, record.document_id)
    extra = _extra(run, record) if text and text[0] == "documents" else {}
    link, cluster = _duplicates(run, record)
    later_link, later_cluster = _duplicates_elsewhere(dedup, record.document_id)
    searched, overlaps = overlaps_of(run, record, reports)
    encodings = sorted({*record.formulas_found, *record.formulas_kept})
    return Explanation(
        record,
        str(extra.pop("title", "")),
        text[1] if text else None,
        text[0] if text else "",
        tuple(
            Formulas(name, record.formulas_found.get(name, 0), record.formulas_kept.get(name, 0))
            for name in encodings
        ),
        link,
        cluster,
        later_link,
        later_cluster,
        overlaps,
        searched,
        extra,
        " ".join(filter(None, (_sentence(record, link), _later_sentence(dedup, later_link)))),
    )


def _extra(run: AuditRun, record: Record) -> dict[str, Any]:
    """The columns that the documents have and the trails haven't."""
    names = [
        name
        for name in run.columns("documents")
        if name not in run.columns("trails") and name not in ("text", "scores")
    ]
    if not names:
        return {}
    rows = run.mappings(
        f"SELECT {', '.join(names)} FROM documents WHERE document_id = ? LIMIT 1",
        [record.document_id],
    )
    return (
        {name: value for name, value in rows[0].items() if value not in (None, "")} if rows else {}
    )


def _duplicates(run: AuditRun, record: Record) -> tuple[Link | None, Cluster | None]:
    link = link_of(record)
    if link is None and record.verdict == "drop":
        return None, None
    try:
        return link, cluster_of(run, record.document_id)
    except DocumentNotFound:
        return link, None


def _duplicates_elsewhere(
    run: AuditRun | None, document_id: str
) -> tuple[Link | None, Cluster | None]:
    if run is None:
        return None, None
    found = records(run, "document_id = ?", [document_id], limit=1)
    return _duplicates(run, found[0]) if found else (None, None)


def _later_sentence(run: AuditRun | None, link: Link | None) -> str:
    if run is None or link is None:
        return ""
    return f"{run.name} dropped it by {link.stage}: {link.kept_id} stays in its place."


def _sentence(record: Record, link: Link | None) -> str:
    if record.verdict == "keep":
        return f"Kept: {len(record.decisions)} decisions, none against it."
    decision = next((d for d in record.decisions if not d.keeps and not d.shadow), None)
    if link is not None:
        alike = f", similarity {link.similarity:.3f}" if link.similarity is not None else ""
        return f"Dropped by {link.stage}: {link.kept_id} stays in its place{alike}."
    text = f"Dropped by {record.dropped_by}: {record.reason}"
    if decision and decision.score is not None and decision.threshold is not None:
        text += f", score {decision.score:.4g} against a threshold of {decision.threshold:.4g}"
    if decision and decision.detail:
        text += f" ({decision.detail})"
    return f"{text}."
