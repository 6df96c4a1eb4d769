"""Runs whose folder is in S3: the same bytes, through throttling, cut answers and an outage."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import object_store
from pipelines.deduplication.corpus import CorpusRun
from pipelines.deduplication.parts import resolve_corpora
from pipelines.deduplication.recipe import load_deduplication_recipe
from pipelines.engine import Engine
from pipelines.errors import RunLocked
from pipelines.files import address_of, exists, fetched, folder_at, listed, publish, remove
from pipelines.recipe import Recipe, load_recipe
from pipelines.remote_lock import held
from pipelines.runs import Run
from pipelines.sample.warc_writer import archive_bytes
from pipelines.subsets import InputNames, subset_of
from pipelines.verify import verify_run
from tests.pipelines.test_runs import digests, entries
from tests.s3_server import Faults, s3_server

# A file has the same name in trails wherever it lies, from here on.
_ARCHIVE = "crawl-data/pages.warc.gz"
_SECRET = b"secret-that-must-not-be-written"


@pytest.fixture
def faults(tmp_path: Path) -> Iterator[Faults]:
    with s3_server(tmp_path / "mirrors", "corpus") as found:
        yield found


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe("open-web-math").changed(
        ["input.task_bytes=100000", "output.shard_bytes=200000", "audit.dropped_text=all"]
    )


@pytest.fixture(scope="module")
def pages() -> bytes:
    return archive_bytes(entries(240))


@pytest.fixture(scope="module")
def local(recipe: Recipe, pages: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Digests of a run on this machine alone."""
    root = tmp_path_factory.mktemp("local")
    archive = root / _ARCHIVE
    archive.parent.mkdir()
    archive.write_bytes(pages)
    files = subset_of("web").resolve(InputNames([str(archive)]))
    Run(recipe, files, root / "run", Engine(1), display="quiet").execute()
    return digests(root / "run")


def put(key: str, content: bytes) -> None:
    boto3.client("s3").put_object(Bucket="corpus", Key=key, Body=content)


def objects(prefix: str = "") -> dict[str, bytes]:
    client = boto3.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="corpus", Prefix=prefix)
    return {
        item["Key"].removeprefix(prefix): client.get_object(Bucket="corpus", Key=item["Key"])[
            "Body"
        ].read()
        for page in pages
        for item in page.get("Contents", [])
    }


def remote_digests(prefix: str) -> dict[str, str]:
    kinds = ("documents/", "trails/", "dropped/", "views/")
    return {
        name: hashlib.sha256(content).hexdigest()
        for name, content in objects(prefix).items()
        if name.startswith(kinds)
    }


def run(recipe: Recipe, output: str, *, forget: bool = True, workers: int = 1) -> None:
    """Runs over the pages in the bucket, as a machine would that knows nothing of the run."""
    folder = folder_at(output)
    if forget:
        shutil.rmtree(folder, ignore_errors=True)
    files = subset_of("web").resolve(InputNames(["s3://corpus/crawl-data/*.warc.gz"]))
    Run(recipe, files, folder, Engine(workers), display="quiet").execute()


# ---- whole runs ---------------------------------------------------------------------------------


def test_a_run_from_s3_to_s3_has_the_bytes_of_a_local_one(
    recipe: Recipe, pages: bytes, local: dict[str, str], faults: Faults
) -> None:
    put(_ARCHIVE, pages)
    run(recipe, "s3://corpus/out/run")
    found = objects("out/run/")
    assert remote_digests("out/run/") == {
        name: digest for name, digest in local.items() if not name.startswith("work/")
    }
    assert {"manifest.json", "plan.json", "recipe.yaml", "funnel.png"} <= found.keys()
    assert not any(name.startswith("work/") for name in found)
    assert ".lock" not in found
    assert not any(_SECRET in content for content in found.values())
    # Another machine, which has no mirror, finds it whole, and made again it's the same.
    shutil.rmtree(folder_at("s3://corpus/out/run"))
    verification = verify_run(folder_at("s3://corpus/out/run"), regenerate=True, workers=1)
    assert verification.holds, verification.faults


def test_throttling_slow_and_cut_answers_change_nothing(
    recipe: Recipe, pages: bytes, local: dict[str, str], faults: Faults
) -> None:
    put(_ARCHIVE, pages)
    faults.unavailable = lambda number: number % 41 == 3
    faults.cut = lambda number: number % 23 == 2
    faults.slow = lambda number: 0.2 if number % 29 == 0 else 0.0
    run(recipe, "s3://corpus/out/run")
    faults.unavailable = faults.cut = lambda number: False
    assert remote_digests("out/run/") == local


