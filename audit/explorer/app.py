"""The explorer as a web application: its addresses, and what happens when something fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from audit.errors import DocumentNotFound
from audit.explorer.access import Guard
from audit.explorer.explorer import Explorer, explorer_of, page
from audit.explorer.pages import comparing, document, documents, labelling, overview, scores
from pipelines.errors import ProofmillError

__all__ = ["explorer_app"]

_THREADS = 4
"""Requests that are answered at a time; each thread has its own connection to the tables."""

_YEAR = 31_536_000


def explorer_app(explorer: Explorer) -> Starlette:
    """The application.

    Args:
        explorer: The runs and the rules.
    """
    app = Starlette(
        routes=[
            Route("/", overview.funnel_page),
            Route("/run", overview.run_page),
            Route("/documents", documents.documents_page),
            Route("/find", documents.find),
            Route("/documents/{document_id}", document.document_page),
            Route("/documents/{document_id}/source", document.source_fragment),
            Route("/documents/{document_id}/drawn", document.drawn_source),
            Route("/documents/{document_id}/beside/{other_id}", document.duplicate_page),
            Route("/scores", scores.scores_page),
            Route("/scores/{stage}", scores.score_page),
            Route("/scores/{stage}/what-if", scores.what_if_fragment),
            Route("/labels", labelling.labels_page),
            Route("/labels", labelling.save_label, methods=["POST"]),
            Route("/labels/measure", labelling.measure_fragment),
            Route("/compare", comparing.compare_page),
            Route("/compare/{other}/{document_id}", comparing.text_page),
            Route("/assets/{name:path}", _asset),
        ],
        middleware=[Middleware(Guard, access=explorer.access)],
        exception_handlers={
            ProofmillError: _unanswerable,
            HTTPException: _http_error,
            OSError: _unreadable,
        },
        lifespan=_lifespan,
    )
    app.state.explorer = explorer
    return app


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    yield


def _asset(request: Request) -> Response:
    """A file that a browser needs; its address changes with its content, so it may be kept."""
    explorer = explorer_of(request)
    found = explorer.assets.find(request.path_params["name"])
    if found is None:
        raise HTTPException(404, "No such file.")
    known = request.query_params.get("v") == explorer.assets.version
    caching = f"private, max-age={_YEAR}, immutable" if known else "private, max-age=3600"
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": caching})


def _unanswerable(request: Request, error: Exception) -> Response:
    """A question that the run can't answer: the message of the query layer says why."""
    missing = isinstance(error, DocumentNotFound)
    return _error(request, str(error), 404 if missing else 400)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(request, error.detail, error.status_code)


def _unreadable(request: Request, error: Exception) -> Response:
    return _error(request, f"The run can't be read: {error}", 503)


def _error(request: Request, message: str, status: int) -> Response:
    part = request.headers.get("hx-request") == "true"
    template = "_error.html" if part else "error.html"
    return page(request, template, {"message": message, "code": status}, status=status)
