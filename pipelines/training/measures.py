"""How well scores tell two kinds of texts apart."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "AtThreshold",
    "CalibrationPoint",
    "area_under_curve",
    "at_threshold",
    "calibration",
    "confusion",
    "curve",
    "quantile",
    "threshold_for_precision",
    "wilson_interval",
]


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """What a threshold does: scores at or above it count as positive."""

    threshold: float
    precision: float
    recall: float
    false_positive_rate: float


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """Of the texts with a score in ``[low, high)``: how many, their mean score, and the share of
    positives among them. A calibrated score has the two equal."""

    low: float
    high: float
    count: int
    mean_score: float
    positive_share: float


def area_under_curve(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """Probability that a positive scores above a negative (ties count half); ROC AUC."""
    if not positives or not negatives:
        raise ValueError("an area under the curve needs texts of both kinds")
    ranked = sorted([(score, 1) for score in positives] + [(score, 0) for score in negatives])
    rank_sum, start = 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        rank = (start + 1 + end) / 2
        rank_sum += rank * sum(kind for _, kind in ranked[start:end])
        start = end
    count = len(positives)
    return (rank_sum - count * (count + 1) / 2) / (count * len(negatives))


def at_threshold(
    positives: Sequence[float], negatives: Sequence[float], threshold: float
) -> AtThreshold:
    """Precision, recall and false-positive rate at one threshold; precision 1 when none passes."""
    return _at(sorted(positives), sorted(negatives), threshold)


def confusion(
    positives: Sequence[float], negatives: Sequence[float], threshold: float
) -> dict[str, int]:
    """How many texts of each kind pass a threshold and how many don't."""
    true = sum(score >= threshold for score in positives)
    false = sum(score >= threshold for score in negatives)
    return {
        "positives_that_pass": true,
        "positives_dropped": len(positives) - true,
        "negatives_that_pass": false,
        "negatives_dropped": len(negatives) - false,
    }


_CURVE_POINTS = 200


def curve(positives: Sequence[float], negatives: Sequence[float]) -> list[AtThreshold]:
    """Precision and recall at every threshold that changes them; of very many, an even choice."""
    thresholds = sorted({*positives, *negatives})
    if len(thresholds) > _CURVE_POINTS:
        last = len(thresholds) - 1
        places = {round(n * last / (_CURVE_POINTS - 1)) for n in range(_CURVE_POINTS)}
        thresholds = [thresholds[place] for place in sorted(places)]
    true, false = sorted(positives), sorted(negatives)
    return [_at(true, false, threshold) for threshold in thresholds]


def _at(positives: Sequence[float], negatives: Sequence[float], threshold: float) -> AtThreshold:
    """``at_threshold`` of sorted scores."""
    true = len(positives) - bisect.bisect_left(positives, threshold)
    false = len(negatives) - bisect.bisect_left(negatives, threshold)
    return AtThreshold(
        threshold,
        round(true / (true + false), 4) if true + false else 1.0,
        round(true / len(positives), 4) if positives else 0.0,
        round(false / len(negatives), 4) if negatives else 0.0,
    )


# Two-sided 95 %: the quantile of the normal distribution at 0.975.
_NORMAL_975 = 1.959963984540054


def wilson_interval(successes: float, trials: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which holds for few trials and extreme shares."""
    if trials == 0:
        return 0.0, 1.0
    share, square = successes / trials, _NORMAL_975**2
    centre = share + square / (2 * trials)
    spread = _NORMAL_975 * math.sqrt((share * (1 - share) + square / (4 * trials)) / trials)
    scale = 1 + square / trials
    return max((centre - spread) / scale, 0.0), min((centre + spread) / scale, 1.0)


def calibration(
    positives: Sequence[float], negatives: Sequence[float], bins: int = 10
) -> list[CalibrationPoint]:
    """Calibration points of scores from 0 to 1 over equal bins; empty bins are left out."""
    points = []
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        last = number == bins - 1
        true = [s for s in positives if low <= s and (s < high or last)]
        false = [s for s in negatives if low <= s and (s < high or last)]
        count = len(true) + len(false)
        if count:
            mean = sum(true + false) / count
            points.append(
                CalibrationPoint(low, high, count, round(mean, 4), round(len(true) / count, 4))
            )
    return points


def quantile(scores: Sequence[float], share: float) -> float:
    """The score below which ``share`` of the scores lie (nearest rank)."""
    ranked = sorted(scores)
    return ranked[min(int(share * len(ranked)), len(ranked) - 1)]


def threshold_for_precision(
    positives: Sequence[float], negatives: Sequence[float], precision: float
) -> float:
    """The least threshold from which on the precision is reached; 1 when it never is."""
    found = 1.0
    true = false = 0
    ranked = sorted([(s, True) for s in positives] + [(s, False) for s in negatives], reverse=True)
    for place, (score, positive) in enumerate(ranked):
        true, false = true + positive, false + (not positive)
        tied = place + 1 < len(ranked) and ranked[place + 1][0] == score
        if not tied and true / (true + false) >= precision:
            found = score
    return found
