"""One document: why it's in or out, its source beside its text, its near-duplicates."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from audit.documents import Record, records, text_of
from audit.explaining import explain
from audit.explorer.access import FRAME_POLICY
from audit.explorer.differences import difference_of
from audit.explorer.explorer import Explorer, explorer_of, page
from audit.explorer.sanitising import TooEntangled, harmless_html
from audit.explorer.sources import Source, SourceUnavailable
from audit.run import RunStage
from filters.rejudging import Bound, laws_of
from schemas import Decision

__all__ = ["document_page", "drawn_source", "duplicate_page", "source_fragment"]

_TEXT_SHOWN = 60_000
"""Characters of a text that are shown at once; the rest comes on demand."""

_SOURCE_SHOWN = 400_000

_FRAME_STYLE = """
:root { color-scheme: light; }
body { margin: 0; padding: 16px; background: #fff; color: #1c1c1c;
  font: 15px/1.55 Georgia, "Times New Roman", serif; overflow-wrap: anywhere; }
h1, h2, h3, h4 { font-family: system-ui, sans-serif; line-height: 1.25; }
a { color: #1a4f8b; text-decoration: underline dotted; }
code, pre, kbd, samp, tt { font: 13px/1.5 ui-monospace, monospace; background: #f1f1ee;
  padding: 0 .2em; }
pre { white-space: pre-wrap; padding: 8px; }
table { border-collapse: collapse; } td, th { border: 1px solid #ddd; padding: 2px 6px; }
.image { border: 1px dashed #999; border-radius: 3px; padding: 0 .3em; color: #555;
  font: 12px/1.4 ui-monospace, monospace; }
"""
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_FRAME_STYLE.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class Step:
    """A decision as the page shows it.

    Attributes:
        decision: The decision.
        stage: The stage that made it, when the recipe tells.
        decisive: Whether it's the one that dropped the document.
        comparison: How score and threshold hang together: ``at least``; empty without both.
        setting: The setting that holds the threshold; empty when none is known.
    """

    decision: Decision
    stage: RunStage | None
    decisive: bool
    comparison: str
    setting: str


_COMPARISONS = {"at_least": "at least", "above": "more than", "at_most": "at most"}


def document_page(request: Request) -> Response:
    """Everything that the run recorded of one document."""
    explorer = explorer_of(request)
    document_id = request.path_params["document_id"]
    found = explain(explorer.run, document_id)
    explanation = found[0]
    record = explanation.record
    shown_whole = request.query_params.get("whole") == "1"
    text = explanation.text
    steps = _steps(explorer, record)
    return page(
        request,
        "document.html",
        {
            "explanation": explanation,
            "record": record,
            "captures": found[1:],
            "steps": steps,
            "blow": next((step for step in steps if step.decisive), None),
            "unasked": _unasked(explorer, record),
            "has_source": explorer.sources.worth_showing(record, has_text=text is not None),
            "text": text if text is None or shown_whole else text[:_TEXT_SHOWN],
            "rest": 0 if text is None or shown_whole else max(len(text) - _TEXT_SHOWN, 0),
            "elsewhere": _elsewhere(explorer, record),
            "stage": explorer.stage(record.dropped_by),
        },
    )


def source_fragment(request: Request) -> Response:
    """The source as its author wrote it, as text."""
    try:
        source = _source(request)
    except SourceUnavailable as error:
        return page(request, "_source.html", {"source": None, "problem": str(error)})
    shown = source.text[:_SOURCE_SHOWN]
    content = {
        "source": source,
        "shown": shown,
        "rest": len(source.text) - len(shown),
        "problem": "",
    }
    return page(request, "_source.html", content)


def drawn_source(request: Request) -> Response:
    """The source as a page, for a frame without permissions: harmless by three walls."""
    try:
        source = _source(request)
        body = _body(source)
    except (SourceUnavailable, TooEntangled) as error:
        body = f"<p>Not drawn: {_escaped(str(error))}</p>"
    document = (
        '<!doctype html><html lang="und"><meta charset="utf-8"><title>Captured page</title>'
        f"<style>{_FRAME_STYLE}</style><body>{body}</body></html>"
    )
    return HTMLResponse(
        document,
        headers={
            "Content-Security-Policy": FRAME_POLICY.format(style=f"sha256-{_STYLE_DIGEST}"),
            "X-Frame-Options": "SAMEORIGIN",
        },
    )


def duplicate_page(request: Request) -> Response:
    """Two documents of a cluster with what differs between their texts."""
    explorer = explorer_of(request)
    pair = [_known(explorer, request.path_params[name]) for name in ("document_id", "other_id")]
    texts = [text_of(explorer.run, record.document_id) for record in pair]
    difference = None
    if texts[0] is not None and texts[1] is not None:
        difference = difference_of(texts[0][1], texts[1][1])
    content = {
        "first": pair[0],
        "second": pair[1],
        "texts": texts,
        "difference": difference,
    }
    return page(request, "beside.html", content)


def _steps(explorer: Explorer, record: Record) -> list[Step]:
    decisive = next((d for d in record.decisions if not d.keeps and not d.shadow), None)
    return [_step(explorer, d, d is decisive) for d in record.decisions]


def _step(explorer: Explorer, decision: Decision, decisive: bool) -> Step:
    stage = explorer.stage(decision.filter)
    laws = [law for law in laws_of(stage.settings if stage else None) if isinstance(law, Bound)]
    law = next((law for law in laws if law.detail in (None, decision.detail)), None)
    known = law is not None and decision.score is not None and decision.threshold is not None
    return Step(
        decision,
        stage,
        decisive,
        _COMPARISONS[law.keeps] if law and known else "",
        law.setting if law and known else "",
    )


def _unasked(explorer: Explorer, record: Record) -> list[str]:
    """The stages that the document never came to."""
    judged = {decision.filter for decision in record.decisions}
    if record.verdict == "keep":
        return []
    return [s.name for s in explorer.run.stages if s.enabled and s.name not in judged]


def _elsewhere(explorer: Explorer, record: Record) -> list[tuple[str, Record | None]]:
    """What the other runs decided on the same document."""
    return [
        (name, next(iter(records(run, "document_id = ?", [record.document_id], limit=1)), None))
        for name, run in explorer.others.items()
    ]


def _known(explorer: Explorer, document_id: str) -> Record:
    found = records(explorer.run, "document_id = ?", [document_id], limit=1)
    if not found:
        raise HTTPException(404, f"The run has no document {document_id}.")
    return found[0]


def _source(request: Request) -> Source:
    explorer = explorer_of(request)
    return explorer.sources.find(_known(explorer, request.path_params["document_id"]))


def _body(source: Source) -> str:
    if source.kind == "binary":
        return f"<p>{source.size:,} bytes that are no text ({_escaped(source.media_type)}).</p>"
    if source.kind == "text":
        return f"<pre>{_escaped(source.text[:_SOURCE_SHOWN])}</pre>"
    return harmless_html(source.text)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
