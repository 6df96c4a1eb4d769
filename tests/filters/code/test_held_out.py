"""Theorems of test sets are cut out, as published and as it should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from filters.code.held_out import HeldOut
from schemas import Document

STATEMENT = 'lemma sum_odd: "(\\<Sum>i<n. 2 * i + (1::nat)) = n ^ 2"'
THEORY = f"""theory A imports Main begin

{STATEMENT}
  by (induct n) auto

lemma other: "True"
  by simp

{STATEMENT}
  by simp

end
"""
LEAN = """namespace Nat
theorem baz : 1 = 1 := rfl

lemma foo.bar : 2 = 2 := rfl

end Nat
"""


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "pisa").mkdir()
    (tmp_path / "pisa" / "quick_1.json").write_text(json.dumps([["A.thy", STATEMENT]]))
    (tmp_path / "pisa" / "quick_2.json").write_text(json.dumps([["A.thy", "lemma no colon"]]))
    rows = [
        {"file_path": "src/a.lean", "full_name": "Nat.foo.bar"},
        {"file_path": "src/a.lean", "full_name": "Nat.baz"},
    ]
    (tmp_path / "val.json").write_text(json.dumps(rows))
    return {"pisa": str(tmp_path / "pisa"), "leandojo": (str(tmp_path / "val.json"),)}


def cut(text: str, language: str, edition: Any, lists: dict[str, Any]) -> tuple[str, str]:
    document = Document("0" * 32, text=text, path="repo/src/a.lean", programming_language=language)
    stage = HeldOut(edition=edition, **lists)
    stage.check()
    return stage.judge(document).reason, document.text


def test_published_cuts_the_first_occurrence_of_a_name(lists: dict[str, Any]) -> None:
    reason, text = cut(THEORY, "isabelle", "published", lists)
    assert reason == "cut"
    assert text.count("sum_odd") == 1
    # A lemma of another theory by the same name is cut too.
    assert (
        "unrelated"
        not in cut('lemma sum_odd: "unrelated"\n\nend', "isabelle", "published", lists)[1]
    )


def test_ours_cuts_every_occurrence_of_a_statement(lists: dict[str, Any]) -> None:
    reason, text = cut(THEORY, "isabelle", "ours", lists)
    assert reason == "cut"
    assert "sum_odd" not in text
    assert "lemma other" in text
    assert "unrelated" in cut('lemma sum_odd: "unrelated"\n\nend', "isabelle", "ours", lists)[1]


def test_published_cuts_one_theorem_a_lean_file(lists: dict[str, Any]) -> None:
    text = cut(LEAN, "lean", "published", lists)[1]
    assert "baz" not in text
    assert "foo.bar" in text


def test_ours_cuts_all_of_a_lean_file(lists: dict[str, Any]) -> None:
    text = cut(LEAN, "lean", "ours", lists)[1]
    assert "baz" not in text
    assert "foo.bar" not in text


def test_nothing_is_cut_without_lists() -> None:
    stage = HeldOut()
    assert (
        stage.judge(Document("0" * 32, text=LEAN, programming_language="lean")).reason == "no_list"
    )
    assert stage.judge(Document("0" * 32, text="x", programming_language="c")).reason == "no_list"
