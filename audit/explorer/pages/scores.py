"""Histograms of scores, each with its threshold as a line that can be moved."""

from __future__ import annotations

import math

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from audit.errors import NotAnswerable
from audit.explorer.explorer import Explorer, explorer_of, page
from audit.histograms import Histogram, Threshold, histogram, scored_stages
from audit.what_if import what_if
from pipelines.errors import RecipeError

__all__ = ["score_page", "scores_page", "what_if_fragment"]

_STEPS = 200
"""Steps of an arrow key from one end of the scale to the other."""


def scores_page(request: Request) -> Response:
    """All stages with scores, each with its histogram and its thresholds."""
    explorer = explorer_of(request)
    histograms = [histogram(explorer.run, name) for name in scored_stages(explorer.run)]
    shown = [(found, explorer.stage(found.stage), _places(found)) for found in histograms]
    return page(request, "scores.html", {"shown": shown})


def score_page(request: Request) -> Response:
    """One stage: its scores, one of its thresholds, and what another value would do."""
    explorer = explorer_of(request)
    stage = request.path_params["stage"]
    overall = histogram(explorer.run, stage)
    threshold = _threshold(overall, request.query_params.get("setting", ""))
    shown = (
        histogram(explorer.run, stage, detail=threshold.detail)
        if threshold and threshold.detail and threshold.documents
        else overall
    )
    value = _finite(request.query_params.get("value"), threshold.value if threshold else None)
    content = {
        "histogram": shown,
        "stage": explorer.stage(stage),
        "stages": scored_stages(explorer.run),
        "threshold": threshold,
        "thresholds": _movable(overall),
        "in_run": threshold or next(iter(overall.thresholds), None),
        "value": value,
        "mark": _finite(request.query_params.get("mark"), None),
        "scale": _scale(shown),
        "chart": _chart(shown),
        "answer": _answer(explorer, stage, threshold, value) if threshold else None,
    }
    return page(request, "score.html", content)


def what_if_fragment(request: Request) -> Response:
    """What would enter and leave at another value of one threshold."""
    explorer = explorer_of(request)
    stage = request.path_params["stage"]
    threshold = _threshold(histogram(explorer.run, stage), request.query_params.get("setting", ""))
    value = _finite(request.query_params.get("value"), None)
    if threshold is None or value is None:
        raise HTTPException(400, "Say which setting, and a number for it.")
    content = {"answer": _answer(explorer, stage, threshold, value), "threshold": threshold}
    return page(request, "_what_if.html", {**content, "value": value, "swapped": True})


def _answer(
    explorer: Explorer, stage: str, threshold: Threshold, value: float | None
) -> dict[str, object]:
    """The query layer's answer, or why there's none."""
    if value is None:
        return {"found": None, "problem": ""}
    change = f"{stage}.{threshold.setting}={value!r}"
    try:
        return {"found": what_if(explorer.run, [change], examples=8, sites=8), "problem": ""}
    except (NotAnswerable, RecipeError) as error:
        return {"found": None, "problem": str(error)}


def _threshold(shown: Histogram, setting: str) -> Threshold | None:
    """The threshold of that setting; the one that decided most when none is named."""
    if setting:
        found = next((t for t in _movable(shown) if t.setting == setting), None)
        if found is None:
            raise HTTPException(404, f"{shown.stage} has no threshold {setting}.")
        return found
    return max(_movable(shown), key=lambda t: t.documents, default=None)


def _movable(shown: Histogram) -> list[Threshold]:
    """The thresholds of which the records tell what another value would do."""
    return [threshold for threshold in shown.thresholds if threshold.setting]


def _scale(shown: Histogram) -> dict[str, float | bool]:
    """The ends of the axis: all scores and the thresholds are on it."""
    values = [shown.least, shown.most, *(threshold.value for threshold in shown.thresholds)]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 0.5, high + 0.5
    logarithmic = shown.logarithmic and low > 0
    return {"low": low, "high": high, "logarithmic": logarithmic, "steps": _STEPS}


def _places(shown: Histogram) -> list[float]:
    """Where thresholds stand between the ends of the scale, from 0 to 1; those outside are left
    out."""
    low, high = shown.least, shown.most
    inside = [t.value for t in shown.thresholds if low < t.value < high]
    if shown.logarithmic:
        return [math.log(value / low) / math.log(high / low) for value in inside]
    return [(value - low) / (high - low) for value in inside]


def _chart(shown: Histogram) -> list[dict[str, float]]:
    """The bins as the browser draws them."""
    return [
        {"low": b.low, "high": b.high, "kept": b.kept, "dropped": b.dropped} for b in shown.bins
    ]


def _finite(given: str | None, default: float | None) -> float | None:
    try:
        value = float(given) if given else None
    except ValueError:
        return default
    return value if value is not None and math.isfinite(value) else default
