"""Trains the educational score: ``proofmill train quality``.

The user's labels, 0 to 5, are learnt by the trainer that MathScore has, from the same words, and
the card says the same things; what counts as positive there is a label of 3 and more.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from filters.web.educational import Educational, expected_score
from filters.web.math_score import classifier_line
from pipelines.errors import InputError
from pipelines.run_directory import file_sha256
from pipelines.training.card import ModelCard, SourceUse, write_card
from pipelines.training.charts import draw_classifier
from pipelines.training.classifier import (
    ClassifierSettings,
    Example,
    Scored,
    Step,
    cross_validated,
    data_digest,
    fit,
)
from pipelines.training.label_files import LabelFileError, read_label_rows
from pipelines.training.measures import AtThreshold, at_threshold, curve, threshold_for_precision
from pipelines.training.report import by_kind, classifier_measures
from pipelines.training.sources import site_of

__all__ = ["QualitySettings", "TooFewLabels", "read_examples", "train_quality"]

_HIGHEST = 5
# FineMath's own limit, and this filter's default.
_POSITIVE = 3
_REPORTED = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
# The precision that the suggested threshold reaches.
_PRECISION = 0.9


class TooFewLabels(InputError):
    """There aren't enough labels of both kinds from enough origins."""


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """How texts are learnt.

    Attributes:
        most_words: Of a longer text so many words are learnt.
        classifier: fastText's settings.
    """

    most_words: int = 1500
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)


def read_examples(
    labels: Path, documents: Sequence[Path], settings: QualitySettings
) -> list[Example]:
    """The labelled texts, in an order that doesn't depend on the files'.

    Args:
        labels: TSV or Parquet with a ``score`` from 0 to 5, and a ``text``, or a ``document_id``
            or ``url`` of one of the documents; where there is a ``url``, texts of a site are
            never on both sides of a measurement.
        documents: Parquet files with ``document_id``, ``text`` and perhaps ``url``.
        settings: How texts are learnt.

    Raises:
        LabelFileError: The labels can't be used, or none has a text.
    """
    columns = ("text", "document_id", "url")
    rows = read_label_rows(labels, {"score": True, **dict.fromkeys(columns, False)})
    if "text" in rows[0]:
        texts: Mapping[str, Mapping[str, Any]] = {}
        by_name = "text"
    else:
        by_name = next((name for name in columns if name in rows[0]), "")
        if not by_name:
            raise LabelFileError(f"{labels} has neither a text nor a document_id or url")
        if not documents:
            raise LabelFileError(f"{labels} has no texts: give the --documents that have them")
        texts = _documents(documents, by_name, {str(row[by_name]) for row in rows})
    found: dict[str, Example] = {}
    for number, row in enumerate(rows, 1):
        label = _label(row["score"], f"{labels}, row {number}")
        document = texts.get(str(row[by_name]), {}) if texts else row
        line = classifier_line(str(document.get("text") or ""), "ours")
        if not line:
            continue
        url = str(document.get("url") or row.get("url") or "")
        place = str(row.get("document_id") or url or f"row {number}")
        words = " ".join(line.split()[: settings.most_words])
        origin = site_of(url) or place
        found.setdefault(
            words, Example(words, str(label), label >= _POSITIVE, origin, labels.stem, "", place)
        )
    if not found:
        raise LabelFileError(f"none of the {len(rows)} labels of {labels} has a text with words")
    return sorted(found.values(), key=lambda e: hashlib.sha256(e.line.encode()).digest())


def _label(value: object, where: str) -> int:
    try:
        score = round(float(str(value)))
    except (ValueError, OverflowError) as error:
        raise LabelFileError(f"{where}: score {value!r} is no number") from error
    if not 0 <= score <= _HIGHEST:
        raise LabelFileError(f"{where}: score {value!r} isn't from 0 to {_HIGHEST}")
    return score


def _documents(
    files: Sequence[Path], by_name: str, wanted: set[str]
) -> Mapping[str, Mapping[str, Any]]:
    return {str(row[by_name]): row for row in _rows(files, by_name) if str(row[by_name]) in wanted}


def _rows(files: Sequence[Path], by_name: str) -> Iterator[Mapping[str, Any]]:
    for path in sorted(files):
        try:
            with pq.ParquetFile(path) as file:
                names = [n for n in ("document_id", "url", "text") if n in file.schema_arrow.names]
                if by_name not in names:
                    raise LabelFileError(f"{path} has no column {by_name} to find documents by")
                for group in range(file.num_row_groups):
                    yield from file.read_row_group(group, columns=names).to_pylist()
        except pa.ArrowException as error:
            raise LabelFileError(f"{path}: {error}") from error


