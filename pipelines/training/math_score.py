r"""Trains the MathScore classifier: ``proofmill train math-score``.

As OpenWebMath did (spec section 1.5), a page is a positive example when a popular LaTeX command
stands in it, and the model sees its prose only: it learns how people write around formulas. What
the original left open is decided here and stated on the card: what a negative example is
(``labels``); both kinds are of equal number; no site is on both sides of a measurement; one thread
and a fixed seed, so that the same texts give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filters.web.math_score import MathScore
from pipelines.errors import InputError
from pipelines.training.card import ModelCard, describe_sources, write_card
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
from pipelines.training.labels import NEGATIVE, POSITIVE
from pipelines.training.measures import (
    at_threshold,
    calibration,
    curve,
    quantile,
    threshold_for_precision,
)
from pipelines.training.pages import Corpus, Page, cap_per_origin
from pipelines.training.report import by_kind, classifier_measures

__all__ = ["MathScoreSettings", "TooFewPages", "train_math_score"]


class TooFewPages(InputError):
    """There aren't enough pages of both kinds from enough origins."""


@dataclass(frozen=True, slots=True)
class MathScoreSettings:
    """How pages are chosen and learnt.

    Attributes:
        per_origin: At most so many pages of one site or work.
        fewest_words: Pages with less prose teach nothing.
        most_words: Of a longer page so many words are learnt, lest manuals outweigh all else.
        classifier: fastText's settings.
    """

    per_origin: int = 250
    fewest_words: int = 30
    most_words: int = 1500
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)


def train_math_score(
    corpus: Corpus, settings: MathScoreSettings, output: Path, name: str, step: Step
) -> ModelCard:
    """Trains, measures and writes the model, its card and its picture.

    Args:
        corpus: The pages.
        settings: How to choose and learn them.
        output: Folder for the model; its file is ``NAME.ftz``.
        name: The model's name.
        step: Told of what is being done.

    Returns:
        The card.

    Raises:
        TooFewPages: Less than two origins of a kind.
    """
    step("choose pages")
    pages = _chosen(corpus, settings)
    examples = _examples(corpus, pages, settings)
    scored = cross_validated(examples, settings.classifier, probability_of_positive, step)
    step("train on all pages")
    output.mkdir(parents=True, exist_ok=True)
    model = output / f"{name}.ftz"
    fit(examples, settings.classifier).save(model)
    step("explain the worst errors")
    card = _card(settings, pages, examples, model, scored)
    write_card(card, model)
    kinds = by_kind(scored)
    draw_classifier(
        name,
        [(point.mean_score, point.positive_share) for point in calibration(*kinds)],
        curve(*kinds),
        _recipe_thresholds(),
        model.with_suffix(".png"),
    )
    return card


def probability_of_positive(probabilities: dict[str, float]) -> float:
    """The score: the probability of the positive label."""
    return probabilities.get(POSITIVE, 0.0)


def _chosen(corpus: Corpus, settings: MathScoreSettings) -> list[Page]:
    """Pages with a label and enough prose, bounded by origin, as many of each label."""
    pages = [
        page
        for page in corpus.pages()
        if page.label and page.prose_words >= max(settings.fewest_words, 1)
    ]
    pages = cap_per_origin(pages, settings.per_origin)
    origins = {label: {p.origin for p in pages if p.label == label} for label in _LABELS}
    if min(len(found) for found in origins.values()) < 2:
        raise TooFewPages(
            f"pages with LaTeX commands are from {len(origins[POSITIVE])} origins, pages without "
            f"formulas from {len(origins[NEGATIVE])}; at least 2 of each are needed: "
            "give more --pages or --warc"
        )
    return _balanced(pages)


_LABELS = (POSITIVE, NEGATIVE)


def _balanced(pages: Sequence[Page]) -> list[Page]:
    """About as many of each label: of the frequent one, the largest origins are thinned first."""
    counts = Counter(page.label for page in pages)
    target = min(counts[label] for label in _LABELS)
    kept: list[Page] = []
    for label in _LABELS:
        own = [page for page in pages if page.label == label]
        most = max(Counter(page.origin for page in own).values(), default=0)
        while len(own) > target and most > 1:
            most -= 1
            thinner = cap_per_origin(own, most)
            if len(thinner) < target:
                break
            own = thinner
        # Of origins with a page each, whole ones go, drawn by hash.
        kept += own if most > 1 else sorted(own, key=_drawn)[:target]
    return sorted(kept, key=lambda page: page.order)


def _drawn(page: Page) -> bytes:
    return hashlib.blake2b(page.key, digest_size=8).digest()


def _examples(corpus: Corpus, pages: Sequence[Page], settings: MathScoreSettings) -> list[Example]:
    prose = corpus.texts(pages, "prose")
    return [
        Example(
            " ".join(text.split()[: settings.most_words]),
            page.label,
            page.label == POSITIVE,
            page.origin,
            page.source.name,
            page.source.role,
            f"{page.file} {page.place}",
            page.encodings,
        )
        for page, text in zip(pages, prose, strict=True)
    ]


# Shares of the positives that the suggested thresholds keep, and the precision that a page without
# a formula in its text must come with.
_KEPT_WITH_MATH = 0.995
_PRECISION_WITHOUT_MATH = 0.98


def _recipe_thresholds() -> dict[str, float]:
    ours = MathScore()
    return {
        "threshold_with_math": ours.threshold_with_math,
        "threshold_without_math": ours.threshold_without_math,
    }


def _card(
    settings: MathScoreSettings,
    pages: Sequence[Page],
    examples: Sequence[Example],
    model: Path,
    scored: Sequence[Scored],
) -> ModelCard:
    positives, negatives = by_kind(scored)
    with_math = round(quantile(positives, 1 - _KEPT_WITH_MATH), 3)
    without = round(threshold_for_precision(positives, negatives, _PRECISION_WITHOUT_MATH), 3)
    return ModelCard.of_file(
        model,
        summary=(
            "fastText classifier: the probability that a text, its formulas taken out, is from a "
            "page with LaTeX formulas. English."
        ),
        command="proofmill train math-score --sources FILE --data DIR --output DIR",
        settings=_settings(settings),
        software={"fasttext-community": version("fasttext-community")},
        data_sha256=data_digest(examples),
        sources=describe_sources((page, page.label) for page in pages),
        counts={
            "positive_texts": len(positives),
            "negative_texts": len(negatives),
            "origins": len({e.origin for e in examples}),
            "words": sum(len(e.line.split()) for e in examples),
        },
        measures=classifier_measures(
            scored,
            _recipe_thresholds(),
            probability_of_positive,
            [asdict(point) for point in calibration(positives, negatives)],
            folds=settings.classifier.folds,
        ),
        thresholds={
            "threshold_with_math": asdict(at_threshold(positives, negatives, with_math)),
            "threshold_without_math": asdict(at_threshold(positives, negatives, without)),
        },
        limits=[
            "Weak labels: a page with a LaTeX command counts as mathematics, whatever it says.",
            "English only; other languages score by the few words they share.",
            "Pages of mathematical software without formulas are between the two kinds.",
        ],
    )


def _settings(settings: MathScoreSettings) -> dict[str, Any]:
    plain = asdict(settings)
    return {**{k: v for k, v in plain.items() if k != "classifier"}, **plain["classifier"]}
