"""Thresholds from labels: a filter's precision and recall at every score, on what people judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import NotARun
from pipelines.training.label_files import LabelFileError, is_positive, read_label_rows
from pipelines.training.measures import AtThreshold, curve, wilson_interval

__all__ = ["Calibration", "Labelled", "Suggestion", "calibrate", "read_labelled"]

# Filters that keep what scores low; all others keep what scores high.
_LOWER_IS_BETTER = frozenset(("perplexity", "accented_characters"))


@dataclass(frozen=True, slots=True)
class Labelled:
    """Labels joined with scores.

    Attributes:
        positives, negatives: The scores of what was labelled so.
        unknown: Labels whose document isn't in the run.
        unscored: Labels whose document the filter never scored; something before it dropped it.
        threshold: The threshold that the run used, when it was one.
    """

    positives: list[float]
    negatives: list[float]
    unknown: int = 0
    unscored: int = 0
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A threshold and what it reaches on the labels.

    Attributes:
        threshold: Scores at this side of it, itself included, are kept.
        precision: Share of positives among what it keeps.
        low, high: The 95 % interval of the precision (Wilson).
        recall: Share of the positives that it keeps.
        kept: How many labelled documents it keeps.
    """

    threshold: float
    precision: float
    low: float
    high: float
    recall: float
    kept: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the labels say of a filter.

    Attributes:
        lower_is_better: Whether the filter keeps what scores low.
        points: Precision and recall by threshold, thresholds rising.
        suggested: The threshold that keeps most among those of the wanted precision; None when no
            threshold reaches it.
        safe: The same, but the interval's lower end reaches the wanted precision; None when the
            labels are too few for that.
    """

    lower_is_better: bool
    points: list[AtThreshold]
    suggested: Suggestion | None
    safe: Suggestion | None


def calibrate(
    filter_name: str, positives: Sequence[float], negatives: Sequence[float], precision: float
) -> Calibration:
    """Draws the curve and looks for thresholds.

    Args:
        filter_name: The filter; it says which side of a threshold is kept.
        positives: Scores of what should be kept.
        negatives: Scores of what shouldn't.
        precision: The precision wanted.
    """
    lower = filter_name in _LOWER_IS_BETTER
    sign = -1.0 if lower else 1.0
    true, false = ([sign * score for score in scores] for scores in (positives, negatives))
    points = [
        AtThreshold(sign * p.threshold, p.precision, p.recall, p.false_positive_rate)
        for p in curve(true, false)
    ]
    choices = _choices(true, false)
    reached = [choice for choice in choices if choice.precision >= precision]
    safe = [choice for choice in choices if choice.low >= precision]
    return Calibration(
        lower,
        sorted(points, key=lambda point: point.threshold),
        _signed(reached[-1], sign) if reached else None,
        _signed(safe[-1], sign) if safe else None,
    )


def _choices(positives: Sequence[float], negatives: Sequence[float]) -> list[Suggestion]:
    """Every threshold that changes what is kept, from the strictest on."""
    kinds: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for column, scores in enumerate((positives, negatives)):
        for score in scores:
            kinds[score][column] += 1
    found, true, kept = [], 0, 0
    for score in sorted(kinds, reverse=True):
        true += kinds[score][0]
        kept += sum(kinds[score])
        low, high = wilson_interval(true, kept)
        recall = true / len(positives) if positives else 0.0
        found.append(Suggestion(score, true / kept, low, high, recall, kept))
    return found


def _signed(choice: Suggestion, sign: float) -> Suggestion:
    return Suggestion(
        sign * choice.threshold,
        choice.precision,
        choice.low,
        choice.high,
        choice.recall,
        choice.kept,
    )


def read_labelled(labels: Path, filter_name: str, run: Path | None) -> Labelled:
    """Reads labels and joins them with a filter's scores.

    Args:
        labels: TSV or Parquet with the column ``label`` and either ``score``, or ``document_id``
            or ``url``.
        filter_name: The filter.
        run: The run whose trails hold the scores; None when the labels do.

    Raises:
        LabelFileError: The labels can't be used, or say nothing of the run.
        NotARun: The folder has no trails.
    """
    names = {"label": True, "score": run is None, "document_id": False, "url": False}
    rows = read_label_rows(labels, names)
    kinds = [is_positive(str(row["label"]), f"{labels}, row {n}") for n, row in enumerate(rows, 1)]
    if run is None:
        scores = [_score(row["score"], f"{labels}, row {n}") for n, row in enumerate(rows, 1)]
        return _of_kinds([([score], kind) for score, kind in zip(scores, kinds, strict=True)])
    by_name = next((name for name in ("document_id", "url") if name in rows[0]), None)
    if by_name is None:
        raise LabelFileError(f"{labels} has no column document_id or url to find documents by")
    found, threshold = _recorded(run, filter_name, by_name, {str(row[by_name]) for row in rows})
    joined, unknown, unscored = [], 0, 0
    for row, kind in zip(rows, kinds, strict=True):
        captures = found.get(str(row[by_name]))
        if captures is None:
            unknown += 1
        elif not captures:
            unscored += 1
        else:
            joined.append((captures, kind))
    if not joined:
        raise LabelFileError(
            f"none of the {len(rows)} labels has a score of {filter_name} in {run}: "
            f"{unknown} aren't in its trails, {unscored} were dropped before they were scored "
            "(a run with --set audit.shadow_share=1 scores all)"
        )
    result = _of_kinds(joined)
    return Labelled(result.positives, result.negatives, unknown, unscored, threshold)


def _score(value: object, where: str) -> float:
    try:
        return float(str(value))
    except ValueError as error:
        raise LabelFileError(f"{where}: score {value!r} is no number") from error


def _of_kinds(joined: Sequence[tuple[Sequence[float], bool]]) -> Labelled:
    positives = [score for scores, kind in joined if kind for score in scores]
    negatives = [score for scores, kind in joined if not kind for score in scores]
    if not positives or not negatives:
        raise LabelFileError(
            f"{len(positives)} documents are labelled to keep and {len(negatives)} to drop; "
            "a threshold needs some of both"
        )
    return Labelled(positives, negatives)


def _recorded(
    run: Path, filter_name: str, by_name: str, wanted: set[str]
) -> tuple[Mapping[str, list[float]], float | None]:
    """A filter's scores of the wanted documents, each capture of a URL one, and its threshold."""
    trails = sorted((run / "trails").glob("*.parquet"))
    if not trails:
        raise NotARun(f"{run} has no trails: no run, or one that isn't finished")
    found: dict[str, list[float]] = {}
    thresholds: set[float] = set()
    known: set[str] = set()
    for path in trails:
        try:
            table = pq.read_table(path, columns=[by_name, "decisions"])
        except pa.ArrowException as error:
            raise NotARun(f"{path} can't be read: {error}") from error
        for name, decisions in zip(*(column.to_pylist() for column in table.columns), strict=True):
            known.update(decision["filter"] for decision in decisions)
            if name not in wanted:
                continue
            scores = found.setdefault(name, [])
            for decision in decisions:
                if decision["filter"] == filter_name and decision["score"] is not None:
                    scores.append(decision["score"])
                    thresholds.add(decision["threshold"])
    if filter_name not in known:
        raise LabelFileError(
            f"{run} has no filter {filter_name}; it has {', '.join(sorted(known))}"
        )
    return found, thresholds.pop() if len(thresholds) == 1 else None
