"""A run with a hostile page among the sample's, the explorer over it, and a browser."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn

from audit import AuditRun, open_run
from audit.explorer.access import Access
from audit.explorer.app import explorer_app
from audit.explorer.assets import Assets
from audit.explorer.explorer import Explorer
from audit.explorer.sources import SourceFinder
from pipelines.engine import Engine
from pipelines.recipe import load_recipe
from pipelines.runs import Run
from pipelines.sample.warc_writer import WarcResponse, write_warc
from pipelines.subsets import InputNames, subset_of
from tests.audit.explorer.hostile import HOSTILE_URL, hostile_page

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@dataclass
class Canary:
    """A server that hostile pages try to reach; whoever comes is written down.

    Attributes:
        address: Where it listens.
        visits: The paths that were asked for.
    """

    address: str
    visits: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def canary() -> Iterator[Canary]:
    found = Canary("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.visits.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def _made(output: Path, archive: Path, *changes: str) -> Path:
    recipe = load_recipe("open-web-math").changed(["audit.dropped_text=all", *changes])
    subset = subset_of(recipe.subset)
    files = subset.resolve(InputNames([*subset.sample(), str(archive)]))
    Run(recipe, files, output, Engine(1), display="quiet").execute()
    return output


@pytest.fixture(scope="session")
def archive(canary: Canary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "hostile.warc.gz"
    write_warc([WarcResponse(HOSTILE_URL, hostile_page(canary.address))], path)
    return path


@pytest.fixture(scope="session")
def run_dir(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every stage judges every page, so that what-if is exact."""
    return _made(tmp_path_factory.mktemp("explored") / "run", archive, "audit.shadow_share=1.0")


@pytest.fixture(scope="session")
def stricter_dir(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    change = "math_score.threshold_with_math=0.9"
    return _made(tmp_path_factory.mktemp("explored") / "stricter", archive, change)


@pytest.fixture(scope="session")
def run(run_dir: Path) -> Iterator[AuditRun]:
    with open_run(run_dir) as opened:
        yield opened


@pytest.fixture(scope="session")
def stricter(stricter_dir: Path) -> Iterator[AuditRun]:
    with open_run(stricter_dir) as opened:
        yield opened


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return tmp_path / "labels.parquet"


@pytest.fixture(scope="session")
def assets() -> Assets:
    return Assets()


@pytest.fixture
def explorer(run: AuditRun, stricter: AuditRun, labels: Path, assets: Assets) -> Explorer:
    return Explorer(
        run,
        {"stricter": stricter},
        labels,
        Access.for_address("127.0.0.1"),
        SourceFinder(run),
        "tester",
        assets,
    )


@pytest.fixture
def address(explorer: Explorer) -> Iterator[str]:
    """The explorer behind a real socket."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(explorer_app(explorer), log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Headless Chromium; the tests that need it are skipped where there's none."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("chromium and chromedriver aren't installed (Debian: chromium chromium-driver)")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = browser
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = Chrome(options=options, service=Service(driver))
    found.set_page_load_timeout(60)
    yield found
    found.quit()
