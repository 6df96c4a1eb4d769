r"""Trains the MathScore classifier: ``python -m pipelines.training.math_score``.

As OpenWebMath did (spec section 1.5), a page is a positive example when a popular LaTeX command
stands in it, and the model sees its prose only: it learns how people write around formulas. What
the original left open is decided here and stated on the card: a page is a negative example only
when it has no formula at all; both kinds are of equal number; no site is on both sides of a
measurement; one thread and a fixed seed, so that the same texts give the same bytes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from filters.normalisation import (
    FORMULA,
    normalise_for_models,
    without_code,
)
from filters.web.language import Language
from filters.web.latex_commands import POPULAR_COMMAND
from filters.web.math_score import classifier_line
from pipelines.training.card import ModelCard, describe_sources, file_sha256, write_card
from pipelines.training.corpus import (
    Page,
    Source,
    cap_per_origin,
    distinct,
    load_sources,
    read_pages,
)
from pipelines.training.folds import assign_folds
from pipelines.training.measures import (
    area_under_curve,
    at_threshold,
    calibration,
    quantile,
    threshold_for_precision,
)
from schemas import Document

__all__ = [
    "MathScoreTraining",
    "TooFewPages",
    "has_popular_command",
    "label_of",
    "train_math_score",
]

POSITIVE, NEGATIVE = "positive", "negative"


class TooFewPages(ValueError):
    """There aren't enough pages of both kinds from enough origins."""


@dataclass(frozen=True, slots=True)
class MathScoreTraining:
    """What to train on and how.

    Attributes:
        sources: The pages.
        output: Folder for the model and its card.
        data: Folder that the globs of the sources are relative to.
        name: The model's name; its file is ``NAME.ftz``.
        per_origin: At most so many pages of one site or work.
        fewest_words: Pages with less prose teach nothing.
        most_words: Of a longer page so many words are learnt, lest manuals outweigh all else.
        folds: Parts of the cross-validation by origin.
        dimension, word_ngrams, epochs, learning_rate, buckets, features, seed: fastText's
            settings; ``features`` is how many rows are left after quantisation.
    """

    sources: tuple[Source, ...]
    output: Path
    data: Path = Path()
    name: str = "math-score-small"
    per_origin: int = 250
    fewest_words: int = 30
    most_words: int = 1500
    folds: int = 5
    dimension: int = 8
    word_ngrams: int = 2
    epochs: int = 5
    learning_rate: float = 0.2
    buckets: int = 200_000
    features: int = 60_000
    seed: int = 7


def has_popular_command(text: str) -> bool:
    """Whether a whole popular LaTeX command stands in a text, code not counted."""
    return POPULAR_COMMAND.search(without_code(text)) is not None


# Signs that show a formula written without LaTeX; with several of them a page is no clear negative.
_SIGNS = frozenset("∑∫∂∇√∞∈∉⊂⊆∪∩∀∃∏≡≈≤≥≠⇒⇔↦⊕⊗∘⟨⟩ℝℤℕℂαβγδθλμπσφψω")
_FEWEST_SIGNS = 3


def label_of(page: Page) -> str:
    """``positive``, ``negative``, or empty for a page that teaches neither: one that isn't English,
    one with formulas that aren't LaTeX, a part without formulas of a mathematical work, a part with
    LaTeX commands of a work that isn't mathematical (LilyPond has a ``\\bar`` too)."""
    role = page.source.role
    if role == "foreign":
        return ""
    if has_popular_command(page.text):
        return "" if role == "manual" else POSITIVE
    if role in ("prose", "reference"):
        return ""
    if FORMULA in normalise_for_models(page.text, "ours"):
        return ""
    signs = sum(page.text.count(sign) for sign in _SIGNS)
    return NEGATIVE if signs < _FEWEST_SIGNS else ""


@dataclass(frozen=True, slots=True)
class _Example:
    page: Page
    line: str
    label: str


