"""Deduplication of Parquet: the same documents stay however it's run, and each says why."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.minhash import Shingler, exact_jaccard
from filters.near_duplicates import NearDuplicates
from pipelines.deduplication import candidates as candidates_module
from pipelines.deduplication import parts as parts_module
from pipelines.deduplication.candidates import ENTRY, bucket_pairs
from pipelines.deduplication.corpus import CorpusRun, DeduplicationOutcome
from pipelines.deduplication.index import Index, IndexEntry, IndexWriter, Stages
from pipelines.deduplication.parts import resolve_corpora
from pipelines.deduplication.recipe import DeduplicationRecipe, load_deduplication_recipe
from pipelines.deduplication.stages import Deduplication, verdicts_of_task
from pipelines.engine import Engine
from pipelines.errors import InputError, OtherRun
from pipelines.verify import verify_run

Row = dict[str, Any]


def text_of(seed: int, words: int = 120) -> str:
    generator = random.Random(seed)
    return " ".join(f"w{generator.randrange(20_000)}" for _ in range(words))


def edited(text: str, changes: int, seed: int) -> str:
    generator = random.Random(seed)
    words = text.split()
    for place in generator.sample(range(len(words)), changes):
        words[place] = f"edit{generator.randrange(10**6)}"
    return " ".join(words)


def corpus() -> list[Row]:
    """Single texts, a pair in each stage's way, a chain of edits, a text that is none."""
    rows: list[Row] = []

    def add(name: str, text: str | None, url: str = "", date: str = "2020-01-01T00:00:00Z") -> None:
        rows.append({"document_id": name, "text": text, "url": url, "date": date})

    for number in range(60):
        add(f"single-{number:02d}", text_of(number), f"https://example.org/{number}")
    add("old-capture", text_of(900), "http://www.example.org/page/", "2019-01-01T00:00:00Z")
    add(
        "new-capture", text_of(901), "https://example.org/page?utm_source=x", "2021-01-01T00:00:00Z"
    )
    add("equal-late", text_of(902), "https://a.example/1", "2021-01-01T00:00:00Z")
    add("equal-early", text_of(902).upper(), "https://a.example/2", "2019-01-01T00:00:00Z")
    for number in range(6):
        longer = " and more of it" * number
        add(
            f"near-{number}",
            edited(text_of(903), 1, number) + longer,
            f"https://b.example/{number}",
        )
    add("far", edited(text_of(903), 60, 7), "https://b.example/far")
    add("empty", "", "https://c.example/1")
    add("null", None, "https://c.example/2")
    return rows


def write(path: Path, rows: Sequence[Row], group: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([(name, pa.string()) for name in ("document_id", "text", "url", "date")])
    pq.write_table(pa.Table.from_pylist(list(rows), schema), path, row_group_size=group)
    return path


def run(
    output: Path, *inputs: str, changes: Sequence[str] = (), workers: int = 1, **more: Any
) -> DeduplicationOutcome:
    recipe = load_deduplication_recipe().changed(changes)
    files = resolve_corpora(inputs, recipe.columns)
    return CorpusRun(recipe, files, output, Engine(workers), display="quiet", **more).execute()


def decisions(output: Path) -> dict[str, Row]:
    rows = pq.read_table(output / "decisions").to_pylist()
    return {row["document_id"]: row for row in rows}


def digests(output: Path) -> dict[str, str]:
    return {
        path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*.parquet"))
    }


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("corpus") / "all.parquet", corpus())


