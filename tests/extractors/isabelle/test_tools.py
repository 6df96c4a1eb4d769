"""PISA's, qisabelle's and IsabelleGym's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from extractors.formal.assembly import Assembly
from extractors.formal.traced import TraceError
from extractors.isabelle.goals import parse_subgoal, subgoals
from extractors.isabelle.tools import gym_module, pisa_module, qisabelle_module


@pytest.mark.parametrize(("name", "open_before"), [("hol_examples", 564), ("hol_analysis", 1538)])
def test_recorded_commands_give_a_step_for_every_open_state(
    shared_data: Path, name: str, open_before: int
) -> None:
    """The independent count: commands whose recorded subgoals before them aren't empty."""
    path = shared_data / "isabelle" / f"isabellegym_{name}_steps.jsonl"
    rows = [
        (n, json.loads(line)) for n, line in enumerate(path.read_text("utf-8").split("\n")) if line
    ]
    assert sum(bool(row["subgoals_before"]) for _, row in rows) == open_before
    count = 0
    theory: Callable[[tuple[int, Any]], Any] = lambda row: row[1]["theory"]  # noqa: E731
    for _, lines in groupby(rows, theory):
        for step in Assembly(gym_module(lines), "t").steps():
            count += bool(step.step.goals_before)
            assert all(goal.conclusion for goal in step.step.goals_before)
    assert count == open_before


def test_subgoals_that_are_not_shown_are_counted() -> None:
    goals = [f"{n}. P {n}" for n in range(1, 11)] + ["A total of 16 subgoals..."]
    line = {"theory": "T", "imports": [], "command": "function f", "subgoals_before": []}
    lines = [
        (0, {**line, "subgoals_after": goals}),
        (1, {**line, "command": "by auto", "subgoals_before": goals, "subgoals_after": []}),
    ]
    (step,) = Assembly(gym_module(lines), "t").steps()
    assert step.step.num_goals_before == 16
    assert len(step.step.goals_before) == 10
    assert step.step.state_before.endswith("A total of 16 subgoals...")


def test_a_subgoal_has_parameters_premises_and_a_conclusion() -> None:
    goal = parse_subgoal(
        "\\<And>n l. \\<lbrakk>n < 0; x = m\\<rbrakk> \\<Longrightarrow> P (a \\<Longrightarrow> b)"
        " \\<Longrightarrow> Q",
        "proof (prove)\nusing this:\n  x = m\n  y = n\n\ngoal (1 subgoal):\n 1. Q",
    )
    assert [h.names for h in goal.hypotheses[:4]] == [("this",), ("this",), ("n",), ("l",)]
    assert [h.type for h in goal.hypotheses[4:]] == ["n < 0", "x = m", "P (a \\<Longrightarrow> b)"]
    assert goal.conclusion == "Q"


def test_a_subgoal_on_several_lines_is_one() -> None:
    state = "proof (prove)\ngoal (2 subgoals):\n 1. a =\n    b\n 2. 3. x\nvariables:\n  a :: nat"
    assert subgoals(state) == ["a =\nb", "3. x"]


def test_pisa_states_are_before_the_step_and_the_next_is_after() -> None:
    extraction = {
        "theory_file_path": "/home/x/afp/thys/Small/Sub/Small.thy",
        "translations": [
            ["", "theory Small imports Main begin", 0, ""],
            ["", "lemma\n  a: True", 0, ""],
            ["proof (prove)\ngoal (1 subgoal):\n 1. True", "by simp", 1, ""],
            ["", "instance nat :: foo", 0, ""],
            ["proof (prove)\ngoal (1 subgoal):\n 1. OFCLASS(nat, foo)", "..", 1, ""],
        ],
    }
    module = pisa_module(extraction, "name")
    assert module.file_path == "thys/Small/Sub/Small.thy"
    rows = list(Assembly(module, "t").steps())
    assert [(r.place.decl_kind, r.place.decl_name, r.step.tactic) for r in rows] == [
        ("lemma", "a", "by simp"),
        ("instance", "", ".."),
    ]
    assert rows[0].step.isa_mode == "prove"
    assert rows[0].step.state_after == ""


def test_pisa_rows_that_are_none_are_refused() -> None:
    with pytest.raises(TraceError):
        pisa_module({"translations": [["", None]]}, "name")


def test_qisabelle_states_are_after_the_transition() -> None:
    texts = ["theory T begin", "\n", 'lemma \\<alpha>: "x = x"', "\n  ", "by simp", "\n", "end"]
    names = ["theory", "<ignored>", "lemma", "<ignored>", "by", "<ignored>", "end"]
    state = "proof (prove)\ngoal (1 subgoal):\n 1. x = x"
    after = ["", "", state, state, "", "", ""]
    rows, place = [], 1
    for text, name, shown in zip(texts, names, after, strict=True):
        length = len(text.replace("\\<alpha>", "a"))
        position = {"line": 1, "offset": place, "endOffset": place + length}
        place += length
        rows.append(
            {
                "transition": {"name": name, "text": text, "position": position, "time": 0.25},
                "state": {"mode": "Proof", "proofState": shown, "localTheory": "", "proofLevel": 1},
            }
        )
    theory = {"path": "/afp/thys/E/T.thy", "sessionName": "E", "name": "T", "imports": ["Main"]}
    module = qisabelle_module({"theory": theory, "extractions": rows})
    (step,) = Assembly(module, "t").steps()
    assert step.step.state_before == state
    assert step.step.elapsed_ms == 250
    assert module.source is not None
    assert module.source.slice(step.place.start_byte, step.place.end_byte) == "by simp"
    assert step.place.module == "E.T"
