"""The funnel of each language, side by side in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.card import UNKNOWN, Card

__all__ = ["draw_language_funnels"]

# A colour-blind safe pair (Okabe and Ito 2008): what passed, what was dropped.
_PASSED, _DROPPED = "#0072B2", "#E69F00"
_COLUMNS = 6


def draw_language_funnels(card: Card, stages: Sequence[str], path: Path) -> None:
    """Draws a panel a language: what reached each stage, and what it dropped.

    Args:
        card: The counts.
        stages: The stages in order; those that dropped nothing at all are left out.
        path: The picture; its suffix is the format.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    languages = [language for language in card.languages if language != UNKNOWN]
    shown = [stage for stage in ("read", *stages) if _dropped_by(card, languages, stage)]
    shown = shown or ["read"]
    rows = max(-(-len(languages) // _COLUMNS), 1)
    figure = Figure(
        figsize=(2.3 * _COLUMNS, rows * (0.24 * len(shown) + 0.9)), layout="constrained"
    )
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True)
    for place, axes in enumerate(grid.flat):
        if place >= len(languages):
            axes.set_axis_off()
            continue
        _draw(axes, card, languages[place], shown)
    for axes in grid[:, 0]:
        axes.set_yticks(range(len(shown)), [stage.replace("_", " ") for stage in shown], fontsize=8)
    grid[0, 0].invert_yaxis()
    figure.suptitle(
        f"{card.name}: files that each stage passed (blue) and dropped (orange), by language",
        fontsize=11,
        x=0.01,
        ha="left",
    )
    undated = {"Date": None} if path.suffix == ".svg" else {}
    with rc_context({"svg.hashsalt": "proofmill"}):
        figure.savefig(path, dpi=120, metadata=undated)


def _draw(panel: Any, card: Card, language: str, stages: Sequence[str]) -> None:
    left = card.read[language]
    for row, stage in enumerate(stages):
        dropped = _dropped_by(card, [language], stage)
        panel.barh(row, left, color=_DROPPED if dropped else _PASSED, height=0.7)
        panel.barh(row, left - dropped, color=_PASSED, height=0.7)
        left -= dropped
    panel.set_title(f"{language}: {left:,} of {card.read[language]:,}", fontsize=9, loc="left")
    panel.tick_params(axis="x", labelsize=7)
    panel.locator_params(axis="x", nbins=3)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def _dropped_by(card: Card, languages: Sequence[str], stage: str) -> int:
    return sum(
        count
        for language in languages
        for reason, count in card.drops.get(language, {}).items()
        if reason.partition(":")[0] == stage
    )
