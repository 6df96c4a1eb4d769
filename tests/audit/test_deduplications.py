"""What ``proofmill dedup`` left is asked like a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit import AuditRun, open_run
from audit.duplicates import cluster_of, clusters
from audit.errors import NotAnswerable
from audit.explaining import explain
from audit.funnels import funnel
from audit.report.page import report_html
from audit.what_if import what_if
from pipelines.deduplication.corpus import CorpusRun
from pipelines.deduplication.parts import resolve_corpora
from pipelines.deduplication.recipe import load_deduplication_recipe
from pipelines.engine import Engine


@pytest.fixture(scope="module")
def dedup(run: AuditRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditRun]:
    """The sample's documents held against themselves with a few words more."""
    root = tmp_path_factory.mktemp("dedup")
    (shard,) = (Path(run.name) / "documents").glob("*.parquet")
    rows = pq.read_table(shard).slice(0, 20).to_pylist()
    for row in rows:
        row["document_id"] = row["document_id"][::-1]
        row["text"] += "\n\nCopied from elsewhere."
        row["url"] += "?copy"
    table = pa.Table.from_pylist(rows, schema=pq.read_schema(shard))
    pq.write_table(table, root / "copies.parquet")
    recipe = load_deduplication_recipe("deduplicate")
    files = resolve_corpora(
        [f"web={run.name}", f"copies={root / 'copies.parquet'}"], recipe.columns
    )
    CorpusRun(recipe, files, root / "out", Engine(1), display="quiet").execute()
    with open_run(root / "out") as opened:
        yield opened


def test_its_funnel_and_subsets(dedup: AuditRun, run: AuditRun) -> None:
    found = funnel(dedup, "subset")
    assert found.records.records == run.manifest["counts"]["kept"] + 20
    assert found.kept.records == dedup.manifest["counts"]["kept"]
    assert {group.key: group.records.records for group in found.groups}["copies"] == 20


def test_a_copy_names_who_stays(dedup: AuditRun, run: AuditRun) -> None:
    largest = clusters(dedup)[0]
    whole = cluster_of(dedup, largest.name)
    assert len(whole.members) == whole.size == 2
    (gone,) = (member for member in whole.members if not member.kept)
    (found,) = explain(dedup, gone.document_id)
    assert "stays in its place" in found.sentence and found.cluster == whole
    assert found.record.provenance["kept_id"] == whole.kept_id
    # The run that the document is of hears of it too.
    ids = [member.document_id for member in whole.members]
    ((ours,),) = run.rows(
        "SELECT document_id FROM documents WHERE list_contains(?, document_id)", [ids]
    )
    (asked,) = explain(run, ours, dedup=dedup)
    assert asked.later_cluster == whole


def test_what_it_can_not_tell_it_refuses(dedup: AuditRun) -> None:
    with pytest.raises(NotAnswerable, match="recipe"):
        what_if(dedup, ["near_duplicates.enabled=false"])


def test_it_has_a_report(dedup: AuditRun) -> None:
    assert "near_duplicates" in report_html(dedup)
