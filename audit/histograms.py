"""How a stage's scores are spread, with the thresholds that they were held against."""

from __future__ import annotations

from dataclasses import dataclass

from audit.errors import AuditError, NotAnswerable
from audit.ledger import ensure_ledger
from audit.run import AuditRun
from filters.rejudging import Bound, laws_of

__all__ = ["Bin", "Histogram", "Threshold", "histogram", "scored_stages"]

_BINS = 40
# Scores that spread over more than this factor are binned by their logarithm.
_WIDE = 100.0


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores in ``[low, high)``, the last bin's end included.

    Attributes:
        low, high: Its bounds.
        kept: Documents that the stage passed.
        dropped: Documents that it dropped.
        shadow: Of both, those that were out already (shadow share).
    """

    low: float
    high: float
    kept: int
    dropped: int
    shadow: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A threshold of a stage.

    Attributes:
        setting: The filter's setting, as ``--set`` takes it after the stage's name.
        value: Its value in the run.
        keeps: ``at_least``, ``above`` or ``at_most``: which scores stay; empty when the stage
            doesn't declare it, and only wrote down what it held its scores against.
        detail: The decisions that it's for, by their detail; empty for all.
        documents: Decisions that it made.
    """

    setting: str
    value: float
    keeps: str
    detail: str
    documents: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """The scores of one stage.

    Attributes:
        stage: The stage.
        detail: The decisions that are shown, by their detail; empty for all.
        bins: The bins.
        logarithmic: Whether bins are equal in the logarithm.
        scored: Decisions with a score.
        unscored: Decisions without one.
        least, most: The extremes.
        thresholds: The thresholds that apply.
    """

    stage: str
    detail: str
    bins: tuple[Bin, ...]
    logarithmic: bool
    scored: int
    unscored: int
    least: float
    most: float
    thresholds: tuple[Threshold, ...]


def scored_stages(run: AuditRun) -> tuple[str, ...]:
    """The stages that recorded scores, in order."""
    ensure_ledger(run)
    found = run.cached(
        "scored stages",
        lambda: {
            row[0] for row in run.rows("SELECT DISTINCT filter FROM ledger WHERE score IS NOT NULL")
        },
    )
    order = [stage.name for stage in run.stages]
    return tuple(sorted(found, key=lambda name: order.index(name) if name in order else -1))


def histogram(run: AuditRun, stage: str, *, detail: str = "", bins: int = _BINS) -> Histogram:
    """The histogram of a stage's scores.

    Args:
        run: The run.
        stage: The stage.
        detail: Only decisions with this detail: a threshold's own documents.
        bins: How many bins.

    Raises:
        AuditError: The run has no such stage.
        NotAnswerable: The stage recorded no score.
    """
    found: Histogram = run.cached(
        ("histogram", stage, detail, bins), lambda: _histogram(run, stage, detail, bins)
    )
    return found


def _histogram(run: AuditRun, stage: str, detail: str, bins: int) -> Histogram:
    known = scored_stages(run)
    if stage not in known:
        names = [s.name for s in run.stages]
        if stage not in names:
            raise AuditError(f"{run.name} has no stage {stage}; it has {', '.join(names)}")
        raise NotAnswerable(f"{stage} recorded no scores; these did: {', '.join(known)}")
    picked = "filter = ? AND (? = '' OR detail = ?)"
    given = [stage, detail, detail]
    scored, unscored, least, most = run.one(
        f"""SELECT count(score), count(*) - count(score), min(score), max(score)
            FROM ledger WHERE {picked}""",
        given,
    )
    if not scored:
        raise NotAnswerable(f"{stage} recorded no scores with the detail {detail!r}")
    logarithmic = least > 0 and most / least > _WIDE
    scale = "ln(score)" if logarithmic else "score"
    edges = _edges(least, most, bins, logarithmic)
    rows = run.rows(
        f"""
        SELECT CASE WHEN ? = ? THEN 0 ELSE
                 least(floor(({scale} - ?) / (? - ?) * ?)::BIGINT, ? - 1) END AS bin,
               count(*) FILTER (keep), count(*) FILTER (NOT keep), count(*) FILTER (shadow)
        FROM ledger WHERE {picked} AND score IS NOT NULL GROUP BY bin
        """,
        [*_scaled(least, most, logarithmic), _scaled(least, most, logarithmic)[0],
         *reversed(_scaled(least, most, logarithmic)), bins, bins, *given],
    )  # fmt: skip
    counts = {number: tuple(row) for number, *row in rows}
    return Histogram(
        stage,
        detail,
        tuple(
            Bin(edges[n], edges[n + 1], *counts.get(n, (0, 0, 0))) for n in range(len(edges) - 1)
        ),
        logarithmic,
        scored,
        unscored,
        least,
        most,
        _thresholds(run, stage, detail),
    )


def _scaled(least: float, most: float, logarithmic: bool) -> list[float]:
    import math

    return [math.log(least), math.log(most)] if logarithmic else [least, most]


def _edges(least: float, most: float, bins: int, logarithmic: bool) -> list[float]:
    if least == most:
        return [least, most]
    if logarithmic:
        factor = (most / least) ** (1 / bins)
        return [*(least * factor**n for n in range(bins)), most]
    return [*(least + (most - least) * n / bins for n in range(bins)), most]


def _thresholds(run: AuditRun, stage: str, detail: str) -> tuple[Threshold, ...]:
    settings = next((s.settings for s in run.stages if s.name == stage), None)
    found = []
    for law in laws_of(settings):
        if isinstance(law, Bound) and (not detail or law.detail in (None, detail)):
            (count,) = run.one(
                "SELECT count(*) FROM ledger WHERE filter = ? AND score IS NOT NULL "
                "AND (? = '' OR detail = ?)",
                [stage, law.detail or "", law.detail or ""],
            )
            value = float(getattr(settings, law.setting))
            found.append(Threshold(law.setting, value, law.keeps, law.detail or "", count))
    return tuple(found) or _recorded(run, stage, detail)


def _recorded(run: AuditRun, stage: str, detail: str) -> tuple[Threshold, ...]:
    """The one threshold that a stage wrote down; none when its rules have several."""
    rows = run.rows(
        "SELECT threshold, count(*) FROM ledger WHERE filter = ? AND score IS NOT NULL "
        "AND threshold IS NOT NULL AND (? = '' OR detail = ?) GROUP BY threshold LIMIT 2",
        [stage, detail, detail],
    )
    return tuple(Threshold("", value, "", "", count) for value, count in rows[:1] if len(rows) == 1)
