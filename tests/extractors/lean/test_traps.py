"""What extractors get wrong, each on a trace that a real Lean made of proofs written for it.

``recorded/Constructs.jsonl`` is what our extractor printed of ``recorded/Constructs.lean``, compiled
and run with a complete Lean 4 (2021-07-12). What it should hold is counted by hand.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from extractors.formal.assembly import Assembly
from extractors.formal.formats import line_format, modules_of_document, modules_of_lines
from extractors.formal.positions import SourceText
from extractors.formal.traced import TracedModule, TraceError
from extractors.lean.declarations import declaration_source, namespaces, proof_style
from extractors.lean.info_trace import info_trace_module
from extractors.lean.own_trace import own_lines, own_module
from schemas.goal_states import DeclarationRow, FormalStep

HERE = Path(__file__).parent
RECORDED = HERE / "recorded" / "Constructs.jsonl"
EXPANSIONS = {"expansion", "synthetic", "borrowed_position"}


def recorded() -> TracedModule:
    text = RECORDED.read_text("utf-8")
    return own_module((n, json.loads(line)) for n, line in enumerate(text.split("\n")) if line)


@pytest.fixture(scope="module")
def assembly() -> Assembly:
    return Assembly(recorded(), "Constructs.jsonl")


@pytest.fixture(scope="module")
def records(assembly: Assembly) -> list[FormalStep]:
    return list(assembly.steps())


@pytest.fixture(scope="module")
def steps(records: list[FormalStep]) -> list[FormalStep]:
    """The steps of the file: expansions are records of the trace and no steps."""
    return [record for record in records if not EXPANSIONS & set(record.faults)]


@pytest.fixture(scope="module")
def declarations(assembly: Assembly) -> dict[str, DeclarationRow]:
    return {row.decl_name: row for row in assembly.declarations if row.decl_kind}


def of(steps: list[FormalStep], name: str) -> list[FormalStep]:
    return [step for step in steps if step.place.decl_name == f"Ομαδα.{name}"]


def test_every_declaration_has_the_steps_that_were_counted_by_hand(
    declarations: dict[str, DeclarationRow],
) -> None:
    assert {name.removeprefix("Ομαδα."): row.num_steps for name, row in declarations.items()} == {
        "tausch": 6,
        "both": 10,
        "all_of_them": 4,
        "by_induction": 3,
        "simplified": 2,
        "alternatives": 5,
        "have_and_show": 5,
        "a_term": 0,
        "mixed": 1,
        "rewritten": 1,
        "Pair": 0,
        "swapped": 2,
        "instInhabitedPairTrueTrue": 1,
        "": 1,
        "equations": 0,
        "gap": 1,
        "broken": 3,
        "nach_dem_fehler": 1,
    }


def test_offsets_are_bytes_and_texts_are_those_of_the_source(steps: list[FormalStep]) -> None:
    data = (HERE / "recorded" / "Constructs.lean").read_bytes()
    wrong = 0
    for step in steps:
        start, end = step.place.start_byte, step.place.end_byte
        assert data[start:end].decode() == step.step.tactic
        wrong += data.decode()[start:end] != step.step.tactic
        line = data.decode().split("\n")[step.place.start_line - 1]
        assert line[step.place.start_col :].startswith(step.step.tactic.split("\n")[0])
    assert wrong > len(steps) / 2


def test_a_span_that_runs_on_several_goals_is_several_steps(steps: list[FormalStep]) -> None:
    both = of(steps, "both")
    assumptions = [s for s in both if s.step.tactic == "assumption"]
    assert [s.place.occurrence for s in assumptions] == [0, 1, 2, 3]
    assert len({s.step.state_before for s in assumptions}) == 4
    assert len({s.place.start_byte for s in assumptions}) == 1
    assert len({s.bundle for s in both}) == len(both)
    assert [s.place.occurrence for s in of(steps, "all_of_them")] == [0, 0, 0, 1]


def test_an_expansion_with_its_steps_span_is_not_the_step_again(
    records: list[FormalStep], steps: list[FormalStep]
) -> None:
    cases = [r for r in records if r.step.tactic.startswith("cases hΔ")]
    assert len(cases) == 2
    assert [bool(EXPANSIONS & set(r.faults)) for r in cases] == [False, True]
    assert len(records) > 2 * len(steps)


def test_the_rfl_of_rw_has_the_place_of_a_bracket_and_is_no_step(records: list[FormalStep]) -> None:
    brackets = [r for r in of(records, "rewritten") if r.step.tactic == "]"]
    assert brackets
    assert all("borrowed_position" in r.faults for r in brackets)
    pieces = [r for r in of(records, "rewritten") if r.step.tactic == "rw [h"]
    assert all("borrowed_position" in r.faults for r in pieces)


def test_failed_alternatives_are_marked_even_when_they_moved_first(steps: list[FormalStep]) -> None:
    first, moved, stuck, again, closed = of(steps, "alternatives")
    assert first.step.is_structuring
    assert "failed_alternative" in moved.faults
    assert moved.step.state_before != moved.step.state_after
    assert "unchanged" in stuck.faults
    assert not again.faults
    assert not closed.faults
    assert {s.step.combinator for s in (moved, again)} == {"Lean.Parser.Tactic.first"}


def test_structuring_steps_hold_others_and_are_marked(steps: list[FormalStep]) -> None:
    cases, apply, dot, inside, *_ = of(steps, "tausch")
    assert cases.step.is_structuring
    assert dot.step.is_structuring
    assert dot.step.tactic == "· exact h₂"
    assert not inside.step.is_structuring
    assert (apply.step.depth, apply.step.parent_step) == (1, 0)
    assert (inside.step.depth, inside.step.parent_step) == (2, 2)
    (have,) = (s for s in steps if s.step.tactic.startswith("have hq"))
    assert have.step.is_structuring
    # A lambda with a centred dot is no structuring step; the text alone doesn't tell.
    assert not any(s.step.is_structuring for s in of(steps, "simplified"))


def test_what_has_no_name_in_the_source_has_one_in_the_environment(
    declarations: dict[str, DeclarationRow],
) -> None:
    instance = declarations["Ομαδα.instInhabitedPairTrueTrue"]
    assert instance.decl_kind == "instance"
    assert instance.proof_style == "mixed"
    assert declarations[""].decl_kind == "example"


def test_statements_and_proofs_of_every_kind_come_apart(
    declarations: dict[str, DeclarationRow],
) -> None:
    rows = {name.removeprefix("Ομαδα."): row for name, row in declarations.items()}
    assert rows["a_term"].proof_text == ":= h"
    assert rows["a_term"].proof_style == "term"
    assert rows["mixed"].proof_style == "mixed"
    assert rows["equations"].proof_text.startswith("| 0 => 0")
    assert rows["swapped"].proof_text.startswith("where\n  first := by")
    assert rows["Pair"].proof_text.startswith("where")
    assert rows["tausch"].doc_string.startswith("Non-ASCII")
    assert rows["tausch"].statement_pp == "∀ {Δ₁ Δ₂ : Prop}, Δ₁ ∧ Δ₂ → Δ₂ ∧ Δ₁"
    assert rows["tausch"].namespace == "Ομαδα"


def test_errors_and_gaps_are_of_the_declaration_that_has_them(
    declarations: dict[str, DeclarationRow],
) -> None:
    assert [name for name, row in declarations.items() if row.decl_has_error] == ["Ομαδα.broken"]
    assert [name for name, row in declarations.items() if row.decl_has_sorry] == ["Ομαδα.gap"]
    assert recorded().status == "errors"


def test_a_module_written_again_is_the_same() -> None:
    module = recorded()
    lines = list(enumerate(own_lines(module)))
    again = own_module(lines)
    first, second = (list(Assembly(m, "t").steps()) for m in (module, again))
    assert [(s.step.tactic, s.faults, s.bundle) for s in first] == [
        (s.step.tactic, s.faults, s.bundle) for s in second
    ]


def test_identity_does_not_hang_on_the_run() -> None:
    """Other tools' ids end in letters drawn anew each time."""
    first, second = (list(Assembly(recorded(), name).steps()) for name in ("a", "b"))
    assert [s.bundle for s in first] == [s.bundle for s in second]
    assert [s.place.declaration_id for s in first] == [s.place.declaration_id for s in second]


