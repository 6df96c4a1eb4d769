"""Lists of documents: what a search finds, what a stage dropped."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.errors import DocumentNotFound
from audit.explaining import named_records
from audit.explorer.explorer import explorer_of, number_of, page
from audit.searching import search

__all__ = ["documents_page", "find"]

_PAGE = 50

_FIELDS = ("url", "domain", "text", "dropped_by", "reason", "verdict", "language")

# Addresses, paths, ids in hexadecimal, WARC-Record-IDs: what names one document.
_NAME = re.compile(r"\S*[/:]\S*|www\.\S+|<?[0-9a-f-]{32,}>?", re.IGNORECASE)
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+/?", re.IGNORECASE)


def documents_page(request: Request) -> Response:
    """Documents for which everything that is asked holds; all of them when nothing is."""
    explorer = explorer_of(request)
    asked = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
    start = number_of(request, "start", 0)
    given = {name: value for name, value in asked.items() if value}
    hits = search(explorer.run, **given, limit=_PAGE + 1, offset=start) if given else ()
    reasons = sorted({hit.reason for hit in hits if hit.reason} | {asked["reason"]} - {""})
    content = {
        "asked": asked,
        "given": given,
        "hits": hits[:_PAGE],
        "start": start,
        "next": start + _PAGE if len(hits) > _PAGE else None,
        "previous": max(start - _PAGE, 0) if start else None,
        "reasons": reasons,
    }
    part = request.headers.get("hx-target") == "found"
    return page(request, "_found.html" if part else "documents.html", content)


def find(request: Request) -> Response:
    """The one field that takes anything: an address, a document_id, a domain or words.

    An address or id that the run has leads to its document, another to the list of what is like it.
    """
    explorer = explorer_of(request)
    words = request.query_params.get("q", "").strip()
    if not words:
        return RedirectResponse("/documents", 303)
    if _DOMAIN.fullmatch(words) and not words.lower().startswith("www."):
        return _to_list(domain=words.rstrip("/"))
    if not _NAME.fullmatch(words):
        return _to_list(text=words)
    try:
        found = named_records(explorer.run, words)
    except DocumentNotFound:
        return _to_list(url=words)
    if len(found) == 1:
        return RedirectResponse(f"/documents/{found[0].document_id}", 303)
    return _to_list(url=found[0].url)


def _to_list(**asked: str) -> Response:
    return RedirectResponse(f"/documents?{urlencode(asked)}", 303)
