"""Views of goal states, held against rows that the original programs wrote."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import InputError, NotARun
from pipelines.goals.views.export import VIEWS, export_view
from tests.pipelines.goals.test_runs import run, table

Json = dict[str, Any]
ALL_TRAIN = ("splits.validation=0", "splits.test=0")


def lines(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("sample")
    run(output, "lean-proofsteps", settings=ALL_TRAIN)
    return output


def test_ntp_rows_equal_real_ones_byte_for_byte(tmp_path: Path, shared_data: Path) -> None:
    source = shared_data / "pp2" / "ntptutorial2_example0.jsonl"
    settings = (*ALL_TRAIN, "lean_steps.gaps=true")
    run(tmp_path / "run", "lean-proofsteps", source, settings=settings)
    export_view(tmp_path / "run", "ntp-toolkit", tmp_path / "view")
    random = re.compile(r'(?<=\.)\w{15}(?=","decl":)')
    real = random.sub("", source.read_text("utf-8").rstrip("\n"))
    ours = (tmp_path / "view" / "train.jsonl").read_text("utf-8").rstrip("\n")
    assert random.sub("", ours).replace("Examples.Example0.3_0", "") == real.replace(
        "Examples.Example0.3_0", ""
    )
    ids = {row["declId"] for row in lines(tmp_path / "view" / "train.jsonl")}
    assert len(ids) == 1
    # The same in another run, where the original draws fifteen letters anew.
    run(tmp_path / "again", "lean-proofsteps", source, settings=settings)
    export_view(tmp_path / "again", "ntp-toolkit", tmp_path / "view2")
    assert {row["declId"] for row in lines(tmp_path / "view2" / "train.jsonl")} == ids


def test_proof_pile_text_of_a_file_is_its_steps_in_order(tmp_path: Path, shared_data: Path) -> None:
    trace = shared_data / "lean" / "lean4_20210712" / "stdlib_init_std.jsonl"
    run(
        tmp_path / "run",
        "lean-proofsteps-published",
        trace,
        settings=("splits.validation=0", "splits.test=0"),
    )
    export_view(tmp_path / "run", "proof-pile-lean", tmp_path / "view")
    found = {
        row["meta"]["mathlib_filename"]: row["text"]
        for row in lines(tmp_path / "view" / "train.jsonl")
    }
    expected: dict[str, str] = {}
    for row in lines(trace):
        if row["kind"] == "Lean.Parser.Tactic.«tactic_<;>_»":
            continue
        pair = f"[GOAL]\n{chr(10).join(row['goals_before'])}\n[PROOFSTEP]\n{row['tactic']}\n"
        expected[row["module"]] = expected.get(row["module"], "") + pair
    assert found == expected


def test_llmstep_rows_have_nothing_between_tags_and_texts(
    tmp_path: Path, shared_data: Path
) -> None:
    """Held against recorded proof searches: their states and tactics in llmstep's form."""
    folder = tmp_path / "traces"
    folder.mkdir()
    name = "llemma_formal2formal__output__llemma7b_minif2f_test__results__llemma7b__0.json"
    shutil.copy(shared_data / "lean" / name, folder)
    settings = (*ALL_TRAIN, "test_statements.folders=false", "exact_duplicates.enabled=false")
    run(tmp_path / "run", "lean-proofsteps", folder, settings=settings)
    export_view(tmp_path / "run", "llmstep", tmp_path / "view")
    expected = []
    for result in json.loads((folder / name).read_text("utf-8"))["results"]:
        for attempt in result["attempt_results"]:
            expected += [
                json.dumps(
                    {
                        "input": f"[GOAL]{step['state_before']}[PROOFSTEP]",
                        "output": f"{step['tactic']}<|endoftext|>",
                    }
                )
                for step in (attempt["trace"] if attempt["success"] else ())
            ]
    assert sorted((tmp_path / "view" / "train.jsonl").read_text("utf-8").split()) == sorted(
        "\n".join(expected).split()
    )


@pytest.mark.parametrize("test", ["all_tactics", "all_tactics-20250622"])
def test_repl_tactics_equal_the_repls_own_answers(
    tmp_path: Path, shared_data: Path, test: str
) -> None:
    folder = tmp_path / "traces"
    folder.mkdir()
    for suffix in (".in", ".expected.out"):
        name = f"repl__test__{test}{suffix}"
        shutil.copy(shared_data / "lean" / name, folder / name)
    run(tmp_path / "run", "lean-proofsteps", folder, settings=ALL_TRAIN)
    export_view(tmp_path / "run", "repl", tmp_path / "view")
    (ours,) = lines(tmp_path / "view" / "train.jsonl")
    real = json.JSONDecoder().raw_decode(
        (folder / f"repl__test__{test}.expected.out").read_text("utf-8")
    )[0]
    assert ours == real