# ---- the trace option of a stock Lean -----------------------------------------------------------


def test_a_recorded_trace_of_a_stock_lean_gives_what_its_reader_recorded(shared_data: Path) -> None:
    folder = shared_data / "lean" / "mini435"
    source = SourceText((folder / "T1.lean").read_text("utf-8"))
    raw = (folder / "T1.raw_infotrace.jsonl").read_text("utf-8").split("\n")
    messages = ((n, json.loads(line)) for n, line in enumerate(raw) if line)
    module = info_trace_module(messages, source, "T1", "T1.lean")
    expected = [
        json.loads(line) for line in (folder / "T1.jsonl").read_text("utf-8").split("\n") if line
    ]
    assert [(s.goals_before, s.goals_after) for s in module.steps] == [
        (row["goals_before"], row["goals_after"]) for row in expected
    ]


def node(indent: int, head: str, *body: str) -> str:
    return "\n".join([f"{' ' * indent}• {head}", *(" " * (indent + 2) + line for line in body)])


def traced(text: str, *nodes: str) -> TracedModule:
    """A trace of one command, in the form that Lean 4.35 prints."""
    last = text.rstrip("\n").split("\n")
    command = node(
        2, f"[Command] @ ⟨1, 0⟩-⟨{len(last)}, {len(last[-1])}⟩ @ Lean.Elab.Command.elabDeclaration"
    )
    data = "[Elab.info] \n" + "\n".join([command, *nodes])
    message = {"severity": "information", "data": data, "pos": {"line": 1, "column": 0}}
    return info_trace_module([(0, message)], SourceText(text), "M", "M.lean")


