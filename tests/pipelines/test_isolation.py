"""The extractor's child process: what hangs, crashes or blows up costs one page and no more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.isolation import ExtractionFailed, IsolatedExtractor
from pipelines.recipe import Limits
from pipelines.stages import Extract

# Speaks the protocol, and does what the page says.
_CHILD = """
import os, signal, sys, time
from extractors.serve import read_frame, write_frame
out = os.fdopen(os.dup(1), "wb")
while (request := read_frame(sys.stdin.buffer)) is not None:
    page = request[1].decode()
    if page == "spin":
        while True: pass
    if page == "sleep":
        time.sleep(60)
    if page == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if page == "exit":
        sys.exit(3)
    write_frame(out, {"extraction": {"text": page}, "cpu": time.process_time()})
"""


@pytest.fixture
def child(tmp_path: Path) -> list[str]:
    script = tmp_path / "child.py"
    script.write_text(_CHILD)
    return [sys.executable, str(script)]


@pytest.fixture
def extractor(child: list[str]) -> Iterator[IsolatedExtractor]:
    limits = Limits(extract_cpu_seconds=1.0)
    with IsolatedExtractor(Extract(), limits, child) as isolated:
        yield isolated


def extract(extractor: IsolatedExtractor, page: str) -> str:
    return extractor.extract(page.encode(), http_charset="", url="", document_id="0").text


@pytest.mark.parametrize(
    ("page", "reason", "detail"),
    [
        ("spin", "timeout", "CPU"),
        ("segfault", "crash", "SIGSEGV"),
        ("exit", "crash", "exit code 3"),
    ],
)
def test_a_bad_page_fails_with_its_reason_and_the_next_one_is_extracted(
    extractor: IsolatedExtractor, page: str, reason: str, detail: str
) -> None:
    assert extract(extractor, "before") == "before"
    with pytest.raises(ExtractionFailed) as caught:
        extract(extractor, page)
    assert caught.value.reason == reason
    assert detail in str(caught.value)
    assert extract(extractor, "after") == "after"


def test_a_page_that_waits_for_ever_is_given_up(child: list[str]) -> None:
    limits = Limits(extract_cpu_seconds=100.0, extract_wall_seconds=1.0)
    with IsolatedExtractor(Extract(), limits, child) as isolated:
        with pytest.raises(ExtractionFailed, match="without an answer"):
            extract(isolated, "sleep")
        assert extract(isolated, "after") == "after"


def test_the_real_child_extracts_and_reports_what_the_extractor_raises() -> None:
    with IsolatedExtractor(Extract(), Limits()) as isolated:
        text = extract(isolated, "<html><p>Let <b>x</b> be in $\\mathbb{R}$.</p></html>")
        assert "$\\mathbb{R}$" in text


def test_memory_beyond_the_limit_is_a_reason_not_a_dead_run() -> None:
    limits = Limits(extract_memory_bytes=400 << 20)
    page = "<div>" + "<p>word <b>bold</b> $x$</p>" * 1_500_000
    with IsolatedExtractor(Extract(), limits) as isolated:
        with pytest.raises(ExtractionFailed) as caught:
            extract(isolated, page)
        # Who notices first, Python or the parser, is chance.
        assert caught.value.reason in ("memory", "crash", "UnparsablePageError")
        assert "hello" in extract(isolated, "<p>hello</p>")


def test_many_pages_take_no_more_memory_than_some() -> None:
    formulas = "".join(f"<p>Let <i>x</i> be $x_{{{n}}} + 1$ for the rest.</p>" for n in range(800))
    page = f"<html><body><article>{formulas}</article></body></html>".encode()
    others = set(psutil.Process().children())
    with IsolatedExtractor(Extract(), Limits()) as isolated:

        def memory_after(pages: int) -> int:
            for _ in range(pages):
                isolated.extract(page, http_charset="", url="", document_id="0")
            (child,) = set(psutil.Process().children()) - others
            return int(child.memory_info().rss)

        before = memory_after(100)
        assert memory_after(300) - before < 6 << 20
