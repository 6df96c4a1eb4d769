"""JSON of other tools: PISA's, qisabelle's, IsabelleGym's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from extractors.formal.positions import SourceText
from extractors.formal.traced import TracedModule, TraceError
from extractors.isabelle.commands import Command, add_commands
from extractors.isabelle.goals import state_of_subgoals
from schemas.goal_states import NOWHERE

__all__ = ["gym_module", "pisa_module", "qisabelle_module"]

_Json = dict[str, Any]


def pisa_module(extraction: _Json, name: str) -> TracedModule:
    """Reads a ``*.thy_output.json``: ``[state before, step, proof level, hammer]`` each.

    The state is empty outside proofs; the state after a step is the one before the next.
    """
    # Releases before 2022 call it file_name, and have neither level nor hammer.
    path = extraction.get("theory_file_path") or extraction.get("file_name") or ""
    module = TracedModule(
        "isabelle", PurePosixPath(path).stem or name, _below_thys(path), extractor="pisa"
    )
    rows = extraction["translations"]
    for row in rows:
        if len(row) < 2 or not all(isinstance(part, str) for part in row[:2]):
            raise TraceError("bad_transition", repr(row)[:200])
    afters = [*(row[0] for row in rows[1:]), ""]
    add_commands(
        module,
        (
            Command(row[1].strip(), row[0], after, level=row[2] if len(row) > 2 else NOWHERE)
            for row, after in zip(rows, afters, strict=True)
        ),
    )
    return module


def _below_thys(path: str) -> str:
    """The path in its library: below ``thys`` for the AFP, below ``src`` for Isabelle's own."""
    parts = PurePosixPath(path).parts
    for folder in ("thys", "src"):
        if folder in parts:
            return "/".join(parts[parts.index(folder) :])
    return path


def qisabelle_module(extraction: _Json) -> TracedModule:
    """Reads an extracted theory; each state is the one after its transition, offsets count symbols.

    White space between transitions isn't in the file, so that bytes aren't known; lines are.
    """
    theory = extraction["theory"]
    module = TracedModule(
        "isabelle",
        f"{theory['sessionName']}.{theory['name']}",
        _below_thys(theory["path"]),
        package=theory["sessionName"],
        imports=tuple(theory.get("importNames") or theory.get("imports", ())),
        extractor="qisabelle",
    )
    rows: Sequence[_Json] = extraction["extractions"]
    module.source = _rebuilt([row["transition"] for row in rows])
    commands = []
    state, level = "", 0
    for row in rows:
        transition, after = row["transition"], row["state"]
        ignored = transition["name"] == "<ignored>"
        if not ignored:
            start, end = _bytes(transition, module.source)
            commands.append(
                Command(
                    transition["text"].strip(),
                    state,
                    after["proofState"],
                    transition["name"],
                    level,
                    start,
                    end,
                    elapsed_ms=round(transition.get("time", NOWHERE / 1000) * 1000),
                )
            )
        state, level = after["proofState"], after["proofLevel"]
    add_commands(module, commands)
    return module


def _rebuilt(transitions: Sequence[_Json]) -> SourceText | None:
    """The theory's text where its transitions leave nothing out; None where they do."""
    text = "".join(transition["text"] for transition in transitions)
    gapless = all(
        a["position"]["endOffset"] == b["position"]["offset"] for a, b in pairwise(transitions)
    )
    return SourceText(text) if gapless and transitions else None


def _bytes(transition: _Json, source: SourceText | None) -> tuple[int, int]:
    if source is None:
        return NOWHERE, NOWHERE
    position = transition["position"]
    return source.byte_of_symbol(position["offset"]), source.byte_of_symbol(position["endOffset"])


def gym_module(lines: Iterable[tuple[int, _Json]]) -> TracedModule:
    """Reads the recorded commands of one theory: ``command``, ``subgoals_before`` and ``_after``.

    They hold the subgoals and nothing else of the states: no ``using this``.
    """
    module: TracedModule | None = None
    commands = []
    for number, line in lines:
        if module is None:
            module = TracedModule(
                "isabelle",
                line["theory"],
                f"{line['theory']}.thy",
                imports=tuple(line["imports"]),
                extractor="isabellegym",
                first_record=number,
            )
        before, after = (_shown(line[name]) for name in ("subgoals_before", "subgoals_after"))
        commands.append(
            Command(
                line["command"].strip(),
                state_of_subgoals(*before),
                state_of_subgoals(*after),
                goals_before=before[0],
                goals_after=after[0],
            )
        )
    assert module is not None
    add_commands(module, commands)
    return module


_TOTAL = re.compile(r"A total of (?P<count>\d+) subgoals")


def _shown(goals: Sequence[str]) -> tuple[list[str], int]:
    """The subgoals without their numbers, and how many there are: only ten are shown."""
    totals = [int(found.group("count")) for goal in goals if (found := _TOTAL.match(goal))]
    shown = [goal.partition(". ")[2] for goal in goals if not _TOTAL.match(goal)]
    return shown, max([len(shown), *totals])