def test_asynchronous_bodies_are_looked_through() -> None:
    module = traced(
        "theorem t : True := by trivial",
        node(4, "[CustomInfo(Lean.Elab.Term.AsyncBodyInfo)]"),
        node(6, "[CustomInfo(Lean.Elab.Term.BodyInfo)]"),
        node(
            8,
            "[Tactic] @ ⟨1, 23⟩-⟨1, 30⟩ @ Lean.Elab.Tactic.evalTrivial",
            '(Tactic.tacticTrivial "trivial")',
            "before ",
            "⊢ True",
            "after no goals",
        ),
    )
    (step,) = Assembly(module, "t").steps()
    assert step.step.tactic == "trivial"
    assert step.place.decl_name == "t"


def test_conv_and_calc_are_steps_and_their_lists_are_none() -> None:
    text = "theorem t : a = b := by\n  conv => lhs\n  calc a = b := h"
    module = traced(
        text,
        node(4, "[Tactic] @ ⟨2, 2⟩-⟨2, 13⟩ @ Lean.Elab.Tactic.Conv.evalConv",
             '(Tactic.Conv.conv "conv" "=>" (Tactic.Conv.convSeq []))', "before ", "⊢ a = b", "after ", "⊢ a = b'"),
        node(6, "[Tactic] @ ⟨2, 10⟩-⟨2, 13⟩ @ Lean.Elab.Tactic.Conv.evalConvSeq1Indented",
             '(Tactic.Conv.convSeq1Indented [(Tactic.Conv.lhs "lhs")])', "before ", "| a = b", "after ", "| a"),
        node(8, "[Tactic] @ ⟨2, 10⟩-⟨2, 13⟩ @ Lean.Elab.Tactic.Conv.evalLhs",
             '(Tactic.Conv.lhs "lhs")', "before ", "| a = b", "after ", "| a"),
        node(4, "[Tactic] @ ⟨3, 2⟩-⟨3, 17⟩ @ Lean.Elab.Tactic.evalCalc",
             '(Lean.calcTactic "calc" (Lean.calcSteps []))', "before ", "⊢ a = b", "after no goals"),
        node(6, "[Tactic] @ ⟨3, 7⟩-⟨3, 17⟩ @ x", "(Lean.calcSteps [])", "before ", "⊢ a = b", "after no goals"),
    )  # fmt: skip
    found = list(Assembly(module, "t").steps())
    assert [s.step.tactic for s in found] == ["conv => lhs", "lhs", "calc a = b := h"]
    assert found[1].step.goals_before[0].conclusion == "a = b"
    assert found[1].step.depth == 1


