"""Questions about one document and about many, on a real run of the sample."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from audit import AuditRun, open_run
from audit.comparing import diff, texts_of
from audit.duplicates import cluster_of, clusters
from audit.errors import AuditError, DocumentNotFound, NotAnswerable
from audit.explaining import explain
from audit.funnels import funnel, group_keys
from audit.histograms import histogram, scored_stages
from audit.sampling import sample
from audit.searching import search
from audit.sites import domains
from pipelines.errors import NotARun
from pipelines.manifest import manifest_funnel

# ---- explain ------------------------------------------------------------------------------------


def test_a_dropped_page_is_explained_by_its_url(run: AuditRun) -> None:
    (found,) = explain(run, "https://devshed.example/posts/regex")
    assert found.record.dropped_by == "math_score"
    assert "math_score" in found.sentence and "0.1" in found.sentence
    filters = [decision.filter for decision in found.record.decisions]
    assert filters[:2] == ["responses", "math_prefilter"] and "quality" in filters
    assert {d.filter for d in found.record.decisions if d.shadow} >= {"perplexity"}
    assert found.text_from == "dropped" and "Regular expressions" in (found.text or "")
    assert found.record.provenance["warc_offset"] > 0


def test_any_spelling_of_a_url_will_do(run: AuditRun) -> None:
    wanted = explain(run, "https://wiki-clone.test/Cauchy-Schwarz")[0].record.document_id
    for spelling in (
        "wiki-clone.test/Cauchy-Schwarz",
        "http://www.wiki-clone.test/Cauchy-Schwarz/",
        " https://wiki-clone.test/Cauchy-Schwarz?utm_source=mail ",
        wanted,
    ):
        assert [e.record.document_id for e in explain(run, spelling)] == [wanted]


def test_a_duplicate_names_its_cluster_and_who_stays(run: AuditRun) -> None:
    (found,) = explain(run, "https://wiki-clone.test/Cauchy-Schwarz")
    assert found.link and found.cluster and found.link.similarity
    assert found.link.similarity > 0.8
    kept, dropped = found.cluster.members
    assert kept.kept and kept.document_id == found.link.kept_id and "freepedia" in kept.url
    assert dropped.document_id == found.record.document_id
    # The one that stays tells of the same group.
    (other,) = explain(run, kept.document_id)
    assert other.link is None and other.cluster == found.cluster


def test_formulas_are_told_by_encoding_in_and_out(run: AuditRun) -> None:
    (found,) = explain(run, "https://wiki-clone.test/Cauchy-Schwarz")
    assert {(f.encoding, f.found, f.kept) for f in found.formulas} == {("mathml_alttext", 24, 24)}


def test_a_kept_page_has_its_text_and_title(run: AuditRun) -> None:
    (found,) = explain(run, "https://chalkandcoffee.example/2019/10/04/harmonic/")
    assert found.sentence.startswith("Kept")
    assert found.text_from == "documents" and "harmonic" in found.title.lower()
    assert found.extra["encoding"]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("https://never-crawled.example/x", "never in the input"),
        ("https://wiki-clone.test/other", "1 of wiki-clone.test"),
        ("0" * 32, "no record"),
        ("'; DROP TABLE trails; --", "no record"),
        (" ", "say which document"),
        ("https://[::bad", "no record"),
    ],
)
def test_an_unknown_document_says_what_is_close(run: AuditRun, key: str, told: str) -> None:
    with pytest.raises(DocumentNotFound, match=told):
        explain(run, key)


def test_an_overlap_report_is_heard(run: AuditRun, tmp_path: Path) -> None:
    from filters.overlap import editions_named
    from pipelines.engine import Engine
    from pipelines.overlap.corpus import Columns, resolve_corpus
    from pipelines.overlap.problem_sets import read_set
    from pipelines.overlap.report import OverlapReport

    (asked,) = explain(run, "https://chalkandcoffee.example/2019/10/04/harmonic/")
    words = " ".join((asked.text or "").split()[:120])
    problems = tmp_path / "problems.jsonl"
    problems.write_text(json.dumps({"id": "p1", "input": words, "output": "x"}) + "\n")
    OverlapReport(
        resolve_corpus([str(run.name)]),
        Columns(),
        [read_set(f"own:rows={problems}")],
        editions_named(["normalised-13"]),
        tmp_path / "overlap",
        Engine(1),
        display="quiet",
    ).execute()
    (found,) = explain(run, asked.record.document_id, overlaps=[tmp_path / "overlap"])
    assert found.overlaps_searched
    assert {(o.problem_set, o.item, o.edition) for o in found.overlaps} == {
        ("own", "p1", "normalised-13")
    }
    (clean,) = explain(
        run, "https://wiki-clone.test/Cauchy-Schwarz", overlaps=[tmp_path / "overlap"]
    )
    assert clean.overlaps_searched and not clean.overlaps
    with pytest.raises(AuditError, match=r"report\.json"):
        explain(run, asked.record.document_id, overlaps=[tmp_path])


# ---- funnels, histograms ------------------------------------------------------------------------


def test_the_funnel_is_the_manifests(run: AuditRun) -> None:
    found = funnel(run)
    wanted = manifest_funnel(dict(run.manifest))
    assert [(s.name, s.arrived.records, s.passed.records) for s in found.stages] == [
        (stage.name, stage.arrived, stage.passed) for stage in wanted
    ]
    assert found.kept.records == run.manifest["counts"]["kept"]
    assert found.stages[-1].passed == found.kept
    assert not found.tokens.counted and "estimated" in found.tokens.how


@pytest.mark.parametrize("by", ["domain", "language", "crawl", "content_type", "http_status"])
def test_groups_add_up_to_all_records(run: AuditRun, by: str) -> None:
    found = funnel(run, by, limit=10_000)
    assert sum(group.records.records for group in found.groups) == found.records.records
    assert sum(group.kept.records for group in found.groups) == found.kept.records
    for group in found.groups:
        assert group.kept.records + sum(group.dropped.values()) == group.records.records


def test_the_largest_groups_come_first_and_the_others_are_counted(run: AuditRun) -> None:
    found = domains(run, limit=3)
    sizes = [group.records.records for group in found.groups]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) == 3
    assert found.groups_left_out == len(domains(run, limit=10_000).groups) - 3


def test_a_column_that_is_none_is_refused_with_those_that_are(run: AuditRun) -> None:
    with pytest.raises(AuditError, match="domain, crawl"):
        funnel(run, 'x" FROM trails; --')
    assert "language" in group_keys(run)


def test_histograms_hold_every_scored_decision_and_the_thresholds(run: AuditRun) -> None:
    assert scored_stages(run)[:3] == ("math_prefilter", "language", "math_score")
    for stage in scored_stages(run):
        found = histogram(run, stage)
        counted = sum(each.kept + each.dropped for each in found.bins)
        (scored,) = run.one(
            "SELECT count(*) FROM (SELECT unnest(decisions) AS d FROM trails) "
            "WHERE d.filter = ? AND d.score IS NOT NULL",
            [stage],
        )
        assert counted == found.scored == scored
        assert all(one.low <= one.high for one in found.bins)
    thresholds = {t.setting: t for t in histogram(run, "math_score").thresholds}
    assert thresholds["threshold_with_math"].value == 0.1
    assert thresholds["threshold_with_math"].keeps == "at_least"
    only = histogram(run, "math_score", detail="without formulas")
    assert only.scored == thresholds["threshold_without_math"].documents < 100


def test_a_stage_without_scores_says_which_have_some(run: AuditRun) -> None:
    with pytest.raises(NotAnswerable, match="math_score"):
        histogram(run, "responses")
    with pytest.raises(AuditError, match="no stage nonsense"):
        histogram(run, "nonsense")


# ---- samples, search ----------------------------------------------------------------------------


def test_near_a_threshold_the_nearest_come_first(run: AuditRun) -> None:
    found = sample(run, dropped_by="math_score", near_threshold=0.3, n=5)
    away = [abs((s.score or 0) - (s.threshold or 0)) for s in found]
    assert away == sorted(away) and away[-1] <= 0.3 and found
    assert {s.dropped_by for s in found} == {"math_score"}
    assert all(s.text for s in found)


def test_a_sample_is_in_the_order_of_the_hash(run: AuditRun) -> None:
    ids = [s.document_id for s in sample(run, kept=True, n=1000, with_text=False)]
    assert ids == sorted(ids) and len(ids) == run.manifest["counts"]["kept"]
    later = sample(run, kept=True, n=5, offset=3, with_text=False)
    assert [s.document_id for s in later] == ids[3:8]


def test_a_sample_of_no_stage_is_refused(run: AuditRun) -> None:
    with pytest.raises(AuditError, match="math_score"):
        sample(run, dropped_by="mathscore")
    with pytest.raises(AuditError, match="stage"):
        sample(run, near_threshold=0.1)


@pytest.mark.parametrize("words", ["CAUCHY–schwarz   inequality", "f(x + y)", "\\frac{", "$u$ and"])
def test_words_are_found_as_they_are_in_any_case(run: AuditRun, words: str) -> None:
    found = search(run, text=words, limit=500)
    plain = " ".join(words.split()).lower()
    held = {
        row[0]
        for table in ("documents", "dropped")
        for row in run.rows(f"SELECT document_id, text FROM {table}")
        if plain in " ".join(row[1].split()).lower()
    }
    assert {hit.document_id for hit in found} == held and held
    assert all(plain in " ".join(hit.excerpt.split()).lower() for hit in found)


def test_search_combines_what_is_given(run: AuditRun) -> None:
    found = search(run, domain="example", dropped_by="language", reason="other_language")
    assert found and all(hit.dropped_by == "language" for hit in found)
    assert search(run, url="100%_nothing' OR 1=1") == ()
    assert [hit.url for hit in search(run, url="CAUCHY-schwarz")] == [
        "https://wiki-clone.test/Cauchy-Schwarz"
    ]
    with pytest.raises(AuditError, match="what to search"):
        search(run)


# ---- duplicates ---------------------------------------------------------------------------------


def test_every_cluster_holds_all_that_it_says(run: AuditRun) -> None:
    found = clusters(run)
    assert len(found) == 6
    for cluster in found:
        whole = cluster_of(run, cluster.name)
        assert whole == cluster_of(run, cluster.kept_id)
        assert sum(member.kept for member in whole.members) == 1
        for member in whole.members:
            assert cluster_of(run, member.document_id).kept_id == whole.kept_id


def test_a_document_without_duplicates_is_in_no_cluster(run: AuditRun) -> None:
    (found,) = explain(run, "https://devshed.example/posts/regex")
    assert found.cluster is None
    with pytest.raises(DocumentNotFound):
        cluster_of(run, found.record.document_id)


# ---- two runs -----------------------------------------------------------------------------------


def test_a_run_differs_from_itself_in_nothing(run: AuditRun, half_run: AuditRun) -> None:
    found = diff(run, half_run)
    assert (found.entered, found.left, found.text_changed) == (0, 0, 0)
    assert found.both == found.kept_before == found.kept_after


def test_texts_that_changed_are_found(judged_by_all: Path, tmp_path: Path, run: AuditRun) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    changed = tmp_path / "run"
    shutil.copytree(judged_by_all, changed)
    (shard,) = (changed / "documents").glob("*.parquet")
    table = pq.read_table(shard)
    texts = table.column("text").to_pylist()
    texts[3] += " One line more."
    place = table.schema.get_field_index("text")
    pq.write_table(
        table.set_column(place, table.schema.field(place), pa.array(texts, pa.large_string())),
        shard,
    )
    with open_run(changed) as other:
        found = diff(run, other)
        assert found.text_changed == 1
        (example,) = found.text_examples
        assert example.chars_after == example.chars_before + len(" One line more.")
        assert example.lines[-1].endswith("One line more.") and example.lines[-1][0] == "+"
        before, after = texts_of(run, other, example.document_id)
        assert before and after == before + " One line more."


# ---- what is asked ------------------------------------------------------------------------------


def test_several_threads_ask_one_run(judged_by_all: Path) -> None:
    with open_run(judged_by_all) as fresh:
        answers: list[object] = []

        def ask() -> None:
            answers.append(
                (scored_stages(fresh), funnel(fresh).kept, histogram(fresh, "perplexity"))
            )

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 6 and len(set(map(repr, answers))) == 1


def test_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotARun, match=r"manifest\.json"):
        open_run(tmp_path)
    with pytest.raises(NotARun, match="no folder"):
        open_run(tmp_path / "missing")
    (tmp_path / "manifest.json").write_text("{ no json")
    with pytest.raises(NotARun, match="not JSON"):
        open_run(tmp_path)
    (tmp_path / "manifest.json").write_text('{"files": []}')
    with pytest.raises(NotARun, match="no trails"):
        open_run(tmp_path)


@pytest.mark.parametrize("path", ["trails/../../secret.parquet", "/etc/trails/x.parquet"])
def test_a_manifest_can_not_lead_out_of_the_run(tmp_path: Path, path: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"files": [{"path": path, "rows": 1}]}))
    with pytest.raises(NotARun, match="outside"):
        open_run(tmp_path)


def test_a_missing_file_is_named(judged_by_all: Path, tmp_path: Path) -> None:
    broken = tmp_path / "run"
    shutil.copytree(judged_by_all, broken)
    (gone,) = (broken / "documents").glob("*.parquet")
    gone.unlink()
    with pytest.raises(NotARun, match=gone.name):
        open_run(broken)
