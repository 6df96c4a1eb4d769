"""Does the prose speak of mathematics? A classifier's word, formulas not looked at.

OpenWebMath's classifier learned to tell pages with a popular LaTeX command from others by their
words alone (paper, section on MathScore; spec section 1.5). Its training was never documented; ours
is ``proofmill train math-score``, and the card beside the model says what it was made of and how it
does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, load_fasttext, model_digest
from filters.normalisation import Edition, normalise_for_models, without_formulas
from filters.rejudging import Bound, Law
from schemas import Decision, Document

__all__ = ["MathScore", "classifier_line"]

_POSITIVE = "__label__positive"
# Of fewer words the classifier can't tell: a page with formulas then stays, for others to judge.
_FEWEST_WORDS = 10
# What the detail says: which threshold holds, and that a text stays whatever its score is.
_WITH, _WITHOUT, _SHORT = "with formulas", "without formulas", "with formulas, few words"


@dataclass(frozen=True, slots=True)
class MathScore:
    """Keeps documents whose prose looks mathematical enough.

    Attributes:
        model: A fastText classifier with the label ``__label__positive``.
        threshold_with_math: The least probability where the text has formulas. With the packaged
            model 0.1 keeps 99.0 % of held-out pages with LaTeX commands (its card) and 49 of 49
            pages that OpenWebMath kept; OpenWebMath's final filter and paper have 0.17.
        threshold_without_math: The least probability where it has none. At 0.9, 98.2 % of what
            passes is from pages with formulas, on a balanced set; OpenWebMath has 0.8.
        edition: How the text is normalised.
    """

    model: ModelSpec = "math-score-small"
    threshold_with_math: float = 0.1
    threshold_without_math: float = 0.9
    edition: Edition = "ours"

    name: ClassVar[str] = "math_score"
    laws: ClassVar[tuple[Law, ...]] = (
        Bound("threshold_with_math", "at_least", _WITH),
        Bound("threshold_without_math", "at_least", _WITHOUT),
    )

    def check(self) -> None:
        """Raises ``ModelNotFound`` or ``ModelMismatch`` before any work."""
        check_model(
            self.model,
            made_by="make one: proofmill train math-score --pages GLOB --output DIR",
        )

    def model_digest(self) -> str:
        """The sha256 of the model's file."""
        return model_digest(self.model)

    def judge(self, document: Document) -> Decision:
        """Judges by the text; which threshold holds depends on whether formulas are in it.

        The published edition asks whether any were found in the page, kept or not, as the original
        did (its ``found_math``).
        """
        line = classifier_line(document.text, self.edition)
        score = self._score_line(line)
        with_math = document.has_formulas
        if self.edition == "published":
            with_math = bool(document.extraction_info.get("found_math", with_math))
        threshold = self.threshold_with_math if with_math else self.threshold_without_math
        detail = _WITH if with_math else _WITHOUT
        if with_math and self._is_short(line):
            detail = _SHORT
            if score < threshold:
                return Decision.keep(
                    self.name, "too_short_to_tell", score=score, threshold=threshold, detail=detail
                )
        if score < threshold:
            return Decision.drop(
                self.name, "below_threshold", score=score, threshold=threshold, detail=detail
            )
        return Decision.keep(self.name, score=score, threshold=threshold, detail=detail)

    def _is_short(self, line: str) -> bool:
        return self.edition == "ours" and len(line.split(None, _FEWEST_WORDS)) < _FEWEST_WORDS

    def score(self, text: str) -> float:
        """The probability, 0 to 1, that a text is from a page with formulas."""
        return self._score_line(classifier_line(text, self.edition))

    def _score_line(self, line: str) -> float:
        found = load_fasttext(self.model).predict(line, 2)
        return min(next((p for p, label in found if label == _POSITIVE), 0.0), 1.0)


def classifier_line(text: str, edition: Edition) -> str:
    """What the classifier reads of a text.

    Ours: its words of two letters and more, whatever stands between them. Signs and single letters
    tell how a page was made rather than what it speaks of, and formulas that no extractor found
    look like code: without them the area under the curve, held out by site, is 0.992 instead of
    0.990. Published: all but the formulas.
    """
    line = normalise_for_models(text, edition)
    if edition == "published":
        return without_formulas(line)
    return " ".join([word for word in line.split() if len(word) > 1 and word[0].isalpha()])
