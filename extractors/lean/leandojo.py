"""LeanDojo's JSON: the raw trace of a file, the benchmark's theorems, and proof searches over them.

``*.ast.json`` has UTF-8 byte offsets for tactics and lines and columns for premises; the benchmark
has no position of a tactic, only its theorem's.
"""

from __future__ import annotations

from typing import Any

from extractors.formal.positions import PositionError, SourceText
from extractors.formal.traced import TracedDeclaration, TracedModule, TracedStep
from extractors.lean.goals import NO_GOALS, split_state
from schemas.goal_states import NOWHERE, Premise

__all__ = ["ast_module", "benchmark_module", "search_module"]

_Json = dict[str, Any]


def ast_module(trace: _Json, module: str, source: SourceText | None) -> TracedModule:
    """Reads ``<file>.ast.json``, as ``ExtractData.lean`` writes it."""
    result = TracedModule("lean4", module, source=source, extractor="leandojo-ast")
    for tactic in trace["tactics"]:
        result.steps.append(
            TracedStep(
                goals_before=split_state(tactic["stateBefore"]),
                goals_after=split_state(tactic["stateAfter"]),
                state_before=tactic["stateBefore"],
                state_after=tactic["stateAfter"],
                start=tactic["pos"],
                end=tactic["endPos"],
            )
        )
    for use in trace.get("premises", ()):
        _place_use(use, result)
    return result


def _place_use(use: _Json, result: TracedModule) -> None:
    """A premise to every step that it's used in."""
    if result.source is None or not use.get("pos") or not use.get("endPos"):
        return
    try:
        start = result.source.byte(use["pos"]["line"], use["pos"]["column"])
        end = result.source.byte(use["endPos"]["line"], use["endPos"]["column"])
    except PositionError:
        return
    premise = Premise(
        use["fullName"],
        use.get("modName", ""),
        use.get("defPath", ""),
        _position(use.get("defPos")),
        _position(use.get("defEndPos")),
        start,
        end,
        "explicit",
    )
    for step in result.steps:
        if step.start <= start and end <= step.end and premise not in step.premises:
            step.premises.append(premise)


def _position(position: _Json | None) -> tuple[int, ...]:
    return (position["line"], position["column"]) if position else ()


def _from_zero(position: list[int]) -> tuple[int, ...]:
    """The benchmark counts columns from 1, Lean and this project from 0."""
    return (position[0], position[1] - 1) if position else ()


def benchmark_module(theorem: _Json, number: int) -> TracedModule:
    """Reads one theorem of ``random/train.json`` and the like."""
    module = theorem["file_path"].removesuffix(".lean").replace("/", ".")
    result = TracedModule(
        "lean4",
        module,
        theorem["file_path"],
        repo_url=theorem["url"],
        commit=theorem["commit"],
        extractor="leandojo-benchmark",
        first_record=number,
    )
    result.declarations.append(TracedDeclaration(theorem["full_name"], kind="theorem"))
    for tactic in theorem["traced_tactics"]:
        annotated, provenance = tactic["annotated_tactic"]
        result.steps.append(
            TracedStep(
                tactic=tactic["tactic"],
                goals_before=split_state(tactic["state_before"]),
                goals_after=split_state(tactic["state_after"]),
                state_before=tactic["state_before"],
                state_after=tactic["state_after"],
                declaration=0,
                annotated=annotated,
                premises=[
                    Premise(
                        premise["full_name"],
                        "",
                        premise["def_path"],
                        _from_zero(premise["def_pos"]),
                        _from_zero(premise["def_end_pos"]),
                        NOWHERE,
                        NOWHERE,
                        "explicit",
                    )
                    for premise in provenance
                ],
            )
        )
    return result


def search_module(result: _Json, number: int) -> TracedModule | None:
    """Reads one theorem of a proof search's results; None when it wasn't proved.

    Each step has ``tactic`` and ``state_before``; the state after it is the next one's before, and
    none after the last, since the proof was checked.
    """
    attempt = next((a for a in result.get("attempt_results", ()) if a.get("success")), None)
    if attempt is None:
        return None
    theorem = result["example"]
    module = TracedModule(
        "lean4",
        theorem["file_path"].removesuffix(".lean").replace("/", "."),
        theorem["file_path"],
        repo_url=theorem.get("url", ""),
        commit=theorem.get("commit", ""),
        extractor="proof-search",
        first_record=number,
    )
    module.declarations.append(
        TracedDeclaration(theorem["full_name"], kind="theorem", statement=theorem["statement"])
    )
    trace = attempt["trace"]
    for place, step in enumerate(trace):
        after = trace[place + 1]["state_before"] if place + 1 < len(trace) else "no goals"
        module.steps.append(
            TracedStep(
                tactic=step["tactic"],
                goals_before=split_state(step["state_before"]),
                goals_after=[] if after in NO_GOALS else split_state(after),
                state_before=step["state_before"],
                state_after=after,
                declaration=0,
            )
        )
    return module
