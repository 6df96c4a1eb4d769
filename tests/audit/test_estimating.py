"""Estimates: exact where nothing is unknown, and intervals that hold the truth as often as said."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.estimating import estimated_count, estimated_sum, exactly, summed

_counts = st.integers(0, 10**6)


@given(known=_counts, unknown=_counts, sampled=st.integers(0, 5000), data=st.data())
def test_a_count_lies_in_its_interval_between_none_and_all(
    known: int, unknown: int, sampled: int, data: st.DataObject
) -> None:
    passed = data.draw(st.integers(0, sampled))
    found = estimated_count(known, unknown, passed, sampled)
    assert known <= found.low <= found.value + 1e-6
    assert found.value - 1e-6 <= found.high <= known + unknown + 1e-6
    assert found.exact == (unknown == 0)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("count", [200, 2000])
def test_intervals_of_counts_hold_the_truth_in_nineteen_of_twenty(share: float, count: int) -> None:
    draw = random.Random(int(share * 100) + count)
    held, rounds = 0, 400
    for _ in range(rounds):
        passes = [draw.random() < share for _ in range(count)]
        sample, rest = passes[:150], passes[150:]
        found = estimated_count(sum(sample), len(rest), sum(sample), len(sample))
        held += found.low <= sum(passes) <= found.high
    assert held / rounds > 0.92


def test_intervals_of_sums_hold_the_truth() -> None:
    draw = random.Random(7)
    held, rounds = 0, 120
    for _ in range(rounds):
        sizes = [draw.lognormvariate(7, 0.7) * (draw.random() < 0.4) for _ in range(3000)]
        sample, rest = sizes[:300], sizes[300:]
        found = estimated_sum(sum(sample), len(rest), sample)
        held += found.low <= sum(sizes) <= found.high
    assert held / rounds > 0.9


def test_a_sum_without_a_sample_is_between_none_and_all() -> None:
    found = estimated_sum(10, 5, [], 90)
    assert (found.low, found.high, found.exact) == (10, 100, False)
    assert math.isinf(estimated_sum(10, 5, []).high)
    assert estimated_sum(10, 0, []) == exactly(10)


def test_sums_of_estimates_are_narrower_than_sums_of_bounds() -> None:
    parts = [estimated_count(10, 100, 3, 10), estimated_count(0, 100, 3, 10)]
    total = summed([*parts, exactly(5)])
    assert total.value == sum(part.value for part in parts) + 5
    assert sum(part.low for part in parts) + 5 < total.low < total.value < total.high
    assert total.high < sum(part.high for part in parts) + 5
    assert summed([exactly(1), exactly(2)]) == exactly(3)
