"""The JSON of Lean's REPL and of info tree exporters.

A REPL answer to a command with ``allTactics`` has ``tactics[]`` (``pos``, ``endPos``, ``goals``,
``tactic``, ``usedConstants``); one with ``infotree`` has the tree, and lean-training-data's
``export_infotree`` prints the same under ``trees``. Columns are code points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from extractors.formal.positions import PositionError, SourceText
from extractors.formal.traced import TracedDeclaration, TracedModule, TracedStep
from extractors.lean.goals import split_state
from extractors.lean.kinds import NOT_STEPS, full_kind
from schemas.goal_states import NOWHERE, Premise

__all__ = ["info_tree_module", "repl_module"]

_Json = dict[str, Any]


def repl_module(answer: _Json, module: str, source: SourceText | None) -> TracedModule:
    """Reads one answer with ``tactics``."""
    result = TracedModule("lean4", module, source=source, extractor="repl", extractor_version="")
    for tactic in answer["tactics"]:
        start, end = _places(tactic["pos"], tactic["endPos"])
        result.steps.append(
            TracedStep(
                tactic=tactic["tactic"],
                goals_before=split_state(tactic["goals"]),
                state_before=tactic["goals"],
                start_place=start,
                end_place=end,
                start=_byte(source, start),
                end=_byte(source, end),
                premises=[
                    Premise(name, "", "", (), (), NOWHERE, NOWHERE, "used")
                    for name in tactic.get("usedConstants", ())
                ],
            )
        )
    _add_messages(answer.get("messages", ()), result)
    return result


def info_tree_module(
    trees: Sequence[_Json], module: str, source: SourceText | None
) -> TracedModule:
    """Reads exported info trees."""
    result = TracedModule(
        "lean4", module, source=source, extractor="infotree-json", extractor_version=""
    )
    for tree in trees:
        _walk(tree, [], result)
    return result


def _walk(tree: _Json, outer: list[tuple[str, object]], result: TracedModule) -> None:
    node, kind = tree.get("node"), tree["kind"]
    inside = outer
    # lean-training-data writes "CommmandInfo", with three m.
    if node and kind in ("CommandInfo", "CommmandInfo"):
        start, end = _tree_range(node)
        result.declarations.append(
            TracedDeclaration(
                start=_byte(result.source, start),
                end=_byte(result.source, end),
                # Without the source, its text as printed is all that there is.
                statement=node["stx"]["pp"] or "",
            )
        )
    if node and kind == "TacticInfo" and _is_step(node):
        start, end = _tree_range(node)
        span = (start, end)
        name = full_kind(node["stx"].get("kind") or node.get("name") or "")
        inside = [*outer, (name, span)]
        result.steps.append(
            TracedStep(
                kind=name,
                tactic="" if result.source is not None else node["stx"]["pp"] or "",
                pp=node["stx"]["pp"] or "",
                goals_before=_goals(node["goalsBefore"]),
                goals_after=_goals(node["goalsAfter"]),
                start_place=start,
                end_place=end,
                start=_byte(result.source, start),
                end=_byte(result.source, end),
                elaborator=node.get("elaborator") or "",
                ancestors=tuple(kind for kind, _ in outer),
                same_span=bool(outer) and outer[-1][1] == span,
                synthetic=node["stx"]["range"]["synthetic"],
                declaration=len(result.declarations) - 1,
            )
        )
    for child in tree.get("children", ()):
        _walk(child, inside, result)


def _is_step(node: _Json) -> bool:
    """Named syntax that is no piece of a tactic; keywords are nodes too."""
    kind = full_kind(node["stx"].get("kind") or node.get("name") or "")
    return "." in kind and kind not in NOT_STEPS


def _goals(goals: Sequence[str]) -> list[str]:
    return [goal for joined in goals for goal in split_state(joined)]


def _tree_range(node: _Json) -> tuple[tuple[int, int], tuple[int, int]]:
    found = node["stx"]["range"]
    return _places(found["start"], found["finish"])


def _places(start: _Json, end: _Json) -> tuple[tuple[int, int], tuple[int, int]]:
    return (start["line"], start["column"]), (end["line"], end["column"])


def _byte(source: SourceText | None, place: tuple[int, int]) -> int:
    if source is None:
        return NOWHERE
    try:
        return source.byte(*place)
    except PositionError:
        return NOWHERE


def _add_messages(messages: Sequence[_Json], result: TracedModule) -> None:
    """Errors count; which declaration a gap is in, the source tells later."""
    errors = [message for message in messages if message.get("severity") == "error"]
    result.errors = len(errors)
    if errors:
        result.status = "errors"
        result.detail = errors[0].get("data", "")[:500]
