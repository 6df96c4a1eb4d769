"""Labelling by hand: one document after the other, with keys; and what the labels say."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from audit.documents import records, text_of
from audit.errors import NotAnswerable
from audit.explorer.explorer import Explorer, explorer_of, number_of, page
from audit.labelling import Label, measure_filter, read_labels, save_labels
from audit.sampling import Sampled, sample

__all__ = ["labels_page", "measure_fragment", "save_label"]

_BATCH = 200
"""Documents of one round; the next round begins where the labels end."""

_TEXT_SHOWN = 20_000

# The file is read, added to and replaced.
_SAVING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Round:
    """Which documents are labelled, and in which order.

    Attributes:
        stage: The stage that the labels are to judge; empty for any.
        which: ``near`` its threshold, ``dropped`` by it, ``kept``, or ``all``.
    """

    stage: str
    which: str

    def documents(self, explorer: Explorer) -> tuple[Sampled, ...]:
        """The documents in order, without their texts."""
        near = math.inf if self.which == "near" and self.stage else None
        return sample(
            explorer.run,
            stage=self.stage,
            dropped_by=self.stage if self.which == "dropped" else "",
            kept=self.which == "kept",
            n=_BATCH,
            near_threshold=near,
            with_text=False,
        )


def labels_page(request: Request) -> Response:
    """The next document without a label, or the one at a place of the round."""
    return page(request, "labels.html", _content(request, explorer_of(request)))


async def save_label(request: Request) -> Response:
    """Saves one label and shows the next document."""
    explorer = explorer_of(request)
    form = await request.form(max_files=0, max_fields=10)
    label = str(form.get("label", ""))
    document_id = str(form.get("document_id", ""))
    if label not in ("keep", "drop"):
        raise HTTPException(400, "A label is keep or drop.")
    content = await run_in_threadpool(
        _saved, request, explorer, document_id, label, str(form.get("note", ""))[:2000]
    )
    return page(request, "_label.html", content)


def measure_fragment(request: Request) -> Response:
    """Precision and recall of a filter by the labels so far."""
    explorer = explorer_of(request)
    stage = request.query_params.get("stage", "")
    problem, measure = "", None
    try:
        measure = measure_filter(explorer.run, _labels(explorer), stage)
    except NotAnswerable as error:
        problem = str(error)
    return page(request, "_measure.html", {"measure": measure, "problem": problem, "stage": stage})


def _saved(
    request: Request, explorer: Explorer, document_id: str, label: str, note: str
) -> dict[str, object]:
    if explorer.labels is None:
        raise HTTPException(409, "Start with --labels FILE: there's nowhere to save labels.")
    found = records(explorer.run, "document_id = ?", [document_id], limit=1)
    if not found:
        raise HTTPException(404, f"The run has no document {document_id}.")
    given = Label(document_id, found[0].url, label, note, explorer.labeller)
    with _SAVING:
        held = save_labels(explorer.labels, [given])
    return _content(request, explorer, held, after=document_id)


def _labels(explorer: Explorer) -> dict[str, Label]:
    return read_labels(explorer.labels) if explorer.labels else {}


def _content(
    request: Request,
    explorer: Explorer,
    held: dict[str, Label] | None = None,
    *,
    after: str = "",
) -> dict[str, object]:
    asked = request.query_params
    chosen = Round(asked.get("stage", ""), asked.get("which", "all"))
    labels = _labels(explorer) if held is None else held
    documents = chosen.documents(explorer)
    at = _place(request, documents, labels, after)
    document = documents[at] if at is not None else None
    text = text_of(explorer.run, document.document_id) if document else None
    return {
        "round": chosen,
        "labels": labels,
        "documents": documents,
        "done": sum(document.document_id in labels for document in documents),
        "at": at,
        "document": document,
        "label": labels.get(document.document_id) if document else None,
        "text": text[1][:_TEXT_SHOWN] if text else None,
        "cut": bool(text and len(text[1]) > _TEXT_SHOWN),
        "just_saved": labels.get(after) if after else None,
    }


def _place(
    request: Request, documents: tuple[Sampled, ...], labels: dict[str, Label], after: str
) -> int | None:
    """Where the round goes on: the place asked for, else the next document without a label."""
    if not documents:
        return None
    if not after and "at" in request.query_params:
        return number_of(request, "at", 0, most=len(documents) - 1)
    ids = [document.document_id for document in documents]
    start = ids.index(after) + 1 if after in ids else 0
    order = (*range(start, len(ids)), *range(start))
    return next((place for place in order if ids[place] not in labels), None)
