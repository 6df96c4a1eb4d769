"""States and steps too large to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from schemas import Decision, Document
from schemas.goal_states import FormalStep

__all__ = ["StateSize"]


@dataclass(frozen=True, slots=True)
class StateSize:
    """Drops a step whose state or text is longer than a model's context holds.

    Attributes:
        state_chars: The longest state, in characters; 32,768 are some 10,000 tokens.
        tactic_chars: The longest step; a structuring step holds its whole sub-proof.
    """

    state_chars: int = 32_768
    tactic_chars: int = 8_192

    name: ClassVar[str] = "state_size"

    def judge(self, document: Document) -> Decision:
        """Judges by the two lengths."""
        formal: FormalStep = document.content
        state, tactic = len(formal.step.state_before), len(formal.step.tactic)
        if state > self.state_chars:
            return Decision.drop(
                self.name, "long_state", score=float(state), threshold=float(self.state_chars)
            )
        if tactic > self.tactic_chars:
            return Decision.drop(
                self.name, "long_step", score=float(tactic), threshold=float(self.tactic_chars)
            )
        return Decision.keep(self.name, score=float(state), threshold=float(self.state_chars))