@pytest.mark.parametrize("name", ["pfr_cross", "scilean"])
def test_minictx_rows_equal_real_ones(tmp_path: Path, shared_data: Path, name: str) -> None:
    """Each real row is made a traced module again, and comes back from the table as it was."""
    real = lines(shared_data / "lean" / f"minictx-eval__data__minictx__{name}.jsonl")[:12]
    traces = tmp_path / "traces"
    traces.mkdir()
    for number, row in enumerate(real):
        text = row["srcContext"] + row["theoremStatement"] + row["proofMetadata"]["proof"] + "\n"
        start = len(row["srcContext"].encode())
        proof = start + len(row["theoremStatement"].encode())
        end = len(text.encode()) - 1
        header = {
            "kind": "module",
            "module": row["module"],
            "file": row["file"],
            "created": " ".join((row["fileCreated"]["commit"], row["fileCreated"]["date"])),
            "imports": row["dependencyMetadata"]["importedModules"],
            "text": text,
        }
        command = {"kind": "command", "start": start, "end": end, "proof_start": proof}
        content = (header, command, {"kind": "end", "steps": 0})
        (traces / f"{number:02d}.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in content), "utf-8"
        )
    # Rows without steps leave no documents; one real step makes the run one.
    sample = Path(__file__).parents[3] / "pipelines" / "goals" / "sample" / "lean.jsonl"
    shutil.copy(sample, traces / "sample.jsonl")
    run(tmp_path / "run", "lean-proofsteps", traces, settings=ALL_TRAIN)
    export_view(tmp_path / "run", "minictx", tmp_path / "view")
    ours = {row["srcContext"]: row for row in lines(tmp_path / "view" / "train.jsonl")}
    same = (
        "srcContext",
        "theoremStatement",
        "file",
        "module",
        "jsonFile",
        "fileCreated",
        "proofMetadata",
    )
    for row in real:
        found = ours[row["srcContext"]]
        for key in same:
            assert found[key] == row[key], (row["theoremName"], key)
        assert found["theoremName"].rpartition(".")[2] == row["theoremName"].rpartition(".")[2]
        for key in ("lineInFile", "tokenPositionInFile"):
            assert found["positionMetadata"][key] == row["positionMetadata"][key]
        imported = row["dependencyMetadata"]["importedModules"]
        assert found["dependencyMetadata"]["importedModules"] == imported


def test_isabelle_texts_are_statement_states_and_steps(tmp_path: Path) -> None:
    run(tmp_path / "run", "isabelle-proofsteps-published", settings=ALL_TRAIN)
    export_view(tmp_path / "run", "proof-pile-isabelle", tmp_path / "view")
    rows = {row["meta"]["name"]: row for row in lines(tmp_path / "view" / "train.jsonl")}
    # What the original made of the same extraction, by its own rule.
    sample = Path(__file__).parents[3] / "pipelines" / "goals" / "sample" / "isabelle.json"
    groups: list[list[list[Any]]] = []
    for item in json.loads(sample.read_text("utf-8"))["translations"]:
        if item[0] == "":
            groups.append([])
        groups[-1].append(item)
    expected = {}
    for (_, statement, *_), *steps in groups:
        if statement.startswith(("lemma ", "theorem ")):
            text = "".join(
                f"\n[PROOF STATE]\n{state}\n[PROOF STEP]\n{step}" for state, step, *_ in steps
            )
            expected[f"[STATEMENT]\n{statement}{text}"] = len(steps)
    assert {row["text"]: row["meta"]["length"] for row in rows.values()} == expected
    assert "swap_twice" not in rows


def test_pisa_comes_back_as_it_was_read(tmp_path: Path) -> None:
    settings = (*ALL_TRAIN, "isabelle_steps.gaps=true")
    run(tmp_path / "run", "isabelle-proofsteps", settings=settings)
    export_view(tmp_path / "run", "pisa", tmp_path / "view")
    (theory,) = lines(tmp_path / "view" / "train.jsonl")
    sample = Path(__file__).parents[3] / "pipelines" / "goals" / "sample" / "isabelle.json"
    given = json.loads(sample.read_text("utf-8"))["translations"]
    outside = ("theory", "(*", "end")
    assert theory["translations"] == [row for row in given if not row[1].startswith(outside)]
    export_view(tmp_path / "run", "pisa-problems", tmp_path / "problems")
    problems = lines(tmp_path / "problems" / "train.jsonl")
    assert problems[0]["full_proof_text"].split("\n")[0] == problems[0]["problem_name"]


