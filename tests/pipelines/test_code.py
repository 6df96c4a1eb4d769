"""Whole runs of the code subset: every input, both editions, nothing lost on the way."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.sources import git_blob_id
from pipelines.engine import Engine
from pipelines.inputs import InputFile
from pipelines.recipe import load_recipe
from pipelines.runs import Outcome, Run
from pipelines.sample import sample_sources_path
from pipelines.splits import split_of, split_tables
from pipelines.subsets import InputNames, subset_of
from pipelines.verify import verify_run

SPLITS = {"train": 0.99, "validation": 0.005, "test": 0.005}


def run(
    inputs: list[Path] | list[str],
    output: Path,
    *changes: str,
    recipe: str = "algebraic-stack",
    workers: int = 1,
) -> Outcome:
    chosen = load_recipe(recipe).changed(changes)
    files = subset_of("code").resolve(InputNames([str(path) for path in inputs]))
    return Run(chosen, files, output, Engine(workers), display="quiet").execute()


def rows(output: Path, kind: str = "trails") -> list[dict[str, Any]]:
    return [
        row for path in sorted((output / kind).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]  # fmt: skip


def files_of(output: Path) -> dict[str, str]:
    return {
        path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in output.rglob("*.parquet")
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("sample") / "run"
    run([sample_sources_path()], output, "audit.dropped_text=all")
    return output


# What becomes of every sample file that is dropped.
_DROPPED = {
    "LICENSE": "source_files other_language",
    "dropped/Package.m": "language_rules mathematica",
    "dropped/Rez.r": "language_rules resource_fork",
    "dropped/Window.m": "language_rules objective_c",
    "dropped/blank.jl": "digit_share only_white_space",
    "dropped/bundle.py": "minified long_lines",
    "dropped/counter.v": "language_rules verilog",
    "dropped/cut.ipynb": "notebooks error:not_json",
    "dropped/empty.agda": "decode empty",
    "dropped/francais.tex": "prose_language other_language",
    "dropped/hello.py": "language_rules no_mathematics",
    "dropped/miniF2F-lean4/test.lean": "benchmarks test_set",
    "dropped/notes.txt": "source_files other_language",
    "dropped/parser.c": "generated generated",
    "dropped/primes.g": "data_only data",
    "dropped/sales.ipynb": "language_rules no_mathematics",
    "dropped/table.f": "digit_share mostly_digits",
    "dropped/vendor/gsl/spectrum.c": "vendored dependency",
    "dropped/zeros.c": "decode error:nul_bytes",
}


def test_every_sample_has_its_trail(sample: Path) -> None:
    trails = {row["path"]: row for row in rows(sample)}
    dropped = {
        path: f"{row['dropped_by']} {row['reason']}"
        for path, row in trails.items()
        if row["verdict"] == "drop" and row["dropped_by"] != "exact_duplicates"
    }
    assert dropped == _DROPPED
    kept = {row["programming_language"] for row in trails.values() if row["verdict"] == "keep"}
    assert len(kept) == 17
    assert all(row["licence"] == "MIT" for row in trails.values())
    # The legendre.mpl of two folders are one up to white space.
    assert Counter(row["dropped_by"] for row in trails.values())["exact_duplicates"] == 1


def test_texts_and_provenance(sample: Path) -> None:
    documents = {row["path"]: row for row in rows(sample, "documents")}
    heat = documents["jupyter/heat.ipynb"]
    assert "\\begin{align*}" in heat["text"]
    assert "rod.png" not in heat["text"]
    assert "<img src=" in heat["text"]
    assert heat["extraction"] == "notebook"
    latin = documents["matlab/latin1.m"]
    assert (latin["encoding"], "carrée, à dix" in latin["text"]) == ("cp1252", True)
    assert documents["matlab/utf16.m"]["encoding"] == "utf-16-le"
    source = sample_sources_path() / "c/spectrum.c"
    assert documents["c/spectrum.c"]["blob"] == git_blob_id(source.read_bytes())
    assert documents["c/spectrum.c"]["text"] == source.read_text()


def test_the_card(sample: Path) -> None:
    card = json.loads((sample / "card.json").read_text())
    documents = rows(sample, "documents")
    counted = sum(
        split["files"] for row in card["languages"].values() for split in row["splits"].values()
    )
    assert counted == len(documents)
    assert card["languages"]["c"]["dropped"]["vendored: dependency"] == 1
    assert card["licences"]["MIT"]["files"] == len(documents)
    text = (sample / "card.md").read_text()
    assert "| isabelle | 1 | 1 |" in text
    assert (sample / "funnel-languages.png").stat().st_size > 10_000


def test_one_and_two_workers_and_a_tarball_of_the_folder(sample: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    run([sample_sources_path()], again, "audit.dropped_text=all", workers=2)
    assert files_of(again) == files_of(sample)
    assert verify_run(again, regenerate=True).faults == []
    with tarfile.open(tmp_path / "sources.tar.gz", "w:gz") as archive:
        archive.add(sample_sources_path(), "sources")
    run([tmp_path / "sources.tar.gz"], tmp_path / "tar")
    ours = {row["path"]: row["text"] for row in rows(tmp_path / "tar", "documents")}
    assert ours == {row["path"]: row["text"] for row in rows(sample, "documents")}


def test_ranges_of_a_folder_and_of_a_table_give_the_same(sample: Path, tmp_path: Path) -> None:
    run(
        [sample_sources_path()], tmp_path / "cut", "audit.dropped_text=all", "input.task_bytes=3000"
    )
    assert sorted(row["document_id"] for row in rows(tmp_path / "cut")) == sorted(
        row["document_id"] for row in rows(sample)
    )


# ---- inputs together ----------------------------------------------------------------------------

PROOF = "".join(
    f"Lemma plus_zero_{n} : forall m, m + {n} = {n} + m.\nProof. intros; lia. Qed.\n"
    for n in range(40)
)


def table(path: Path, *contents: dict[str, Any]) -> None:
    default = {
        "hexsha": "", "lang": "Coq", "max_stars_repo_path": "a.v", "max_stars_repo_name": "o/r",
        "max_stars_repo_head_hexsha": "", "max_stars_repo_licenses": [], "max_stars_count": None,
    }  # fmt: skip
    schema = pa.schema(
        [("content", pa.string()), ("hexsha", pa.string()), ("lang", pa.string()),
         ("max_stars_repo_path", pa.string()), ("max_stars_repo_name", pa.string()),
         ("max_stars_repo_head_hexsha", pa.string()),
         ("max_stars_repo_licenses", pa.list_(pa.string())), ("max_stars_count", pa.int64())]
    )  # fmt: skip
    pq.write_table(pa.Table.from_pylist([{**default, **row} for row in contents], schema), path)


def tarball(path: Path, **files: str) -> None:
    with tarfile.open(path, "w") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"repo/{name.replace('__', '/').replace('_dot_', '.')}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))


def test_a_file_in_a_repository_and_in_the_stack_appears_once(tmp_path: Path) -> None:
    data = tmp_path / "in"
    data.mkdir()
    close = PROOF.replace("Lemma plus_zero_7 ", "Lemma seven ", 1)
    table(
        data / "stack.parquet",
        {"content": PROOF, "max_stars_repo_name": "few/stars", "max_stars_count": 3,
         "max_stars_repo_licenses": ["MIT"]},
        {"content": close, "max_stars_repo_name": "many/stars", "max_stars_count": 90,
         "max_stars_repo_licenses": ["MIT"]},
        {"content": PROOF, "max_stars_repo_name": "gpl/stars", "max_stars_count": 900,
         "max_stars_repo_licenses": ["GPL-3.0"]},
    )  # fmt: skip
    tarball(data / "o__plain.tar", a_dot_v=PROOF)
    run([data], tmp_path / "out")
    [kept] = rows(tmp_path / "out", "documents")
    assert kept["repo"] == "many/stars"
    dropped = {row["repo"]: row for row in rows(tmp_path / "out") if row["verdict"] == "drop"}
    assert set(dropped) == {"few/stars", "gpl/stars", "o/plain"}
    # The best licence comes before the most stars.
    exact = next(d for d in dropped["gpl/stars"]["decisions"] if d["filter"] == "exact_duplicates")
    assert exact["verdict"] == "drop"


def test_an_allow_list_of_licences(tmp_path: Path) -> None:
    tarball(tmp_path / "r.tar", a_dot_v=PROOF,
            b_dot_v="(* SPDX-License-Identifier: Apache-2.0 *)\n" + PROOF + "Definition x := 1.\n" * 60)  # fmt: skip
    run([tmp_path / "r.tar"], tmp_path / "out", "licences.allow=[Apache-2.0]")
    assert {row["path"]: row["reason"] for row in rows(tmp_path / "out")} == {
        "a.v": "unknown_licence",
        "b.v": "",
    }


def test_the_stacks_second_version_by_a_folder_of_blobs(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (blobs / "b1").write_text(PROOF)
    pq.write_table(
        pa.table(
            {"blob_id": ["b1", "b2"], "path": ["/a.v", "/b.v"], "repo_name": ["o/r", "o/r"],
             "detected_licenses": [["MIT"], []], "language": ["Coq", "Coq"],
             "star_events_count": [4, 4], "is_vendor": [False, False]}
        ),
        tmp_path / "v2.parquet",
    )  # fmt: skip
    run([tmp_path / "v2.parquet"], tmp_path / "out", f"source_files.contents={blobs}/{{blob_id}}")
    found = {row["path"]: (row["reason"], row["stars"]) for row in rows(tmp_path / "out")}
    assert found == {"a.v": ("", 4), "b.v": ("error:contents_missing", 4)}


def test_broken_inputs_are_recorded_and_the_run_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "in"
    (data / "empty" / ".git").mkdir(parents=True)
    (data / "plain").mkdir()
    (data / "plain" / "good.v").write_text(PROOF)
    (data / "plain" / "loop").symlink_to(data)
    with (data / "plain" / "line.py").open("wb") as file:
        file.truncate(200_000_000)
    table(data / "whole.parquet", {"content": "Definition one := 1.\n" * 30})
    (data / "broken.parquet").write_bytes((data / "whole.parquet").read_bytes()[:-9])
    (data / "no.tar.gz").write_bytes(b"\x1f\x8bno gzip")
    outcome = run([data], tmp_path / "out")
    assert outcome.manifest["failed_inputs"] == {}
    found = {row["path"] or row["input_file"]: row["reason"] for row in rows(tmp_path / "out")}
    assert found == {
        "plain/good.v": "",
        "plain/loop": "error:symbolic_link",
        "plain/line.py": "error:too_large",
        "a.v": "",
        "in/broken.parquet": "error:parquet_broken",
        "in/no.tar.gz": "error:archive_broken",
        "in/empty": "error:empty_repository",
    }
    assert verify_run(tmp_path / "out").faults == []


# ---- splits -------------------------------------------------------------------------------------


def test_rows_far_above_a_shard_are_each_in_exactly_one_split(tmp_path: Path) -> None:
    """The original's slices left every shard after the first empty: half of Coq was lost."""
    contents = [
        {"content": f"Definition number_{n} := {n}.\n(* {n * 7919} *) Theorem t{n} : True.\n",
         "max_stars_repo_path": f"{n}.v"}
        for n in range(1200)
    ]  # fmt: skip
    table(tmp_path / "coq.parquet", *contents)
    changes = ("output.shard_bytes=2500", "near_duplicates.enabled=false",
               "output.splits={train: 0.8, validation: 0.1, test: 0.1}")  # fmt: skip
    outcome = run([tmp_path / "coq.parquet"], tmp_path / "out", *changes)
    documents = sorted((tmp_path / "out" / "documents").glob("*.parquet"))
    assert len(documents) > 20
    seen = Counter(row["document_id"] for row in rows(tmp_path / "out", "documents"))
    assert len(seen) == outcome.manifest["counts"]["kept"] == 1200
    assert set(seen.values()) == {1}
    for path in documents:
        split = path.name.split("-")[0]
        ids = pq.read_table(path, columns=["document_id"]).column(0).to_pylist()
        assert ids
        assert {split_of(one, {"train": 0.8, "validation": 0.1, "test": 0.1}) for one in ids} == {
            split
        }
    assert sum(outcome.manifest["splits"].values()) == 1200
    assert verify_run(tmp_path / "out").faults == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 2**128 - 1).map("{:032x}".format), max_size=400),
    st.sampled_from([SPLITS, {}, {"a": 0.5, "b": 0.5}, {"a": 0.0, "b": 1.0}]),
)
def test_every_row_is_in_one_split(ids: list[str], splits: dict[str, float]) -> None:
    documents = pa.table({"document_id": pa.array(ids, pa.string())})
    parts = list(split_tables(documents, {"documents": documents}, splits))
    assert parts
    found = [one for _, _, part in parts for one in part.column("document_id").to_pylist()]
    assert Counter(found) == Counter(ids)


