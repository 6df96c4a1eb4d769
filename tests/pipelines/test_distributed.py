"""Other engines that run here: the same bytes as the local one, and a lost worker is no loss."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.engine import Engine
from pipelines.recipe import Recipe, load_recipe
from pipelines.runs import Run
from pipelines.sample.warc_writer import archive_bytes
from pipelines.subsets import InputNames, subset_of
from tests.pipelines.test_runs import digests, entries

_START_SECONDS = 60


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """The whole recipe, its input cut into many tasks and its output into several shards."""
    return load_recipe("open-web-math").changed(
        ["input.task_bytes=12000", "output.shard_bytes=30000", "audit.dropped_text=all"]
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("input") / "pages.warc.gz"
    path.write_bytes(archive_bytes(entries(240)))
    return path


def run(recipe: Recipe, archive: Path, output: Path, *options: str) -> dict[str, str]:
    """Runs the recipe and returns its files' digests."""
    files = subset_of("web").resolve(InputNames([str(archive)]))
    Run(recipe, files, output, Engine(1, options), display="quiet").execute()
    return digests(output)


@pytest.fixture(scope="module")
def local(
    recipe: Recipe, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return run(recipe, archive, tmp_path_factory.mktemp("local") / "run")


# ---- Dask ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def dask_cluster() -> Iterator[str]:
    distributed = pytest.importorskip("distributed", reason="the extra dask isn't installed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    try:
        yield cluster.scheduler_address
    finally:
        cluster.close()


def dask_workers() -> list[psutil.Process]:
    """The processes that do a cluster's work; their nannies are in this process."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "multiprocessing.spawn" in " ".join(child.cmdline())
        and "resource_tracker" not in " ".join(child.cmdline())
    ]


def test_dask_gives_the_bytes_of_the_local_engine(
    recipe: Recipe, archive: Path, local: dict[str, str], tmp_path: Path
) -> None:
    with dask_cluster() as address:
        options = ("--runner=DaskRunner", f"--dask_client_address={address}")
        assert run(recipe, archive, tmp_path / "run", *options) == local


def test_a_dask_worker_killed_in_the_middle_costs_nothing(
    recipe: Recipe, archive: Path, local: dict[str, str], tmp_path: Path
) -> None:
    output = tmp_path / "run"
    killed: list[int] = []

    def kill_one() -> None:
        deadline = time.monotonic() + _START_SECONDS
        while len(list((output / "work" / "read").glob("*.json"))) < 3:
            if time.monotonic() > deadline:
                return
            time.sleep(0.01)
        victim = dask_workers()[0]
        victim.send_signal(signal.SIGKILL)
        killed.append(victim.pid)

    with dask_cluster() as address:
        killer = threading.Thread(target=kill_one)
        killer.start()
        options = ("--runner=DaskRunner", f"--dask_client_address={address}")
        found = run(recipe, archive, output, *options)
        killer.join()
    assert killed, "no worker was killed"
    assert found == local


# ---- the portable runner ------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "ended before it served"
        with contextlib.suppress(OSError), socket.create_connection(("localhost", port), 1):
            return
        time.sleep(0.1)
    pytest.fail(f"nothing listens on port {port}")


@contextlib.contextmanager
def serving(cwd: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server of Beam's in a process group and a folder of its own, as on another machine."""
    # The pool starts its workers as ``python``.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_portable_runner_with_external_workers_gives_the_same_bytes(
    recipe: Recipe, archive: Path, local: dict[str, str], tmp_path: Path
) -> None:
    jobs, workers = free_port(), free_port()
    pool = "apache_beam.runners.worker.worker_pool_main"
    with (
        serving(tmp_path, "pipelines.job_service", f"--port={jobs}") as service,
        serving(tmp_path, pool, f"--service_port={workers}") as external,
    ):
        wait_for_port(jobs, service)
        wait_for_port(workers, external)
        found = run(
            recipe,
            archive,
            tmp_path / "run",
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{jobs}",
            "--environment_type=EXTERNAL",
            f"--environment_config=localhost:{workers}",
        )
    assert found == local
