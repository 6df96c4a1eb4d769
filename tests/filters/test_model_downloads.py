"""Models by URL, from a server on this machine that behaves, lies, and breaks."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from filters import model_downloads
from filters.model_downloads import cached_path, downloads_reported
from filters.models import (
    ModelNotFound,
    ModelUrl,
    check_model,
    load_fasttext,
    model_digest,
    model_path,
)
from filters.web.math_score import MathScore
from pipelines.recipe import load_recipe

_CONTENT = bytes(range(256)) * 4096
_DIGEST = hashlib.sha256(_CONTENT).hexdigest()


class _Server(ThreadingHTTPServer):
    """Serves one content and remembers what it was asked.

    Attributes:
        content: The file.
        cut: After so many bytes each answer breaks off; 0 for never.
        ranges: Whether it honours ranges.
        asked: The Range of each request.
    """

    content = _CONTENT
    cut = 0
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/models/math%20score.bin"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        wanted = self.headers.get("Range", "")
        server.asked.append(wanted)
        if "missing" in self.path:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cut] if server.cut else body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(model_downloads, "_PAUSE_SECONDS", 0)
    with _Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


def test_a_model_is_fetched_once(server: _Server, tmp_path: Path) -> None:
    spec = ModelUrl(server.url, _DIGEST.upper())
    told: list[tuple[int, int]] = []
    with downloads_reported(lambda arrived, total: told.append((arrived, total))):
        check_model(spec, made_by="")
    assert told[-1] == (len(_CONTENT), len(_CONTENT))
    path = model_path(spec)
    assert path.read_bytes() == _CONTENT
    assert path.name == "math score.bin" and path.is_relative_to(tmp_path / "cache" / "proofmill")
    assert model_digest(spec) == _DIGEST
    check_model(spec, made_by="")
    assert server.asked == [""]
    # By its digest: the same model elsewhere is the same file.
    assert cached_path("https://other.example/math%20score.bin", _DIGEST) == path


def test_processes_that_start_together_fetch_once(server: _Server) -> None:
    threads = [
        threading.Thread(target=model_digest, args=(ModelUrl(server.url, _DIGEST),))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1


def test_another_file_is_refused_and_leaves_nothing(server: _Server) -> None:
    spec = ModelUrl(server.url, "0" * 64)
    with pytest.raises(ModelNotFound) as raised:
        check_model(spec, made_by="")
    assert _DIGEST in str(raised.value) and "0" * 64 in str(raised.value)
    assert not [p for p in model_path(spec).parent.iterdir() if p.suffix != ".lock"]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(server: _Server) -> None:
    server.cut = 300_000
    check_model(ModelUrl(server.url, _DIGEST), made_by="")
    assert server.asked == ["", "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_a_server_without_ranges_starts_again(server: _Server) -> None:
    spec = ModelUrl(server.url, _DIGEST)
    partial = model_path(spec).with_name("math score.bin.part")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(_CONTENT[:1000])
    server.ranges = False
    check_model(spec, made_by="")
    assert server.asked == ["bytes=1000-"]
    assert model_path(spec).read_bytes() == _CONTENT


@pytest.mark.parametrize(
    "left", [_CONTENT[:700_000], _CONTENT, b"of another version", _CONTENT + b"x"]
)
def test_what_an_earlier_start_left_is_used_if_it_fits(server: _Server, left: bytes) -> None:
    spec = ModelUrl(server.url, _DIGEST)
    partial = model_path(spec).with_name("math score.bin.part")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(left)
    check_model(spec, made_by="")
    assert model_path(spec).read_bytes() == _CONTENT
    assert server.asked[0] == f"bytes={len(left)}-"
    assert not partial.exists()


def test_a_server_that_gives_up_is_named_and_what_came_stays(
    server: _Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_downloads, "_FRUITLESS_ATTEMPTS", 1)
    monkeypatch.setattr(_Server, "content", property(lambda self: _CONTENT))
    server.cut = 400_000
    spec = ModelUrl(server.url, _DIGEST)
    # Ranges beyond the first cut bring nothing more.
    server.ranges = False
    with pytest.raises(ModelNotFound, match=r"400,000 bytes have arrived"):
        check_model(spec, made_by="")
    assert model_path(spec).with_name("math score.bin.part").stat().st_size == 400_000


@pytest.mark.parametrize(
    ("url", "sha256", "message"),
    [
        ("http://127.0.0.1:9/model.bin", _DIGEST, "127.0.0.1"),
        ("SERVER/missing", _DIGEST, "HTTP 404"),
        ("SERVER", "", "needs its sha256"),
        ("ftp://example.org/model.bin", _DIGEST, "only http"),
    ],
)
def test_what_cannot_be_fetched_is_named(
    server: _Server, url: str, sha256: str, message: str
) -> None:
    with pytest.raises(ModelNotFound, match=message):
        check_model(ModelUrl(url.replace("SERVER", server.url), sha256), made_by="")


def test_the_published_recipe_takes_a_model_by_url(server: _Server) -> None:
    packaged = model_path("math-score-small").read_bytes()
    server.content = packaged
    digest = hashlib.sha256(packaged).hexdigest()
    recipe = load_recipe("open-web-math-published").changed(
        [f"math_score.model={{url: '{server.url}', sha256: {digest}}}"]
    )
    recipe.check()
    chosen = recipe.enabled(MathScore)
    assert chosen is not None and isinstance(chosen.model, ModelUrl)
    assert chosen.model_digest() == digest
    assert load_fasttext(chosen.model).predict("the theorem", 1)
    # Judged alike, wherever it is from; and the recipe's digest says that it isn't the packaged one.
    assert chosen.score("the theorem") == MathScore(edition="published").score("the theorem")
    assert recipe.digest != load_recipe("open-web-math-published").digest
