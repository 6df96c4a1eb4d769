"""Numbers that are known, and numbers that are estimated from the shadow share.

The shadow share is chosen by a hash of document_id: a simple random sample of the pages. Of those
that one stage dropped, all of the sample were judged by every later stage, so that the share of
them that would pass is an estimate of the share among the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipelines.training.measures import wilson_interval

__all__ = ["Estimate", "estimated_count", "estimated_sum", "exactly", "summed"]

# Two-sided 95 %: the quantile of the normal distribution at 0.975.
_NORMAL_975 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, or what is known of it.

    Attributes:
        value: The number, or the best guess.
        low, high: The 95 % interval; equal to ``value`` when it is exact.
        exact: Whether it was counted.
    """

    value: float
    low: float
    high: float
    exact: bool

    def widened(self, more: float) -> Estimate:
        """The same, with so much more that may come on top."""
        return Estimate(self.value, self.low, self.high + more, self.exact and not more)

    def scaled(self, factor: float) -> Estimate:
        """The same quantity in another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.exact)


def exactly(value: float) -> Estimate:
    """A number that was counted."""
    return Estimate(value, value, value, True)


def estimated_count(known: int, unknown: int, passed: int, sampled: int) -> Estimate:
    """How many of a group pass: those known, and the estimate for those that aren't.

    The share of the sample that passes times the unknown, with Wilson's interval. What is wanted
    isn't the share behind the sample but the count among the others, which chance moves too: the
    variance is that of a sample of m·u/(m+u) for m sampled and u unknown. Without a sample,
    anything from none to all.

    Args:
        known: Those known to pass.
        unknown: Those of whom it isn't known.
        passed: Of the sample, those that pass.
        sampled: The sample.
    """
    if not unknown:
        return exactly(known)
    if not sampled:
        return Estimate(known + unknown / 2, known, known + unknown, False)
    share = passed / sampled
    effective = sampled * unknown / (sampled + unknown)
    low, high = wilson_interval(share * effective, effective)
    # Counts are whole.
    least, most = math.floor(unknown * low), math.ceil(unknown * high)
    return Estimate(known + unknown * share, known + least, known + most, False)


def estimated_sum(
    known: float,
    unknown: int,
    values: Sequence[float],
    most: float = math.inf,
    *,
    more: int = 0,
    highest_share: float = 1.0,
) -> Estimate:
    """The sum of a quantity over a group: what is known, and the expansion estimate for the rest.

    The mean of the sample (0 for those that don't pass) times the unknown, with the normal
    interval, the chance among the others included. From fewer than two nothing follows: anything
    from none to all.

    Args:
        known: The sum over those known to pass.
        unknown: How many aren't known.
        values: The quantity of each of the sample.
        most: The sum over all that may pass, where it's known.
        more: How many others may pass, of whom there's no sample.
        highest_share: The largest share of the unknown that may pass; it bounds the sum where the
            sample has none that does, and so no spread.
    """
    if not unknown:
        return Estimate(known, known, known + most if more else known, not more)
    if len(values) < 2:
        value = known + most / 2 if math.isfinite(most) else known
        return Estimate(value, known, known + most, False)
    if not any(values):
        return Estimate(known, known, known + most * highest_share, False)
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    spread = _NORMAL_975 * math.sqrt(variance * (1 / len(values) + 1 / unknown))
    return Estimate(
        min(known + unknown * mean, known + most),
        known + unknown * max(mean - spread, 0.0),
        min(known + unknown * (mean + spread), known + most),
        False,
    )


def summed(parts: Iterable[Estimate]) -> Estimate:
    """The sum of independent estimates, with the interval of Zou and Donner (2008, MOVER): the
    distances of the bounds add up as squares."""
    given = list(parts)
    value = sum(part.value for part in given)
    below = math.sqrt(sum((part.value - part.low) ** 2 for part in given))
    above = math.sqrt(sum((part.high - part.value) ** 2 for part in given))
    return Estimate(value, value - below, value + above, all(part.exact for part in given))