def test_shares_of_splits() -> None:
    ids = [f"{n:032x}" for n in range(40_000)]
    counts = Counter(split_of(one, SPLITS) for one in ids)
    assert abs(counts["validation"] - 200) < 60
    assert abs(counts["test"] - 200) < 60
    # The order in which a recipe names them doesn't count.
    other = dict(reversed(SPLITS.items()))
    assert all(split_of(one, SPLITS) == split_of(one, other) for one in ids[:2000])


# ---- the published edition ----------------------------------------------------------------------


def published_survivors(texts: list[str]) -> list[int]:
    """Chunk deduplication as published, read from its description: spec section 1.4."""
    seen: set[str] = set()
    kept = []
    for number, text in enumerate(texts):
        repeated = False
        for start in range(0, len(text), 2048):
            chunk = text[start : start + 2048]
            if len(chunk) == 2048 or len(chunk) == len(text):
                repeated = repeated or chunk in seen
                seen.add(chunk)
        if not repeated:
            kept.append(number)
    return kept


_CHUNK = st.sampled_from(["a", "b", "c"]).map(lambda c: f"Proof. (* {c} *)".ljust(2048, c))
_TAIL = st.sampled_from(["", "x", "Proof. Qed.", "Proof. y"])


@settings(max_examples=4, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(_CHUNK, max_size=3), _TAIL).map(lambda p: "".join(p[0]) + p[1]),
        min_size=2,
        max_size=12,
    )
)
def test_chunks_are_deduplicated_as_published(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    texts = [text if "Proof" in text else f"Proof. {text}" for text in texts]
    folder = tmp_path_factory.mktemp("chunks")
    table(
        folder / "coq.parquet",
        *({"content": t, "max_stars_repo_path": f"{n:03d}.v"} for n, t in enumerate(texts)),
    )
    run([folder / "coq.parquet"], folder / "out", recipe="algebraic-stack-published")
    kept = sorted(int(row["path"][:3]) for row in rows(folder / "out", "documents"))
    assert kept == published_survivors(texts)


def test_the_published_edition_on_the_sample(tmp_path: Path) -> None:
    run([sample_sources_path()], tmp_path / "out", recipe="algebraic-stack-published")
    found = {row["path"]: (row["dropped_by"], row["reason"]) for row in rows(tmp_path / "out")}
    assert found["c/spectrum.c"] == ("language_rules", "no_mathematics")
    assert found["coq/Rev.v"] == ("language_rules", "verilog")
    # A string that says so is enough.
    assert found["dropped/hello.py"] == ("", "")
    assert found["python/power_method.py"] == ("", "")
    assert found["matlab/latin1.m"] == ("decode", "error:not_utf8")
    assert found["dropped/blank.jl"] == ("", "")
    assert found["tex/compactness.tex"] == ("", "")
    assert found["dropped/francais.tex"] == ("prose_language", "other_language")


def test_inputs_in_any_order_are_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.v").write_text(PROOF + name)
    resolve = subset_of("code").resolve
    one = resolve(InputNames([str(tmp_path / "a.v"), str(tmp_path / "b.v")]))
    other = resolve(InputNames([str(tmp_path / "b.v"), str(tmp_path / "a.v")]))
    assert one == other == [InputFile(f.name, f.uri, f.size) for f in one]
