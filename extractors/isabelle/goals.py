"""Isabelle's printed states: the subgoals, and of each its parameters, premises and conclusion."""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.goal_states import Goal, Hypothesis

__all__ = ["MODE", "count_subgoals", "parse_subgoal", "state_of_subgoals", "subgoals"]

# The first line of a printed proof state: "proof (prove)".
MODE = re.compile(r"proof \((?P<mode>\w+)\)")

_SUBGOALS = re.compile(r"^goal \((?P<count>\d+) subgoals?\):\n", re.MULTILINE)
_NUMBER = re.compile(r"^ ?(?P<number>\d+)\. ", re.MULTILINE)
_FACTS = re.compile(
    r"^(?P<name>using this|this|picking this|[\w.]+):\n(?P<facts>(?: {2,}.*\n?)+)", re.M
)
_PARAMETERS = re.compile(r"(?:\\<And>|⋀|!!)(?P<names>[^.]*)\.\s*")
_IMPLIES = re.compile(r"\\<Longrightarrow>|⟹|==>")
_LEFT, _RIGHT = re.compile(r"\\<lbrakk>|⟦|\[\|"), re.compile(r"\\<rbrakk>|⟧|\|\]")
_SEMICOLON = re.compile(r";")
_OPENING = re.compile(r"[(\[{]|\\<(?:lbrakk|langle|lparr)>|[⟦⟨⦇]")
_CLOSING = re.compile(r"[)\]}]|\\<(?:rbrakk|rangle|rparr)>|[⟧⟩⦈]")


def subgoals(state: str) -> list[str]:
    """The subgoals of a printed state, without their numbers."""
    found = _SUBGOALS.search(state)
    if found is None:
        return []
    lines = state[found.end() :].split("\n")
    goals: list[list[str]] = []
    for line in lines:
        begun = _NUMBER.match(line)
        if begun is not None and int(begun.group("number")) == len(goals) + 1:
            goals.append([line[begun.end() :]])
        elif goals and line.startswith(" "):
            # What continues a subgoal is indented below its text.
            goals[-1].append(line.removeprefix("    "))
        elif line.strip():
            break
    return ["\n".join(goal).rstrip() for goal in goals]


def count_subgoals(state: str) -> int:
    """How many subgoals a state has, those that it leaves out (``goals_limit``) included."""
    found = _SUBGOALS.search(state)
    return int(found.group("count")) if found is not None else 0


def state_of_subgoals(goals: Sequence[str], total: int = 0) -> str:
    """A state as Isabelle prints its subgoals, from traces that have only those.

    Args:
        goals: The subgoals that are shown.
        total: How many there are, if more.
    """
    if not goals:
        return ""
    count = max(total, len(goals))
    noun = "subgoal" if count == 1 else "subgoals"
    lines = "\n".join(f" {number}. {goal}" for number, goal in enumerate(goals, 1))
    note = f"\nA total of {count} subgoals..." if count > len(goals) else ""
    return f"goal ({count} {noun}):\n{lines}{note}"


def parse_subgoal(text: str, state: str = "") -> Goal:
    """Takes a subgoal apart.

    Args:
        text: The subgoal without its number.
        state: The state that it's of; facts that it chains (``using this``) become hypotheses.
    """
    hypotheses = [
        Hypothesis((found.group("name").removeprefix("using "),), " ".join(fact.split()), "")
        for found in _FACTS.finditer(state)
        for fact in found.group("facts").strip("\n").split("\n")
    ]
    rest = text.strip()
    while (found := _PARAMETERS.match(rest)) is not None:
        hypotheses += [Hypothesis((name,), "", "") for name in found.group("names").split()]
        rest = rest[found.end() :]
    *premises, conclusion = _implications(rest)
    hypotheses += [Hypothesis((), premise, "") for premise in premises]
    return Goal("", tuple(hypotheses), conclusion, text)


def _implications(text: str) -> list[str]:
    parts = _apart(text, _IMPLIES)
    if len(parts) == 1:
        return parts
    spread: list[str] = []
    for part in parts[:-1]:
        left = _LEFT.match(part)
        right = list(_RIGHT.finditer(part))
        if left is not None and right and right[-1].end() == len(part):
            spread += _apart(part[left.end() : right[-1].start()], _SEMICOLON)
        else:
            spread.append(part)
    return [*spread, parts[-1]]


def _apart(text: str, sign: re.Pattern[str]) -> list[str]:
    """The text cut at a sign outside brackets."""
    parts, depth, begin, place = [], 0, 0, 0
    while place < len(text):
        found = sign.match(text, place) if depth == 0 else None
        if found is not None:
            parts.append(text[begin:place].strip())
            begin = place = found.end()
        elif (opening := _OPENING.match(text, place)) is not None:
            depth += 1
            place = opening.end()
        elif (closing := _CLOSING.match(text, place)) is not None:
            depth = max(depth - 1, 0)
            place = closing.end()
        else:
            place += 1
    return [*parts, text[begin:].strip()]
