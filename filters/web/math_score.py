"""Does the prose speak of mathematics? A classifier's word, formulas not looked at.

OpenWebMath's classifier learned to tell pages with a popular LaTeX command from others by their
words alone (paper, section on MathScore; spec section 1.5). Its training was never documented; ours
is ``python -m pipelines.training.math_score``, and the card beside the model says what it was made
of and how it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, load_fasttext, model_digest
from filters.normalisation import Edition, normalise_for_models, without_formulas
from schemas import Decision, Document

__all__ = ["MathScore"]

_POSITIVE = "__label__positive"


@dataclass(frozen=True, slots=True)
class MathScore:
    """Keeps documents whose prose looks mathematical enough.

    Attributes:
        model: A fastText classifier with the label ``__label__positive``.
        threshold_with_math: The least probability where the text has formulas. With the packaged
            model 0.05 keeps 99.3 % of held-out pages with LaTeX commands (its card) and 48 of 49
            pages that OpenWebMath kept; OpenWebMath's final filter and paper have 0.17.
        threshold_without_math: The least probability where it has none. At 0.9, 97.8 % of what
            passes is from pages with formulas, on a balanced set; OpenWebMath has 0.8.
        edition: How the text is normalised.
    """

    model: ModelSpec = "math-score-small"
    threshold_with_math: float = 0.05
    threshold_without_math: float = 0.9
    edition: Edition = "ours"

    name: ClassVar[str] = "math_score"

    def check(self) -> None:
        """Raises ``ModelNotFound`` or ``ModelMismatch`` before any work."""
        check_model(
            self.model,
            made_by="make one: python -m pipelines.training.math_score --pages GLOB --output DIR",
        )

    def model_digest(self) -> str:
        """The sha256 of the model's file."""
        return model_digest(self.model)

    def judge(self, document: Document) -> Decision:
        """Judges by the text; which threshold holds depends on whether formulas are in it.

        The published edition asks whether any were found in the page, kept or not, as the original
        did (its ``found_math``).
        """
        score = self.score(document.text)
        with_math = document.has_formulas
        if self.edition == "published":
            with_math = bool(document.extraction_info.get("found_math", with_math))
        threshold = self.threshold_with_math if with_math else self.threshold_without_math
        detail = "with formulas" if with_math else "without formulas"
        if score < threshold:
            return Decision.drop(
                self.name, "below_threshold", score=score, threshold=threshold, detail=detail
            )
        return Decision.keep(self.name, score=score, threshold=threshold, detail=detail)

    def score(self, text: str) -> float:
        """The probability, 0 to 1, that a text is from a page with formulas."""
        line = without_formulas(normalise_for_models(text, self.edition))
        found = load_fasttext(self.model).predict(line, 2)
        return min(next((p for p, label in found if label == _POSITIVE), 0.0), 1.0)
