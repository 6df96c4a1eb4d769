"""Whole runs: the same bytes however they were made, and nothing lost on the way."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

from pipelines import runs
from pipelines.deduplication import stages
from pipelines.engine import Engine
from pipelines.errors import ConservationError, InputFilesFailed, OtherRun, RunLocked
from pipelines.inputs import InputFile, resolve_inputs
from pipelines.recipe import Recipe, load_recipe
from pipelines.run_directory import RunDirectory
from pipelines.runs import Outcome, Run
from pipelines.sample.warc_writer import (
    WarcEntry,
    WarcResponse,
    archive_bytes,
    cut_inside,
    flip_byte,
    request,
)
from pipelines.verify import verify_run

PROSE = (
    "Let f be a continuous function on the interval and let its integral be finite. Then the "
    "sequence of its averages converges, and the limit is the value that the theorem gives. "
    "We prove this by induction on the number of steps, and the proof needs only the mean value "
    "theorem for integrals, which every student of analysis has seen in the first year."
)


def page(number: int, *, text: int | None = None) -> bytes:
    """A mathematical page; pages with the same ``text`` have the same text."""
    own = number if text is None else text
    formulas = "".join(
        f"<p>Step {own}.{k}: we have $a_{{{k}}} = \\frac{{{own}}}{{{k + 2}}}$. {PROSE}</p>"
        for k in range(4)
    )
    return (
        f"<html><head><title>Page {own}</title></head><body><h1>On the limit {own}</h1>"
        f"<article>{formulas}</article></body></html>"
    ).encode()


def entries(count: int, first: int = 0) -> list[WarcEntry]:
    """Requests and responses; every seventh page is a copy, every fifth no mathematics."""
    made: list[WarcEntry] = []
    for number in range(first, first + count):
        url = f"https://host{number % 5}.example/page-{number}"
        body = page(number, text=number - number % 7 if number % 7 == 1 else None)
        if number % 5 == 4:
            body = b"<html><p>Prices from $5, today only.</p></html>"
        made += [request(url), WarcResponse(url, body)]
    return made


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "pages.warc.gz"
    path.write_bytes(archive_bytes(entries(240)))
    return path


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return load_recipe("open-web-math").changed(
        [
            "input.task_bytes=12000",
            "output.shard_bytes=30000",
            "audit.shadow_share=0.2",
            "audit.dropped_text=all",
            "math_score.enabled=false",
            "perplexity.enabled=false",
            "word_order.enabled=false",
            "quality.enabled=false",
        ]
    )


def run(recipe: Recipe, inputs: list[str], output: Path, **arguments: Any) -> Outcome:
    engine = arguments.pop("engine", Engine(1))
    files = resolve_inputs(inputs)
    return Run(recipe, files, output, engine, display="quiet", **arguments).execute()


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in ("documents", "trails", "dropped", "views")
        for path in sorted((root / kind).rglob("*.parquet"))
    }


@pytest.fixture(scope="session")
def reference(recipe: Recipe, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run in one process."""
    root = tmp_path_factory.mktemp("reference") / "run"
    run(recipe, [str(archive)], root)
    return root


def trails(root: Path) -> list[dict[str, Any]]:
    return pq.read_table(root / "trails").to_pylist()


# ---- what a run leaves --------------------------------------------------------------------------


def test_every_record_has_one_trail_and_the_counts_add_up(reference: Path) -> None:
    manifest = json.loads((reference / "manifest.json").read_text())
    rows = trails(reference)
    assert len(rows) == manifest["counts"]["records"] == 480
    assert manifest["record_types"] == {"request": 240, "response": 240}
    kept = [row for row in rows if row["verdict"] == "keep"]
    documents = pq.read_table(reference / "documents").to_pylist()
    assert {row["document_id"] for row in kept} == {row["document_id"] for row in documents}
    assert len(kept) == len(documents) == manifest["counts"]["kept"] > 100
    by_reason = {(row["dropped_by"], row["reason"]) for row in rows if row["verdict"] == "drop"}
    assert ("responses", "record_type") in by_reason
    assert ("math_prefilter", "no_math") in by_reason
    assert ("exact_duplicates", "duplicate") in by_reason


def test_a_duplicate_names_the_one_that_was_kept(reference: Path) -> None:
    rows = {row["document_id"]: row for row in trails(reference)}
    duplicates = [row for row in rows.values() if row["dropped_by"] == "exact_duplicates"]
    assert duplicates
    for row in duplicates:
        kept_id = row["decisions"][-1]["detail"].split()[1].rstrip(",")
        assert rows[kept_id]["verdict"] == "keep"