def train_math_score(config: MathScoreTraining) -> ModelCard:
    """Trains, measures and writes the model and its card.

    Returns:
        The card.

    Raises:
        TooFewPages: Less than two origins of a kind.
    """
    pages = distinct(read_pages(config.sources, config.data))
    return _train(list(pages), config)


def _train(pages: Sequence[Page], config: MathScoreTraining) -> ModelCard:
    examples = _balanced(_examples(cap_per_origin(pages, config.per_origin), config))
    origins = {label: {e.page.origin for e in examples if e.label == label} for label in _LABELS}
    if min(len(found) for found in origins.values()) < 2:
        raise TooFewPages(
            f"pages with LaTeX commands are from {len(origins[POSITIVE])} origins, pages without "
            f"formulas from {len(origins[NEGATIVE])}; at least 2 of each are needed: "
            "give more --pages"
        )
    scored = _cross_validated(examples, config)
    config.output.mkdir(parents=True, exist_ok=True)
    model = config.output / f"{config.name}.ftz"
    _fit(examples, config).save_model(str(model))
    card = _card(config, examples, model, scored)
    write_card(card, model)
    return card


def _is_english(page: Page) -> bool:
    return Language().judge(Document("", text=page.text)).keeps


_LABELS = (POSITIVE, NEGATIVE)


def _examples(pages: Sequence[Page], config: MathScoreTraining) -> list[_Example]:
    examples = []
    for page in pages:
        label = label_of(page) if _is_english(page) else ""
        words = classifier_line(page.text, "ours").split() if label else []
        if len(words) >= max(config.fewest_words, 1):
            examples.append(_Example(page, " ".join(words[: config.most_words]), label))
    return examples


def _balanced(examples: Sequence[_Example]) -> list[_Example]:
    """As many of each label: of the more frequent one, the largest origins are thinned first."""
    counts = Counter(example.label for example in examples)
    target = min(counts[label] for label in _LABELS)
    kept: list[_Example] = []
    for label in _LABELS:
        own = [example for example in examples if example.label == label]
        most = max(Counter(e.page.origin for e in own).values(), default=0)
        while len(own) > target and most > 1:
            most -= 1
            pages = {id(page) for page in cap_per_origin([e.page for e in own], most)}
            thinner = [example for example in own if id(example.page) in pages]
            if len(thinner) < target:
                break
            own = thinner
        kept += own[:]
    return sorted(kept, key=lambda e: (e.page.sha256, e.line))


class _Model(Protocol):
    f: Any

    def save_model(self, path: str) -> None: ...


def _fit(examples: Sequence[_Example], config: MathScoreTraining) -> _Model:
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        lines.write_text("".join(f"__label__{e.label} {e.line}\n" for e in examples), "utf-8")
        model = fasttext.train_supervised(
            input=str(lines),
            dim=config.dimension,
            wordNgrams=config.word_ngrams,
            epoch=config.epochs,
            lr=config.learning_rate,
            bucket=config.buckets,
            minCount=3,
            thread=1,
            seed=config.seed,
            verbose=0,
        )
        model.quantize(
            input=str(lines),
            cutoff=config.features,
            retrain=True,
            qnorm=True,
            thread=1,
            verbose=0,
        )
    fitted: _Model = model
    return fitted


def _scores(model: _Model, examples: Sequence[_Example]) -> list[float]:
    found = (dict(_by_label(model.f.predict(e.line, 2, 0.0, "strict"))) for e in examples)
    return [min(labels.get(f"__label__{POSITIVE}", 0.0), 1.0) for labels in found]


def _by_label(predicted: Sequence[tuple[float, str]]) -> list[tuple[str, float]]:
    return [(label, probability) for probability, label in predicted]


_Scored = tuple[_Example, float]


def _cross_validated(examples: Sequence[_Example], config: MathScoreTraining) -> list[_Scored]:
    """Every example with its score by a model that saw nothing of its origin."""
    folds = assign_folds(((e.page.origin, e.label == POSITIVE) for e in examples), config.folds)
    scored: list[_Scored] = []
    for fold in range(config.folds):
        held_out = [e for e in examples if folds[e.page.origin] == fold]
        rest = [e for e in examples if folds[e.page.origin] != fold]
        if held_out and {e.label for e in rest} == set(_LABELS):
            scored += zip(held_out, _scores(_fit(rest, config), held_out), strict=True)
    return scored