def train_quality(
    examples: Sequence[Example],
    labels: Path,
    settings: QualitySettings,
    output: Path,
    name: str,
    step: Step,
) -> ModelCard:
    """Trains, measures and writes the model, its card and its picture.

    Args:
        examples: The labelled texts.
        labels: The file that they are from, for the card.
        settings: How they are learnt.
        output: Folder for the model; its file is ``NAME.ftz``.
        name: The model's name.
        step: Told of what is being done.

    Raises:
        TooFewLabels: Less than two origins of a kind.
    """
    origins = [{e.origin for e in examples if e.positive is kind} for kind in (True, False)]
    if min(map(len, origins)) < 2:
        raise TooFewLabels(
            f"labels of {_POSITIVE} and more are from {len(origins[0])} origins, lower ones from "
            f"{len(origins[1])}; at least 2 of each are needed: label more"
        )
    scored = cross_validated(examples, settings.classifier, expected_score, step)
    step("train on all labels")
    output.mkdir(parents=True, exist_ok=True)
    model = output / f"{name}.ftz"
    fit(examples, settings.classifier).save(model)
    step("explain the worst errors")
    points = _by_score(scored)
    card = _card(settings, examples, labels, model, scored, points)
    write_card(card, model)
    draw_classifier(
        name,
        [(point["mean_score"], point["mean_label"]) for point in points],
        curve(*by_kind(scored)),
        {"threshold": _recipe_threshold()},
        model.with_suffix(".png"),
        truth="mean label",
        top=_HIGHEST,
    )
    return card


def _recipe_threshold() -> float:
    return Educational(model="").threshold


def _by_score(scored: Sequence[Scored]) -> list[dict[str, float]]:
    """Calibration: of the texts with a score in a half of a point, the mean score and label."""
    bins: dict[int, list[Scored]] = {}
    for item in scored:
        bins.setdefault(min(int(item.score * 2), 2 * _HIGHEST - 1), []).append(item)
    return [
        {
            "low": number / 2,
            "high": (number + 1) / 2,
            "count": len(items),
            "mean_score": round(sum(sorted(i.score for i in items)) / len(items), 4),
            "mean_label": round(sum(int(i.example.label) for i in items) / len(items), 4),
        }
        for number, items in sorted(bins.items())
    ]


def _card(
    settings: QualitySettings,
    examples: Sequence[Example],
    labels: Path,
    model: Path,
    scored: Sequence[Scored],
    points: Sequence[dict[str, float]],
) -> ModelCard:
    positives, negatives = by_kind(scored)
    counts = Counter(example.label for example in examples)
    plain = asdict(settings)
    errors = [abs(item.score - int(item.example.label)) for item in scored]
    suggested: AtThreshold = at_threshold(
        positives, negatives, round(threshold_for_precision(positives, negatives, _PRECISION), 3)
    )
    return ModelCard.of_file(
        model,
        summary=(
            "fastText classifier: the educational score of a mathematical text, 0 to 5, its "
            "formulas taken out, as the labels have it."
        ),
        command="proofmill train quality --labels FILE --output DIR",
        settings={"most_words": settings.most_words, **plain["classifier"]},
        software={"fasttext-community": version("fasttext-community")},
        data_sha256=data_digest(examples),
        sources=[
            SourceUse(
                labels.stem,
                "the user's",
                "labels given by the user",
                {f"label {label}": counts[label] for label in sorted(counts)},
                file_sha256(labels),
            )
        ],
        counts={
            "texts": len(examples),
            f"labelled_{_POSITIVE}_and_more": len(positives),
            "origins": len({e.origin for e in examples}),
            "words": sum(len(e.line.split()) for e in examples),
        },
        measures={
            **classifier_measures(
                scored,
                {"threshold": _recipe_threshold()},
                expected_score,
                points,
                folds=settings.classifier.folds,
                reported=_REPORTED,
            ),
            "mean_absolute_error": round(sum(sorted(errors)) / len(errors), 4),
        },
        thresholds={f"precision_{_PRECISION:g}": asdict(suggested)},
        limits=[
            "It knows what the labels know; those of a language model are that model's taste.",
            "Words alone are read: it can't see whether a proof is right.",
        ],
    )
