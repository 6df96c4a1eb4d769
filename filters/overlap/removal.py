"""What is done about the test problems found in a document: it is dropped, or they are cut out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from schemas import Decision

__all__ = ["FoundProblem", "RemovalRule", "Removed"]

# Problems that a decision names; the table of stretches has all of them.
_NAMED = 20
# What is found as a declaration is cut as one, whatever the margin.
_DECLARATIONS = ("name", "statement")


@dataclass(frozen=True, slots=True)
class FoundProblem:
    """A stretch of a document that a search found; offsets count characters.

    Attributes:
        edition: The edition that found it.
        problem_set: The set of the problem.
        item: The problem.
        side: Its side.
        start: Where the stretch begins.
        end: Where it ends.
        ngrams: Its n-grams.
        lcs_ratio: The share of the problem around it; None when it wasn't measured.
    """

    edition: str
    problem_set: str
    item: str
    side: str
    start: int
    end: int
    ngrams: int
    lcs_ratio: float | None


@dataclass(frozen=True, slots=True)
class Removed:
    """What became of a document.

    Attributes:
        decision: Names the problems that it was dropped or cut for.
        text: Its text; empty when it was dropped.
        cuts: What was cut, as places in the text before.
    """

    decision: Decision
    text: str
    cuts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RemovalRule:
    """Drops documents with test problems, or cuts the problems out of them.

    Attributes:
        policy: ``drop`` or ``cut``.
        margin: Characters that are cut on both sides of a stretch, and on to the word's end.
        editions: The editions whose stretches count.
        min_ngrams: Stretches of fewer n-grams don't count.
        min_lcs: Stretches with a smaller share of their problem around them don't count; formal
            statements, which are found whole, always do.
    """

    policy: Literal["drop", "cut"] = "drop"
    margin: int = 0
    editions: tuple[str, ...] = ()
    min_ngrams: int = 1
    min_lcs: float = 0.0

    name: ClassVar[str] = "overlap"

    def apply(self, text: str, found: Iterable[FoundProblem]) -> Removed:
        """Drops or cuts a document, or keeps it as it is when nothing found in it counts."""
        counting = [problem for problem in found if self._counts(problem)]
        if not counting:
            return Removed(Decision.keep(self.name), text)
        detail = _named(counting)
        if self.policy == "drop":
            return Removed(Decision.drop(self.name, "test_problem", detail=detail), "")
        cuts = _united(self._reach(text, problem) for problem in counting)
        kept, place = [], 0
        for start, end in cuts:
            kept.append(text[place:start])
            place = end
        kept.append(text[place:])
        # A line break keeps what was apart from running together.
        rest = "\n".join(kept)
        if not rest.strip():
            return Removed(Decision.drop(self.name, "nothing_left", detail=detail), "", cuts)
        return Removed(Decision.keep(self.name, "cut", detail=detail), rest, cuts)

    def _counts(self, problem: FoundProblem) -> bool:
        return (
            problem.edition in self.editions
            and problem.ngrams >= self.min_ngrams
            and (problem.lcs_ratio is None or problem.lcs_ratio >= self.min_lcs)
        )

    def _reach(self, text: str, problem: FoundProblem) -> tuple[int, int]:
        start, end = problem.start, problem.end
        if problem.edition in _DECLARATIONS:
            return start, end
        start, end = max(start - self.margin, 0), min(end + self.margin, len(text))
        while start > 0 and not text[start - 1].isspace():
            start -= 1
        while end < len(text) and not text[end].isspace():
            end += 1
        return start, end


def _named(problems: Sequence[FoundProblem]) -> str:
    names = sorted({f"{p.problem_set} {p.item} {p.side} ({p.edition})" for p in problems})
    more = f"; {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return "; ".join(names[:_NAMED]) + more


def _united(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in order, those that touch made one."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], end)
        else:
            united.append((start, end))
    return tuple(united)
