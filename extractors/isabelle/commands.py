"""A theory as its commands in order, each with the state before and after it: steps of proofs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from extractors.formal.traced import TracedDeclaration, TracedModule, TracedStep
from extractors.isabelle.goals import MODE, subgoals
from schemas.goal_states import NOWHERE

__all__ = ["DIAGNOSTIC", "Command", "add_commands", "command_keyword"]

# Sources: the Isabelle/Isar reference manual, chapters 3, 5 and 6, and Pure.thy's keywords.
# Commands that go on with a proof; any other that is none of the next table ends it.
_PROOF = frozenset(
    """
    proof qed by apply apply_end done using unfolding have show then with from hence thus also
    finally moreover ultimately next case fix assume presume define def obtain consider note let
    subgoal supply prefer defer back sorry oops . .. { } including interpret guess write
    include
    """.split()
)
# Commands that say something and change nothing.
DIAGNOSTIC = frozenset(
    """
    text txt text_raw txt_raw thm term prop typ value print_state print_facts print_cases
    print_theorems print_methods find_theorems find_consts ML_val ML_prf ML_command sledgehammer
    nitpick quickcheck try try0 section subsection subsubsection paragraph subparagraph chapter
    thm_deps print_simpset full_prf prf welcome help print_statement unused_thms thm_oracles
    solve_direct nunchaku refute
    """.split()
)
_GAPS = frozenset({"sorry", "oops", "\\<proof>"})

_KEYWORD = re.compile(r"[A-Za-z_][A-Za-z0-9_']*|\.\.|[.{}]|\\<proof>|\(\*")
_LEADING = re.compile(r"(?:\s+|\(\*(?:[^*]|\*(?!\)))*\*\))+")
# lemma (in locale) name[simp]: ...
_NAME = re.compile(
    r"\s*(?:\\<\^marker>\\<open>.*?\\<close>\s*|%\w+\s*|\(\s*in\s+[^)]*\)\s*)*"
    r"(?:(?P<quoted>\"[^\"\n]+\")|(?P<name>[^\W\d][\w'.]*))\s*(?:\[[^\]]*\]\s*)?:(?!:)",
    re.DOTALL,
)
_LOCALE = re.compile(r"\(\s*in\s+(?P<locale>[\w'.]+)\s*\)")


@dataclass(slots=True)
class Command:
    """A command of a theory.

    Attributes:
        text: Its text, without white space around it.
        before: The state before it, empty outside proofs; None when the trace doesn't tell.
        after: The state after it, likewise.
        keyword: Its first word; taken from the text where the trace doesn't tell.
        level: The nesting of proof blocks before it; ``NOWHERE`` when unknown.
        start: First byte in the theory; ``NOWHERE`` when unknown.
        end: First byte after it.
        goals_before: The subgoals before it, where the trace has them and no state.
        goals_after: The same after it.
        errors: What the prover reported in it.
        elapsed_ms: Time that it took.
    """

    text: str
    before: str | None
    after: str | None
    keyword: str = ""
    level: int = NOWHERE
    start: int = NOWHERE
    end: int = NOWHERE
    goals_before: list[str] | None = None
    goals_after: list[str] | None = None
    errors: tuple[str, ...] = ()
    elapsed_ms: int = NOWHERE


def command_keyword(text: str) -> str:
    """The first word of a command, comments before it left out; ``(*`` for a comment alone."""
    leading = _LEADING.match(text)
    found = _KEYWORD.match(text, leading.end() if leading is not None else 0)
    if found is None:
        return "(*" if leading is not None and leading.end() == len(text) else ""
    return found.group()


def add_commands(module: TracedModule, commands: Iterable[Command]) -> None:
    """Adds a theory's declarations and steps: whatever enters a proof begins a declaration.

    ``corollary``, ``proposition``, ``schematic_goal``, ``instance``, ``termination`` and statements
    on several lines are found as well as ``lemma``, since what counts is the state.
    """
    current = NOWHERE
    for command in commands:
        keyword = command.keyword or command_keyword(command.text)
        module.errors += len(command.errors)
        inside = bool(command.before) and current != NOWHERE
        if _begins(command, keyword, current):
            current = len(module.declarations)
            module.declarations.append(_declaration(command, keyword))
            continue
        if current == NOWHERE:
            continue
        if not inside and keyword not in _PROOF and keyword not in DIAGNOSTIC and keyword != "(*":
            current = NOWHERE
            continue
        declaration = module.declarations[current]
        declaration.end = max(declaration.end, command.end)
        declaration.errors += command.errors
        declaration.sorry = declaration.sorry or keyword in _GAPS
        if declaration.proof_start == NOWHERE:
            declaration.proof_start = command.start
        module.steps.append(_step(command, keyword, current))
    if module.errors and module.status == "ok":
        module.status = "errors"


def _begins(command: Command, keyword: str, current: int) -> bool:
    """Whether a command enters a proof from outside."""
    if command.before or keyword in DIAGNOSTIC or keyword == "(*":
        return False
    if keyword in _PROOF:
        # A trace of subgoals alone is empty between two of a proof's blocks.
        return False
    # A notepad is an empty proof, its state prints nothing.
    return (
        keyword == "notepad"
        or bool(command.after)
        or (command.after is None and _states_something(keyword))
    )


def _states_something(keyword: str) -> bool:
    return keyword in {"lemma", "theorem", "corollary", "proposition", "schematic_goal"}


def _declaration(command: Command, keyword: str) -> TracedDeclaration:
    leading = _LEADING.match(command.text)
    begin = (leading.end() if leading is not None else 0) + len(keyword)
    named = _NAME.match(command.text, begin)
    locale = _LOCALE.match(command.text, begin + (command.text[begin : begin + 1] == " "))
    name = ""
    if named is not None:
        name = (named.group("quoted") or named.group("name")).strip('"')
    return TracedDeclaration(
        name=name,
        kind=keyword,
        start=command.start,
        end=command.end,
        statement=command.text,
        namespace=locale.group("locale") if locale is not None else "",
        errors=list(command.errors),
    )


def _step(command: Command, keyword: str, declaration: int) -> TracedStep:
    before, after = command.before or "", command.after
    mode = MODE.match(before)
    goals_after = command.goals_after
    if goals_after is None and after is not None:
        goals_after = subgoals(after)
    return TracedStep(
        kind=keyword,
        tactic=command.text,
        goals_before=(
            command.goals_before if command.goals_before is not None else subgoals(before)
        ),
        goals_after=goals_after,
        state_before=before,
        state_after=after or "",
        start=command.start,
        end=command.end,
        declaration=declaration,
        mode=mode.group("mode") if mode is not None else "",
        level=command.level,
        elapsed_ms=command.elapsed_ms,
    )
