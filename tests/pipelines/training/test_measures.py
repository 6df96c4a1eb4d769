"""Measures: areas, thresholds, intervals, and the laws that they keep."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.training.measures import (
    area_under_curve,
    at_threshold,
    calibration,
    confusion,
    curve,
    quantile,
    threshold_for_precision,
    wilson_interval,
)

_SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def test_measures() -> None:
    assert area_under_curve([3.0, 4.0], [1.0, 2.0]) == 1.0
    assert area_under_curve([1.0, 2.0], [1.0, 2.0]) == 0.5
    with pytest.raises(ValueError, match="both kinds"):
        area_under_curve([], [1.0])
    measured = at_threshold([0.9, 0.4], [0.5, 0.1], 0.5)
    assert (measured.precision, measured.recall, measured.false_positive_rate) == (0.5, 0.5, 0.5)
    assert at_threshold([0.1], [0.1], 0.9).precision == 1.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([1.0], 0.99) == 1.0
    assert threshold_for_precision([0.9, 0.8, 0.3], [0.5], 0.99) == 0.8
    assert threshold_for_precision([0.5], [0.5], 0.99) == 1.0
    points = calibration([0.95, 1.0], [0.0, 0.05])
    assert [(p.low, p.count, p.positive_share) for p in points] == [(0.0, 2, 0.0), (0.9, 2, 1.0)]
    assert confusion([0.9, 0.4], [0.5, 0.1], 0.5) == {
        "positives_that_pass": 1, "positives_dropped": 1,
        "negatives_that_pass": 1, "negatives_dropped": 1,
    }  # fmt: skip


# Wilson (1927), by hand: 8 of 10, 0 of 5 and 5 of 5.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 5, 0.0, 0.4345), (5, 5, 0.5655, 1.0), (0, 0, 0.0, 1.0)],
)
def test_intervals_of_shares(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=1e-4)


@given(_SCORES, _SCORES)
def test_the_curve_says_what_each_threshold_does(
    positives: list[float], negatives: list[float]
) -> None:
    points = curve(positives, negatives)
    assert points == [at_threshold(positives, negatives, point.threshold) for point in points]
    assert points[0].recall == 1.0
    assert [p.recall for p in points] == sorted((p.recall for p in points), reverse=True)


def test_a_curve_of_very_many_scores_is_an_even_choice() -> None:
    scores = [n / 5000 for n in range(5000)]
    points = curve(scores, scores)
    assert len(points) == 200
    assert (points[0].threshold, points[-1].threshold) == (scores[0], scores[-1])
