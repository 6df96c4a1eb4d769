"""A decision: what one filter said of one document."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Decision", "Verdict"]


class Verdict(StrEnum):
    """Whether the filter would keep the document."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Decision:
    """What one filter said of one document.

    Attributes:
        filter: The filter's name, as the recipe spells it.
        verdict: ``keep`` or ``drop``.
        reason: A short stable code (``below_threshold``, ``no_math``, ``error:timeout``); the
            unit of every funnel and audit question, so that codes never carry values.
        score: The measured value, where there is one.
        threshold: The value that the score was held against.
        detail: What a person wants to know besides: the rule that fired, an exception's text.
        shadow: True when the document was already dropped and the filter judged it only so that
            "what if" has an unbiased answer.
    """

    filter: str
    verdict: Verdict
    reason: str
    score: float | None = None
    threshold: float | None = None
    detail: str = ""
    shadow: bool = False

    @property
    def keeps(self) -> bool:
        """True when the verdict is ``keep``."""
        return self.verdict is Verdict.KEEP

    @classmethod
    def keep(
        cls,
        filter_name: str,
        reason: str = "pass",
        *,
        score: float | None = None,
        threshold: float | None = None,
        detail: str = "",
    ) -> Decision:
        """A decision to keep."""
        return cls(filter_name, Verdict.KEEP, reason, score, threshold, detail)

    @classmethod
    def drop(
        cls,
        filter_name: str,
        reason: str,
        *,
        score: float | None = None,
        threshold: float | None = None,
        detail: str = "",
    ) -> Decision:
        """A decision to drop."""
        return cls(filter_name, Verdict.DROP, reason, score, threshold, detail)
