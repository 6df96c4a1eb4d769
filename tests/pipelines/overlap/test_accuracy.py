"""Accuracy on problems that are in the corpus, and on those that aren't."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from filters.overlap import editions_named
from pipelines.cli import app
from pipelines.engine import Engine
from pipelines.errors import InputError
from pipelines.overlap.accuracy import read_outputs
from pipelines.overlap.corpus import Columns, resolve_corpus
from pipelines.overlap.problem_sets import read_set
from pipelines.overlap.report import OverlapReport

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    rows = [
        {
            "problem": " ".join(f"{word}{chr(97 + n)}" for word in WORDS),
            "level": f"Level {n % 2 + 1}",
        }
        for n in range(6)
    ]
    rows.append({"problem": "Too short.", "level": "Level 1"})
    problems = tmp_path / "math.jsonl"
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps({"text": rows[n]["problem"]}) + "\n" for n in (0, 1, 2)))
    OverlapReport(
        resolve_corpus([str(corpus)]),
        Columns(),
        [read_set(f"math={problems}")],
        editions_named(["normalised-13"]),
        tmp_path / "report",
        Engine(1),
        display="quiet",
    ).execute()
    return tmp_path / "report"


def test_accuracy_by_level(report: Path, tmp_path: Path) -> None:
    right = {0: True, 1: False, 2: False, 3: True, 4: True, 5: True, 6: True}
    outputs = tmp_path / "outputs.json"
    samples = [{"doc": {"id": n}, "exact_match": int(ok)} for n, ok in right.items()]
    outputs.write_text(json.dumps({"results": samples}))
    fields = ["--item-field", "doc.id", "--correct-field", "exact_match"]
    arguments = ["--problem-set", "math", "--edition", "normalised-13", *fields, "--json"]
    command = ["overlap", "accuracy", str(report), str(outputs), *arguments]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.output) == [
        # The seventh is too short to be found, so that nothing is known of it.
        {
            "group": "Level 1",
            "found": 2,
            "found_accuracy": 0.5,
            "others": 1,
            "others_accuracy": 1.0,
        },
        {
            "group": "Level 2",
            "found": 1,
            "found_accuracy": 0.0,
            "others": 2,
            "others_accuracy": 1.0,
        },
    ]
    table = CliRunner().invoke(app, [*command[:-1]])
    assert "50.0%" in table.output
    wrong = CliRunner().invoke(app, [*command[:-1], "--side", "formal"])
    assert wrong.exit_code == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"item": "1", "correct": 2}]', "--correct-field"),
        ('[{"item": "1", "correct": true}, {"item": "1", "correct": true}]', "two answers"),
        ("no json", "no JSON"),
        ('{"other": []}', "no list"),
    ],
)
def test_answers_that_can_not_be_used_are_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        read_outputs(path, "item", "correct")


def test_real_results_of_a_prover_are_read(shared_data: Path) -> None:
    path = shared_data / "pp2" / "llemma_f2f_results_llemma7b_0.json"
    answers = read_outputs(path, "example.full_name", "success")
    assert (len(answers), sum(answers.values())) == (61, 21)
