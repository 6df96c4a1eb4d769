"""Problem sets in the formats in which they are published."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import InputError
from pipelines.overlap.problem_sets import problems_of, problems_table, read_set

MATH = {"problem": "What is $1+1$?", "level": "Level 1", "type": "Algebra", "solution": "$2$."}
LEAN = "import x\n\ntheorem a_1 (x : ℕ) :\n  x = x :=\nbegin\n  refl,\nend\n\nlemma b : true := trivial\n"


def test_math_as_its_authors_publish_it_a_file_a_problem(tmp_path: Path) -> None:
    folder = tmp_path / "MATH" / "test" / "algebra"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps(MATH))
    (folder / "README.md").write_text("no problem")
    archive = tmp_path / "MATH.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(tmp_path / "MATH", "MATH")
    from_folder = read_set(f"math={tmp_path / 'MATH'}")
    (problem,) = from_folder.problems
    assert (problem.item, problem.input, problem.output, problem.group) == (
        "test/algebra/1",
        MATH["problem"],
        MATH["solution"],
        "Level 1",
    )
    assert from_folder.about.licence == "MIT"
    (packed,) = read_set(f"math={archive}").problems
    assert packed.item == "MATH/test/algebra/1"


def test_rows_come_as_lines_lists_and_parquet_packed_or_not(tmp_path: Path) -> None:
    rows = [{"question": "How many?\u2028Count.", "answer": "3 #### 3"}, {"question": "Why?"}]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    (tmp_path / "a.jsonl").write_bytes(lines)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "c.json").write_text(json.dumps(rows))
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    (tmp_path / "d.parquet").write_bytes(sink.getvalue())
    read = [read_set(f"mine:rows={path}") for path in sorted(tmp_path.iterdir())]
    assert len({entry.problems for entry in read}) == 1
    first, second = read[0].problems
    assert (first.problem_set, first.item, first.input) == ("mine", "0", "How many?\u2028Count.")
    assert (second.item, second.output) == ("1", "")


def test_formal_files_give_statements_with_their_names(tmp_path: Path) -> None:
    (tmp_path / "Rudin.lean").write_text(LEAN)
    bare = read_set(f"minif2f-lean={tmp_path}").problems
    assert [(p.item, p.names) for p in bare] == [("Rudin:a_1", ("a_1",)), ("Rudin:b", ("b",))]
    assert bare[0].formal == "theorem a_1 (x : ℕ) :\n  x = x"
    (tmp_path / "p.json").write_text(json.dumps([["/thys/KAT/DRAT2.thy", 'lemma w: "x = x"']]))
    (statement,) = read_set(f"pisa={tmp_path}").problems
    assert (statement.formal, statement.names) == ('lemma w: "x = x"', ("DRAT2.w",))


def test_names_of_proofnet_need_their_book(tmp_path: Path) -> None:
    row = {
        "id": "Rudin|exercise_1_1",
        "formal_statement": "theorem exercise_1_1 : true :=",
        "nl_statement": "Prove it.",
        "nl_proof": "Done.",
    }
    (tmp_path / "test.jsonl").write_text(json.dumps(row))
    (problem,) = read_set(f"proofnet={tmp_path}").problems
    assert problem.names == ("Rudin.exercise_1_1",)
    assert problem.language == "lean"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.jsonl", '{"problem": "a"}\nnot json', "can't read"),
        ("x.jsonl", '{"other": "a"}\n', "no text"),
        ("x.jsonl", '{"id": "1", "problem": "a"}\n{"id": "1", "problem": "b"}\n', "called 1"),
        ("x.jsonl", "", "no problems"),
        ("x.parquet", "no Parquet", "can't read"),
    ],
)
def test_what_can_not_be_used_is_refused_with_the_reason(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        read_set(f"rows={path}")


def test_unknown_kinds_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no kind 'maths'"):
        read_set(f"maths={tmp_path}")
    with pytest.raises(InputError, match="KIND=PATH"):
        read_set(str(tmp_path))
    with pytest.raises(InputError, match="no file and no folder"):
        read_set(f"math={tmp_path / 'absent'}")


def test_problems_survive_being_written(tmp_path: Path) -> None:
    (tmp_path / "Rudin.lean").write_text(LEAN)
    made = read_set(f"minif2f-lean={tmp_path}")
    assert problems_of(problems_table([made])) == list(made.problems)


def test_real_sets_are_read_whole(shared_data: Path, tmp_path: Path) -> None:
    with tarfile.open(shared_data / "benchmarks.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / "benchmarks"
    sizes = {
        f"math={folder}/math-evaluation-harness/data/math/test.jsonl": 5000,
        f"gsm8k={folder}/gsm8k/grade_school_math/data/test.jsonl": 1319,
        f"gsm8k={shared_data}/pp2/gsm8k_test.jsonl": 1319,
        # The 488 and a lemma that one of them needs.
        f"minif2f-lean={folder}/miniF2F_facebook/lean": 489,
        f"minif2f-lean={folder}/miniF2F_lean4/MiniF2F": 488,
        f"minif2f-isabelle={folder}/miniF2F_facebook/isabelle": 488,
        f"minif2f-informal={folder}/miniF2F_facebook/informal": 488,
        f"lean-rows={folder}/llemma_formal2formal/data/minif2f.jsonl": 488,
        f"proofnet={folder}/ProofNet/benchmark": 371,
        f"pisa={shared_data}/pp2/pisa_universal_test_theorems.tar.gz": 3600,
        f"rows={folder}/math-evaluation-harness/data/ocw/test.jsonl": 272,
    }
    assert {spec: len(read_set(spec).problems) for spec in sizes} == sizes