def test_an_outage_ends_the_run_and_another_machine_finishes_it(
    recipe: Recipe, pages: bytes, local: dict[str, str], faults: Faults,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    put(_ARCHIVE, pages)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    object_store.s3_client.cache_clear()
    first = next(faults.seen)
    faults.unavailable = lambda number: number > first + 60
    with pytest.raises(Exception, match=r"SlowDown|503|reached max retries"):
        run(recipe, "s3://corpus/out/run")
    faults.unavailable = lambda number: False
    monkeypatch.undo()
    object_store.s3_client.cache_clear()
    left = objects("out/run/")
    assert "manifest.json" not in left
    # The outage kept the lock from being released; its holder is dead.
    if ".lock" in left:
        remove(folder_at("s3://corpus/out/run") / ".lock")
    run(recipe, "s3://corpus/out/run")
    assert remote_digests("out/run/") == local


_COMMAND = """
import sys, json
from pathlib import Path
from pipelines import object_store
from pipelines.engine import Engine
from pipelines.files import folder_at
from pipelines.recipe import Recipe
from pipelines.runs import Run
from pipelines.subsets import InputNames, subset_of
files = subset_of("web").resolve(InputNames(["s3://corpus/crawl-data/*.warc.gz"]))
recipe = Recipe.model_validate(json.loads(sys.argv[1]))
Run(recipe, files, folder_at(sys.argv[2]), Engine(1), display="quiet").execute()
"""


def test_a_killed_run_is_resumed_by_a_machine_without_its_files(
    recipe: Recipe, pages: bytes, local: dict[str, str], faults: Faults
) -> None:
    put(_ARCHIVE, pages)
    address = "s3://corpus/out/run"
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, recipe.model_dump_json(), address],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not any("work/read/" in name and name.endswith(".json") for name in objects("out/run/")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # What it leaves says that it's at work, until the lock is old.
    with pytest.raises(RunLocked, match="is at work there"):
        run(recipe, address)
    remove(folder_at(address) / ".lock")
    run(recipe, address)
    assert remote_digests("out/run/") == local


def test_a_deduplication_reads_and_writes_in_the_bucket(tmp_path: Path, faults: Faults) -> None:
    rows = [
        {"text": f"Let $n = {n % 6}$ be given, and prove the claim.", "url": ""} for n in range(9)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    put("corpus/part.parquet", (tmp_path / "rows.parquet").read_bytes())
    recipe = load_deduplication_recipe("deduplicate")
    files = resolve_corpora(["web=s3://corpus/corpus"], recipe.columns)
    folder = folder_at("s3://corpus/out/distinct")
    outcome = CorpusRun(recipe, files, folder, Engine(1), display="quiet").execute()
    assert outcome.manifest["counts"]["kept"] == 6
    assert outcome.manifest["inputs"][0]["uri"] == "s3://corpus/corpus/part.parquet"
    shutil.rmtree(folder)
    verification = verify_run(folder, regenerate=True, workers=1)
    assert verification.holds, verification.faults


# ---- files --------------------------------------------------------------------------------------


def test_a_file_is_fetched_when_another_machine_changed_it(faults: Faults) -> None:
    folder = folder_at("s3://corpus/a/run")
    path = folder / "x" / "one.json"
    path.parent.mkdir(parents=True)
    path.write_text("1")
    publish(path)
    assert objects() == {"a/run/x/one.json": b"1"}
    put("a/run/x/one.json", b"another")
    assert fetched(path).read_text() == "another"
    assert exists(path)
    assert listed(folder, "x/*.json") == [path]
    assert address_of(path) == "s3://corpus/a/run/x/one.json"
    remove(path)
    assert not exists(path)
    with pytest.raises(FileNotFoundError):
        fetched(path)


@pytest.mark.parametrize(
    "address", ["s3://", "s3://bucket", "s3://bucket/../other", "ftp://host/x", "s3://b/a//c"]
)
def test_an_address_that_names_no_folder_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"expected a path|no empty"):
        folder_at(address)


def test_one_of_two_machines_holds_the_lock(faults: Faults) -> None:
    lock = folder_at("s3://corpus/a/run") / ".lock"
    entered = threading.Event()
    leave = threading.Event()

    def hold() -> None:
        with held(lock):
            entered.set()
            leave.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(30)
    with pytest.raises(RunLocked, match=f"process {os.getpid()}"), held(lock):
        pass
    leave.set()
    holder.join()
    with held(lock):
        assert json.loads(objects()["a/run/.lock"])["process"] == os.getpid()
    assert objects() == {}


def test_a_dead_holders_lock_is_taken_over(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = folder_at("s3://corpus/a/run") / ".lock"
    put("a/run/.lock", json.dumps({"host": "gone", "process": 1, "token": ""}).encode())
    monkeypatch.setattr("pipelines.remote_lock._STALE_SECONDS", 0.0)
    with held(lock):
        assert json.loads(objects()["a/run/.lock"])["process"] == os.getpid()
