"""Runs of the goal-state recipes over real traces."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.engine import Engine
from pipelines.errors import InputFilesFailed
from pipelines.recipe import load_recipe
from pipelines.runs import Run
from pipelines.subsets import InputNames, subset_of
from pipelines.verify import verify_run


def run(output: Path, recipe: str, *inputs: Path, settings: tuple[str, ...] = ()) -> dict[str, Any]:
    """Runs a recipe over inputs (the sample when there are none); returns the manifest."""
    chosen = load_recipe(recipe).changed(settings)
    subset = subset_of(chosen.subset)
    files = subset.resolve(InputNames([str(path) for path in inputs] or subset.sample()))
    return Run(chosen, files, output, Engine(1), display="quiet").execute().manifest


def table(output: Path, kind: str) -> list[dict[str, Any]]:
    return [
        row
        for p in sorted((output / kind).glob("*.parquet"))
        for row in pq.read_table(p).to_pylist()
    ]


def test_the_sample_gives_steps_with_their_place_and_their_goals(tmp_path: Path) -> None:
    run(tmp_path, "lean-proofsteps")
    steps = {(row["decl_name"], row["step_index"]): row for row in table(tmp_path, "documents")}
    step = steps["Sample.swap_and", 1]
    assert step["tactic"] == "constructor"
    assert step["text"] == f"[GOAL]\n{step['state_before']}\n[PROOFSTEP]\nconstructor"
    assert step["goals_before"][0]["case_name"] == "intro"
    assert step["goals_before"][0]["hypotheses"][0] == {
        "names": ["p", "q"],
        "type": "Prop",
        "value": "",
    }
    assert step["num_goals_after"] == 2
    file = next(row for row in table(tmp_path, "files") if row["module"] == "Sample")
    data = file["text"].encode()
    assert all(
        data[row["start_byte"] : row["end_byte"]].decode() == row["tactic"]
        for row in steps.values()
    )
    assert step["decl_kind"] == "theorem"
    assert step["statement"].startswith("/-- Both halves")
    assert not any(name == "Sample.not_proved" for name, _ in steps)


def test_declarations_are_stored_once_with_their_proofs_terms_included(tmp_path: Path) -> None:
    run(tmp_path, "lean-proofsteps")
    rows = {
        row["decl_name"]: row for row in table(tmp_path, "declarations") if row["system"] == "lean4"
    }
    assert rows["Sample.a_term"]["proof_style"] == "term"
    assert rows["Sample.a_term"]["proof_text"] == ":= h"
    assert rows["Sample.a_term"]["num_steps"] == 0
    assert rows["Sample.not_proved"]["decl_has_error"]
    assert rows["Sample.swap_and"]["doc_string"].startswith("Both halves")


def test_equal_statements_are_on_the_same_side_whatever_their_names(tmp_path: Path) -> None:
    run(tmp_path, "lean-proofsteps", settings=("splits.validation=0.4", "splits.test=0.3"))
    rows = {row["decl_name"]: row for row in table(tmp_path, "declarations")}
    again = rows["Sample.and_comm_again"]
    assert again["statement_key"] == rows["Sample.swap_and"]["statement_key"]
    assert again["split_random"] == rows["Sample.swap_and"]["split_random"]
    sides = {row["decl_name"]: row["split_novel_premises"] for row in table(tmp_path, "documents")}
    assert set(sides.values()) <= {"train", "val", "test"}


@pytest.mark.parametrize("recipe", ["lean-proofsteps", "isabelle-proofsteps"])
def test_a_run_can_be_proved_and_made_again(tmp_path: Path, recipe: str) -> None:
    run(tmp_path, recipe)
    found = verify_run(tmp_path, regenerate=True, workers=1)
    assert found.holds, found.faults


def test_ranges_of_a_large_file_give_what_the_whole_file_gives(
    tmp_path: Path, shared_data: Path
) -> None:
    traces = shared_data / "lean" / "lean4_20210712"
    whole = run(tmp_path / "whole", "lean-proofsteps", traces)
    pieces = run(
        tmp_path / "pieces", "lean-proofsteps", traces, settings=("input.task_bytes=100000",)
    )
    assert len(pieces["inputs"][0]["xxh3_128"]) > 1
    assert whole["counts"] == pieces["counts"]
    first, second = (table(tmp_path / name, "documents") for name in ("whole", "pieces"))
    assert [row["document_id"] for row in first] == [row["document_id"] for row in second]


def test_counts_of_real_traces_agree_with_what_the_tracer_counted_itself(
    tmp_path: Path, shared_data: Path
) -> None:
    """The independent count: the status rows that the recording program printed for each file."""
    folder = shared_data / "lean" / "lean4_20210712"
    run(tmp_path, "lean-proofsteps", folder)
    found = Counter(
        row["file_path"] for row in table(tmp_path, "trails") if row["record_type"] == "step"
    )
    expected: Counter[str] = Counter()
    for path in folder.glob("*.status.tsv"):
        header, *lines = path.read_text("utf-8").splitlines()
        for line in lines:
            row = dict(zip(header.split("\t"), line.split("\t"), strict=True))
            if int(row["steps"]):
                expected[row["file"]] = int(row["steps"])
    assert found == expected


def test_a_module_that_gave_nothing_is_on_record(tmp_path: Path) -> None:
    traces = tmp_path / "traces"
    traces.mkdir()
    sample = Path(subset_of("goal_states").sample()[0])
    whole = sample.read_text("utf-8").split("\n")
    (traces / "Cut.jsonl").write_text("\n".join(whole[:20]) + "\n", "utf-8")
    (traces / "Empty.jsonl").write_text(
        '{"kind": "module", "module": "Empty", "text": ""}\n', "utf-8"
    )
    (traces / "Bad.jsonl").write_text('{"kind": "module", "module": "Bad"}\nnot json\n', "utf-8")
    (traces / "Other.json").write_text('{"what": 1}', "utf-8")
    (traces / "status.jsonl").write_text(
        '{"module": "Fine", "status": "ok"}\n{"module": "Slow", "status": "timeout", "message": "600 s"}\n',
        "utf-8",
    )
    run(tmp_path / "run", "lean-proofsteps", traces)
    modules = {
        (row["trace_file"], row["module"], row["reason"])
        for row in table(tmp_path / "run", "trails")
        if row["record_type"] == "module"
    }
    assert ("Cut.jsonl", "Sample", "trace:truncated") in modules
    assert ("Empty.jsonl", "Empty", "trace:truncated") in modules
    assert ("Bad.jsonl", "", "trace:not_json") in modules
    assert ("Other.json", "", "trace:unknown_format") in modules
    assert ("status.jsonl", "Slow", "trace:timeout") in modules
    assert not any(module == "Fine" for _, module, _ in modules)


_STEP = {
    "id": 0,
    "start": 0,
    "end": 4,
    "syntax": "x",
    "head": "simp",
    "before": ["⊢ p"],
    "after": [],
}


@pytest.mark.parametrize(
    "lines",
    [
        # Bytes behind the file's end, in the middle of a character, of another type.
        [{"kind": "command", "start": 0, "end": 900}],
        [{"kind": "command", "start": 1, "end": 2, "proof_start": 1}],
        [{"kind": "step", **_STEP, "start": "0"}],
        [{"kind": "step", **_STEP, "before": None}],
        # Half of a surrogate pair is no character and can't be written.
        [{"kind": "step", **_STEP, "before": ["\ud800 : p\n⊢ p"]}],
        [{"kind": "step", "id": 0}],
        [{"kind": "what"}],
        [{"kind": "message", "severity": "error", "line": 99, "column": 0, "text": "x"}],
    ],
)
def test_a_module_that_contradicts_itself_harms_no_other(tmp_path: Path, lines: list[Any]) -> None:
    sample = Path(subset_of("goal_states").sample()[0]).read_text("utf-8")
    traces = tmp_path / "traces"
    traces.mkdir()
    bad = [
        {"kind": "module", "module": "Bad", "text": "αsimp"},
        *lines,
        {"kind": "end", "steps": 0},
    ]
    content = "".join(json.dumps(line) + "\n" for line in bad) + sample
    (traces / "mixed.jsonl").write_text(content, "utf-8")
    run(tmp_path / "run", "lean-proofsteps", traces)
    trails = table(tmp_path / "run", "trails")
    of_bad = [row for row in trails if row["module"] in ("Bad", "")]
    assert any(row["reason"].startswith("trace:") for row in of_bad)
    assert all(row["verdict"] == "drop" for row in of_bad)
    assert sum(row["module"] == "Sample" and row["verdict"] == "keep" for row in trails) == 29
    assert verify_run(tmp_path / "run").holds


def test_compressed_traces_are_read_and_damaged_ones_fail_the_run(tmp_path: Path) -> None:
    sample = Path(subset_of("goal_states").sample()[0]).read_bytes()
    traces = tmp_path / "traces"
    traces.mkdir()
    (traces / "a.jsonl.gz").write_bytes(gzip.compress(sample, mtime=0))
    (traces / "b.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(sample))
    counts = run(tmp_path / "run", "lean-proofsteps", traces)["counts"]
    assert (counts["records"], counts["kept"]) == (66, 29)
    (traces / "a.jsonl.gz").write_bytes(gzip.compress(sample, mtime=0)[:-20])
    with pytest.raises(InputFilesFailed, match=r"a\.jsonl\.gz"):
        run(tmp_path / "again", "lean-proofsteps", traces)


def test_test_problems_are_left_out_by_statement_by_name_and_by_folder(
    tmp_path: Path, shared_data: Path
) -> None:
    lists = f"minif2f:lean-rows={shared_data / 'lean' / 'llmstep__python__benchmarking__proofsearch__data__minif2f.jsonl'}"
    traces = tmp_path / "traces"
    traces.mkdir()
    for path in (shared_data / "lean").glob("llemma_formal2formal__*llemma7b*.json"):
        shutil.copy(path, traces / path.name)
    by_list = ("test_statements.folders=false", f"test_statements.lists={json.dumps([lists])}")
    run(tmp_path / "lists", "lean-proofsteps", traces, settings=by_list)
    assert table(tmp_path / "lists", "documents") == []
    assert table(tmp_path / "lists", "declarations") == []
    by_statement = (*by_list, "test_statements.names=false")
    run(tmp_path / "statements", "lean-proofsteps", traces, settings=by_statement)
    left = {
        row["decl_name"]: row["statement"] for row in table(tmp_path / "statements", "documents")
    }
    # A short statement says too little to be known without its name.
    assert len(left) < 10
    assert all(len(statement) < 70 for statement in left.values())
    run(tmp_path / "folders", "lean-proofsteps", traces)
    assert {row["reason"] for row in table(tmp_path / "folders", "trails")} == {"test_folder"}
    run(tmp_path / "off", "lean-proofsteps-published", traces)
    assert table(tmp_path / "off", "documents")


def test_a_test_problem_leaves_no_text_in_the_files(tmp_path: Path) -> None:
    problems = tmp_path / "problems.lean"
    problems.write_text(
        "theorem another_name {p q : Prop} (h : And p q) : And q p := sorry\n", "utf-8"
    )
    settings = (f'test_statements.lists=["mine:minif2f-lean={problems}"]',)
    run(tmp_path / "run", "lean-proofsteps", settings=settings)
    names = {row["decl_name"] for row in table(tmp_path / "run", "declarations")}
    assert "Sample.swap_iff" in names
    assert not names & {"Sample.swap_and", "Sample.and_comm_again"}
    (file,) = (row for row in table(tmp_path / "run", "files") if row["module"] == "Sample")
    assert "theorem swap_and" not in file["text"]
    assert "theorem swap_iff" in file["text"]
    for row in table(tmp_path / "run", "documents"):
        data = file["text"].encode()
        if row["system"] == "lean4":
            assert data[row["start_byte"] : row["end_byte"]].decode() == row["tactic"]
