"""fastText classifiers: fitted, measured by cross-validation, explained.

One thread and a fixed seed: the same examples give the same bytes.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pipelines.training.folds import assign_folds

__all__ = [
    "Classifier",
    "ClassifierSettings",
    "Example",
    "Scored",
    "Step",
    "cross_validated",
    "data_digest",
    "fit",
    "telling_words",
]

# Told what is being done, for people who wait.
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """fastText's settings, and how it is measured.

    Attributes:
        dimension, word_ngrams, epochs, learning_rate, buckets, fewest_occurrences, seed: As
            fastText has them.
        features: Rows that are left after quantisation.
        folds: Parts of the cross-validation by origin.
    """

    dimension: int = 8
    word_ngrams: int = 2
    epochs: int = 5
    learning_rate: float = 0.2
    buckets: int = 200_000
    fewest_occurrences: int = 3
    features: int = 60_000
    seed: int = 7
    folds: int = 5


@dataclass(frozen=True, slots=True)
class Example:
    """A text to learn or to measure with.

    Attributes:
        line: What the classifier reads of it.
        label: Its label, without fastText's prefix.
        positive: Whether it counts as positive where two kinds are measured.
        origin: What it must not share between training and testing.
        source: The source's name.
        role: The source's role.
        place: Where it is from, for people.
        encodings: How its formulas were written.
    """

    line: str
    label: str
    positive: bool
    origin: str
    source: str = ""
    role: str = ""
    place: str = ""
    encodings: tuple[str, ...] = ()


class _FastText(Protocol):
    f: Any

    def save_model(self, path: str) -> None: ...


class Classifier:
    """A fitted classifier."""

    def __init__(self, model: _FastText) -> None:
        self._model = model

    def save(self, path: Path) -> None:
        """Writes fastText's file."""
        self._model.save_model(str(path))

    def probabilities(self, line: str) -> dict[str, float]:
        """Every label's probability."""
        found = self._model.f.predict(line, -1, 0.0, "strict")
        return {label.removeprefix(_PREFIX): min(share, 1.0) for share, label in found}


_PREFIX = "__label__"


def fit(examples: Sequence[Example], settings: ClassifierSettings) -> Classifier:
    """Trains and quantises a classifier."""
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines.txt"
        with lines.open("w", encoding="utf-8") as file:
            file.writelines(f"{_PREFIX}{example.label} {example.line}\n" for example in examples)
        model = fasttext.train_supervised(
            input=str(lines),
            dim=settings.dimension,
            wordNgrams=settings.word_ngrams,
            epoch=settings.epochs,
            lr=settings.learning_rate,
            bucket=settings.buckets,
            minCount=settings.fewest_occurrences,
            thread=1,
            seed=settings.seed,
            verbose=0,
        )
        model.quantize(
            input=str(lines),
            cutoff=settings.features,
            retrain=True,
            qnorm=True,
            thread=1,
            verbose=0,
        )
    return Classifier(model)


@dataclass(frozen=True, slots=True)
class Scored:
    """An example, its score, and the classifier that gave it, which saw nothing of its origin."""

    example: Example
    score: float
    classifier: Classifier


def cross_validated(
    examples: Sequence[Example],
    settings: ClassifierSettings,
    score: Callable[[dict[str, float]], float],
    step: Step,
) -> list[Scored]:
    """Every example with its score by a model that saw nothing of its origin.

    Args:
        examples: The examples.
        settings: How to fit, and in how many folds.
        score: Makes a score of the labels' probabilities.
        step: Told of each fold.
    """
    folds = assign_folds(((e.origin, e.positive) for e in examples), settings.folds)
    scored: list[Scored] = []
    for fold in range(settings.folds):
        step(f"measure, fold {fold + 1} of {settings.folds}")
        held_out = [e for e in examples if folds[e.origin] == fold]
        rest = [e for e in examples if folds[e.origin] != fold]
        if held_out and {e.positive for e in rest} == {True, False}:
            classifier = fit(rest, settings)
            scored += [
                Scored(e, score(classifier.probabilities(e.line)), classifier) for e in held_out
            ]
    return scored


def telling_words(
    scored: Scored, score: Callable[[dict[str, float]], float], count: int = 6
) -> list[str]:
    """The words without which the score would have been nearest to the truth, the first foremost.

    Each is taken out by itself, everywhere in the text; word pairs go with it.
    """
    words = scored.example.line.split()

    def without(word: str) -> float:
        line = " ".join(other for other in words if other != word)
        return score(scored.classifier.probabilities(line))

    sign = -1.0 if scored.example.positive else 1.0
    return sorted(dict.fromkeys(words), key=lambda word: (sign * without(word), word))[:count]


def data_digest(examples: Sequence[Example]) -> str:
    """SHA-256 over what the model learns, in its order."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(f"{example.label}\t{example.line}\n".encode())
    return digest.hexdigest()