def test_leandojo_comes_back_as_it_was_read(tmp_path: Path, sample: Path) -> None:
    done = export_view(sample, "leandojo", tmp_path / "view", split="novel_premises")
    theorems = json.loads((tmp_path / "view" / "novel_premises" / "train.json").read_text("utf-8"))
    assert done.rows["train"] == len(theorems)
    by_name = {row["full_name"]: row for row in theorems}
    assert by_name["Sample.a_term"]["traced_tactics"] == []
    tactics = [t["tactic"] for t in by_name["Sample.swap_and"]["traced_tactics"]]
    assert not any("·" in tactic for tactic in tactics)
    assert by_name["Sample.chained"]["start"] == [26, 1]
    # Its own benchmark as input: the same theorems, tactics, states and premises.
    traces = tmp_path / "traces"
    traces.mkdir()
    benchmark = []
    for number, row in enumerate(theorems):
        premise = {
            "full_name": "Eq.refl",
            "def_path": "Init/Prelude.lean",
            "def_pos": [7, 9],
            "def_end_pos": [7, 13],
        }
        for tactic in row["traced_tactics"]:
            tactic["annotated_tactic"] = [f"<a>{tactic['tactic']}</a>", [premise]]
        benchmark.append(
            {**row, "url": "https://example.org/r", "commit": f"c{number}", "start": [], "end": []}
        )
    (traces / "train.json").write_text(json.dumps(benchmark), "utf-8")
    settings = (*ALL_TRAIN, "exact_duplicates.enabled=false")
    run(tmp_path / "run", "lean-proofsteps", traces, settings=settings)
    export_view(tmp_path / "run", "leandojo", tmp_path / "again")
    again = json.loads((tmp_path / "again" / "random" / "train.json").read_text("utf-8"))
    key = lambda row: row["commit"]  # noqa: E731
    assert sorted(again, key=key) == sorted(benchmark, key=key)
    corpus = lines(tmp_path / "view" / "corpus.jsonl")
    assert any(p["full_name"] == "Sample.swap_iff" for p in corpus[0]["premises"])


@pytest.mark.parametrize(
    "prompt", ["state_tactic", "context_state_tactic", "full_proof", "context_full_proof"]
)
def test_prompts_hold_what_their_names_say(tmp_path: Path, sample: Path, prompt: str) -> None:
    export_view(sample, "ntp-prompts", tmp_path, prompt=prompt, project="sample")
    rows = lines(tmp_path / "train.jsonl")
    row = next(row for row in rows if "chained" in str(row["prompt"]) or prompt == "state_tactic")
    assert ("[CTX]" in row["prompt"].split("-/")[1]) == prompt.startswith("context")
    assert row["prompt"].endswith("[PROOF]\n" if "full" in prompt else "[TAC]\n")
    assert row["completion"].endswith("\n[/PROOF]" if "full" in prompt else "\n[/TAC]")
    assert row["metadata"]["split"] == "train"
    assert all("sorry" not in row["completion"] for row in rows)


def test_no_training_row_has_a_held_out_statement(tmp_path: Path, shared_data: Path) -> None:
    settings = ("splits.validation=0.3", "splits.test=0.3")
    run(tmp_path / "run", "lean-proofsteps", settings=settings)
    for split in ("random", "file", "novel_premises"):
        export_view(tmp_path / "run", "llmstep", tmp_path / split, split=split)  # type: ignore[arg-type]
    rows = table(tmp_path / "run", "documents")
    for column in ("split_random", "split_novel_premises"):
        sides: dict[str, set[str]] = {}
        for row in rows:
            sides.setdefault(row["statement_key"], set()).add(row[column])
        assert all(len(found) == 1 for found in sides.values())


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARun):
        export_view(tmp_path, "llmstep", tmp_path / "view")
    run_web = tmp_path / "documents"
    run_web.mkdir()
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"document_id": ["a"]}), run_web / "x.parquet")
    with pytest.raises(InputError):
        export_view(tmp_path, "llmstep", tmp_path / "view")
    assert {"llmstep", "leandojo", "minictx", "pisa", "repl"} <= set(VIEWS)
