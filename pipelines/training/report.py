"""What a card says of a classifier, from the scores of its cross-validation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipelines.training.classifier import Scored, telling_words
from pipelines.training.measures import (
    area_under_curve,
    at_threshold,
    confusion,
)

__all__ = ["by_kind", "classifier_measures"]

_REPORTED = (0.05, 0.1, 0.17, 0.3, 0.5, 0.8, 0.9, 0.95)
_WORST = 10
# Origins and encodings with fewer texts say nothing by themselves.
_FEWEST_IN_ROW = 10
_MOST_ROWS = 25


def by_kind(scored: Sequence[Scored]) -> tuple[list[float], list[float]]:
    """The scores of the positive examples, and of the negative ones."""
    return (
        [item.score for item in scored if item.example.positive],
        [item.score for item in scored if not item.example.positive],
    )


def classifier_measures(
    scored: Sequence[Scored],
    recipe_thresholds: Mapping[str, float],
    score: Callable[[dict[str, float]], float],
    calibrated: Sequence[Mapping[str, float]],
    *,
    folds: int,
    reported: Sequence[float] = _REPORTED,
) -> dict[str, Any]:
    """The measures of a card.

    Args:
        scored: The examples, each scored by a model that saw nothing of its origin.
        recipe_thresholds: The thresholds that recipes use, by name.
        score: How a score was made of the labels' probabilities, to explain errors.
        calibrated: The points of the calibration curve.
        folds: How many folds there were.
        reported: Thresholds for the table of precision and recall.
    """
    positives, negatives = by_kind(scored)
    return {
        "how": (
            f"{folds}-fold cross-validation by origin: each text is scored by a model that saw no "
            "text of its site or work; the model itself is trained on all"
        ),
        "auc": round(area_under_curve(positives, negatives), 4),
        **_on_web_pages(scored),
        "at_thresholds": [asdict(at_threshold(positives, negatives, t)) for t in reported],
        "confusion_at_recipe_thresholds": [
            {"setting": name, "threshold": value, **confusion(positives, negatives, value)}
            for name, value in recipe_thresholds.items()
        ],
        "calibration": list(calibrated),
        "by_encoding": _by_encoding(scored, min(recipe_thresholds.values())),
        "by_origin": _by_origin(scored, min(recipe_thresholds.values())),
        "worst_errors": _worst(scored, score),
    }


def _on_web_pages(scored: Sequence[Scored]) -> dict[str, Any]:
    """The measure on pages of the web alone, where there are such of both kinds."""
    web = by_kind([item for item in scored if item.example.role == "web"])
    if not all(web):
        return {}
    return {
        "auc_on_web_pages_alone": round(area_under_curve(*web), 4),
        "web_pages": {"positive": len(web[0]), "negative": len(web[1])},
    }


def _by_encoding(scored: Sequence[Scored], threshold: float) -> list[dict[str, Any]]:
    """Recall by how the formulas of the positives were written; a page may have several."""
    groups: dict[str, list[float]] = defaultdict(list)
    if not any(item.example.encodings for item in scored):
        return []
    for item in scored:
        if item.example.positive:
            for name in item.example.encodings or ("none named",):
                groups[name].append(item.score)
    return [
        {
            "encoding": name,
            "texts": len(scores),
            "mean_score": _mean(scores),
            f"recall_at_{threshold:g}": _share(scores, threshold),
        }
        for name, scores in sorted(groups.items(), key=lambda row: (-len(row[1]), row[0]))
    ]


def _by_origin(scored: Sequence[Scored], threshold: float) -> list[dict[str, Any]]:
    """The origins that the classifier gets wrong most often, with those of most texts."""
    groups: dict[str, list[Scored]] = defaultdict(list)
    for item in scored:
        groups[item.example.origin].append(item)
    rows: list[dict[str, Any]] = []
    for origin, items in groups.items():
        positives, negatives = by_kind(items)
        wrong = sum(s < threshold for s in positives) + sum(s >= threshold for s in negatives)
        rows.append(
            {
                "origin": origin,
                "positive": len(positives),
                "negative": len(negatives),
                f"wrong_at_{threshold:g}": wrong,
                "share_wrong": round(wrong / len(items), 3),
            }
        )
    rows = [r for r in rows if r["positive"] + r["negative"] >= _FEWEST_IN_ROW] or rows
    rows.sort(key=lambda r: (-r[f"wrong_at_{threshold:g}"], r["origin"]))
    return rows[:_MOST_ROWS]


def _worst(
    scored: Sequence[Scored], score: Callable[[dict[str, float]], float]
) -> list[dict[str, Any]]:
    """The texts that are scored worst of each kind, with the words that misled the classifier."""
    half = _WORST // 2
    missed = sorted(
        (item for item in scored if item.example.positive),
        key=lambda item: (item.score, item.example.place),
    )[:half]
    mistaken = sorted(
        (item for item in scored if not item.example.positive),
        key=lambda item: (-item.score, item.example.place),
    )[:half]
    return [
        {
            "text": item.example.place,
            "label": item.example.label,
            "score": round(item.score, 4),
            "words_read": len(item.example.line.split()),
            "misleading_words": " ".join(telling_words(item, score)),
        }
        for item in [*missed, *mistaken]
    ]


def _mean(values: Sequence[float]) -> float:
    return round(sum(sorted(values)) / len(values), 4)


def _share(values: Sequence[float], threshold: float) -> float:
    return round(sum(value >= threshold for value in values) / len(values), 4)
