"""Does the text teach? A score from 0 to 5, learnt from labels that the user has.

FineMath's way without its language model (spec section 3c): there, labels from 0 to 5 were given by
a large model and learnt by a classifier, and a page stays from 3 on. No such model comes with the
package; ``proofmill train quality --labels`` makes one, and a recipe that names it has this filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, load_fasttext, model_digest
from filters.rejudging import Bound, Law
from filters.web.math_score import classifier_line
from schemas import Decision, Document

__all__ = ["Educational", "expected_score"]

_LABEL = "__label__"
_EVERY_LABEL = -1


@dataclass(frozen=True, slots=True)
class Educational:
    """Keeps documents whose educational score is high enough.

    Attributes:
        model: A fastText classifier whose labels are the scores 0 to 5.
        threshold: The least score kept (FineMath: 3, and 4 for its stricter half).
    """

    model: ModelSpec
    threshold: float = 3.0

    name: ClassVar[str] = "educational"
    laws: ClassVar[tuple[Law, ...]] = (Bound("threshold", "at_least"),)

    def check(self) -> None:
        """Raises ``ModelNotFound`` or ``ModelMismatch`` before any work."""
        check_model(
            self.model, made_by="make one: proofmill train quality --labels FILE --output DIR"
        )

    def model_digest(self) -> str:
        """The sha256 of the model's file."""
        return model_digest(self.model)

    def judge(self, document: Document) -> Decision:
        """Judges by the text's words."""
        score = self.score(document.text)
        if score < self.threshold:
            return Decision.drop(
                self.name, "below_threshold", score=score, threshold=self.threshold
            )
        return Decision.keep(self.name, score=score, threshold=self.threshold)

    def score(self, text: str) -> float:
        """The expected score, 0 to 5; 0 for a text without words."""
        line = classifier_line(text, "ours")
        found = load_fasttext(self.model).predict(line, _EVERY_LABEL) if line else []
        return expected_score({label.removeprefix(_LABEL): share for share, label in found})


def expected_score(probabilities: Mapping[str, float]) -> float:
    """The mean of the labels, each weighing as much as it is probable."""
    total = sum(probabilities.values())
    if not total:
        return 0.0
    return sum(float(label) * share for label, share in sorted(probabilities.items())) / total