def test_the_shadow_share_is_judged_to_the_end_and_changes_nothing(reference: Path) -> None:
    shadowed = [row for row in trails(reference) if any(d["shadow"] for d in row["decisions"])]
    assert shadowed
    for row in shadowed:
        assert row["shadow"] and row["verdict"] == "drop"
        names = [d["filter"] for d in row["decisions"]]
        assert "language" in names, "stages after the drop judged too"
        assert not next(d for d in row["decisions"] if d["verdict"] == "drop")["shadow"]


def test_shards_are_sorted_ranges_and_the_view_has_the_originals_columns(reference: Path) -> None:
    shards = sorted((reference / "documents").glob("*.parquet"))
    assert len(shards) > 1
    ids = [i for shard in shards for i in pq.read_table(shard)["document_id"].to_pylist()]
    assert ids == sorted(ids)
    view = pq.read_table(reference / "views" / "open-web-math")
    assert view.column_names == ["url", "text", "date", "metadata"]
    info = json.loads(view["metadata"][0].as_py())["extraction_info"]
    assert info["found_math"] is True


def test_a_document_says_where_its_record_lies(reference: Path, archive: Path) -> None:
    document = pq.read_table(reference / "documents").to_pylist()[0]
    data = archive.read_bytes()
    begin, length = document["warc_offset"], document["warc_length"]
    import gzip

    member = gzip.decompress(data[begin : begin + length])
    assert document["url"].encode() in member
    assert document["warc_record_id"].encode() in member


# ---- the same bytes -----------------------------------------------------------------------------


