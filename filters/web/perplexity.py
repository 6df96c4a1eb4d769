"""Is it text at all? How much a language model of mathematical prose wonders at it.

The original's model (kenlm, trained on the first Proof-Pile) is published but its training isn't;
ours is ``python -m pipelines.training.perplexity``. Perplexities of different models don't compare,
so a threshold belongs to its model; the card suggests one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, load_kenlm, model_digest
from filters.normalisation import Edition, normalise_for_models
from schemas import Decision, Document

__all__ = ["Perplexity"]


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Keeps documents whose perplexity is at most the threshold.

    Attributes:
        model: A kenlm model.
        threshold: The highest perplexity kept. 1,400 keeps 99 % of clean held-out prose with the
            packaged model (its card). OpenWebMath's code and paper have 15,000, for its own model.
        edition: How the text is normalised.
    """

    model: ModelSpec = "perplexity-small"
    threshold: float = 1400.0
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
        """Perplexity a word, 10 ** (-log10 probability / words); infinite for an empty text."""
        line = normalise_for_models(text, self.edition)
        words = len(line.split())
        if not words:
            return math.inf
        return math.pow(10.0, min(-load_kenlm(self.model).score(line) / words, 300.0))
