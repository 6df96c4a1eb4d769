"""Reports and removals from beginning to end: complete, exact, the same bytes however made."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from typer.testing import CliRunner

from filters.overlap import editions_named
from filters.overlap.removal import RemovalRule
from pipelines.cli import app
from pipelines.engine import Engine
from pipelines.errors import EngineFailed, InputError, InputFilesFailed, OtherRun
from pipelines.overlap import phase
from pipelines.overlap.corpus import Columns, resolve_corpus
from pipelines.overlap.problem_sets import read_set
from pipelines.overlap.removal import Removal
from pipelines.overlap.report import OverlapReport, Report, read_report
from schemas import Decision
from schemas.overlap import OVERLAP_DOCUMENTS, OVERLAP_PROBLEMS, OVERLAPS, REMOVALS
from schemas.version import check_schema
from schemas.web import WEB


def told(text: str, word: str) -> str:
    """The text with a word of its own at every fourth place."""
    return " ".join(word if n % 4 == 1 else own for n, own in enumerate(text.split()))


PROBLEMS = [
    {
        "problem": told(
            "A train of 9 waggons leaves <b>the station</b> & runs at the speed of 7 miles in each "
            "hour of its way, and how long does it take to come to the end?",
            word,
        ),
        "solution": told(
            "It takes 8 hours because that is what the guard of the line has measured on every "
            "single day of the past year, whatever the weather was like.",
            word,
        ),
        "level": f"Level {number}",
    }
    for number, word in enumerate(["zebra", "yak", "xenon", "walrus", "violin"])
]
CLEAN = "There is no problem here, only prose that goes on about nothing at all. "
LEMMA = "theorem sum_is_odd (a b : ℕ) (h : a + b = 7) : odd (a + b)"


def documents() -> list[str]:
    """Sixty documents; every tenth has a problem, every fifteenth a solution, in new lines."""
    made = []
    for n in range(60):
        text = f"Document {n}. " + CLEAN * 3
        if n % 10 == 4:
            text += PROBLEMS[n // 10 % 5]["problem"].replace(" ", "\n") + "\n"
        if n % 15 == 9:
            text += f"{CLEAN}\n{PROBLEMS[n // 15 % 5]['solution']}\n{CLEAN}"
        made.append(text)
    return made


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    rows = [{"document_id": f"d{n:02d}", "text": text} for n, text in enumerate(documents())]
    (folder / "sub").mkdir()
    pq.write_table(pa.Table.from_pylist(rows[:25]), folder / "a.parquet", row_group_size=7)
    pq.write_table(pa.Table.from_pylist(rows[25:26]).slice(0, 0), folder / "empty.parquet")
    lines = [json.dumps(row) for row in rows[25:45]]
    lines[3:3] = ["{broken", json.dumps({"text": None}), "[1]", ""]
    (folder / "sub" / "b.jsonl").write_text("\n".join(lines))
    packed = "".join(json.dumps(row) + "\n" for row in rows[45:]).encode()
    (folder / "c.jsonl.zst").write_bytes(zstandard.compress(packed))
    formal = {"text": f"{LEMMA} := by omega\n\n-- end", "path": "x/Y.lean"}
    (folder / "d.jsonl.gz").write_bytes(gzip.compress(json.dumps(formal).encode()))
    return folder


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("problems")
    (folder / "math.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PROBLEMS))
    (folder / "set.lean").write_text(f"{LEMMA} := sorry\n")
    return [f"math={folder / 'math.jsonl'}", f"minif2f-lean={folder / 'set.lean'}"]


def make_report(
    corpus: Path, problems: list[str], output: Path, *, workers: int = 1, **options: Any
) -> Report:
    return OverlapReport(
        resolve_corpus([str(corpus)]),
        Columns(),
        [read_set(spec) for spec in problems],
        editions_named(["normalised-13"]),
        output,
        Engine(workers),
        display="quiet",
        **options,
    ).execute()


@pytest.fixture(scope="module")
def made(corpus: Path, problems: list[str], tmp_path_factory: pytest.TempPathFactory) -> Report:
    return make_report(corpus, problems, tmp_path_factory.mktemp("report") / "r", verify=True)


def rows_of(report: Report) -> list[dict[str, Any]]:
    return [row for _, table in report.overlaps() for row in table.to_pylist()]


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and "work" not in path.parts
        and path.name not in (".lock", "plan.json", "log.jsonl")
    }


def test_every_planted_problem_is_found_in_its_place(made: Report) -> None:
    texts = documents()
    found = {
        (row["document_id"], row["item"], row["side"])
        for row in rows_of(made)
        if row["problem_set"] == "math"
    }
    expected = {(f"d{n:02d}", str(n // 10 % 5), "input") for n in range(4, 60, 10)}
    expected |= {(f"d{n:02d}", str(n // 15 % 5), "output") for n in range(9, 60, 15)}
    assert found == expected
    for row in rows_of(made):
        if row["problem_set"] == "math":
            text = texts[int(row["document_id"][1:])]
            assert text[row["document_start"] : row["document_end"]] == row["text"]
            assert text[: row["document_start"]].endswith(row["before"])
            assert text[row["document_end"] :].startswith(row["after"])
            assert row["contained"]
            assert row["lcs_ratio"] == 1.0


def test_a_formal_statement_is_found_by_what_it_says(made: Report) -> None:
    (row,) = [row for row in rows_of(made) if row["edition"] == "statement"]
    assert (row["problem_set"], row["item"]) == ("minif2f-lean", "set:sum_is_odd")
    assert row["text"].startswith(LEMMA)
    assert row["document_id"] == "d.jsonl.gz:0"


def test_the_counts_add_up_and_unreadable_rows_are_on_record(made: Report) -> None:
    counts = made.content["counts"]
    assert counts["documents"] == 60 + 3 + 1
    assert counts["unread"] == 3
    assert counts["with_problems"] == 6 + 4 - 2 + 1
    assert counts["documents"] == sum(
        counts[name] for name in ("unread", "with_problems", "without_problems")
    )
    (entry,) = [e for e in made.content["corpus"] if e["name"] == "sub/b.jsonl"]
    reasons = [example["problem"].partition(":")[0] for example in entry["unread"]]
    assert reasons == ["bad_json", "no_text", "no_text"]
    by_side = {(r["edition"], r["problem_set"], r["side"]): r for r in made.content["overlap"]}
    questions = by_side["normalised-13", "math", "input"]
    assert (questions["problems"], questions["searched"]) == (5, 5)
    assert (questions["found"], questions["found_whole"], questions["documents"]) == (5, 5, 6)
    assert made.content["problem_sets"][0]["licence"] == "MIT"


def test_the_tables_are_what_their_schemas_say(made: Report) -> None:
    for _, table in made.overlaps():
        check_schema(table.schema, OVERLAPS)
    items = pq.read_table(made.root / "problems.parquet")
    check_schema(items.schema, OVERLAP_PROBLEMS)
    assert items.num_rows == 2 * 5 + 3
    hit = pq.read_table(made.root / "documents.parquet")
    check_schema(hit.schema, OVERLAP_DOCUMENTS)
    assert hit.num_rows == len({(row["document_id"], row["edition"]) for row in rows_of(made)})


def test_the_page_marks_matches_and_escapes_everything(made: Report) -> None:
    page = (made.root / "index.html").read_text("utf-8")
    assert "&lt;b&gt;the station&lt;/b&gt; &amp; zebra" in page
    assert "<b>the" not in page
    assert "<mark>A\nzebra\nof\n9\nwaggons" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_any_number_of_workers_gives_the_same_bytes(
    made: Report, corpus: Path, problems: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phase, "_PARALLEL_BYTES", 0)
    make_report(corpus, problems, tmp_path / "r", workers=2, verify=True)
    assert digests(tmp_path / "r") == digests(made.root)


def test_a_search_goes_on_where_it_ended(
    made: Report, corpus: Path, problems: list[str], tmp_path: Path
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for path in corpus.rglob("*.*"):
        target = folder / path.relative_to(corpus)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    good = (folder / "c.jsonl.zst").read_bytes()
    (folder / "c.jsonl.zst").write_bytes(bytes(len(good)))
    output = tmp_path / "r"
    with pytest.raises(InputFilesFailed, match=r"c\.jsonl\.zst"):
        make_report(folder, problems, output, verify=True)
    before = {
        path.name: path.stat().st_mtime_ns for path in (output / "work/search").glob("??????.json")
    }
    assert 0 < len(before) < len(made.plan.corpus)
    with pytest.raises(OtherRun):
        make_report(folder, problems[:1], output, verify=True)
    (folder / "c.jsonl.zst").write_bytes(good)
    again = make_report(folder, problems, output, verify=True)
    after = {
        path.name: path.stat().st_mtime_ns for path in (output / "work/search").glob("??????.json")
    }
    assert before.items() <= after.items()
    assert rows_of(again) == rows_of(made)
    assert make_report(folder, problems, output, verify=True, fresh=True).content["counts"]


def test_a_lost_worker_costs_no_file(
    made: Report, corpus: Path, problems: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Engine.run
    calls: list[int] = []

    def losing(self: Engine, label: str, elements: Any, *rest: Any, **options: Any) -> Any:
        calls.append(len(elements))
        done = run(self, label, elements[:2] if len(calls) == 1 else elements, *rest, **options)
        if len(calls) == 1:
            raise EngineFailed("Channel closed prematurely")
        return done

    monkeypatch.setattr(Engine, "run", losing)
    make_report(corpus, problems, tmp_path / "r", verify=True)
    assert calls == [5, 3]
    assert digests(tmp_path / "r") == digests(made.root)
    calls.clear()
    monkeypatch.setattr(Engine, "run", lambda *_, **__: fail())
    with pytest.raises(EngineFailed):
        make_report(corpus, problems, tmp_path / "again", verify=True)


def fail() -> None:
    raise EngineFailed("Channel closed, and nothing was done")


# ---- removal ------------------------------------------------------------------------------------

RULE = RemovalRule("drop", editions=("name", "normalised-13", "statement"))


def remove(report: Report, rule: RemovalRule, output: Path, workers: int = 1) -> dict[str, Any]:
    return Removal(report, rule, output, Engine(workers), display="quiet").execute()


def texts_below(root: Path) -> dict[str, str]:
    found = {}
    for file in resolve_corpus([str(root)]):
        if file.is_parquet:
            rows = pq.read_table(file.path).to_pylist()
        else:
            data = Path(file.path).read_bytes()
            data = gzip.decompress(data) if file.path.endswith(".gz") else data
            if file.path.endswith(".zst"):
                data = zstandard.ZstdDecompressor().stream_reader(data).read()
            rows = [json.loads(line) for line in data.split(b"\n") if line.startswith(b'{"')]
        found |= {row["document_id"]: row["text"] for row in rows if "document_id" in row}
    return found


def test_dropping_leaves_the_other_documents_as_they_were(made: Report, tmp_path: Path) -> None:
    manifest = remove(made, RULE, tmp_path / "clean")
    hit = {row["document_id"] for row in rows_of(made)}
    left = texts_below(tmp_path / "clean" / "documents")
    assert left == {
        f"d{n:02d}": text for n, text in enumerate(documents()) if f"d{n:02d}" not in hit
    }
    assert manifest["counts"] == {
        "documents": 64, "kept": 55, "cut": 0, "dropped": 9, "stretches": len(rows_of(made)),
    }  # fmt: skip
    tables = [pq.read_table(path) for path in (tmp_path / "clean/removals").iterdir()]
    for table in tables:
        check_schema(table.schema, REMOVALS)
    removals = {row["document_id"]: row for table in tables for row in table.to_pylist()}
    assert set(removals) == hit
    assert removals["d04"]["detail"] == "math 0 input (normalised-13)"
    # Lines that were no documents stay what they were.
    lines = (tmp_path / "clean/documents/sub/b.jsonl").read_text().splitlines()
    assert "{broken" in lines


def test_cutting_removes_the_problem_and_nothing_else(
    made: Report, problems: list[str], tmp_path: Path
) -> None:
    remove(made, RemovalRule("cut", 0, RULE.editions), tmp_path / "cut")
    left = texts_below(tmp_path / "cut" / "documents")
    texts = documents()
    assert set(left) == {f"d{n:02d}" for n in range(60)}
    for n, text in enumerate(texts):
        question = PROBLEMS[n // 10 % 5]["problem"].replace(" ", "\n")
        solution = PROBLEMS[n // 15 % 5]["solution"]
        expected = text.replace(solution, "\n").replace(question, "\n")
        assert left[f"d{n:02d}"] == expected
    again = make_report(tmp_path / "cut" / "documents", problems, tmp_path / "again")
    assert again.content["counts"]["with_problems"] == 0


def test_a_removal_is_the_same_for_any_number_of_workers_and_resumes(
    made: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phase, "_PARALLEL_BYTES", 0)
    remove(made, RULE, tmp_path / "one")
    remove(made, RULE, tmp_path / "two", workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    (tmp_path / "two" / "work" / "remove" / "000001.json").unlink()
    (tmp_path / "two/manifest.json").unlink()
    remove(made, RULE, tmp_path / "two")
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    with pytest.raises(OtherRun):
        remove(made, RemovalRule("cut", editions=RULE.editions), tmp_path / "two")


def test_a_corpus_that_has_changed_since_the_report_is_refused(
    problems: list[str], tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    path = corpus / "x.jsonl"
    path.write_text(json.dumps({"text": PROBLEMS[0]["problem"]}) + "\n")
    report = make_report(corpus, problems, tmp_path / "r")
    path.write_text(path.read_text().replace("waggons", "dragons"))
    with pytest.raises(InputFilesFailed, match="has changed"):
        remove(report, RULE, tmp_path / "clean")
    with pytest.raises(InputError, match="holds the corpus"):
        remove(report, RULE, corpus)


def test_documents_of_a_run_get_the_decision_among_their_own(
    problems: list[str], tmp_path: Path
) -> None:
    def document(number: int, text: str) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for field in WEB.documents:
            plain = "" if pa.types.is_string(field.type) else 0
            row[field.name] = [] if pa.types.is_nested(field.type) else plain
        kept = {**vars_of(Decision.keep("language")), "verdict": "keep"}
        return {**row, "document_id": f"{number:032x}", "text": text, "decisions": [kept]}

    texts = [CLEAN, CLEAN + PROBLEMS[0]["problem"], CLEAN]
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    rows = [document(n, text) for n, text in enumerate(texts)]
    pq.write_table(pa.Table.from_pylist(rows, schema=WEB.documents), corpus / "documents.parquet")
    report = make_report(corpus, problems, tmp_path / "r")
    for policy, count in (("drop", 2), ("cut", 3)):
        rule = RemovalRule(policy, editions=RULE.editions)  # type: ignore[arg-type]
        remove(report, rule, tmp_path / policy)
        table = pq.read_table(tmp_path / policy / "documents" / "documents.parquet")
        check_schema(table.schema, WEB.documents)
        assert table.num_rows == count
        decisions = table.column("decisions").to_pylist()
        assert [entry["filter"] for entry in decisions[1]] == ["language", "overlap"]
    assert decisions[1][1]["reason"] == "cut"
    assert "math 0 input" in decisions[1][1]["detail"]


def vars_of(decision: Decision) -> dict[str, Any]:
    return {name: getattr(decision, name) for name in Decision.__slots__}


# ---- the command --------------------------------------------------------------------------------


def proofmill(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_reports_and_removes(corpus: Path, problems: list[str], tmp_path: Path) -> None:
    sets = [argument for spec in problems for argument in ("--problems", spec)]
    report = tmp_path / "r"
    shown = proofmill("overlap", "report", str(corpus), *sets, "--output", str(report))
    assert "9 of 64 documents" in shown
    assert len(read_report(report).content["editions"]) == 2
    options = ["--policy", "cut", "--edition", "normalised-13", "--progress", "json"]
    clean = tmp_path / "clean"
    done = json.loads(proofmill("overlap", "remove", str(report), "--output", str(clean), *options))
    assert (done["cut"], done["dropped"]) == (9, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "CORPUS", "--problems", "math=/nowhere", "--output", "OUT"], "no file"),
        (["report", "/nowhere", "--problems", "SET", "--output", "OUT"], "no corpus"),
        (["report", "CORPUS", "--problems", "SET", "--edition", "x", "--output", "OUT"], "edition"),
        (["report", "CORPUS", "--problems", "SET", "--text-column", "x", "--output", "OUT"], "column"),
        (["remove", "OUT", "--output", "OUT2"], "no overlap report"),
    ],
)  # fmt: skip
def test_wrong_arguments_say_what_to_do(
    corpus: Path, problems: list[str], tmp_path: Path, arguments: list[str], said: str
) -> None:
    names = {
        "CORPUS": str(corpus / "a.parquet"),
        "SET": problems[0],
        "OUT": str(tmp_path / "out"),
        "OUT2": str(tmp_path / "out2"),
    }
    runner = CliRunner()
    shown = runner.invoke(app, ["overlap", *(names.get(a, a) for a in arguments)])
    assert shown.exit_code == 2, shown.output
    assert said in " ".join(shown.output.split())


def test_the_kinds_are_listed() -> None:
    shown = CliRunner().invoke(app, ["overlap", "kinds"])
    assert "proofnet" in shown.output
