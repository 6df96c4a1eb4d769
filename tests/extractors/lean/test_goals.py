"""Lean's printed goals taken apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extractors.lean.goals import metavariables_renumbered, parse_goal, split_state


def test_a_goal_has_a_case_hypotheses_and_a_target() -> None:
    goal = parse_goal(
        "case inr.h\nα : Type u_1\ninst✝ : Monoid α\na b : α\nn : ℕ := 3\nh : a ≤ b →\n    b ≤ a\n"
        "⊢ a = b ∧\n    n = 3"
    )
    assert goal.case_name == "inr.h"
    assert [h.names for h in goal.hypotheses] == [("α",), ("inst✝",), ("a", "b"), ("n",), ("h",)]
    assert goal.hypotheses[3].type == "ℕ"
    assert goal.hypotheses[3].value == "3"
    assert goal.hypotheses[4].type == "a ≤ b →\n    b ≤ a"
    assert goal.conclusion == "a = b ∧\n    n = 3"


def test_a_hypothesis_without_a_name_is_one_of_its_own() -> None:
    goal = parse_goal("case inl\na : Prop\n : a\n⊢ a = True")
    assert [(h.names, h.type) for h in goal.hypotheses] == [(("a",), "Prop"), ((), "a")]


def test_a_terms_own_definition_is_no_value_of_the_hypothesis() -> None:
    goal = parse_goal("h : let y := 1; y = x\nz : Nat := (fun (w := 2) => w)\n⊢ True")
    assert goal.hypotheses[0].type == "let y := 1; y = x"
    assert goal.hypotheses[0].value == ""
    assert goal.hypotheses[1].value == "(fun (w := 2) => w)"


def test_conv_shows_a_bar_for_the_target() -> None:
    goal = parse_goal("a b : Nat\n| a + b")
    assert goal.conclusion == "a + b"


def test_names_in_guillemets_may_hold_spaces() -> None:
    assert parse_goal("«my h» b : Nat\n⊢ True").hypotheses[0].names == ("«my h»", "b")


def test_a_text_without_a_target_is_kept_and_has_no_conclusion() -> None:
    goal = parse_goal("unknown goal")
    assert goal.conclusion == ""
    assert goal.pp == "unknown goal"


@pytest.mark.parametrize("state", ["no goals", "", "  ", "no goals 🎉"])
def test_no_goals_are_none(state: str) -> None:
    assert split_state(state) == []


def test_goals_joined_by_lines_or_empty_lines_come_apart_again() -> None:
    goals = ["case left\nh : p →\n  q\n⊢ a ∧\n    b", "case right\n⊢ q", "| x + y"]
    assert split_state("\n".join(goals)) == goals
    assert split_state("\n\n".join(goals)) == goals


def test_metavariables_are_numbered_by_their_order() -> None:
    assert metavariables_renumbered("α : Type ?u.1137\nβ : Type ?u.9 ?m.4 ?u.1137") == (
        "α : Type ?u.1\nβ : Type ?u.2 ?m.3 ?u.1"
    )
    assert metavariables_renumbered("h ?_ ?x what?") == "h ?_ ?x what?"


def test_every_recorded_goal_of_a_real_lean_has_all_its_parts(shared_data: Path) -> None:
    count = 0
    for path in sorted((shared_data / "lean" / "lean4_20210712").glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            if not line:
                continue
            row = json.loads(line)
            for goals in (row["goals_before"], row["goals_after"]):
                assert split_state("\n".join(goals)) == goals
                for text in goals:
                    goal = parse_goal(text)
                    assert goal.conclusion, text
                    assert all(hypothesis.type for hypothesis in goal.hypotheses), text
                    count += 1
    assert count > 4000
