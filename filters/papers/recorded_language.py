"""The language of a paper as RedPajama told it: recorded, never a reason to drop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.models import ModelSpec, check_model, model_digest
from filters.web.language import Language
from schemas import Decision, Document

__all__ = ["RecordedLanguage"]


@dataclass(frozen=True, slots=True)
class RecordedLanguage:
    """Sets ``language`` and ``language_score``; drops nothing (spec section 3, step 10).

    Attributes:
        model: A fastText model with ISO 639 labels.
    """

    model: ModelSpec = "lid.176"

    name: ClassVar[str] = "recorded_language"

    def check(self) -> None:
        """Raises ``ModelNotFound`` or ``ModelMismatch`` before any work."""
        check_model(self.model, made_by="fastText's lid.176.ftz or lid.176.bin will do")

    def model_digest(self) -> str:
        """The sha256 of the model's file."""
        return model_digest(self.model)

    def judge(self, document: Document) -> Decision:
        """The most probable language of the text in lower case, formulas and commands in it."""
        line = document.text.lower().replace("\n", " ")
        document.language, document.language_score = Language(self.model).identify(line)
        return Decision.keep(self.name, score=document.language_score, detail=document.language)
