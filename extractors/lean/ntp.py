"""ntp-toolkit's ``training_data`` rows: a file's text up to each tactic, over and over.

The longest of them, with its tactic, is all of the file that the rows tell; the file's end is lost.
A ``declId`` ends in letters drawn at random in each run, so that it says which rows belong together
and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from extractors.formal.positions import SourceText
from extractors.formal.traced import TracedDeclaration, TracedModule, TracedStep, TraceError
from extractors.lean.goals import split_state
from schemas.goal_states import NOWHERE

__all__ = ["ntp_module", "ntp_module_name"]

_ID = re.compile(r"(?P<module>.*)\.\d+_\d+\.\w{15}")


def ntp_module_name(line: dict[str, Any]) -> str:
    """The module of a row."""
    found = _ID.fullmatch(line["declId"])
    return found.group("module") if found is not None else str(line["declId"])


def ntp_module(lines: Iterable[tuple[int, dict[str, Any]]]) -> TracedModule:
    """Reads the rows of one module.

    Raises:
        TraceError: They don't agree on the file's text.
    """
    rows = list(lines)
    number, first = rows[0]
    text = max((row["srcUpToTactic"] + row["nextTactic"] for _, row in rows), key=len)
    result = TracedModule(
        "lean4",
        ntp_module_name(first),
        source=SourceText(text),
        extractor="ntp-toolkit",
        first_record=number,
    )
    known: dict[str, int] = {}
    for row_number, row in rows:
        if not text.startswith(row["srcUpToTactic"]):
            raise TraceError("other_source", f"row {row_number} has another text before it")
        declaration = known.get(row["declId"])
        if declaration is None:
            declaration = known[row["declId"]] = len(result.declarations)
            result.declarations.append(_declaration(row))
        start = len(row["srcUpToTactic"].encode())
        end = start + len(row["nextTactic"].encode())
        step = TracedStep(
            tactic=row["nextTactic"],
            goals_before=split_state(row["state"]),
            state_before=row["state"],
            start=start,
            end=end,
            declaration=declaration,
        )
        result.steps.append(step)
        result.declarations[declaration].end = max(result.declarations[declaration].end, end)
    return result


def _declaration(row: dict[str, Any]) -> TracedDeclaration:
    up_to = row["srcUpToTactic"]
    start = len(up_to.encode()) - len(row["declUpToTactic"].encode())
    statement = row["decl"]
    return TracedDeclaration(
        start=start,
        proof_start=start + len(statement.encode()) if statement else NOWHERE,
        statement=statement,
    )