@pytest.fixture(scope="module")
def finished(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("finished") / "run"
    run(output, f"web={source}")
    return output


def test_each_stage_keeps_the_right_one_and_says_why(finished: Path) -> None:
    by_id = decisions(finished)
    old = by_id["old-capture"]
    assert (old["verdict"], old["dropped_by"], old["kept_id"]) == (
        "drop", "url_duplicates", "new-capture",
    )  # fmt: skip
    late = by_id["equal-late"]
    assert (late["dropped_by"], late["kept_id"]) == ("exact_duplicates", "equal-early")
    near = by_id["near-0"]
    assert (near["dropped_by"], near["kept_id"], near["cluster"], near["members"]) == (
        "near_duplicates", "near-5", "near-0", 6,
    )  # fmt: skip
    assert near["threshold"] == 0.8
    for name in ("single-00", "far", "near-5", "new-capture", "equal-early"):
        assert by_id[name]["verdict"] == "keep"
        assert by_id[name]["dropped_by"] == by_id[name]["kept_id"] == ""


def test_similarity_is_that_of_the_texts(finished: Path) -> None:
    texts = {row["document_id"]: row["text"] for row in corpus()}
    for row in decisions(finished).values():
        if row["dropped_by"] == "near_duplicates":
            shingles = Shingler().shingles([texts[row["document_id"]], texts[row["kept_id"]]])
            assert row["similarity"] == exact_jaccard(shingles.of(0), shingles.of(1))


def test_empty_texts_are_equal_but_never_similar(finished: Path) -> None:
    by_id = decisions(finished)
    assert by_id["null"]["dropped_by"] == "exact_duplicates"
    assert by_id["empty"]["verdict"] == "keep"


def test_what_stays_is_unchanged_and_in_its_order(finished: Path) -> None:
    kept = pq.read_table(finished / "documents").to_pylist()
    by_id = decisions(finished)
    assert kept == [row for row in corpus() if by_id[row["document_id"]]["verdict"] == "keep"]


def test_a_run_verifies_and_a_changed_file_does_not(finished: Path, tmp_path: Path) -> None:
    assert verify_run(finished, regenerate=True, workers=1).holds
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", finished, copy], check=True)
    path = next((copy / "decisions").glob("*.parquet"))
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    assert not verify_run(copy).holds


def test_workers_make_no_difference(
    source: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("corpus", "stages"):
        for name in ("_PARALLEL_BYTES", "_PARALLEL_PAIRS"):
            monkeypatch.setattr(f"pipelines.deduplication.{module}.{name}", 0, raising=False)
    run(tmp_path / "two", f"web={source}", workers=2)
    assert digests(tmp_path / "two") == digests(finished)


def test_order_and_cut_of_the_input_make_no_difference(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_module, "_PART_ROWS", 16)
    rows = corpus()
    random.Random(5).shuffle(rows)
    for number in range(4):
        write(tmp_path / "in" / f"{3 - number}.parquet", rows[number::4])
    run(tmp_path / "out", f"web={tmp_path / 'in'}")

    def told(output: Path) -> dict[str, Row]:
        ignored = ("file", "row")
        return {
            name: {key: value for key, value in row.items() if key not in ignored}
            for name, row in decisions(output).items()
        }

    assert told(tmp_path / "out") == told(finished)


def test_a_finished_run_is_not_made_again_and_another_is_refused(
    source: Path, finished: Path
) -> None:
    assert run(finished, f"web={source}").already_complete
    with pytest.raises(OtherRun, match="recipe"):
        run(finished, f"web={source}", changes=["near_duplicates.threshold=0.9"])


def test_a_killed_run_goes_on(source: Path, finished: Path, tmp_path: Path) -> None:
    """Killed again and again, a little later each time, it ends with the same bytes."""
    others = set(psutil.Process().children(recursive=True))
    output = tmp_path / "run"
    command = [
        sys.executable, "-m", "pipelines.cli", "dedup", "--input", f"web={source}",
        "--output", str(output), "--progress", "quiet", "--workers", "1",
    ]  # fmt: skip
    milestones = ["work/sign/000000.json", "work/deduplication/done/exact_duplicates.json"]
    for milestone in milestones:
        process = subprocess.Popen(command, start_new_session=True)
        while process.poll() is None and not (output / milestone).exists():
            time.sleep(0.005)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, check=False).returncode == 0
    assert digests(output) == digests(finished)
    assert set(psutil.Process().children(recursive=True)) <= others


def test_subsets_keep_theirs_in_order_of_precedence(tmp_path: Path) -> None:
    web = [{"document_id": f"web-{n}", "text": text_of(n) + " and a footer"} for n in range(20)]
    arxiv = [{"document_id": f"arxiv-{n}", "text": text_of(n)} for n in range(10)]
    write(tmp_path / "web.parquet", web)
    write(tmp_path / "arxiv.parquet", arxiv)
    outcome = run(
        tmp_path / "run", f"web={tmp_path / 'web.parquet'}", f"arxiv={tmp_path / 'arxiv.parquet'}"
    )
    by_id = decisions(tmp_path / "run")
    # The page is longer, but the paper's own source goes before.
    assert all(by_id[f"arxiv-{n}"]["verdict"] == "keep" for n in range(10))
    assert all(by_id[f"web-{n}"]["kept_id"] == f"arxiv-{n}" for n in range(10))
    assert [
        (row["subset"], row["kept_subset"], row["stage"], row["documents"])
        for row in outcome.manifest["overlap"]
    ] == [("web", "arxiv", "near_duplicates", 10)]


def test_a_later_run_is_held_against_an_earlier_one(finished: Path, tmp_path: Path) -> None:
    later = [
        {"document_id": "again", "text": edited(text_of(3), 1, 99), "url": "https://d.example/1"},
        {"document_id": "moved", "text": text_of(4), "url": "https://d.example/2"},
        {"document_id": "recaptured", "text": text_of(500), "url": "https://example.org/5"},
        {"document_id": "new", "text": text_of(501), "url": "https://d.example/3"},
        {"document_id": "new-too", "text": edited(text_of(501), 1, 1) + " longer", "url": ""},
    ]
    write(tmp_path / "later.parquet", later)
    output = tmp_path / "run"
    run(output, f"web={tmp_path / 'later.parquet'}", against=[finished])
    by_id = decisions(output)
    assert {name: row["kept_id"] for name, row in by_id.items()} == {
        "again": "single-03",
        "moved": "single-04",
        "recaptured": "single-05",
        "new": "new-too",
        "new-too": "",
    }
    # A third is held against both: the index grows by a run's own signatures.
    write(tmp_path / "third.parquet", [{"document_id": "x", "text": edited(text_of(501), 1, 2)}])
    run(tmp_path / "third", f"web={tmp_path / 'third.parquet'}", against=[finished, output])
    assert decisions(tmp_path / "third")["x"]["kept_id"] == "new-too"


def test_signatures_of_another_scheme_are_refused(finished: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", corpus()[:3])
    with pytest.raises(InputError, match="can't be compared"):
        run(tmp_path / "run", str(path), changes=["near_duplicates.ngram=9"], against=[finished])


def test_documents_of_a_web_run_say_that_they_passed(tmp_path: Path) -> None:
    from pipelines.inputs import InputFile
    from pipelines.recipe import load_recipe
    from pipelines.runs import Run
    from pipelines.sample import sample_warc_path

    path = sample_warc_path()
    inputs = [InputFile(path.name, str(path), path.stat().st_size)]
    web = load_recipe("open-web-math").changed(["exact_duplicates.enabled=false"])
    Run(web, inputs, tmp_path / "web", Engine(1), display="quiet").execute()
    run(tmp_path / "run", str(tmp_path / "web"))
    kept = pq.read_table(tmp_path / "run" / "documents").to_pylist()
    assert kept
    for row in kept:
        stages = [(entry["filter"], entry["verdict"]) for entry in row["decisions"]]
        assert stages[-3:] == [
            ("url_duplicates", "keep"), ("exact_duplicates", "keep"), ("near_duplicates", "keep"),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"PAR1 and then nothing"), "no readable Parquet"),
        (lambda path: pq.write_table(pa.table({"body": ["x"]}), path), "no column 'text'"),
        (lambda path: path.mkdir(), "no Parquet files"),
    ],
)
def test_what_is_no_corpus_is_refused_before_any_work(
    make: Any, message: str, tmp_path: Path
) -> None:
    make(tmp_path / "x.parquet")
    with pytest.raises(InputError, match=message):
        run(tmp_path / "run", str(tmp_path / "x.parquet"))
    assert not (tmp_path / "run").exists()


