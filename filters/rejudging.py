"""What a filter says of a document that it judged before, from what it wrote down then.

A filter that drops by a score declares, in ``laws``, how the score, the threshold and the verdict
hang together. With the settings changed, the verdict follows from the recorded score without the
text. A decision that no law speaks of (an error, a text too short to tell) keeps its verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Bound", "Law", "OneOf", "Recorded", "laws_of", "rejudged", "settings_unjudged"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A score is held against a setting.

    Attributes:
        setting: The filter's field that holds the threshold.
        keeps: Which scores stay.
        detail: The decisions that this threshold is for, by their detail; None for all.
    """

    setting: str
    keeps: Literal["at_least", "above", "at_most"]
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The decision's detail must be one of a setting's values.

    Attributes:
        setting: The filter's field that holds the values.
    """

    setting: str


Law: TypeAlias = Bound | OneOf


@dataclass(frozen=True, slots=True)
class Recorded:
    """Decisions of one filter, as columns of equal length.

    Attributes:
        keep: Whether the verdict was ``keep``.
        scores: The scores; NaN where there was none.
        details: The details.
        failed: Whether judging itself failed (``error:*``).
    """

    keep: npt.NDArray[np.bool_]
    scores: npt.NDArray[np.float64]
    details: npt.NDArray[np.object_]
    failed: npt.NDArray[np.bool_]


def laws_of(settings: Any) -> Sequence[Law]:
    """The laws that a filter declares; none when its scores don't tell."""
    laws: Sequence[Law] = getattr(settings, "laws", ())
    return laws


def settings_unjudged(before: Any, after: Any) -> list[str]:
    """The settings that differ and that no law covers."""
    covered = {law.setting for law in laws_of(before)}
    return [
        field.name
        for field in fields(before)
        if field.name not in covered and getattr(before, field.name) != getattr(after, field.name)
    ]


def rejudged(settings: Any, recorded: Recorded) -> npt.NDArray[np.bool_]:
    """Whether a filter with these settings keeps what was recorded.

    Args:
        settings: The filter.
        recorded: What a filter of its kind wrote down, with other settings perhaps.
    """
    keep = np.ones(len(recorded.keep), np.bool_)
    spoken_of = np.zeros(len(recorded.keep), np.bool_)
    for law in laws_of(settings):
        applies, holds = _held(law, getattr(settings, law.setting), recorded)
        applies &= ~recorded.failed
        keep &= holds | ~applies
        spoken_of |= applies
    return np.where(spoken_of, keep, recorded.keep)


def _held(
    law: Law, value: Any, recorded: Recorded
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(where a law applies, where it's held)."""
    if isinstance(law, OneOf):
        return recorded.details != "", np.isin(recorded.details.astype(str), list(value))
    applies = ~np.isnan(recorded.scores)
    if law.detail is not None:
        applies &= recorded.details == law.detail
    with np.errstate(invalid="ignore"):
        match law.keeps:
            case "at_least":
                holds = recorded.scores >= value
            case "above":
                holds = recorded.scores > value
            case "at_most":
                holds = recorded.scores <= value
    return applies, holds
