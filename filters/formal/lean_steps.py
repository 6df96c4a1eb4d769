"""Which records of a Lean trace are steps that a model should learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from schemas import Decision, Document
from schemas.goal_states import FormalStep

__all__ = ["LeanSteps"]

# lean-training-data's "substantive": kinds that it leaves out. Source: its
# TrainingData/InfoTree/Basic.lean at bce849f. It knows no other reason.
_PUBLISHED_SKIPS = frozenset(
    """
    null Lean.cdot Lean.cdotTk Lean.Parser.Term.byTactic Lean.Parser.Tactic.tacticSeq
    Lean.Parser.Tactic.tacticSeq1Indented Lean.Parser.Tactic.«tactic_<;>_» Lean.Parser.Tactic.paren
    """.split()
)


@dataclass(frozen=True, slots=True)
class LeanSteps:
    """Drops what a trace of Lean has besides real steps.

    Attributes:
        edition: ``published`` drops what Proof-Pile-II's extractor left out and nothing else.
        others: Whether steps of other systems pass.
        structuring: Whether steps that hold others (``·``, ``case``, ``induction … with``) stay.
        unchanged: Whether steps that change nothing stay: failed alternatives of ``first``, failed
            tactics of a broken proof, ``skip``.
        errors: Whether steps of declarations with an error stay.
        gaps: Whether steps of declarations with ``sorry`` stay.
    """

    edition: Literal["ours", "published"] = "ours"
    others: bool = False
    structuring: bool = True
    unchanged: bool = False
    errors: bool = False
    gaps: bool = False

    name: ClassVar[str] = "lean_steps"

    def judge(self, document: Document) -> Decision:
        """Judges a step by what its trace says of it."""
        formal: FormalStep = document.content
        if formal.place.system != "lean4":
            if self.others:
                return Decision.keep(self.name, "other_system")
            return Decision.drop(self.name, "other_system", detail=formal.place.system)
        if self.edition == "published":
            return self._published(formal)
        reason = self._fault(formal)
        if reason:
            return Decision.drop(self.name, reason, detail=formal.place.tactic_kind)
        return Decision.keep(self.name)

    def _published(self, formal: FormalStep) -> Decision:
        """By kind alone; an expansion with its step's span is there twice, a borrowed position
        makes a step, a failed tactic is one."""
        if formal.place.tactic_kind in _PUBLISHED_SKIPS:
            return Decision.drop(self.name, "not_substantive", detail=formal.place.tactic_kind)
        if "synthetic" in formal.faults:
            return Decision.drop(self.name, "synthetic", detail=formal.place.tactic_kind)
        return Decision.keep(self.name)

    def _fault(self, formal: FormalStep) -> str:
        step = formal.step
        for fault in formal.faults:
            if fault != "unchanged" or not self.unchanged:
                return fault
        if step.is_structuring and not self.structuring:
            return "structuring"
        if step.decl_has_error and not self.errors:
            return "declaration_error"
        if step.decl_has_sorry and not self.gaps:
            return "declaration_gap"
        return ""