def test_other_columns_by_name_and_ids_made_from_content(tmp_path: Path) -> None:
    table = pa.table({"body": ["one text of it", "one text of it", "another"], "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "x.parquet")
    run(tmp_path / "run", str(tmp_path / "x.parquet"), changes=["columns.text=body"])
    assert pq.read_table(tmp_path / "run" / "documents").column("n").to_pylist() == [1, 3]


def test_a_file_that_changes_between_the_passes_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "x.parquet", corpus())
    find = Deduplication.find

    def changing(self: Deduplication, index: Index) -> dict[str, int]:
        found = find(self, index)
        write(path, corpus()[:30])
        return found

    monkeypatch.setattr(Deduplication, "find", changing)
    with pytest.raises(InputError, match="has changed since"):
        run(tmp_path / "run", str(path))


# ---- below the run: waves, star steps, buckets ----------------------------------------------------


def indexed(folder: Path, texts: Sequence[str], near: NearDuplicates, tasks: int = 3) -> Index:
    made = []
    for task in range(tasks):
        writer = IndexWriter(folder / "index", task, Stages(near=near))
        for number in range(task, len(texts), tasks):
            writer.add(IndexEntry(f"d{number:05d}", texts[number]))
        made.append(writer.finish())
    return Index(tuple(made))


def found(folder: Path, index: Index, near: NearDuplicates, **more: Any) -> dict[str, str]:
    def in_process(
        label: str, elements: Sequence[Any], transform: beam.PTransform, *, parallel: bool
    ) -> None:
        Engine(1).run(label, elements, transform, log=folder / "log", parallel=False)

    Deduplication(folder, Stages(near=near), in_process, **more).find(index)
    tables = [verdicts_of_task(folder, task) for task in range(len(index.tasks))]
    return {row["document_id"]: row["kept_id"] for table in tables for row in table.to_pylist()}


@pytest.fixture(scope="module")
def many() -> list[str]:
    texts = [text_of(seed, 80) for seed in range(150)]
    copies = [edited(texts[seed % 50], seed % 6, seed) for seed in range(150)]
    return [*texts, *copies]


def test_waves_and_star_steps_find_the_same(many: list[str], tmp_path: Path) -> None:
    near = NearDuplicates()
    results = []
    for number, more in enumerate(({}, {"wave_bytes": 700}, {"labels_in_memory": 0})):
        folder = tmp_path / str(number)
        results.append(found(folder, indexed(folder, many, near), near, **more))
    assert len(results[0]) > 50
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("verify", ["exact", "estimated", "none"])
def test_all_similar_pairs_are_found_and_no_others(
    many: list[str], verify: Any, tmp_path: Path
) -> None:
    near = NearDuplicates(verify=verify)
    dropped = found(tmp_path, indexed(tmp_path, many, near), near)
    shingles = near.minhash.shingler.shingles(many)
    sets = [shingles.of(number) for number in range(len(many))]
    alike = np.array([[exact_jaccard(a, b) for a in sets] for b in sets])
    for name, kept in dropped.items():
        if verify == "exact":
            # Of a chain of edits the ends may be further apart than each step.
            others = np.delete(alike[int(name[1:])], int(name[1:]))
            assert others.max() >= 0.8
        assert kept not in dropped
    copies = [n for n in range(len(many)) if np.delete(alike[n], n).max() >= 0.9]
    clusters = {frozenset(np.flatnonzero(alike[n] >= 0.9).tolist()) for n in copies}
    assert sum(len(c) - 1 for c in clusters if len(c) > 1) <= len(dropped)


def test_a_bucket_of_thousands_costs_no_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One boilerplate page with noise: all are found, with a few pairs a page."""
    base = text_of(1, 100)
    texts = [edited(base, 1, seed) for seed in range(1500)]
    near = NearDuplicates(preset="maths", verify="estimated", threshold=0.7)
    index = indexed(tmp_path, texts, near)
    compared = 0
    estimate = candidates_module.estimated_jaccard

    def counted(first: Any, second: Any) -> Any:
        nonlocal compared
        result = estimate(first, second)
        compared += np.size(result)
        return result

    monkeypatch.setattr(candidates_module, "estimated_jaccard", counted)
    entries = np.zeros(len(texts), ENTRY)
    entries["ordinal"] = np.arange(len(texts))
    pairs = bucket_pairs(index, entries, 0.7)
    assert compared < 80 * len(texts)
    assert len(pairs) < 80 * len(texts)
    assert set(pairs["first"]) | set(pairs["second"]) == set(range(len(texts)))
    assert len(found(tmp_path / "run", index, near)) == len(texts) - 1


def test_the_recipe_says_what_was_compared(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["signatures"]["scheme"] == "proofmill-minhash-1/word/5/maths/112"
    assert isinstance(load_deduplication_recipe(), DeduplicationRecipe)


MENU = "Home | Lectures | Problem sets | Solutions | About this site | Contact the author of it"


def test_paragraphs_that_many_documents_share_go_and_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_module, "_PART_ROWS", 7)
    rows = [
        {
            "document_id": f"d{n:02d}",
            "text": f"{MENU}\n\n{text_of(n, 30)}\n\n  Proof.\n\n{text_of(n + 50, 20)}",
        }
        for n in range(24)
    ]
    rows.append({"document_id": "only-menu", "text": MENU.upper().replace(" ", "  ")})
    # Copies don't make a paragraph frequent: without them this one is in a single document.
    rows += [{"document_id": f"copy{n:02d}", "text": text_of(77, 60)} for n in range(30)]
    write(tmp_path / "x.parquet", rows)
    changes = ["repeated_paragraphs.enabled=true", "repeated_paragraphs.minimum_documents=20"]
    outcome = run(tmp_path / "run", f"web={tmp_path / 'x.parquet'}", changes=changes)
    texts = {
        row["document_id"]: row["text"]
        for row in pq.read_table(tmp_path / "run" / "documents").to_pylist()
    }
    for number in range(24):
        assert texts[f"d{number:02d}"] == (
            f"{text_of(number, 30)}\n\n  Proof.\n\n{text_of(number + 50, 20)}"
        )
    assert sum(name.startswith("copy") for name in texts) == 1
    by_id = decisions(tmp_path / "run")
    assert by_id["only-menu"]["dropped_by"] == "repeated_paragraphs"
    assert "only-menu" not in texts
    assert by_id["d03"]["paragraphs_removed"] == 1
    assert by_id["d03"]["chars_removed"] == len(MENU)
    (told,) = pq.read_table(tmp_path / "run" / "repeated").to_pylist()
    assert told["documents"] == 25
    assert " ".join(told["text"].split()).lower() == MENU.lower()
    assert outcome.manifest["paragraphs_removed"] == 25
    assert verify_run(tmp_path / "run", regenerate=True, workers=1).holds


def test_without_the_stage_texts_stay(source: Path, finished: Path) -> None:
    assert not (finished / "repeated").exists()
    assert {row["paragraphs_removed"] for row in decisions(finished).values()} == {0}
