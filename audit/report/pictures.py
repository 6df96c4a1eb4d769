"""The report's pictures, as SVG that goes into the page itself."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audit.funnels import Funnel
from audit.histograms import Histogram
from audit.pictures import draw_funnel_of

__all__ = ["funnel_svg", "histogram_svg"]

# The colours of the run's own funnel (Okabe and Ito 2008), told apart by the colour-blind.
_KEPT, _DROPPED, _LINE = "#0072B2", "#E69F00", "#333333"


def funnel_svg(funnel: Funnel, title: str) -> str:
    """The funnel as a run draws it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "funnel.svg"
        draw_funnel_of(funnel, title, path)
        return path.read_text("utf-8")


def histogram_svg(histogram: Histogram, values: Sequence[float]) -> str:
    """The scores of a stage: bars of what it passed and dropped, a line at each threshold.

    Args:
        histogram: The scores.
        values: The thresholds that are drawn.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 2.5), layout="constrained")
    axes = figure.add_subplot()
    lows = [each.low for each in histogram.bins]
    widths = [each.high - each.low or 1.0 for each in histogram.bins]
    kept = [each.kept for each in histogram.bins]
    dropped = [each.dropped for each in histogram.bins]
    axes.bar(lows, kept, widths, align="edge", color=_KEPT, label="passed")
    axes.bar(lows, dropped, widths, align="edge", bottom=kept, color=_DROPPED, label="dropped")
    if histogram.logarithmic:
        axes.set_xscale("log")
    most = max((a + b for a, b in zip(kept, dropped, strict=True)), default=1)
    # A tall bar at one end would flatten all others.
    if most > 30 * max(sorted(a + b for a, b in zip(kept, dropped, strict=True))[-3:][0], 1):
        axes.set_yscale("symlog", linthresh=10)
    for value in values:
        axes.axvline(value, color=_LINE, linewidth=1.2, linestyle="--")
        axes.annotate(
            f" {value:g}", (value, 1.0), xycoords=("data", "axes fraction"), va="top", fontsize=8
        )
    _plain(axes)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=8)
    return _svg(figure)


def _plain(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.set_ylabel("documents", fontsize=8)


def _svg(figure: Any) -> str:
    from matplotlib import rc_context

    held = io.StringIO()
    with rc_context({"svg.hashsalt": "proofmill"}):
        figure.savefig(held, format="svg", metadata={"Date": None})
    return held.getvalue()
