"""Kinds of Lean's tactic syntax: which nodes of an info tree are steps, which hold others.

Rows are kinds as ``Syntax.getKind`` gives them; the trace option leaves ``Lean.Parser`` out.
"""

from __future__ import annotations

import re

__all__ = ["COMBINATORS", "NOT_STEPS", "full_kind", "is_gap", "is_structuring"]

# Nodes that hold tactics or are pieces of one; nobody writes them as a step.
# Source: Lean/Parser/Term.lean, Init/Tactics.lean, Init/Conv.lean of Lean 4.
NOT_STEPS = frozenset(
    """
    null group Lean.Parser.Term.byTactic Lean.Parser.Term.byTactic'
    Lean.Parser.Tactic.tacticSeq Lean.Parser.Tactic.tacticSeq1Indented
    Lean.Parser.Tactic.tacticSeqBracketed Lean.Parser.Tactic.Conv.convSeq
    Lean.Parser.Tactic.Conv.convSeq1Indented Lean.Parser.Tactic.Conv.convSeqBracketed
    Lean.cdotTk Lean.Parser.Tactic.rwRule Lean.Parser.Tactic.rwRuleSeq
    Lean.Parser.Tactic.inductionAlt Lean.Parser.Tactic.inductionAlts
    Lean.Parser.Tactic.inductionAltLHS Lean.Parser.Tactic.caseArg Lean.Parser.Tactic.matchAlts
    Lean.Parser.Tactic.matchRhs Lean.Parser.Tactic.withAnnotateState Lean.calcSteps
    Lean.calcFirstStep Lean.calcStep Lean.Parser.Tactic.elimTarget Lean.binderIdent
    Lean.Parser.Term.matchAlt Lean.Parser.Term.matchAlts ident num str choice
    """.split()
)

# Tactics that try, choose or repeat: a step inside may have failed, or run several times.
COMBINATORS = frozenset(
    """
    Lean.Parser.Tactic.first Lean.Parser.Tactic.tacticTry_ Lean.Parser.Tactic.tacticRepeat_
    Lean.Parser.Tactic.repeat' Lean.Parser.Tactic.repeat1' Lean.Parser.Tactic.tacticRepeat'_
    Lean.Parser.Tactic.tacticRepeat1'_ Lean.Parser.Tactic.anyGoals Lean.Parser.Tactic.allGoals
    Lean.Parser.Tactic.tacticAny_goals_ Lean.Parser.Tactic.«tactic_<;>_»
    Lean.Parser.Tactic.tacticIterate____ Lean.Parser.Tactic.tacticStop_
    Lean.Parser.Tactic.failIfSuccess Lean.Parser.Tactic.tacticSolve Lean.solveTactic
    Lean.Parser.Tactic.firstPar solve
    """.split()
)

# Tactics that have others inside whatever they are: besides these, whatever has a step in its span.
_STRUCTURING = frozenset(
    """
    Lean.cdot Lean.Parser.Tactic.«tactic·._» Lean.Parser.Tactic.paren «{» Lean.Parser.Tactic.case
    Lean.Parser.Tactic.case' Lean.Parser.Tactic.«tacticNext_=>_» Lean.Parser.Tactic.focus
    """.split()
)

_SHORTENED = re.compile(r"(?:Tactic|Term|Command)\.")
_GAPS = frozenset(
    """
    Lean.Parser.Tactic.tacticSorry Lean.Parser.Tactic.tacticAdmit Lean.Parser.Tactic.tacticStop_
    """.split()
)
_GAP_TEXT = re.compile(r"(?<![\w.'«])(?:sorry|admit|sorryAx|sorry_proof)(?![\w'».])")
_COMMENT = re.compile(r"--[^\n]*|/-(?:[^-]|-(?!/))*-/")


def full_kind(kind: str) -> str:
    """A kind in full, whichever way it was printed."""
    return f"Lean.Parser.{kind}" if _SHORTENED.match(kind) else kind


def is_structuring(kind: str) -> bool:
    """Whether a kind is one whose only purpose is to hold other steps."""
    return kind in _STRUCTURING or kind in COMBINATORS


def is_gap(kind: str, text: str) -> bool:
    """Whether a step or proof leaves a gap: ``sorry``, ``admit``, SciLean's ``sorry_proof``."""
    if kind in _GAPS:
        return True
    return _GAP_TEXT.search(text) is not None and bool(_GAP_TEXT.search(_COMMENT.sub(" ", text)))
