"""Do the words stand in an order? What a language model gains by looking at the words before.

Perplexity can't tell: rare words in order are as perplexing as common words in none. Shuffled prose
is found by comparing a model with itself: in prose, a word is several times more probable for the
words before it than by itself; in words without order, in a text whose columns were mixed up, it
isn't. OpenWebMath had no such filter. The model is that of perplexity, read once for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, model_digest
from filters.rejudging import Bound, Law
from filters.web.passages import passages_of, weighted_median, word_log10
from schemas import Decision, Document

__all__ = ["WordOrder"]

# Fewer words say too little. Of clean passages of 30 words, cut from papers that the model never
# saw, 9.8 % look as if in no order; of 60, 3.9 %; of 120, 2.5 %.
_FEWEST_WORDS = 60


@dataclass(frozen=True, slots=True)
class WordOrder:
    """Keeps documents whose words are more probable for those before them.

    Attributes:
        model: A kenlm model.
        threshold: The least gain kept: how many times more probable a word is, in the geometric
            mean, in its place than by itself. With the packaged model, 1.3 drops 0.8 % of clean
            held-out prose and 96 % of it with its words shuffled (its card).
    """

    model: ModelSpec = "perplexity-small"
    threshold: float = 1.3

    name: ClassVar[str] = "word_order"
    laws: ClassVar[tuple[Law, ...]] = (Bound("threshold", "at_least"),)

    def check(self) -> None:
        """Raises ``ModelNotFound`` or ``ModelMismatch`` before any work."""
        check_model(self.model, made_by="make one: proofmill train perplexity --output DIR")

    def model_digest(self) -> str:
        """The sha256 of the model's file."""
        return model_digest(self.model)

    def judge(self, document: Document) -> Decision:
        """Judges by the text; one of a few words stays."""
        words = sum(len(passage.words) for passage in passages_of(document.text, self.model))
        if words < _FEWEST_WORDS:
            return Decision.keep(self.name, "too_short_to_tell", threshold=self.threshold)
        score = self.score(document.text)
        if score < self.threshold:
            return Decision.drop(self.name, "no_order", score=score, threshold=self.threshold)
        return Decision.keep(self.name, score=score, threshold=self.threshold)

    def score(self, text: str) -> float:
        """The gain: half of the words are in passages that have it; 1 for an empty text."""
        passages = passages_of(text, self.model)
        if not passages:
            return 1.0
        losses = (
            (word_log10(passage, self.model) - passage.log10, len(passage.words))
            for passage in passages
        )
        return math.pow(10.0, -weighted_median(losses))
