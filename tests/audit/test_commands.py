"""``proofmill audit`` as a person and a machine run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from audit import AuditRun
from audit.commands import app

URL = "https://wiki-clone.test/Cauchy-Schwarz"


def ask(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(part) for part in arguments], env={"COLUMNS": "160"})
    assert done.exit_code == code, done.output
    return done.output


def ask_json(*arguments: object) -> object:
    return json.loads(ask(*arguments, "--json"))


def test_explain_shows_the_whole_trail(judged_by_all: Path, run: AuditRun) -> None:
    shown = ask("explain", judged_by_all, URL)
    for stage in run.stages:
        assert stage.name in shown
    for word in ("stays in its place", "mathml_alttext 24 of 24", "sample.warc.gz", "Cauchy"):
        assert word in shown
    (told,) = json.loads(ask("explain", judged_by_all, URL, "--json"))
    assert told["record"]["dropped_by"] == "near_duplicates"
    assert told["cluster"]["members"][0]["kept"] is True
    assert "text" not in json.loads(ask("explain", judged_by_all, URL, "--json", "--no-text"))[0]


def test_a_document_that_is_not_there_is_the_answer_no(judged_by_all: Path) -> None:
    assert "never in the input" in ask("explain", judged_by_all, "https://a.example/", code=1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("funnel", "missing"),
        ("what-if", "RUN", "--set", "math_score.treshold=1"),
        ("what-if", "RUN", "--set", "quality.minimum_chars=3"),
        ("sample", "RUN", "--dropped-by", "nothing"),
        ("funnel", "RUN", "--by", "nothing"),
        ("funnel", "RUN", "--picture", "x.bmp"),
        ("diff", "RUN", "missing"),
        ("labels", "import", "RUN", "missing.csv"),
    ],
)
def test_wrong_questions_are_refused_before_any_work(
    judged_by_all: Path, arguments: tuple[str, ...]
) -> None:
    given = [str(judged_by_all) if part == "RUN" else part for part in arguments]
    assert "error:" in ask(*given, code=2)


def test_every_question_answers_for_people_and_machines(judged_by_all: Path) -> None:
    questions = (
        ("funnel", "--by", "domain"),
        ("domains",),
        ("sample", "--dropped-by", "math_score", "--near-threshold", "0.5", "-n", "3"),
        ("what-if", "--set", "math_score.threshold_without_math=0.1"),
        ("duplicates",),
        ("duplicates", "046ba88fa5ff7eaf5b24fbd9ed95a955"),
        ("search", "--text", "Cauchy"),
    )
    for command, *rest in questions:
        assert ask(command, judged_by_all, *rest).strip()
        assert ask_json(command, judged_by_all, *rest)
    assert ask("diff", judged_by_all, judged_by_all).strip()
    told = ask_json("diff", judged_by_all, judged_by_all)
    assert isinstance(told, dict) and told["entered"] == 0


def test_what_if_prints_what_it_ignores(half_shadow: Path) -> None:
    shown = ask("what-if", half_shadow, "--set", "math_score.enabled=false")
    assert "Wilson" in shown and "~" in shown and "duplicates" in shown


def test_the_funnel_is_drawn(judged_by_all: Path, tmp_path: Path) -> None:
    ask("funnel", judged_by_all, "--picture", tmp_path / "funnel.svg")
    assert "<svg" in (tmp_path / "funnel.svg").read_text()


def test_a_sheet_goes_out_and_comes_back(judged_by_all: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    ask("export", judged_by_all, "--output", sheet, "--stage", "math_score", "-n", "20")
    lines = sheet.read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("document_id,label,note,url")
    done = tmp_path / "done.tsv"
    kept = {
        row["document_id"]
        for row in json.loads(ask("sample", judged_by_all, "--kept", "-n", "500", "--json"))
    }
    drawn = json.loads(ask("sample", judged_by_all, "--stage", "math_score", "-n", "20", "--json"))
    rows = [f"{d['document_id']}\t{'keep' if d['document_id'] in kept else 'drop'}" for d in drawn]
    done.write_text("document_id\tlabel\n" + "\n".join(rows) + "\n")
    given = ("labels", "import", judged_by_all, done, "--filter", "math_score")
    labels = ("--labels", tmp_path / "labels.parquet")
    shown = ask(*given, *labels)
    assert "precision" in shown and "20 labels" in shown
    told = ask_json("labels", "measure", judged_by_all, "--filter", "math_score", *labels)
    assert isinstance(told, dict) and told["labels"] == 20
    assert told["measure"]["recall"]["value"] == 1.0


def test_control_characters_of_a_page_do_not_reach_the_terminal(
    judged_by_all: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from audit.sampling import Sampled
    from audit.terminal import show_sample

    evil = "\x1b]0;title\x07\x1b[31m[bold]red\x9b2J"
    show_sample(
        [
            Sampled(
                "a" * 32, evil, "", "en", 5, "drop", "x", evil, "x", 0.5, 0.1, evil, evil, "dropped"
            )
        ]
    )
    printed = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b"} & set(printed)
    assert "[bold]red" in printed
