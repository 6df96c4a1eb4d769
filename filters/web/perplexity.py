"""Is it text at all? How much a language model of mathematical prose wonders at it.

The original's model (kenlm, trained on the first Proof-Pile) is published but its training isn't;
ours is ``proofmill train perplexity``. Perplexities of different models don't compare,
so a threshold belongs to its model; the card suggests one.

Ours reads it passage by passage (``passages``), and what order the words are in is judged by a
filter of its own (``word_order``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, load_kenlm, model_digest
from filters.normalisation import Edition, normalise_for_models
from filters.rejudging import Bound, Law
from filters.web.passages import passages_of, weighted_median
from schemas import Decision, Document

__all__ = ["Perplexity"]


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Keeps documents whose perplexity is at most the threshold.

    Attributes:
        model: A kenlm model.
        threshold: The highest perplexity kept. 2,100 keeps 99.2 % of clean held-out prose with the
            packaged model (its card). OpenWebMath's code and paper have 15,000, for its own model.
        edition: How the text is normalised.
    """

    model: ModelSpec = "perplexity-small"
    threshold: float = 2100.0
    edition: Edition = "ours"

    name: ClassVar[str] = "perplexity"
    laws: ClassVar[tuple[Law, ...]] = (Bound("threshold", "at_most"),)

    def check(self) -> None:
        """Raises ``ModelNotFound`` or ``ModelMismatch`` before any work."""
        check_model(
            self.model,
            made_by="make one: proofmill train perplexity --documents DIR --output DIR",
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
        if self.edition == "published":
            line = normalise_for_models(text, "published")
            words = len(line.split())
            return _perplexity(load_kenlm(self.model).score(line) / words) if words else math.inf
        passages = passages_of(text, self.model)
        if not passages:
            return math.inf
        return _perplexity(-weighted_median((-p.log10, len(p.words)) for p in passages))


def _perplexity(log10_probability: float) -> float:
    return math.pow(10.0, min(-log10_probability, 300.0))
