"""A theory from the prover's own exports, written after the documented format."""

from __future__ import annotations

import pytest

from extractors.formal.assembly import Assembly
from extractors.formal.traced import TraceError
from extractors.isabelle.exports import export_module
from extractors.isabelle.yxml import yxml_events

THEORY = [
    ("theory", "theory Small\n  imports Main\nbegin"),
    ("", "\n\n"),
    ("lemma", 'lemma swap: "p \\<and> q \\<Longrightarrow> q \\<and> p"'),
    ("", "\n  "),
    ("by", "by auto"),
    ("", "\n\n(* a comment *)\n"),
    ("corollary", 'corollary\n  both [simp]:\n  fixes x :: nat\n  shows "x = x"'),
    ("", "\n"),
    ("apply", "apply simp"),
    ("", " "),
    ("text", "text \\<open>α\\<close>"),
    ("", "\n"),
    ("done", "done"),
    ("", "\n\n"),
    ("end", "end"),
]
_STATES = {
    2: "proof (prove)\ngoal (1 subgoal):\n 1. p \\<and> q \\<Longrightarrow> q \\<and> p",
    6: "proof (prove)\ngoal (1 subgoal):\n 1. x = x",
    8: "proof (prove)\ngoal:\nNo subgoals!",
}


def element(kind: str, body: str, /, **attributes: str) -> str:
    pairs = "".join(f"\x06{key}={value}" for key, value in attributes.items())
    return f"\x05\x06{kind}{pairs}\x05{body}\x05\x06\x05"


def symbols(text: str) -> int:
    import re

    return len(re.findall(r"\\<\^?[A-Za-z]+>|[\s\S]", text))


MARKUP = "".join(
    element("command_span", element("keyword1", text), name=name) if name else text
    for name, text in THEORY
)


def offset(number: int) -> str:
    return str(1 + sum(symbols(text) for _, text in THEORY[:number]))


MESSAGES = "".join(
    element(
        "state_message",
        element("subgoals", state),
        serial="1",
        offset=offset(number),
        file="~~/Small.thy",
    )
    for number, state in _STATES.items()
) + element("writeln_message", "theorem swap", offset=offset(4))


def test_each_command_has_the_state_before_and_after_it() -> None:
    module = export_module(MARKUP, MESSAGES, "Sample.Small")
    rows = list(Assembly(module, "t").steps())
    assert [row.step.tactic for row in rows] == [
        "by auto",
        "apply simp",
        "text \\<open>α\\<close>",
        "done",
    ]
    assert rows[0].step.state_before == _STATES[2]
    assert rows[0].step.state_after == ""
    assert rows[1].step.num_goals_before == 1
    assert rows[1].step.state_after == _STATES[8]
    # A text changes nothing, and the command after it finds the state of before.
    assert rows[3].step.state_before == _STATES[8]
    assert rows[2].faults == ("diagnostic",)


def test_positions_are_bytes_although_isabelle_counts_symbols() -> None:
    module = export_module(MARKUP, MESSAGES, "Sample.Small")
    assert module.source is not None
    assert module.source.text == "".join(text for _, text in THEORY)
    for row in Assembly(module, "t").steps():
        assert module.source.slice(row.place.start_byte, row.place.end_byte) == row.step.tactic


def test_corollaries_and_statements_on_several_lines_are_declarations() -> None:
    rows = Assembly(export_module(MARKUP, MESSAGES, "Sample.Small"), "t").declarations
    assert [(row.decl_kind, row.decl_name) for row in rows] == [
        ("lemma", "swap"),
        ("corollary", "both"),
    ]
    assert rows[1].statement.endswith('shows "x = x"')
    assert rows[1].proof_text.startswith("apply simp")


def test_errors_are_of_the_proof_that_they_lie_in() -> None:
    error = element("error_message", "Failed to finish proof", offset=offset(4))
    module = export_module(MARKUP, MESSAGES + error, "Sample.Small")
    assert module.status == "errors"
    rows = Assembly(module, "t").declarations
    assert [row.decl_has_error for row in rows] == [True, False]


def test_a_build_without_states_is_refused() -> None:
    with pytest.raises(TraceError, match="show_states"):
        export_module(MARKUP, "", "Sample.Small")
    with pytest.raises(TraceError, match="no command spans"):
        export_module("plain text", MESSAGES, "Sample.Small")


@pytest.mark.parametrize("document", ["\x05\x06a\x05text", "text\x05\x06\x05"])
def test_elements_that_do_not_close_are_refused(document: str) -> None:
    with pytest.raises(TraceError):
        list(yxml_events(document))