def test_one_and_two_workers_give_the_same_bytes(
    recipe: Recipe,
    archive: Path,
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for threshold in ("_PARALLEL_BYTES", "_PARALLEL_TEXT_BYTES"):
        monkeypatch.setattr(runs, threshold, 0)
    monkeypatch.setattr(stages, "_PARALLEL_BYTES", 0)
    run(recipe, [str(archive)], tmp_path / "two", engine=Engine(2))
    assert digests(tmp_path / "two") == digests(reference)


_COMMAND = """
import sys
from pathlib import Path
import pipelines.runs as runs
from pipelines.engine import Engine
from pipelines.inputs import resolve_inputs
from pipelines.recipe import Recipe
import json
parallel, recipe, archive, output = sys.argv[1:]
if parallel == "2":
    runs._PARALLEL_BYTES = 0
chosen = Recipe.model_validate(json.loads(recipe))
files = resolve_inputs([archive])
runs.Run(chosen, files, Path(output), Engine(int(parallel)), display="quiet").execute()
"""


def start(recipe: Recipe, archive: Path, output: Path, workers: int) -> subprocess.Popen[bytes]:
    arguments = [str(workers), recipe.model_dump_json(), str(archive), str(output)]
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *arguments],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_markers(output: Path, process: subprocess.Popen[bytes], count: int) -> None:
    deadline = time.monotonic() + 60
    while len(list((output / "work" / "read").glob("*.json"))) < count:
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_resumes_to_the_same_bytes(
    recipe: Recipe, archive: Path, reference: Path, tmp_path: Path, workers: int
) -> None:
    output = tmp_path / "run"
    process = start(recipe, archive, output, workers)
    wait_for_markers(output, process, 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (output / "manifest.json").exists()
    # What a kill in the middle of a write leaves.
    (output / "trails" / "read-000001.parquet.tmp-1").write_bytes(b"half")
    outcome = run(recipe, [str(archive)], output)
    assert outcome.resumed_tasks >= 3
    assert digests(output) == digests(reference)
    assert not list(output.rglob("*.tmp-*"))


@pytest.mark.parametrize("what", ["trails", "candidates", "index", "gone"])
def test_damaged_files_of_finished_tasks_are_made_again(
    recipe: Recipe, archive: Path, reference: Path, tmp_path: Path, what: str
) -> None:
    output = tmp_path / "run"
    process = start(recipe, archive, output, 1)
    wait_for_markers(output, process, 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    marked = sorted((output / "work" / "read").glob("??????.json"))[0].stem
    victim = {
        "trails": output / "trails" / f"read-{marked}.parquet",
        "candidates": output / "work" / "read" / f"{marked}.documents.parquet",
        "index": output / "work" / "deduplication" / "index" / f"{marked}.bands",
        "gone": output / "work" / "read" / f"{marked}.trails.parquet",
    }[what]
    if what == "gone":
        victim.unlink()
    else:
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 0xFF
        victim.write_bytes(content)
    run(recipe, [str(archive)], output)
    assert digests(output) == digests(reference)


def test_a_killed_worker_is_replaced_and_the_bytes_are_the_same(
    recipe: Recipe, archive: Path, reference: Path, tmp_path: Path
) -> None:
    output = tmp_path / "run"
    process = start(recipe, archive, output, 2)
    wait_for_markers(output, process, 2)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if any("sdk_worker" in part for part in child.cmdline())
    ]
    assert workers
    workers[0].kill()
    process.wait(timeout=120)
    outcome = run(recipe, [str(archive)], output)
    assert digests(output) == digests(reference)
    assert outcome.manifest["counts"]["records"] == 480


def test_an_interrupted_run_resumes(recipe: Recipe, archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    process = start(recipe, archive, output, 1)
    wait_for_markers(output, process, 2)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    assert run(recipe, [str(archive)], output).resumed_tasks >= 2


def test_verify_finds_a_changed_input(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "pages.warc"
    data = archive_bytes(entries(12), container="plain")
    path.write_bytes(data)
    run(recipe, [str(path)], tmp_path / "run")
    path.write_bytes(data.replace(b"induction", b"deduction"))
    found = verify_run(tmp_path / "run", regenerate=True)
    assert any("pages.warc has changed" in fault for fault in found.faults)


def test_verify_proves_a_run_and_finds_a_changed_byte(reference: Path, tmp_path: Path) -> None:
    assert verify_run(reference, regenerate=True).holds
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(reference, copy)
    shard = next((copy / "documents").glob("*.parquet"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    found = verify_run(copy)
    assert not found.holds
    assert shard.name in found.faults[0]


# ---- damage and failures ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hurt", "reason"),
    [
        (lambda data: flip_byte(data, 101), "damage:gzip_corrupt"),
        (lambda data: cut_inside(data, 401), "damage:gzip_truncated"),
        (lambda data: data[:20000] + b"\0garbage\0" * 40 + data[20000:], "damage:gzip_corrupt"),
    ],
)
def test_damage_is_a_decision_and_the_rest_is_read(
    recipe: Recipe,
    archive: Path,
    tmp_path: Path,
    hurt: Callable[[bytes], bytes],
    reason: str,
) -> None:
    path = tmp_path / "hurt.warc.gz"
    path.write_bytes(hurt(archive.read_bytes()))
    outcome = run(recipe, [str(path)], tmp_path / "run")
    assert reason.removeprefix("damage:") in str(outcome.manifest["drops"]["read"])
    whole = 480 if "truncated" not in reason else 402
    assert whole - 2 <= outcome.manifest["counts"]["records"] <= whole + 1
    assert len(trails(tmp_path / "run")) == outcome.manifest["counts"]["records"]


def test_files_that_are_no_archives_are_recorded(recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").write_bytes(b"<html>no archive</html>")
    (tmp_path / "b.warc").write_bytes(b"")
    outcome = run(recipe, [str(tmp_path)], tmp_path / "run")
    assert outcome.manifest["drops"] == {
        "read": {"damage:empty_file": 1, "damage:not_an_archive": 1}
    }


def test_a_range_that_begins_in_a_stored_archive_is_read_again_rightly(
    recipe: Recipe, tmp_path: Path
) -> None:
    """An archive inside a page tempts the range that begins in it to take its records for real."""
    inner = archive_bytes(entries(60, first=1000), container="plain")
    outer = [
        *entries(6),
        WarcResponse("https://nested.example/", b"<pre>" + inner),
        *entries(6, 50),
    ]
    path = tmp_path / "nested.warc"
    path.write_bytes(archive_bytes(outer, container="plain"))
    outcome = run(recipe, [str(path)], tmp_path / "run")
    assert outcome.manifest["record_types"] == {"request": 12, "response": 13}
    assert outcome.manifest["inputs"][0]["records"] == 25


def test_an_unreadable_file_fails_the_run_at_its_end_unless_tolerated(
    recipe: Recipe, archive: Path, tmp_path: Path
) -> None:
    gone = InputFile("gone.warc.gz", str(tmp_path / "gone.warc.gz"), 1000)
    files = [*resolve_inputs([str(archive)]), gone]

    def attempt(chosen: Recipe, output: Path) -> Outcome:
        import unittest.mock

        # The file vanishes between planning and reading.
        Path(gone.uri).write_bytes(bytes(1000))
        plan = runs.make_plan(chosen, files)
        Path(gone.uri).unlink()
        with unittest.mock.patch.object(runs, "make_plan", return_value=plan):
            return Run(chosen, files, output, Engine(1), display="quiet").execute()

    with pytest.raises(InputFilesFailed, match=r"gone\.warc\.gz"):
        attempt(recipe, tmp_path / "strict")
    done = len(list((tmp_path / "strict" / "work" / "read").glob("*.json")))
    assert done > 5, "everything else was read"
    tolerant = recipe.changed(["input.tolerate_failed_files=true"])
    outcome = attempt(tolerant, tmp_path / "tolerant")
    assert list(outcome.manifest["failed_inputs"]) == ["gone.warc.gz"]
    assert outcome.manifest["counts"]["records"] == 480


def test_a_full_disk_stops_the_run_and_loses_nothing(
    recipe: Recipe,
    archive: Path,
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "run"
    written = RunDirectory.written
    calls = 0

    def full(self: RunDirectory, path: Path, rows: int) -> Any:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise OSError(28, "No space left on device")
        return written(self, path, rows)

    monkeypatch.setattr(RunDirectory, "written", full)
    with pytest.raises(OSError, match="no space left"):
        run(recipe, [str(archive)], output)
    monkeypatch.undo()
    assert run(recipe, [str(archive)], output).resumed_tasks >= 2
    assert digests(output) == digests(reference)


def test_lost_records_are_an_error(
    recipe: Recipe, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def losing(*arguments: Any) -> Any:
        found = gathered(*arguments)
        return replace(
            found,
            documents=found.documents.slice(1),
            trails=found.trails.slice(1),
            signatures=found.signatures.slice(1),
            places=found.places[1:],
        )

    from pipelines import writing

    gathered = writing._gathered
    monkeypatch.setattr(writing, "_gathered", losing)
    with pytest.raises(ConservationError, match="candidates"):
        run(recipe, [str(archive)], tmp_path / "run")
    assert not (tmp_path / "run" / "manifest.json").exists()


def test_a_folder_is_never_mixed_from_two_runs(
    recipe: Recipe, archive: Path, reference: Path, tmp_path: Path
) -> None:
    other = recipe.changed(["language.threshold=0.9"])
    with pytest.raises(OtherRun, match="recipe"):
        run(other, [str(archive)], reference)
    output = tmp_path / "run"
    run(recipe, [str(archive)], output)
    assert run(recipe, [str(archive)], output).already_complete
    assert not run(other, [str(archive)], output, fresh=True).already_complete
    with RunDirectory(output).locked(), pytest.raises(RunLocked):
        run(other, [str(archive)], output)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB, which takes root to mount."""
    mount = tmp_path / "disk"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(mount)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("mounting a small file system needs root")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


def test_workers_on_a_full_disk_end_instead_of_hanging(
    recipe: Recipe, archive: Path, reference: Path, small_disk: Path
) -> None:
    output = small_disk / "run"
    assert start(recipe, archive, output, 2).wait(timeout=120) != 0
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    assert run(recipe, [str(archive)], output).resumed_tasks < 20
    assert digests(output) == digests(reference)


def test_a_later_crawl_is_held_against_an_earlier_run(
    recipe: Recipe, reference: Path, tmp_path: Path
) -> None:
    """The same pages elsewhere, each edited: all go, and say which earlier one stays."""
    moved = []
    for number in (0, 2, 3, 5):
        body = page(number).replace(b"first year", b"second year")
        moved += [WarcResponse(f"https://mirror.example/{number}", body)]
    moved.append(WarcResponse("https://mirror.example/new", page(9000)))
    (tmp_path / "later.warc.gz").write_bytes(archive_bytes(moved))
    inputs = resolve_inputs([str(tmp_path / "later.warc.gz")])
    outcome = Run(
        recipe, inputs, tmp_path / "later", Engine(1), against=[reference], display="quiet"
    ).execute()
    assert outcome.manifest["counts"]["kept"] == 1
    assert outcome.manifest["drops"]["near_duplicates"] == {"duplicate": 4}
    kept = set(pq.read_table(reference / "documents")["document_id"].to_pylist())
    for row in pq.read_table(tmp_path / "later" / "trails").to_pylist():
        if row["dropped_by"] == "near_duplicates":
            last = row["decisions"][-1]
            assert last["score"] >= last["threshold"] == 0.8
            assert last["detail"].removeprefix("kept ").partition(",")[0] in kept
    assert verify_run(tmp_path / "later", regenerate=True, workers=1).holds
