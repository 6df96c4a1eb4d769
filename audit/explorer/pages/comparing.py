"""One run against another: what changed sides, and whose text changed."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from audit.comparing import Comparison, diff, texts_of
from audit.documents import records
from audit.explorer.differences import difference_of
from audit.explorer.explorer import Explorer, explorer_of, page
from audit.run import AuditRun

__all__ = ["compare_page", "compared", "text_page"]


def compare_page(request: Request) -> Response:
    """The run against one of those that the explorer was started with."""
    explorer = explorer_of(request)
    name = request.query_params.get("with", next(iter(explorer.others), ""))
    if not name:
        return page(request, "compare.html", {"other": "", "comparison": None})
    comparison = compared(explorer.run, _other(explorer, name))
    return page(request, "compare.html", {"other": name, "comparison": comparison})


def text_page(request: Request) -> Response:
    """A document's text in both runs, with what differs marked."""
    explorer = explorer_of(request)
    name, document_id = request.path_params["other"], request.path_params["document_id"]
    texts = texts_of(explorer.run, _other(explorer, name), document_id)
    found = records(explorer.run, "document_id = ?", [document_id], limit=1)
    if not found:
        raise HTTPException(404, f"The run has no document {document_id}.")
    difference = None
    if texts[0] is not None and texts[1] is not None:
        difference = difference_of(texts[0], texts[1])
    content = {"other": name, "record": found[0], "texts": texts, "difference": difference}
    return page(request, "text_change.html", content)


def _other(explorer: Explorer, name: str) -> AuditRun:
    """A run by the name that it was given at the start; addresses name no paths."""
    if name not in explorer.others:
        raise HTTPException(404, f"The explorer wasn't started with a run {name} (--with).")
    return explorer.others[name]


def compared(run: AuditRun, other: AuditRun) -> Comparison:
    """Two runs against each other, compared once."""
    found: Comparison = run.cached(("comparison", other.name), lambda: diff(run, other))
    return found
