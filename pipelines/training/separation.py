"""How perplexity and the gain of word order tell kinds of text apart.

Both are measured of the same texts by the same model; thresholds are chosen for the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filters.models import ModelFile
from filters.web.perplexity import Perplexity
from filters.web.word_order import WordOrder
from pipelines.training.charts import Histograms, draw_histograms
from pipelines.training.measures import area_under_curve, quantile

__all__ = [
    "CLEAN",
    "ORDINARY",
    "WEB",
    "Scores",
    "add_scores",
    "areas_against",
    "draw_scores",
    "kind_rows",
    "suggested_thresholds",
]

CLEAN, WEB, ORDINARY = "clean prose", "web pages with formulas", "ordinary web pages"

# (perplexity, gain of word order) of texts by kind, all by models that saw nothing of their origin.
Scores = dict[str, list[tuple[float, float]]]

# Share of clean held-out texts that both filters together must keep.
_KEPT = 0.99


def add_scores(scores: Scores, kind: str, texts: Sequence[str], model: Path) -> None:
    """Scores texts of a kind."""
    spec = ModelFile(str(model))
    perplexity, order = Perplexity(model=spec).score, WordOrder(model=spec).score
    scores.setdefault(kind, []).extend((perplexity(text), order(text)) for text in texts)


def suggested_thresholds(clean: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """A perplexity and a gain that together keep the wanted share: (perplexity, gain, kept).

    Each is set to cost as much as the other, as little as the wanted share demands.
    """
    perplexities, gains = [p for p, _ in clean], [g for _, g in clean]
    share = _KEPT
    while True:
        perplexity = _rounded(quantile(perplexities, share), up=True)
        gain = _rounded(quantile(gains, 1 - share), up=False)
        kept = sum(p <= perplexity and g >= gain for p, g in clean) / len(clean)
        if kept >= _KEPT or share >= 1:
            return perplexity, gain, kept
        share += 0.0005


def _rounded(value: float, *, up: bool) -> float:
    """Two significant digits, rounded to the side that keeps more."""
    rounded = float(f"{value:.1e}")
    unit = 10.0 ** (int(f"{value:.1e}".partition("e")[2]) - 1)
    if up and rounded < value:
        rounded += unit
    if not up and rounded > value:
        rounded -= unit
    return float(f"{rounded:.2g}")


def kind_rows(scores: Scores, perplexity: float, gain: float) -> list[dict[str, Any]]:
    """A row a kind: medians, areas against clean prose, and what two thresholds drop."""
    return [_row(kind, found, scores[CLEAN], perplexity, gain) for kind, found in scores.items()]


def _row(
    kind: str,
    found: Sequence[tuple[float, float]],
    clean: Sequence[tuple[float, float]],
    perplexity: float,
    gain: float,
) -> dict[str, Any]:
    perplexities, gains = [p for p, _ in found], [g for _, g in found]
    by_perplexity = [p > perplexity for p in perplexities]
    by_order = [g < gain for g in gains]
    either = [a or b for a, b in zip(by_perplexity, by_order, strict=True)]
    auc, auc_order = _separated(found, clean)
    return {
        "texts": kind,
        "count": len(found),
        "median": float(f"{quantile(perplexities, 0.5):.3g}"),
        "auc": auc,
        "median_gain": float(f"{quantile(gains, 0.5):.3g}"),
        "auc_of_gain": auc_order,
        "dropped_by_perplexity": round(sum(by_perplexity) / len(found), 3),
        "dropped_by_word_order": round(sum(by_order) / len(found), 3),
        "dropped_by_either": round(sum(either) / len(found), 3),
    }


def _separated(
    found: Sequence[tuple[float, float]], clean: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """How well perplexity, and the gain of word order, tell texts from clean ones."""
    auc = area_under_curve([p for p, _ in found], [p for p, _ in clean])
    of_gain = area_under_curve([g for _, g in clean], [g for _, g in found])
    return round(auc, 3), round(of_gain, 3)


# Kinds that are no noise, and needn't be told from other clean texts.
_NO_NOISE = (CLEAN, WEB, ORDINARY)


def areas_against(scores: Scores, reference: str) -> list[dict[str, Any]]:
    """How well each kind of noise is told from a kind of clean texts that was never learnt."""
    rows = []
    for kind, found in scores.items():
        if kind not in (*_NO_NOISE, reference):
            auc, of_gain = _separated(found, scores[reference])
            rows.append({"texts": kind, "auc": auc, "auc_of_gain": of_gain})
    return rows


# The picture's right ends; what lies beyond is drawn there.
_DRAWN_PERPLEXITY, _DRAWN_GAIN = 1e7, 30.0


def draw_scores(
    name: str,
    scores: Mapping[str, Sequence[tuple[float, float]]],
    thresholds: Mapping[str, float],
    path: Path,
) -> None:
    """Draws both measures by kind, with the thresholds ``perplexity`` and ``word_order``."""
    columns = [
        Histograms(
            label,
            {kind: [values[place] for values in found] for kind, found in scores.items()},
            thresholds[setting],
            highest,
        )
        for place, (label, setting, highest) in enumerate(
            (
                ("perplexity", "perplexity", _DRAWN_PERPLEXITY),
                ("gain of word order", "word_order", _DRAWN_GAIN),
            )
        )
    ]
    draw_histograms(f"{name}: held-out texts by kind", columns, path)
