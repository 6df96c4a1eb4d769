"""Which commands of an Isabelle trace are steps that a model should learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from schemas import Decision, Document
from schemas.goal_states import FormalStep

__all__ = ["IsabelleSteps"]


@dataclass(frozen=True, slots=True)
class IsabelleSteps:
    """Drops what a trace of Isabelle has besides proof steps.

    Attributes:
        edition: ``published`` keeps what Proof-Pile-II kept: every command of a proof whose
            statement begins with ``lemma `` or ``theorem ``, comments included.
        others: Whether steps of other systems pass.
        errors: Whether steps of proofs with an error stay.
        gaps: Whether steps of proofs with ``sorry`` or ``oops`` stay.
    """

    edition: Literal["ours", "published"] = "ours"
    others: bool = False
    errors: bool = False
    gaps: bool = False

    name: ClassVar[str] = "isabelle_steps"

    def judge(self, document: Document) -> Decision:
        """Judges a command by its keyword and by what is known of its proof."""
        formal: FormalStep = document.content
        if formal.place.system != "isabelle":
            if self.others:
                return Decision.keep(self.name, "other_system")
            return Decision.drop(self.name, "other_system", detail=formal.place.system)
        reason = self._published(formal) if self.edition == "published" else self._fault(formal)
        if reason:
            return Decision.drop(self.name, reason, detail=formal.place.tactic_kind)
        return Decision.keep(self.name)

    def _published(self, formal: FormalStep) -> str:
        if not formal.step.statement.startswith(("lemma ", "theorem ")):
            return "other_statement"
        return "" if formal.step.state_before else "no_goals"

    def _fault(self, formal: FormalStep) -> str:
        if formal.faults:
            return formal.faults[0]
        if formal.step.decl_has_error and not self.errors:
            return "declaration_error"
        if formal.step.decl_has_sorry and not self.gaps:
            return "declaration_gap"
        return ""
