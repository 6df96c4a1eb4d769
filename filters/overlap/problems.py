"""Test problems, and where a text matches one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from filters.overlap.declarations import Language

__all__ = ["Match", "Problem", "Side"]

# What a model is shown, what it should answer, and for formal sets the statement itself.
Side = Literal["input", "output", "formal"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One item of a test set.

    Attributes:
        problem_set: The set's name.
        item: The item's name in the set: its id, or its row's number.
        input: What a model is shown; empty when the set has none.
        output: The answer or solution; empty when the set has none.
        formal: The formal statement, from its keyword to before its proof; empty when informal.
        language: What ``formal`` is written in.
        names: Qualified names, any of which tells the statement; see ``Declaration.names``.
        group: What results are grouped by, such as a level; empty when there is none.
    """

    problem_set: str
    item: str
    input: str = ""
    output: str = ""
    formal: str = ""
    language: Language | None = None
    names: tuple[str, ...] = ()
    group: str = ""

    def text(self, side: Side) -> str:
        """The text of a side."""
        return {"input": self.input, "output": self.output, "formal": self.formal}[side]


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of a document that is also in a problem; offsets count characters.

    Attributes:
        document: The document's number among those searched.
        edition: The edition, or ``statement`` or ``name`` for formal statements.
        problem: The problem's number among those searched for.
        side: The side of the problem.
        document_start: Where the stretch begins in the document.
        document_end: Where it ends.
        problem_start: Where what it matches begins in the problem's text.
        problem_end: Where that ends.
        ngrams: How many n-grams of the document are in the stretch: all of them are in the problem.
        tokens: Tokens of the problem's side.
        contained: Whether the whole side of the problem is in the stretch.
        lcs_ratio: The share of the side's tokens that the neighbourhood of the stretch holds in
            their order; None when it wasn't asked for.
    """

    document: int
    edition: str
    problem: int
    side: Side
    document_start: int
    document_end: int
    problem_start: int
    problem_end: int
    ngrams: int
    tokens: int
    contained: bool
    lcs_ratio: float | None = None
