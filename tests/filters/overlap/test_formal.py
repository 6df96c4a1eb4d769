"""Formal statements: by what they say and by qualified name, in every file and place.

Three defects of the published removal are tests here: it passed over copies under other names and
in other repositories, it took the first place of a file alone, and it removed what merely had a
short name in common.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.overlap import Problem
from filters.overlap.declarations import declarations, language_of, languages_in
from filters.overlap.formal import FormalFinder

STATEMENT = """theorem mathd_algebra_478
  (b h v : ℝ)
  (h₀ : 0 < b ∧ 0 < h ∧ 0 < v)
  (h₁ : v = 1 / 3 * (b * h)) :
  v = 65"""
PROBLEM = Problem("minif2f", "1", formal=STATEMENT, language="lean", names=("mathd_algebra_478",))
LEMMA = 'lemma w: "x \\<in> A \\<Longrightarrow> f x = g x \\<and> finite A"'
PISA = Problem("pisa", "1", formal=LEMMA, language="isabelle", names=("Topology.w",))


def found(text: str, *problems: Problem, module: str = "", language: str = "lean") -> list[str]:
    """What is found, and the text that it is found in."""
    matches = FormalFinder(problems).find(text, language, module)  # type: ignore[arg-type]
    return [f"{m.edition}: {text[m.document_start : m.document_end].strip()}" for m in matches]


def test_a_copy_is_found_under_another_name_and_layout() -> None:
    copy = """/-- A renamed copy. -/
@[simp] lemma pyramid_volume (b h v : ℝ) (h₀ : 0<b ∧ 0<h ∧ 0<v) -- all positive
    (h₁ : v = 1/3 * (b*h)) : /- the volume /- really -/ -/ v = 65 := by
  sorry"""
    assert found(f"import Mathlib\n\n{copy}\n\ndef other := 1\n", PROBLEM) == [f"statement: {copy}"]


def test_every_place_of_a_file_is_found() -> None:
    proof = f"{STATEMENT} :=\nbegin\n  norm_num,\nend"
    text = (
        f"{proof}\n\nnamespace copy\n\n{proof}\n\nend copy\n\n{proof.replace('v = 65', 'v = 66')}\n"
    )
    assert found(text, PROBLEM) == [
        f"statement: {proof}",
        f"statement: {proof}",
        # Changed, but under the name of the problem.
        f"name: {proof.replace('v = 65', 'v = 66')}",
    ]


def test_a_name_counts_when_it_is_the_whole_qualified_name() -> None:
    other = 'lemma w: "y = y"'
    longer = 'lemma w_mono: "y = y"'
    text = (
        f"theory Topology imports Main begin\n\n{longer}\n  by simp\n\n{other}\n  by simp\n\nend\n"
    )
    assert found(text, PISA, language="isabelle") == [f"name: {other}\n  by simp"]
    elsewhere = text.replace("Topology", "Algebra")
    assert found(elsewhere, PISA, language="isabelle") == []


def test_names_are_qualified_by_namespaces_and_modules() -> None:
    problem = Problem(
        "proofnet",
        "Rudin|exercise_1_1",
        formal="theorem exercise_1_1 : true",
        language="lean",
        names=("Rudin.exercise_1_1",),
    )
    text = "theorem exercise_1_1 (x : ℕ) : x = x := rfl\n"
    assert found(text, problem, module="Rudin") == [f"name: {text.strip()}"]
    assert found(text, problem, module="Munkres") == []
    assert found(text, problem) == []
    inside = f"namespace Rudin\n{text}end Rudin\n"
    assert found(inside, problem) == [f"name: {text.strip()}"]


def test_a_statement_too_short_to_tell_is_known_by_its_name_alone() -> None:
    short = Problem("s", "1", formal="theorem t (x : ℕ) : x = x", language="lean", names=("t",))
    assert found("theorem u (x : ℕ) : x = x := rfl\n", short) == []
    assert found("theorem t (y : ℕ) : y = y := rfl\n", short) == [
        "name: theorem t (y : ℕ) : y = y := rfl"
    ]


def test_a_longer_statement_that_begins_the_same_is_another() -> None:
    text = f"{STATEMENT.replace('mathd_algebra_478', 'other')} ∨ v = 66 := sorry\n"
    assert found(text, PROBLEM) == []


def test_a_word_in_a_comment_or_a_proof_declares_nothing() -> None:
    text = (
        f"/-\n{STATEMENT} := sorry\n-/\n-- {STATEMENT.splitlines()[0]}\nexample : true := trivial\n"
    )
    assert found(text, PROBLEM) == []


def test_isabelle_statements_in_quotes_and_locales() -> None:
    text = (
        "theory T imports Main begin\n"
        '  lemma (in group) renamed [simp, intro]: "x \\<in> A \\<Longrightarrow>\n'
        '      f x = g x (* trivial. proof by hand *) \\<and> finite A"\n'
        "    by auto\n"
        "  text \\<open>That was it.\\<close>\n"
        "end\n"
    )
    (place,) = found(text, PISA, language="isabelle")
    assert place.startswith("statement: lemma (in group) renamed")
    assert place.endswith("by auto")


@pytest.mark.parametrize(
    ("path", "language"), [("a/B.lean", "lean"), ("C.THY", "isabelle"), ("d.py", None), ("", None)]
)
def test_the_suffix_tells_the_language(path: str, language: str | None) -> None:
    assert language_of(path) == language


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("We prove a lemma.\n\nlemma x : 1 = 1 := rfl", ["lean"]),
        (
            'theory A imports Main begin\nlemma x:\n  fixes a :: nat\n  shows "a = a"',
            ["lean", "isabelle"],
        ),
        ('lemma x: "a = a" by simp', ["isabelle"]),
        ('theorem x says that y := z is "good"', ["lean", "isabelle"]),
        ('The theorem says := or "not".', []),
        ("", []),
    ],
)
def test_a_text_of_unknown_origin_is_read_as_what_it_may_be(
    text: str, languages: list[str]
) -> None:
    assert languages_in(text) == languages


def test_a_lean_file_is_not_read_as_isabelle() -> None:
    text = "theorem mathd_algebra_1 : 2 + 2 = 4 := by norm_num\n"
    assert languages_in(text) == ["lean"]


PIECES = ["theorem ", "t ", ": ", '"', "x = x", "\n", "  ", "/-", "-/", "--", "(*", "*)", ":= ", "by ",
          "lemma ", "[", "]", "namespace N\n", "end N\n", "@[simp] ", "begin\n", "end\n", "example "]  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=40), st.sampled_from(["lean", "isabelle"]))
def test_any_text_has_declarations_in_order_within_it(pieces: list[str], language: str) -> None:
    text = "".join(pieces)
    place = 0
    for item in declarations(text, language):  # type: ignore[arg-type]
        assert 0 <= item.start <= item.statement_start < item.statement_end <= len(text)
        assert item.statement_end <= item.end <= len(text)
        assert item.statement_start >= place
        place = item.statement_start
