"""Lean's printed goals: a state cut into goals, a goal into its case, its context and its target.

What is read is the layout of ``Lean.Meta.ppGoal``: an optional line ``case NAME``, a line for each
group of hypotheses, and the target behind ``⊢`` (``|`` in ``conv``); what continues a line is
indented.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from schemas.goal_states import Goal, Hypothesis

__all__ = ["NO_GOALS", "metavariables_renumbered", "parse_goal", "split_state"]

# What the provers and the tools print for an empty list of goals.
NO_GOALS = frozenset({"", "no goals", "goals accomplished", "no goals 🎉"})

_TARGETS = ("⊢", "|")
_CASE = re.compile(r"case (?P<name>\S.*)")
# A metavariable that Lean prints by its number; the number differs from run to run.
_METAVARIABLE = re.compile(r"\?(?P<kind>[^\W\d_]\w*|_uniq|)(?:\.(?P<number>\d+(?:\.\d+)*))")
_OPENING, _CLOSING = "([{⟨⦃⟪", ")]}⟩⦄⟫"
# Words behind which ``:=`` belongs to a term: it defines no hypothesis.
_BINDS = frozenset({"let", "have", "let_fun", "haveI", "letI"})
_WORD = re.compile(r"[^\W\d][\w'!?✝]*")


def split_state(state: str) -> list[str]:
    """The goals of a state that was printed as one text, joined by lines or empty lines.

    A goal ends with its target; the target's further lines are indented.
    """
    if state.strip() in NO_GOALS:
        return []
    goals: list[list[str]] = [[]]
    shown = False
    for line in state.split("\n"):
        if shown and not line.startswith((" ", "\t")):
            goals.append([])
            shown = False
        if goals[-1] or line.strip():
            goals[-1].append(line)
        # A bar opens a target only where it begins a line of its own, as ``conv`` prints it.
        shown = shown or _is_target(line)
    return ["\n".join(lines).rstrip() for lines in goals if any(line.strip() for line in lines)]


@functools.lru_cache(maxsize=2048)
def parse_goal(text: str) -> Goal:
    """Takes a printed goal apart.

    What is after a step is mostly before the next one, so that the last ones are remembered.

    Args:
        text: The goal; kept in ``pp`` as it is.

    Returns:
        The goal; its ``conclusion`` is empty when there is no target in the text.
    """
    lines = list(_joined(text.split("\n")))
    case = ""
    if lines and (named := _CASE.fullmatch(lines[0])) is not None:
        case = named.group("name").strip()
        lines.pop(0)
    hypotheses: list[Hypothesis] = []
    for number, line in enumerate(lines):
        if _is_target(line):
            conclusion = "\n".join([line[1:].lstrip(" "), *lines[number + 1 :]])
            return Goal(case, tuple(hypotheses), conclusion, text)
        hypotheses.append(_hypothesis(line))
    return Goal(case, tuple(hypotheses), "", text)


def metavariables_renumbered(text: str) -> str:
    """The text with the numbers of metavariables replaced by their order in it.

    ``?u.1137`` is another number in the next run; what it's compared or hashed by must not be.
    """
    numbers: dict[tuple[str, str], int] = {}

    def renumbered(found: re.Match[str]) -> str:
        key = (found.group("kind"), found.group("number"))
        number = numbers.setdefault(key, len(numbers) + 1)
        return f"?{found.group('kind')}.{number}"

    return _METAVARIABLE.sub(renumbered, text) if "?" in text else text


def _is_target(line: str) -> bool:
    return line.startswith(_TARGETS)


def _joined(lines: list[str]) -> Iterator[str]:
    """Lines with those that continue them."""
    current: list[str] = []
    for line in lines:
        # A hypothesis without a name is printed with a space where the name would be.
        if current and (not line.startswith((" ", "\t")) or line.startswith(" :")):
            yield "\n".join(current)
            current = []
        if line.strip() or current:
            current.append(line)
    if current:
        yield "\n".join(current).rstrip()


def _hypothesis(line: str) -> Hypothesis:
    # A long type begins on the line after the colon.
    names, colon, rest = line.partition(" :")
    if not colon or (rest and rest[0] not in " \n"):
        names, colon, rest = "", ":", f" {line}"
    type_, value = _value_apart(rest[1:] if rest.startswith(" ") else rest)
    return Hypothesis(tuple(_names(names)), type_.strip(), value.strip())


def _names(text: str) -> Iterator[str]:
    """Names by spaces; a name in guillemets may hold spaces itself."""
    if "«" not in text:
        yield from text.split()
        return
    yield from re.findall(r"(?:«[^»]*»|[^\s«])+", text)


def _value_apart(text: str) -> tuple[str, str]:
    """The type and the value of ``type := value``; a term's own ``:=`` isn't meant."""
    if ":=" not in text:
        return text, ""
    depth, bound, place = 0, 0, 0
    while place < len(text):
        character = text[place]
        if character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        elif depth == 0 and text.startswith(":=", place):
            if not bound:
                return text[:place], text[place + 2 :]
            bound -= 1
        elif depth == 0 and (word := _WORD.match(text, place)) is not None:
            bound += word.group() in _BINDS
            place = word.end()
            continue
        place += 1
    return text, ""
