"""Steps recorded one a line with their goals in lists: what small dump programs write.

Each line has ``module``, ``tactic``, ``kind``, ``goals_before``, ``goals_after``, and ``start``
and ``end`` with ``line``, ``col`` and mostly ``byte``; ``decl`` names the declaration, or gives
the kind of its syntax when it has no name, ``decl_range`` its lines and columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from extractors.formal.positions import PositionError, SourceText
from extractors.formal.traced import TracedDeclaration, TracedModule, TracedStep
from extractors.lean.kinds import full_kind
from schemas.goal_states import NOWHERE

__all__ = ["recorded_module"]

_Line = dict[str, Any]


def recorded_module(
    lines: Iterable[tuple[int, _Line]], source: SourceText | None = None
) -> TracedModule:
    """Reads the consecutive lines of one module."""
    module: TracedModule | None = None
    known: dict[tuple[str, tuple[int, ...]], int] = {}
    for number, line in lines:
        if module is None:
            module = TracedModule(
                "lean4",
                line["module"],
                line.get("file", ""),
                extractor="recorded-steps",
                source=source,
                first_record=number,
            )
        key = (line.get("decl") or "", tuple(line.get("decl_range", ())))
        declaration = known.get(key)
        if declaration is None:
            declaration = known[key] = len(module.declarations)
            module.declarations.append(_declaration(line, source))
        module.steps.append(_step(line, declaration))
    assert module is not None
    return module


def _declaration(line: _Line, source: SourceText | None) -> TracedDeclaration:
    name = line.get("decl") or ""
    declaration = TracedDeclaration("" if name.startswith("Lean.Parser.") else name)
    place = line.get("decl_range")
    if place and source is not None:
        try:
            declaration.start = source.byte(place[0], place[1])
            declaration.end = source.byte(place[2], place[3])
        except PositionError:
            declaration.start = declaration.end = NOWHERE
    return declaration


def _step(line: _Line, declaration: int) -> TracedStep:
    start, end = line["start"], line["end"]
    return TracedStep(
        kind=full_kind(line.get("kind", "")),
        tactic=line["tactic"],
        goals_before=line["goals_before"],
        goals_after=line["goals_after"],
        start=start.get("byte", NOWHERE),
        end=end.get("byte", NOWHERE),
        start_place=(start["line"], start["col"]),
        end_place=(end["line"], end["col"]),
        elaborator=line.get("elaborator", ""),
        declaration=declaration,
    )
