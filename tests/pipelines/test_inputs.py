"""Inputs: local, S3 and HTTPS, with servers that misbehave."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from moto.server import ThreadedMotoServer

from extractors.warc import ArchiveReader
from pipelines import inputs, object_store
from pipelines.errors import InputError
from pipelines.inputs import open_source, resolve_inputs
from pipelines.sample import sample_warc_path

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/two.warc.gz", "a/one.warc", "c.arc.gz", "notes.txt", "d.warc.gz.bad"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(CONTENT)
    return tmp_path


def test_a_folder_gives_its_archives_in_order(folder: Path) -> None:
    found = resolve_inputs([str(folder)])
    assert [f.name for f in found] == ["a/one.warc", "b/two.warc.gz", "c.arc.gz", "d.warc.gz.bad"]
    assert {f.size for f in found} == {len(CONTENT)}


def test_globs_files_and_folders_mix_without_doubles(folder: Path) -> None:
    both = resolve_inputs([f"{folder}/**/*.warc*", str(folder)])
    assert [f.name for f in both] == [f.name for f in resolve_inputs([str(folder)])]
    assert [f.name for f in resolve_inputs([f"{folder}/notes.txt"])] == ["notes.txt"]


def test_common_crawl_names_do_not_depend_on_where_the_file_lies(tmp_path: Path) -> None:
    path = tmp_path / "mirror" / "crawl-data" / "CC-MAIN-2023-14" / "x.warc.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert resolve_inputs([str(path)])[0].name == "crawl-data/CC-MAIN-2023-14/x.warc.gz"


def test_missing_and_ambiguous_inputs_are_refused(folder: Path) -> None:
    for missing in (f"{folder}/none.warc", f"{folder}/*.none", str(folder / "empty")):
        with pytest.raises(InputError, match="no input"):
            resolve_inputs([missing])
    with pytest.raises(InputError, match="both be called"):
        (folder / "b" / "one.warc").write_bytes(CONTENT)
        resolve_inputs([f"{folder}/a/one.warc", f"{folder}/b/one.warc"])


# ---- HTTPS --------------------------------------------------------------------------------------


class _Server(BaseHTTPRequestHandler):
    """Serves ranges of CONTENT and of the lists; fails first, or cuts, when the path says so."""

    failures: dict[str, int]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _content(self) -> bytes:
        if self.path.endswith("warc.paths.gz"):
            return gzip.compress(b"one.warc.gz\ntwo.warc.gz\nthree.warc.gz\n")
        if self.path.endswith("sample.warc.gz"):
            return sample_warc_path().read_bytes()
        return CONTENT

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        left = self.failures.get(self.path, 0)
        if left > 0:
            self.failures[self.path] = left - 1
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if "missing" in self.path:
            self.send_error(404)
            return
        content = self._content()
        status, wanted = 200, self.headers.get("Range")
        if wanted and "no-ranges" not in self.path:
            first, last = wanted.removeprefix("bytes=").split("-")
            content, status = content[int(first) : int(last) + 1], 206
        if "cut" in self.path and body:
            content = content[: len(content) // 2]
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    _Server.failures = {}
    inputs._http.cache_clear()
    quick = urllib3.Retry(total=5, backoff_factor=0.01, status_forcelist=(503,))
    manager = urllib3.PoolManager(retries=quick, timeout=5)
    monkeypatch.setattr(inputs, "_http", lambda: manager)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


def test_http_ranges_are_read_even_when_the_server_fails_first(server: str) -> None:
    _Server.failures = {"/x.warc.gz": 3}
    source = open_source(f"{server}/x.warc.gz")
    assert source.size == len(CONTENT)
    assert source.read_at(100, 50) == CONTENT[100:150]
    assert source.read_at(len(CONTENT) - 5, 50) == CONTENT[-5:]
    assert open_source(f"{server}/no-ranges").read_at(7, 3) == CONTENT[7:10]


def test_a_cut_answer_is_an_error_not_the_end_of_the_file(server: str) -> None:
    source = open_source(f"{server}/cut.warc.gz")
    with pytest.raises(OSError, match="arrived"):
        source.read_at(0, 1000)
    with pytest.raises(OSError, match="404"):
        open_source(f"{server}/missing.warc.gz")


def test_a_paths_list_is_resolved_and_limited(server: str) -> None:
    found = resolve_inputs([f"{server}/warc.paths.gz"], limit=2, base=f"{server}/")
    assert [f.uri for f in found] == [f"{server}/one.warc.gz", f"{server}/two.warc.gz"]


def test_an_archive_reads_the_same_over_http(server: str) -> None:
    def identities(uri: str) -> list[int]:
        return [item.offset for item in ArchiveReader(open_source(uri), block=4096)]

    assert identities(f"{server}/sample.warc.gz") == identities(str(sample_warc_path()))


# ---- S3 -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    object_store.s3_client.cache_clear()
    client = boto3.client("s3")
    client.create_bucket(Bucket="crawl")
    for key in ("crawl-data/CC/a.warc.gz", "crawl-data/CC/b.warc.gz", "crawl-data/CC/b.wat.gz"):
        client.put_object(Bucket="crawl", Key=key, Body=sample_warc_path().read_bytes())
    yield
    object_store.s3_client.cache_clear()
    server.stop()
    patch.undo()


@pytest.mark.usefixtures("s3")
def test_s3_objects_and_patterns() -> None:
    found = resolve_inputs(["s3://crawl/crawl-data/CC/*.warc.gz"])
    assert [f.name for f in found] == ["crawl-data/CC/a.warc.gz", "crawl-data/CC/b.warc.gz"]
    source = open_source("s3://crawl/crawl-data/CC/a.warc.gz")
    whole = sample_warc_path().read_bytes()
    assert source.size == len(whole)
    assert source.read_at(10, 100) == whole[10:110]
    items = list(ArchiveReader(source, block=4096))
    assert len(items) == len(list(ArchiveReader(open_source(str(sample_warc_path())))))
    with pytest.raises(InputError, match="no object"):
        resolve_inputs(["s3://crawl/none/*.warc.gz"])
    with pytest.raises(InputError, match=r"missing\.warc\.gz"):
        resolve_inputs(["s3://crawl/missing.warc.gz"])
