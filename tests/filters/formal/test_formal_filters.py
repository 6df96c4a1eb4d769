"""Filters of formal proof steps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.formal.assembly import statement_key
from extractors.formal.rendering import Render, rendered
from filters.formal.isabelle_steps import IsabelleSteps
from filters.formal.lean_steps import LeanSteps
from filters.formal.splits import Splits, novel_premise_sides
from filters.formal.state_size import StateSize
from filters.formal.test_statements import TestStatements
from filters.models import ModelNotFound
from schemas import Document
from schemas.goal_states import FormalStep, GoalState, StepPlace


def step(*faults: str, system: str = "lean4", kind: str = "", **content: object) -> Document:
    state = GoalState(tactic="simp", state_before="⊢ p", **content)  # type: ignore[arg-type]
    place = StepPlace("t", 0, 0, system=system, tactic_kind=kind)
    document = Document("0" * 32)
    document.content = FormalStep(place, state, faults, (), "")
    return document


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (step(), "pass"),
        (step("unchanged"), "unchanged"),
        (step("failed_alternative"), "failed_alternative"),
        (step("borrowed_position"), "borrowed_position"),
        (step("no_source"), "no_source"),
        (step(is_structuring=True), "pass"),
        (step(decl_has_error=True), "declaration_error"),
        (step(decl_has_sorry=True), "declaration_gap"),
        (step(system="isabelle"), "other_system"),
    ],
)
def test_what_is_no_step_of_a_proof_that_holds_is_dropped(document: Document, reason: str) -> None:
    decision = LeanSteps().judge(document)
    assert decision.reason == reason
    assert decision.keeps == (reason == "pass")


def test_the_recipe_decides_what_else_stays() -> None:
    assert LeanSteps(gaps=True).judge(step(decl_has_sorry=True)).keeps
    assert LeanSteps(errors=True).judge(step(decl_has_error=True)).keeps
    assert LeanSteps(unchanged=True).judge(step("unchanged")).keeps
    assert not LeanSteps(structuring=False).judge(step(is_structuring=True)).keeps
    assert LeanSteps(others=True).judge(step(system="isabelle")).keeps


def test_the_published_edition_looks_at_kinds_and_at_nothing_else() -> None:
    published = LeanSteps(edition="published")
    assert published.judge(
        step("expansion", "borrowed_position", "unchanged", decl_has_error=True)
    ).keeps
    assert published.judge(step(kind="Lean.cdot")).reason == "not_substantive"
    assert (
        published.judge(step(kind="Lean.Parser.Tactic.«tactic_<;>_»")).reason == "not_substantive"
    )
    assert published.judge(step("synthetic")).reason == "synthetic"


def test_isabelle_loses_nothing_but_what_is_no_step() -> None:
    ours, published = IsabelleSteps(), IsabelleSteps(edition="published")
    corollary = step(system="isabelle", statement="corollary x: p")
    on_two_lines = step(system="isabelle", statement="lemma\n  x: p")
    assert ours.judge(corollary).keeps
    assert ours.judge(on_two_lines).keeps
    assert published.judge(corollary).reason == "other_statement"
    assert published.judge(on_two_lines).reason == "other_statement"
    assert ours.judge(step("diagnostic", system="isabelle")).reason == "diagnostic"
    assert published.judge(step("diagnostic", system="isabelle", statement="lemma x: p")).keeps


def test_long_states_and_steps_are_dropped() -> None:
    document = step()
    document.content.step = replace(document.content.step, state_before="x" * 50_000)
    assert StateSize().judge(document).reason == "long_state"
    assert StateSize(state_chars=100_000).judge(document).keeps
    document = step()
    document.content.step = replace(document.content.step, tactic="x" * 10_000)
    assert StateSize().judge(document).reason == "long_step"


@pytest.mark.parametrize(
    ("repo", "path", "module", "flagged"),
    [
        ("https://github.com/openai/miniF2F", "a.lean", "A", True),
        ("", "MiniF2F/Test.lean", "MiniF2F.Test", True),
        ("https://github.com/x/minif2f-lean4", "src/A.lean", "A", True),
        ("https://github.com/zhangir-azerbayev/ProofNet", "A.lean", "A", True),
        ("https://github.com/leanprover-community/mathlib4", "Mathlib/A.lean", "Mathlib.A", False),
    ],
)
def test_folders_of_test_sets_are_known(repo: str, path: str, module: str, flagged: bool) -> None:
    assert bool(list(TestStatements().flags_of_place(repo, path, module))) == flagged
    assert not list(TestStatements(folders=False).flags_of_place(repo, path, module))


def test_a_list_that_is_not_there_is_said_before_any_work() -> None:
    with pytest.raises(ModelNotFound, match="nowhere"):
        TestStatements(lists=("minif2f-lean=nowhere.lean",)).check()


def test_a_run_without_lists_says_so_in_its_trail() -> None:
    assert TestStatements().judge(step()).reason == "no_lists"


@given(st.text(min_size=1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_side_hangs_on_the_key_alone(key: str, validation: float, test: float) -> None:
    splits = Splits(validation, test)
    assert splits.side("random", key) == Splits(validation, test).side("random", key)
    if not validation and not test:
        assert splits.side("random", key) == "train"


def test_shares_are_about_what_was_asked_for() -> None:
    splits = Splits(0.1, 0.2)
    sides = [splits.side("random", str(number)) for number in range(5000)]
    assert 0.17 < sides.count("test") / 5000 < 0.23
    assert 0.08 < sides.count("val") / 5000 < 0.12


_PREMISES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.lists(st.sampled_from("PQRSTUVWXYZ"), max_size=4, unique=True),
    max_size=30,
)


@given(_PREMISES, st.integers(1, 5))
def test_every_held_out_proof_has_a_premise_that_no_training_proof_has(
    premises: dict[str, list[str]], statements: int
) -> None:
    groups = {name: str(sum(name.encode()) % statements) for name in premises}
    groups = {name: "" if statements == 1 else group for name, group in groups.items()}
    sides = novel_premise_sides(premises, groups, Splits(0.2, 0.2))
    assert sides.keys() == premises.keys()
    training = {p for name, used in premises.items() if sides[name] == "train" for p in used}
    by_group: dict[str, set[str]] = {}
    for name, side in sides.items():
        by_group.setdefault(groups[name] or name, set()).add(side)
        if side != "train" and not groups[name]:
            assert set(premises[name]) - training
    # Proofs of equal statements go together.
    assert all(len(found) == 1 for found in by_group.values())
    again = novel_premise_sides(dict(reversed(premises.items())), groups, Splits(0.2, 0.2))
    assert again == sides


def test_equal_statements_have_one_key_whatever_they_are_called() -> None:
    key = statement_key("lean4", "theorem", "foo", "theorem foo (h : a) : b ")
    assert key == statement_key(
        "lean4", "lemma", "X.bar", "/-- doc -/ @[simp] lemma X.bar\n (h : a) :  b"
    )
    assert key != statement_key("lean4", "theorem", "foo", "theorem foo (h : a) : c")
    assert key != statement_key("isabelle", "theorem", "foo", "theorem foo (h : a) : b")
    assert statement_key("lean4", "", "", "") == ""


def test_texts_are_those_of_proof_pile() -> None:
    document = step()
    document.content.step.state_before = "α : Type ?u.1137\n⊢ p"
    document.content.step.tactic_pp = "simp\n"
    assert rendered(document.content, Render()) == "[GOAL]\nα : Type ?u.1\n⊢ p\n[PROOFSTEP]\nsimp"
    published = Render(tactic="printed", renumber_metavariables=False)
    assert rendered(document.content, published) == (
        "[GOAL]\nα : Type ?u.1137\n⊢ p\n[PROOFSTEP]\nsimp\n"
    )
    isabelle = step(system="isabelle")
    assert rendered(isabelle.content, Render()) == "[PROOF STATE]\n⊢ p\n[PROOF STEP]\nsimp"
