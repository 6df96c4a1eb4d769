"""A step as text: the form in which Proof-Pile-II has goal states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from extractors.lean.goals import metavariables_renumbered
from schemas.goal_states import FormalStep

__all__ = ["Render", "rendered"]


@dataclass(frozen=True, slots=True)
class Render:
    """How a step becomes a document's text.

    Attributes:
        tactic: Whether the step's ``source`` text stands in it, or what the prover ``printed``, as
            lean-training-data has it; the source where a trace hasn't the other.
        renumber_metavariables: Whether ``?u.1137`` becomes ``?u.1``: the number differs from run to
            run, and equal steps would not be equal.
    """

    tactic: Literal["source", "printed"] = "source"
    renumber_metavariables: bool = True

    name: ClassVar[str] = "render"


def rendered(formal: FormalStep, settings: Render) -> str:
    """The text of a step.

    Lean's is ``[GOAL]``, the state, ``[PROOFSTEP]``, the step; Isabelle's ``[PROOF STATE]`` and
    ``[PROOF STEP]``. Source: EleutherAI/math-lm, process_lean_proofsteps.py and
    process_isabelle_proofsteps.py.
    """
    step = formal.step
    tactic = step.tactic
    if settings.tactic == "printed" and step.tactic_pp:
        tactic = step.tactic_pp
    state = step.state_before
    if settings.renumber_metavariables:
        state = metavariables_renumbered(state)
    if formal.place.system == "isabelle":
        return f"[PROOF STATE]\n{state}\n[PROOF STEP]\n{tactic}"
    return f"[GOAL]\n{state}\n[PROOFSTEP]\n{tactic}"