def _by_kind(scored: Sequence[_Scored]) -> tuple[list[float], list[float]]:
    """The scores of the positive examples, and of the negative ones."""
    return (
        [score for example, score in scored if example.label == POSITIVE],
        [score for example, score in scored if example.label == NEGATIVE],
    )


# Shares of the positives that the suggested thresholds keep, and the precision that a page without
# a formula in its text must come with.
_KEPT_WITH_MATH = 0.995
_PRECISION_WITHOUT_MATH = 0.98
_REPORTED = (0.05, 0.1, 0.17, 0.3, 0.5, 0.8, 0.9, 0.95)


def _card(
    config: MathScoreTraining,
    examples: Sequence[_Example],
    model: Path,
    scored: Sequence[_Scored],
) -> ModelCard:
    positives, negatives = _by_kind(scored)
    with_math = round(quantile(positives, 1 - _KEPT_WITH_MATH), 3)
    without = round(threshold_for_precision(positives, negatives, _PRECISION_WITHOUT_MATH), 3)
    skip = ("sources", "output", "data", "name")
    return ModelCard(
        name=config.name,
        summary=(
            "fastText classifier: the probability that a text, its formulas taken out, is from a "
            "page with LaTeX formulas. English."
        ),
        sha256=file_sha256(model),
        bytes=model.stat().st_size,
        command="python -m pipelines.training.math_score --sources FILE --data DIR --output DIR",
        settings={k: v for k, v in asdict(config).items() if k not in skip},
        software={"fasttext-community": version("fasttext-community")},
        sources=describe_sources((e.page, e.label) for e in examples),
        counts={
            "positive_texts": sum(e.label == POSITIVE for e in examples),
            "negative_texts": sum(e.label == NEGATIVE for e in examples),
            "origins": len({e.page.origin for e in examples}),
            "words": sum(len(e.line.split()) for e in examples),
        },
        measures={
            "how": (
                f"{config.folds}-fold cross-validation by origin: each text is scored by a model "
                "that saw no text of its site or work; the packaged model is trained on all"
            ),
            "auc": round(area_under_curve(*_by_kind(scored)), 4),
            **_on_web_pages(scored),
            "at_thresholds": [asdict(at_threshold(positives, negatives, t)) for t in _REPORTED],
            "calibration": [asdict(point) for point in calibration(positives, negatives)],
        },
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


def _on_web_pages(scored: Sequence[_Scored]) -> dict[str, Any]:
    """The measure on pages of the web alone, where there are such of both kinds."""
    web = _by_kind([(e, score) for e, score in scored if e.page.source.role == "web"])
    if not all(web):
        return {}
    return {
        "auc_on_web_pages_alone": round(area_under_curve(*web), 4),
        "web_pages": {"positive": len(web[0]), "negative": len(web[1])},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.training.math_score")
    parser.description = "Train the MathScore classifier; see runbooks/retrain-models.md."
    parser.add_argument(
        "--pages", nargs="*", default=[], metavar="GLOB", help="pages of many sites"
    )
    parser.add_argument("--sources", type=Path, help="YAML file that names sources and licences")
    parser.add_argument("--data", type=Path, default=Path(), help="folder that its globs start in")
    parser.add_argument("--output", type=Path, required=True, help="folder for model and card")
    parser.add_argument("--name", default="math-score-small")
    given = parser.parse_args(arguments)
    sources = load_sources(given.sources) if given.sources else []
    if given.pages:
        sources.append(Source("pages", tuple(given.pages)))
    if not sources:
        parser.error("give --pages or --sources")
    config = MathScoreTraining(tuple(sources), given.output, given.data, given.name)
    try:
        card = train_math_score(config)
    except TooFewPages as error:
        parser.exit(2, f"error: {error}\n")
    print(card.markdown())


if __name__ == "__main__":
    main()
