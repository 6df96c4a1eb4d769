"""What the pages tell: the query layer's figures, in words that a person understands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from selectolax.lexbor import LexborHTMLParser
from starlette.testclient import TestClient

from audit import AuditRun, open_run
from audit.explaining import explain
from audit.explorer.access import CSRF_HEADER, Access
from audit.explorer.app import explorer_app
from audit.explorer.explorer import Explorer
from audit.explorer.sources import SourceFinder
from audit.funnels import funnel
from audit.histograms import histogram, scored_stages
from audit.labelling import read_labels
from audit.sampling import sample
from audit.what_if import what_if
from schemas.tables import DECISIONS
from tests.audit.explorer.hostile import HOSTILE_URL


@pytest.fixture
def client(explorer: Explorer) -> Iterator[TestClient]:
    with TestClient(explorer_app(explorer), base_url="http://127.0.0.1:8710") as found:
        yield found


def _words(html: str) -> str:
    tree = LexborHTMLParser(html)
    words = " ".join((tree.body.text(separator=" ") if tree.body else "").split())
    return re.sub(r" ([;:.,])", r"\1", words)


def _dropped(run: AuditRun, stage: str) -> str:
    return sample(run, dropped_by=stage, n=1, with_text=False)[0].document_id


def test_the_funnel_counts_and_leads_to_what_was_dropped(client: TestClient, run: AuditRun) -> None:
    page = client.get("/").text
    counted = funnel(run)
    for stage in counted.stages:
        for reason, lost in stage.dropped.items():
            link = f"/documents?dropped_by={stage.name}&amp;reason={reason.replace(':', '%3A')}"
            assert link in page
            found = client.get(link.replace("&amp;", "&")).text
            assert len(re.findall('class="card hit"', found)) == min(lost.records, 50)
    assert f"{counted.kept.records:,}" in _words(page)


def test_a_dropped_page_says_why_in_a_sentence(client: TestClient, run: AuditRun) -> None:
    document_id = _dropped(run, "math_score")
    (found,) = explain(run, document_id)
    decision = next(d for d in found.record.decisions if d.filter == "math_score")
    words = _words(client.get(f"/documents/{document_id}").text)
    assert "Not in the corpus" in words
    assert f"Its score is {decision.score:.4g}; to stay it needs at least" in words
    assert f"{decision.threshold:.4g}" in words
    assert "Keeps documents whose prose looks mathematical enough." in words


def test_any_address_id_domain_or_word_finds(client: TestClient, run: AuditRun) -> None:
    document_id = _dropped(run, "perplexity")
    (found,) = explain(run, document_id)
    for words in (document_id, found.record.url, f"  {found.record.url} "):
        answer = client.get("/find", params={"q": words}, follow_redirects=False)
        assert answer.headers["location"] == f"/documents/{document_id}"
    record_id = found.record.provenance["warc_record_id"]
    for words in (f"urn:uuid:{'0' * 8}", "/no/such/path", f"<{'0' * 40}>"):
        assert "Nothing fits" in client.get("/find", params={"q": words}).text
    answer = client.get("/find", params={"q": record_id}, follow_redirects=False)
    assert answer.headers["location"] == f"/documents/{document_id}"
    site = client.get("/find", params={"q": found.record.site}).text
    assert f"/documents/{document_id}" in site
    assert 'class="card hit"' in client.get("/find", params={"q": "theorem"}).text
    assert "Nothing fits" in client.get("/find", params={"q": "https://nowhere.example/"}).text


@pytest.mark.parametrize(
    ("stage", "setting", "value"),
    [
        ("math_score", "threshold_with_math", 0.9),
        ("math_score", "threshold_without_math", 0.05),
        ("perplexity", "threshold", 90.0),
        ("word_order", "threshold", 5.0),
        ("math_prefilter", "threshold", 12.5),
    ],
)
def test_what_if_shows_the_query_layers_figures(
    client: TestClient, run: AuditRun, stage: str, setting: str, value: float
) -> None:
    asked = {"setting": setting, "value": repr(value)}
    expected = what_if(run, [f"{stage}.{setting}={value}"])
    tree = LexborHTMLParser(client.get(f"/scores/{stage}/what-if", params=asked).text)
    shown = {
        node.attributes["data-count"]: node.text(strip=True) for node in tree.css("[data-count]")
    }
    assert expected.exact
    assert shown == {
        "entering": f"{round(expected.entering.value):,}",
        "leaving": f"{expected.leaving:,}",
        "kept": f"{round(expected.kept_after.value):,}",
    }
    # Without a script, the page itself answers.
    assert shown["leaving"] in client.get(f"/scores/{stage}", params=asked).text


def test_every_stage_with_scores_has_its_histogram(client: TestClient, run: AuditRun) -> None:
    listed = client.get("/scores").text
    for stage in scored_stages(run):
        assert f'href="/scores/{stage}"' in listed
        page = client.get(f"/scores/{stage}")
        assert page.status_code == 200
        movable = any(threshold.setting for threshold in histogram(run, stage).thresholds)
        assert ('role="slider"' in page.text) == movable, stage
    assert "another one would do here" in client.get("/scores/near_duplicates").text


def test_every_document_of_the_run_can_be_looked_at(client: TestClient, run: AuditRun) -> None:
    for (document_id,) in run.rows("SELECT document_id FROM trails ORDER BY document_id"):
        for part in ("", "/drawn", "/source"):
            answer = client.get(f"/documents/{document_id}{part}")
            assert answer.status_code == 200, (document_id, part)


def test_the_source_is_brought_back_from_its_archive(client: TestClient, run: AuditRun) -> None:
    (hostile,) = run.one("SELECT document_id FROM trails WHERE url = ?", [HOSTILE_URL])
    drawn = client.get(f"/documents/{hostile}/drawn").text
    assert "the mean value theorem" in drawn and "an image" in drawn
    written = client.get(f"/documents/{hostile}/source").text
    assert "&lt;script&gt;document.title=" in written
    assert "<script>" not in written


def test_an_archive_that_is_gone_is_named(run: AuditRun, tmp_path: Path, labels: Path) -> None:
    moved = Explorer(run, {}, labels, Access.for_address("127.0.0.1"), SourceFinder(run, tmp_path))
    client = TestClient(explorer_app(moved), base_url="http://127.0.0.1")
    (document_id,) = run.one("SELECT min(document_id) FROM trails WHERE verdict = 'keep'")
    assert "has no sample.warc.gz" in client.get(f"/documents/{document_id}/source").text
    assert client.get(f"/documents/{document_id}").status_code == 200


def test_duplicates_show_what_differs(client: TestClient, run: AuditRun) -> None:
    document_id = _dropped(run, "near_duplicates")
    (found,) = explain(run, document_id)
    assert found.link is not None
    page = client.get(f"/documents/{document_id}").text
    beside = f"/documents/{document_id}/beside/{found.link.kept_id}"
    assert beside in page
    tree = LexborHTMLParser(client.get(beside).text)
    changed = [node.text() for node in tree.css(".difference del, .difference ins")]
    assert changed and all(changed)


def test_labels_are_saved_measured_and_shown_again(
    client: TestClient, explorer: Explorer, labels: Path
) -> None:
    round_ = {"stage": "math_score", "which": "dropped"}
    headers = {CSRF_HEADER: explorer.access.csrf}
    given: list[str] = []
    for word in ("keep", "drop", "keep"):
        tree = LexborHTMLParser(client.get("/labels", params=round_).text)
        field = tree.css_first("input[name=document_id]")
        assert field is not None
        given.append(str(field.attributes["value"]))
        form = {"document_id": given[-1], "label": word, "note": f"as <b>{word}</b>"}
        answer = client.post("/labels", params=round_, data=form, headers=headers)
        assert f"Saved: <b>{word}</b>" in answer.text
    held = read_labels(labels)
    assert [held[i].label for i in given] == ["keep", "drop", "keep"]
    assert {label.labeller for label in held.values()} == {"tester"}
    assert len(set(given)) == 3
    again = client.get("/labels", params={**round_, "at": 1}).text
    assert "labelled drop" in again and "as &lt;b&gt;drop&lt;/b&gt;" in again
    measured = _words(client.get("/labels/measure", params={"stage": "math_score"}).text)
    assert "recall 0.0 %" in measured and "2 keep, 1 drop" in measured


def test_two_runs_side_by_side(client: TestClient, run: AuditRun, stricter: AuditRun) -> None:
    left = run.one("SELECT count(*) FROM trails WHERE verdict = 'keep'")[0]
    left -= stricter.one("SELECT count(*) FROM trails WHERE verdict = 'keep'")[0]
    assert left > 0
    words = _words(client.get("/compare").text)
    assert f"only in run {left}" in words and "math score: below threshold" in words


def test_files_of_code_are_shown_without_a_page(tmp_path: Path, labels: Path) -> None:
    """A subset whose documents are their own source has columns of its own, and no archive."""
    run_dir = _run_of_code(tmp_path / "code")
    with open_run(run_dir) as run:
        explorer = Explorer(run, {}, labels, Access.for_address("::1"), SourceFinder(run))
        client = TestClient(explorer_app(explorer), base_url="http://localhost")
        page = client.get("/documents/" + "a" * 32).text
        assert "<iframe" not in page
        words = _words(page)
        assert "leanprover/mathlib4/Mathlib/Two.lean" in words
        assert "theorem <two>: 1 + 1 = 2" in words
        # It's found by its path, and listed under it.
        found = client.get("/documents", params={"url": "Two.lean"}).text
        assert ">leanprover/mathlib4/Mathlib/Two.lean</a>" in found
        for path in ("/", "/documents?verdict=keep", "/scores", "/labels", "/run", "/compare"):
            assert client.get(path).status_code == 200, path


def test_a_dropped_file_is_shown_from_its_folder(tmp_path: Path, labels: Path) -> None:
    files = tmp_path / "files"
    (files / "Mathlib").mkdir(parents=True)
    (files / "Mathlib/Two.lean").write_text("<html> theorem dropped")
    (tmp_path / "secret").write_text("secret")
    for path, shown in (("Mathlib/Two.lean", "theorem dropped"), ("../secret", "has no file")):
        run_dir = _run_of_code(tmp_path / path.replace("/", "-"), path, files)
        with open_run(run_dir) as run:
            explorer = Explorer(run, {}, labels, Access.for_address("::1"), SourceFinder(run))
            client = TestClient(explorer_app(explorer), base_url="http://localhost")
            page = client.get("/documents/" + "a" * 32).text
            assert 'sandbox=""' in page
            for part in ("drawn", "source"):
                answer = client.get(f"/documents/{'a' * 32}/{part}").text
                assert shown in answer and ">secret" not in answer


def _run_of_code(root: Path, path: str = "Mathlib/Two.lean", source: Path | None = None) -> Path:
    """A run with one file; with a folder that it comes from, the file was dropped."""
    rows = [
        {
            "document_id": "a" * 32,
            "subset": "code",
            "url": "",
            "date": "",
            "record_type": "file",
            "repo": "leanprover/mathlib4",
            "commit": "c0ffee",
            "path": path,
            "input_file": "files" if source else "",
            "verdict": "drop" if source else "keep",
            "dropped_by": "file_size" if source else "",
            "reason": "too_large" if source else "",
            "shadow": False,
            "language": "lean",
            "text_chars": 27,
            "source_bytes": 27,
            "decisions": [],
        }
    ]
    schema = pa.schema(
        [
            *(
                pa.field(name, pa.string())
                for name in (
                    "document_id", "subset", "url", "date", "record_type", "repo", "commit",
                    "path", "input_file", "verdict", "dropped_by", "reason", "language",
                )
            ),
            pa.field("shadow", pa.bool_()),
            pa.field("text_chars", pa.int64()),
            pa.field("source_bytes", pa.int64()),
            pa.field("decisions", DECISIONS),
        ]
    )  # fmt: skip
    (root / "trails").mkdir(parents=True)
    (root / "documents").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, schema), root / "trails/t.parquet")
    ids = [] if source else ["a" * 32]
    texts = {
        "document_id": pa.array(ids, pa.string()),
        "text": ["theorem <two> : 1 + 1 = 2"] * len(ids),
    }
    pq.write_table(pa.table(texts), root / "documents/d.parquet")
    files = [{"path": "trails/t.parquet"}, {"path": "documents/d.parquet"}]
    inputs = [{"name": "files", "uri": str(source)}] if source else []
    manifest = {"manifest_version": 1, "files": files, "stages": [], "inputs": inputs}
    (root / "manifest.json").write_text(json.dumps(manifest))
    return root
