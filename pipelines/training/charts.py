"""Pictures of how models do, small enough to lie beside them.

Equal measures give equal files: no date is in them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.training.measures import AtThreshold

__all__ = ["Histograms", "draw_classifier", "draw_curve", "draw_histograms"]

# Colour-blind safe (Okabe and Ito 2008).
_COLOURS = (
    "#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#7F7F7F",
)  # fmt: skip
_DPI = 100


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})


def _plain(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def draw_classifier(
    name: str,
    calibrated: Sequence[tuple[float, float]],
    points: Sequence[AtThreshold],
    thresholds: Mapping[str, float],
    path: Path,
    *,
    truth: str = "share of positives",
    top: float = 1.0,
) -> None:
    """Draws calibration, and precision and recall against the threshold, side by side.

    Args:
        name: The model's name.
        calibrated: Mean score and truth of texts of about the same score.
        points: Precision and recall by threshold.
        thresholds: Those that recipes use, by name.
        path: The PNG file.
        truth: What the scores should be equal to.
        top: The highest score.
    """
    figure = _figure(9.0, 3.6)
    left, right = figure.subplots(1, 2)
    left.plot([0, top], [0, top], color=_COLOURS[-1], linewidth=0.8, linestyle="--")
    means, truths = zip(*calibrated, strict=True)
    left.plot(means, truths, marker="o", markersize=4, color=_COLOURS[0])
    _plain(left, f"{name}: calibration", "mean score", truth)
    _draw_precision_recall(right, points, thresholds)
    _save(figure, path)


def draw_curve(
    title: str, points: Sequence[AtThreshold], thresholds: Mapping[str, float], path: Path
) -> None:
    """Draws precision and recall against the threshold."""
    figure = _figure(6.0, 3.6)
    axes = figure.subplots()
    _draw_precision_recall(axes, points, thresholds, title)
    low, high = points[0].threshold, points[-1].threshold
    if low > 0 and high > 50 * low:
        axes.set_xscale("log")
    _save(figure, path)


def _draw_precision_recall(
    axes: Any,
    points: Sequence[AtThreshold],
    thresholds: Mapping[str, float],
    title: str = "precision and recall",
) -> None:
    at = [point.threshold for point in points]
    axes.plot(at, [p.precision for p in points], color=_COLOURS[0], label="precision")
    axes.plot(at, [p.recall for p in points], color=_COLOURS[2], label="recall")
    for name, value in thresholds.items():
        axes.axvline(value, color=_COLOURS[-1], linewidth=0.8, linestyle=":")
        axes.text(
            value, 0.02, f" {name.replace('_', ' ')} {value:g}",
            rotation=90, fontsize=7, va="bottom", ha="right", color="#555555",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    axes.legend(frameon=False, fontsize=8, loc="lower center")
    _plain(axes, title, "threshold", "")


@dataclass(frozen=True, slots=True)
class Histograms:
    """One column of ``draw_histograms``.

    Attributes:
        label: What is measured, for the axis.
        kinds: Values above 0 by kind of text.
        threshold: The recipe's.
        highest: Larger values are drawn at it.
    """

    label: str
    kinds: Mapping[str, Sequence[float]]
    threshold: float
    highest: float


_BINS = 60


def draw_histograms(title: str, columns: Sequence[Histograms], path: Path) -> None:
    """Draws a row a kind and a column a measure: the share of texts by value, logarithmic."""
    names = list(columns[0].kinds)
    figure = _figure(9.0, 0.5 * len(names) + 1.2)
    grid = figure.subplots(len(names), len(columns), sharex="col", squeeze=False)
    for number, column in enumerate(columns):
        _draw_column(column, grid[:, number])
    for axes, name in zip(grid[:, 0], names, strict=True):
        text = f"{name}\n({len(columns[0].kinds[name]):,})"
        axes.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=8)
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    _save(figure, path)


def _draw_column(column: Histograms, rows: Sequence[Any]) -> None:
    high = math.log10(column.highest)
    logs = [[min(math.log10(v), high) for v in values] for values in column.kinds.values()]
    low = min(min(values) for values in logs)
    edges = [low + (high - low) * n / _BINS for n in range(_BINS + 1)]
    for axes, (number, values) in zip(rows, enumerate(logs), strict=True):
        weights = [1 / len(values)] * len(values)
        axes.hist(values, edges, weights=weights, color=_COLOURS[number % len(_COLOURS)])
        axes.axvline(math.log10(column.threshold), color="black", linewidth=0.9, linestyle=":")
        axes.set_yticks([])
        axes.tick_params(labelsize=8)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    ticks = range(math.ceil(low), math.floor(high) + 1)
    rows[-1].set_xticks(list(ticks), [f"$10^{{{tick}}}$" for tick in ticks])
    rows[-1].set_xlabel(f"{column.label}; dotted: {column.threshold:g}", fontsize=9)
