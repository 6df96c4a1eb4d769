"""One record through the stages: hostile pages get a decision, the next page is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from extractors.extraction import Extraction
from extractors.warc import ArchiveReader, BytesSource, Damage, WarcRecord
from pipelines.isolation import ExtractionFailed, IsolatedExtractor
from pipelines.judge import Judged, in_share
from pipelines.pages import PageJudge, document_identity
from pipelines.recipe import Recipe, load_recipe
from pipelines.sample.warc_writer import WarcEntry, WarcResponse, archive_bytes, request
from pipelines.stages import Extract

PROSE = (
    "<p>Let $f$ be continuous on $[a, b]$. By the mean value theorem for integrals there is a point "
    "$c$ such that $\\int_a^b f(x)\\,dx = f(c)(b - a)$, and this is the claim that we had to prove. "
    "The converse is false, as the example of a step function with two values shows at once.</p>"
)
GOOD = (
    f"<html><body><h1>Mean values</h1>{PROSE}"
    "<p>For a sum in place of the integral the same argument works: if the numbers $a_1, \\ldots, a_n$ "
    "lie between $m$ and $M$, then so does their mean, and some of them are not smaller than it.</p>"
    "<p>Where does continuity enter? We used that $f$ takes every value between its least and its "
    "greatest one, which is what the intermediate value theorem says about an interval.</p>"
    "</body></html>"
)


def record(entry: WarcEntry) -> WarcRecord:
    (item,) = ArchiveReader(BytesSource(archive_bytes([entry])))
    assert isinstance(item, WarcRecord)
    return item


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe("open-web-math").changed(["limits.extract_cpu_seconds=10"])


@pytest.fixture(scope="module")
def judge(recipe: Recipe) -> Iterator[PageJudge]:
    with IsolatedExtractor(Extract(), recipe.limits) as extractor:
        yield PageJudge(recipe, extractor)


def page(body: str | bytes, **arguments: object) -> WarcRecord:
    raw = body.encode() if isinstance(body, str) else body
    return record(WarcResponse("https://a.example/", raw, **arguments))  # type: ignore[arg-type]


def test_a_good_page_passes_with_a_decision_of_every_stage(judge: PageJudge) -> None:
    judged = judge.judge(page(GOOD), "x")
    assert judged.document is not None, judged.trail
    names = [decision.filter for decision in judged.trail.decisions]
    assert names == ["responses", "math_prefilter", "extract", "language", "math_score",
                     "perplexity", "word_order", "url_rules", "quality"]  # fmt: skip
    assert judged.document.scores.keys() >= {"math_score", "perplexity", "word_order"}


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b"<div>" * 100_000 + PROSE.encode(), id="100,000 nested elements"),
        pytest.param(PROSE.encode().replace(b" ", b"\0 "), id="NULs"),
        pytest.param(b"<p>$\\alpha$ " + bytes(range(256)) * 50, id="binary"),
        pytest.param("<p>café $\\alpha$".encode("latin-1"), id="wrong charset"),
        pytest.param(b"<p>$\\alpha$<!-- never closed" * 1000, id="comments never closed"),
        pytest.param(b"<p>$\\frac" + b"{" * 50_000, id="braces never closed"),
        pytest.param(b"$" * 200_000 + b"\\alpha", id="dollars"),
        pytest.param(b"<table>" * 3000 + b"\\alpha", id="nested tables"),
        pytest.param(b"<math>" * 5000 + b"<mi>x</mi>", id="nested math"),
        pytest.param(b"\\begin{align}" * 5000, id="environments never closed"),
        pytest.param(b"<p>\\alpha</p>" + b"<a href=x>y</a>" * 40_000, id="links"),
        pytest.param(b"\\alpha " * 400_000, id="one long line"),
    ],
)
def test_hostile_pages_get_a_decision_and_the_next_page_is_read(
    judge: PageJudge, hostile: bytes
) -> None:
    trail = judge.judge(page(hostile), "x").trail
    assert trail.decisions
    if trail.verdict == "drop":
        assert trail.dropped_by and trail.reason
    good = judge.judge(page(GOOD), "x")
    assert good.trail.verdict == "keep"


def test_a_page_beyond_the_size_limit_is_dropped_unread(judge: PageJudge) -> None:
    for entry in (
        WarcResponse("https://a.example/", b"<p>\\alpha" + b" x" * 25_000_000),
        WarcResponse(
            "https://a.example/", b"<p>\\alpha" + b" x" * 25_000_000, content_encoding="gzip"
        ),
    ):
        trail = judge.judge(record(entry), "x").trail
        assert (trail.dropped_by, trail.reason) == ("read", "error:body_too_large")


class _Broken:
    """An extractor that fails as the child process does."""

    def extract(self, raw: object, **arguments: object) -> Extraction:
        raise ExtractionFailed("timeout", "over 20 s of CPU time")


def test_a_failing_extraction_is_a_decision(recipe: Recipe) -> None:
    trail = PageJudge(recipe, _Broken()).judge(page(PROSE), "x").trail  # type: ignore[arg-type]
    assert (trail.dropped_by, trail.reason) == ("extract", "error:timeout")
    assert trail.decisions[-1].detail == "over 20 s of CPU time"


def test_a_filter_that_raises_is_a_decision(
    recipe: Recipe, judge: PageJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filters.web.url_rules import UrlRules

    def raising(self: UrlRules, document: object) -> None:
        raise RuntimeError("no such rule")

    monkeypatch.setattr(UrlRules, "judge", raising)
    trail = judge.judge(page(GOOD), "x").trail
    assert (trail.dropped_by, trail.reason) == ("url_rules", "error:RuntimeError")


@pytest.mark.parametrize(
    ("entry", "dropped_by", "reason"),
    [
        (request("https://a.example/"), "responses", "record_type"),
        (WarcResponse("u", b"<p>\\alpha", status=404), "responses", "http_status"),
        (WarcResponse("u", b"<p>\\alpha", content_type="image/png"), "responses", "content_type"),
        (WarcResponse("u", b"\\alpha", content_type=""), "responses", "no_content_type"),
        (WarcResponse("u", http=b"no header"), "read", "error:no_http_header"),
        (WarcResponse("u", b"<p>no mathematics"), "math_prefilter", "no_math"),
    ],
)  # fmt: skip
def test_records_that_are_no_pages_of_mathematics(
    judge: PageJudge, entry: WarcEntry, dropped_by: str, reason: str
) -> None:
    trail = judge.judge(record(entry), "x").trail
    assert (trail.dropped_by, trail.reason) == (dropped_by, reason)


def test_html_without_a_content_type_is_sniffed(judge: PageJudge) -> None:
    judged = judge.judge(page("<!DOCTYPE html>" + GOOD, content_type=""), "x")
    assert judged.trail.verdict == "keep"
    assert "content_type_sniffed" in judged.trail.notes


def test_every_filter_judges_on_request_and_the_first_drop_counts(judge: PageJudge) -> None:
    judged = judge.judge(page("<p>Nothing here.</p>"), "x", every_filter=True)
    assert judged.trail.dropped_by == "math_prefilter"
    assert [d.shadow for d in judged.trail.decisions][:2] == [False, False]
    assert all(d.shadow for d in judged.trail.decisions[2:])
    assert len(judged.trail.decisions) == 9


def test_identity_is_the_records_own() -> None:
    one = page(PROSE)
    moved = dataclasses.replace(one, offset=999, length=1)
    assert document_identity(one) == document_identity(moved)
    assert len(document_identity(one)) == 32
    nameless = dataclasses.replace(one, headers={**one.headers, "warc-record-id": ""})
    assert document_identity(nameless) != document_identity(one)


def test_shares_are_drawn_by_hash_and_apart() -> None:
    ids = [f"{number:032x}" for number in range(4000)]
    shadow = {i for i in ids if in_share(i, 0.1, "shadow")}
    text = {i for i in ids if in_share(i, 0.1, "dropped_text")}
    assert 300 < len(shadow) < 500
    assert len(shadow & text) < 100
    assert {i for i in ids if in_share(i, 0.05, "shadow")} < shadow, (
        "a larger share holds the smaller"
    )
    assert not any(in_share(i, 0, "shadow") for i in ids)
    assert all(in_share(i, 1, "shadow") for i in ids)


def test_damage_keeps_its_place(judge: PageJudge) -> None:
    judged = judge.judge(Damage(123, 45, "garbage", "bytes"), "file.warc.gz")
    assert isinstance(judged, Judged)
    assert judged.trail.provenance.warc_offset == 123
    assert (judged.trail.record_type, judged.trail.reason) == ("damage", "damage:garbage")
