"""A run on S3 answers as the same run in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from audit import AuditRun, open_run, places
from audit.comparing import diff
from audit.explaining import explain
from audit.funnels import funnel
from audit.histograms import histogram
from audit.what_if import what_if
from pipelines.errors import NotARun


@pytest.fixture(scope="module")
def remote(judged_by_all: Path) -> Iterator[str]:
    patch = pytest.MonkeyPatch()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    places._s3.cache_clear()
    client = boto3.client("s3")
    client.create_bucket(Bucket="corpora")
    for path in judged_by_all.rglob("*"):
        if path.is_file():
            key = f"runs/one/{path.relative_to(judged_by_all).as_posix()}"
            client.put_object(Bucket="corpora", Key=key, Body=path.read_bytes())
    yield "s3://corpora/runs/one"
    places._s3.cache_clear()
    server.stop()
    patch.undo()


def test_answers_are_the_same_from_s3(remote: str, run: AuditRun) -> None:
    with open_run(remote) as far:
        assert funnel(far, "domain") == funnel(run, "domain")
        assert histogram(far, "perplexity") == histogram(run, "perplexity")
        url = "https://wiki-clone.test/Cauchy-Schwarz"
        assert explain(far, url) == explain(run, url)
        change = ["perplexity.threshold=70"]
        assert what_if(far, change) == what_if(run, change)
        assert diff(run, far).both == run.manifest["counts"]["kept"]


def test_what_is_no_run_there_says_so(remote: str) -> None:
    for address in ("s3://corpora/runs/two", "s3://no-such-bucket/run"):
        with pytest.raises((NotARun, OSError)) as refused:
            open_run(address)
        assert address in str(refused.value) or "bucket" in str(refused.value).lower()