def test_a_goal_may_hold_what_looks_like_a_node_or_a_label() -> None:
    module = traced(
        "theorem t : p := by exact after",
        node(
            4,
            "[Tactic] @ ⟨1, 20⟩-⟨1, 31⟩ @ Lean.Elab.Tactic.evalExact",
            '(Tactic.exact "exact" `after)',
            "before ",
            "before : Prop",
            "after : p",
            "h : q",
            "              • [Term] not a node",
            "⊢ p",
            "after no goals",
        ),
    )
    (step,) = Assembly(module, "t").steps()
    assert [h.names for h in step.step.goals_before[0].hypotheses] == [
        ("before",),
        ("after",),
        ("h",),
    ]
    assert step.step.num_goals_after == 0


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([{"severity": "error", "data": "unknown module prefix 'X'", "pos": {"line": 1, "column": 0}}], "no_info_trees"),
        ([], "no_info_trees"),
        # As Lean printed them in 2021: without bullets.
        ([{"severity": "information", "data": "[Elab.info] command @ ⟨3, 0⟩-⟨3, 15⟩ @ X", "pos": None}], "unreadable_tree"),
        ([{"severity": "information", "data": "[Elab.info] \n  • [Tactic] @ ⟨9, 0⟩-⟨9, 1⟩ @ X\n    (Tactic.skip)\n    before \n    ⊢ p\n    after \n    ⊢ p", "pos": None}], "other_source"),
        ([{"severity": "information", "data": "[Elab.info] \n  • [Tactic] @ ⟨1, 0⟩-⟨1, 1⟩ @ X\n    (Tactic.skip)", "pos": None}], "unreadable_tactic"),
    ],
)  # fmt: skip
def test_a_trace_that_cannot_be_read_is_an_error_and_no_empty_module(
    messages: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(TraceError) as caught:
        info_trace_module(enumerate(messages), SourceText("theorem"), "M", "M.lean")
    assert caught.value.reason == reason


# ---- other formats ------------------------------------------------------------------------------


def test_formats_are_told_by_content() -> None:
    assert line_format({"what": 1}) is None
    names = {
        "proofmill": {"kind": "module", "module": "M"},
        "ntp-toolkit": {
            "state": "",
            "nextTactic": "",
            "srcUpToTactic": "",
            "declId": "M.1_0.abcdefghijklmno",
        },
        "lean-messages": {"data": "", "severity": "", "pos": {}},
    }
    for name, line in names.items():
        form = line_format(line)
        assert form is not None
        assert form.name == name


def test_a_leandojo_trace_has_bytes_for_tactics_and_places_for_premises() -> None:
    text = "theorem α (h : p) : q := by\n  exact foo h"
    start = text.encode().index(b"exact")
    trace = {
        "commandASTs": [],
        "tactics": [{"stateBefore": "h : p\n⊢ q", "stateAfter": "no goals", "pos": start, "endPos": start + 11}],
        "premises": [
            {
                "fullName": "N.foo", "modName": "N", "defPath": "N.lean",
                "defPos": {"line": 7, "column": 8}, "defEndPos": {"line": 7, "column": 11},
                "pos": {"line": 2, "column": 8}, "endPos": {"line": 2, "column": 11},
            }
        ],
    }  # fmt: skip
    (module,) = modules_of_document(json.dumps(trace), lambda suffix: text, "Dir/M.ast.json")
    assert isinstance(module, TracedModule)
    (step,) = Assembly(module, "t").steps()
    assert step.step.tactic == "exact foo h"
    assert step.step.annotated_tactic == "exact <a>foo</a> h"
    assert step.step.premises[0].full_name == "N.foo"


def test_the_repl_counts_columns_in_code_points(shared_data: Path) -> None:
    raw = (shared_data / "lean" / "repl__test__calc.expected.out").read_text("utf-8")
    given = (shared_data / "lean" / "repl__test__calc.in").read_text("utf-8")
    (module,) = modules_of_document(
        raw, lambda suffix: given if suffix == ".in" else None, "calc.out"
    )
    assert isinstance(module, TracedModule)
    found = list(Assembly(module, "t").steps())
    assert [s.step.tactic for s in found if not s.faults] == [
        "calc\n  3 = 4 := by sorry\n  4 = 5 := by sorry",
        "sorry",
        "sorry",
    ]


def test_one_bad_module_does_not_stop_the_others() -> None:
    good = {"kind": "module", "module": "Good", "text": ""}
    lines = [
        {"kind": "module", "module": "Bad", "text": ""},
        {"kind": "step", "id": 0},
        good,
        {"kind": "end", "steps": 0},
    ]
    form = line_format(good)
    assert form is not None
    bad, module = modules_of_lines(enumerate(lines), form, lambda suffix: None, "t")
    assert isinstance(bad, tuple)
    assert bad[1].reason == "malformed"
    assert isinstance(module, TracedModule)
    assert module.status == "ok"


def test_random_text_is_no_trace() -> None:
    for text in ("", "hello", "[1, 2]", '{"a": 1}', "\x05\x06a"):
        with pytest.raises(TraceError):
            list(modules_of_document(text, lambda suffix: None, "t"))


# ---- declarations' sources ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "keyword", "name", "proof"),
    [
        ("theorem a.b (h : x = y := by simp) : p := q", "theorem", "a.b", ":= q"),
        ("@[simp, to_additive (attr := foo)]\nprotected lemma «x y» : p := by\n  rfl", "lemma", "«x y»", ":= by\n  rfl"),
        ("open Foo in\n/-- doc -/ private def f : Nat → Nat\n  | 0 => 1\n  | n => n", "def", "f", "| 0 => 1\n  | n => n"),
        ("instance (priority := low) : Foo Nat where\n  x := 1", "instance", "", "where\n  x := 1"),
        ("instance foo : Foo Nat := ⟨1⟩", "instance", "foo", ":= ⟨1⟩"),
        ("example : let x := 1; x = 1 := rfl", "example", "", ":= rfl"),
        ("theorem t : |x| = x ∧ {y | y = x} = s := h", "theorem", "t", ":= h"),
        ('theorem t : "a := b" = s -- := no\n := h', "theorem", "t", ":= h"),
        ("axiom choice : p", "axiom", "choice", ""),
        ("#eval 1", "", "", ""),
        ("noncomputable section", "", "", ""),
    ],
)  # fmt: skip
def test_declarations_come_apart(text: str, keyword: str, name: str, proof: str) -> None:
    found = declaration_source(text)
    assert (found.keyword, found.name) == (keyword, name)
    if keyword:
        assert text[found.proof :] == proof


def test_the_style_of_a_proof() -> None:
    proofs = [":= by simp", ":= h", ":= ⟨by simp, h⟩", ":=\n  byContradiction h", ""]
    assert [proof_style(p) for p in proofs] == ["tactic", "term", "mixed", "term", ""]


def test_namespaces_are_followed_through_sections() -> None:
    commands = [
        "namespace A.B",
        "section",
        "theorem x : p := h",
        "end",
        "end B",
        "theorem y : p := h",
        "end A",
        "def z := 1",
    ]
    assert Counter(namespaces(commands)) == Counter(["", "A.B", "A.B", "A.B", "A.B", "A", "A", ""])
