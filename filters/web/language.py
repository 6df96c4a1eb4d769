"""Is the prose in the language wanted?

The original ran language identification on text whose lines were fused and whose formulas stood in
it as placeholders (spec sections 1.5 and 3a, 14). Short English sentences full of formulas then
look like anything. Ours judges prose alone: formulas, code and links are taken out, a bounded
sample is read, and where too little prose is left to tell, the document stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, load_fasttext, model_digest
from filters.normalisation import Edition, normalise_for_models, prose
from filters.rejudging import Bound, Law, OneOf
from schemas import Decision, Document

__all__ = ["UNDETERMINED", "Language"]

# Head, middle and tail of this many characters each are read. Of 370 pages longer than 4,000
# characters, 1 is judged otherwise than on its whole text, in a fifth of the time.
_WINDOW = 700
# Fewer letters than this say too little. Of English mathematical prose of 20 letters, 9 % is taken
# for another language or found unsure; of 40, 2.9 %; of 60, 1.8 %; of 120, 0.9 %. What stays
# undecided stays: a page of formulas alone is short of prose for a reason.
_FEWEST_LETTERS = 60

UNDETERMINED = "und"
_LABEL = "__label__"


@dataclass(frozen=True, slots=True)
class Language:
    """Keeps documents in the languages wanted, and sets ``language`` and ``language_score``.

    Attributes:
        model: A fastText model with ISO 639 labels; lid.176 is the compressed form of the one that
            the original used (lid.176.bin).
        languages: ISO 639 codes to keep.
        threshold: The least probability of the language (OpenWebMath: 0.5, spec section 1.5).
        edition: ``published`` judges the whole normalised text as the original did.
    """

    model: ModelSpec = "lid.176"
    languages: tuple[str, ...] = ("en",)
    threshold: float = 0.5
    edition: Edition = "ours"

    name: ClassVar[str] = "language"
    laws: ClassVar[tuple[Law, ...]] = (OneOf("languages"), Bound("threshold", "at_least"))

    def check(self) -> None:
        """Raises ``ModelNotFound`` or ``ModelMismatch`` before any work."""
        check_model(self.model, made_by="fastText's lid.176.ftz or lid.176.bin will do")

    def model_digest(self) -> str:
        """The sha256 of the model's file."""
        return model_digest(self.model)

    def judge(self, document: Document) -> Decision:
        """Judges by the text; the decision's detail names the language found."""
        if self.edition == "published":
            line = normalise_for_models(document.text, "published")
        else:
            line = _sample(prose(document.text))
            if sum(map(str.isalpha, line)) < _FEWEST_LETTERS:
                document.language, document.language_score = UNDETERMINED, 0.0
                return Decision.keep(self.name, "too_short_to_tell", threshold=self.threshold)
        document.language, document.language_score = self.identify(line)
        score, found = document.language_score, document.language
        if found not in self.languages:
            return Decision.drop(
                self.name, "other_language", score=score, threshold=self.threshold, detail=found
            )
        if score < self.threshold:
            return Decision.drop(
                self.name, "unsure", score=score, threshold=self.threshold, detail=found
            )
        return Decision.keep(self.name, score=score, threshold=self.threshold, detail=found)

    def identify(self, line: str) -> tuple[str, float]:
        """The most probable language of one line and its probability, at most 1."""
        found = load_fasttext(self.model).predict(line, 1)
        if not found:
            return UNDETERMINED, 0.0
        probability, label = found[0]
        return label.removeprefix(_LABEL), min(probability, 1.0)


def _sample(line: str) -> str:
    """Head, middle and tail of a long line, cut between words."""
    if len(line) <= 3 * _WINDOW:
        return line
    middle = (len(line) - _WINDOW) // 2
    starts = (0, middle, len(line) - _WINDOW)
    return " ".join(line[start : start + _WINDOW] for start in starts)
