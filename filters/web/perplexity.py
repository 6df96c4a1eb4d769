"""Is it text at all? How much a language model of mathematical prose wonders at it.

The original's model (kenlm, trained on the first Proof-Pile) is published but its training isn't;
ours is ``python -m pipelines.training.perplexity``. Perplexities of different models don't compare,
so a threshold belongs to its model; the card suggests one.

The original took a page as one string, so that a part of noise could condemn a page of prose. Ours
reads it passage by passage and takes the median: at least half of the words must be in passages
that read well. Of clean held-out pages with random letters after them, 3 words in 10 of the whole,
99 % are dropped when judged as one string, 7 % by the median; pages that are noise throughout are
found either way.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, load_kenlm, model_digest
from filters.normalisation import Edition, normalise_for_models
from schemas import Decision, Document

__all__ = ["Perplexity"]

# Words in a passage: enough for a steady value, few enough that a page has several.
_PASSAGE = 60


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Keeps documents whose perplexity is at most the threshold.

    Attributes:
        model: A kenlm model.
        threshold: The highest perplexity kept. 2,000 keeps 99 % of clean held-out prose with the
            packaged model (its card). OpenWebMath's code and paper have 15,000, for its own model.
        edition: How the text is normalised.
    """

    model: ModelSpec = "perplexity-small"
    threshold: float = 2000.0
    edition: Edition = "ours"

    name: ClassVar[str] = "perplexity"

    def check(self) -> None:
        """Raises ``ModelNotFound`` or ``ModelMismatch`` before any work."""
        check_model(
            self.model,
            made_by="make one: python -m pipelines.training.perplexity --text GLOB --output DIR",
        )

    def model_digest(self) -> str:
        """The sha256 of the model's file."""
        return model_digest(self.model)

    def judge(self, document: Document) -> Decision:
        """Judges by the text."""
        score = self.score(document.text)
        if math.isinf(score):
            return Decision.drop(self.name, "no_words", threshold=self.threshold)
        if score > self.threshold:
            return Decision.drop(
                self.name, "above_threshold", score=score, threshold=self.threshold
            )
        return Decision.keep(self.name, score=score, threshold=self.threshold)

    def score(self, text: str) -> float:
        """Perplexity a word, 10 ** (-log10 probability / words); infinite for an empty text.

        Ours: the median over the text's passages, each of which weighs as many words as it has.
        """
        line = normalise_for_models(text, self.edition)
        words = line.split()
        if not words:
            return math.inf
        model = load_kenlm(self.model)
        if self.edition == "published":
            return _perplexity(model.score(line), len(words))
        passages = ((" ".join(passage), len(passage)) for passage in _passages(words))
        ranked = sorted((-model.score(passage) / count, count) for passage, count in passages)
        return _perplexity(-_median(ranked), 1)


def _passages(words: list[str]) -> list[list[str]]:
    """The words in passages of equal length, at least ``_PASSAGE`` words each if there are such."""
    count = max(len(words) // _PASSAGE, 1)
    bounds = [len(words) * number // count for number in range(count + 1)]
    return [words[start:end] for start, end in itertools.pairwise(bounds)]


def _median(ranked: list[tuple[float, int]]) -> float:
    """The value below or at which half of the weight lies."""
    half = sum(weight for _, weight in ranked) / 2
    reached = itertools.accumulate(weight for _, weight in ranked)
    return next(value for (value, _), weight in zip(ranked, reached, strict=True) if weight >= half)


def _perplexity(log10_probability: float, words: int) -> float:
    return math.pow(10.0, min(-log10_probability / words, 300.0))
