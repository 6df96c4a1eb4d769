"""Calibrating a filter by labels: the law that the suggestion keeps, joins, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine import Engine
from pipelines.inputs import resolve_inputs
from pipelines.recipe import load_recipe
from pipelines.runs import Run
from pipelines.sample import sample_warc_path
from pipelines.training.calibration import calibrate
from tests.pipelines.training.running import calibrating

_SCORES = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=60)


@given(_SCORES, _SCORES, st.floats(0.01, 1), st.sampled_from(["math_score", "perplexity"]))
def test_the_suggested_threshold_reaches_the_wanted_precision(
    positives: list[float], negatives: list[float], wanted: float, name: str
) -> None:
    found = calibrate(name, positives, negatives, wanted)

    def precision(threshold: float) -> float:
        keeps = (lambda s: s <= threshold) if name == "perplexity" else (lambda s: s >= threshold)
        kept = [sum(map(keeps, scores)) for scores in (positives, negatives)]
        return kept[0] / sum(kept) if sum(kept) else 1.0

    reachable = [t for t in {*positives, *negatives} if precision(t) >= wanted]
    if found.suggested is None:
        assert not reachable
        return
    assert precision(found.suggested.threshold) >= wanted
    assert found.suggested.low <= found.suggested.precision <= found.suggested.high
    # Of all that reach it, the one that keeps most.
    best = min(reachable) if name != "perplexity" else max(reachable)
    assert found.suggested.threshold == best
    if found.safe is not None:
        assert precision(found.safe.threshold) >= found.safe.low >= wanted


def _write(path: Path, rows: list[tuple[object, ...]]) -> Path:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), "utf-8")
    return path


def test_scores_in_the_labels(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [("label", "score"), *[("keep", 0.9)] * 60, *[("drop", 0.2)] * 30, ("drop", 0.95)]
    labels = _write(tmp_path / "l.tsv", rows)
    assert calibrating("math_score", "--labels", labels, "--output", tmp_path / "out") == 0
    printed = capfd.readouterr().out
    assert "suggested: 0.9 (precision 98.4%" in printed
    assert "too few to be sure" in printed
    written = json.loads((tmp_path / "out" / "math_score.json").read_text("utf-8"))
    assert written["suggested"]["threshold"] == 0.9 and written["safe"] is None
    assert (tmp_path / "out" / "math_score.png").read_bytes().startswith(b"\x89PNG")
    assert calibrating("math_score", "--labels", labels, "--precision", 0.99,
                       "--output", tmp_path / "out") == 1  # fmt: skip
    assert "no threshold reaches" in capfd.readouterr().err


@pytest.fixture(scope="module")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, every page judged by every filter."""
    root = tmp_path_factory.mktemp("calibration") / "run"
    recipe = load_recipe("open-web-math").changed(["audit.shadow_share=1"])
    Run(
        recipe, resolve_inputs([str(sample_warc_path())]), root, Engine(1), display="quiet"
    ).execute()
    return root


def test_labels_are_joined_with_the_trails_of_a_run(
    sample_run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trails = pq.read_table(sample_run / "trails", columns=["document_id", "url", "decisions"])
    scored = {}
    for row in trails.to_pylist():
        for decision in row["decisions"]:
            if decision["filter"] == "math_score" and decision["score"] is not None:
                scored[row["document_id"]] = (row["url"], decision["score"])
    assert len(scored) > 50
    rows = [
        {"document_id": name, "label": "keep" if score > 0.5 else "drop"}
        for name, (_, score) in scored.items()
    ]
    rows.append({"document_id": "no such", "label": "keep"})
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "l.parquet")
    options = ("--run", sample_run, "--precision", 1, "--output", tmp_path)
    assert calibrating("math_score", "--labels", tmp_path / "l.parquet", *options) == 0
    written = json.loads((tmp_path / "math_score.json").read_text("utf-8"))
    assert written["labels_not_in_the_run"] == 1
    assert written["labelled_to_keep"] + written["labelled_to_drop"] == len(scored)
    assert written["suggested"]["threshold"] == min(s for _, s in scored.values() if s > 0.5)
    assert written["suggested"]["recall"] == 1
    by_url = [("url", "label"), *[(url, "1" if s > 0.5 else "0") for url, s in scored.values()]]
    assert calibrating("math_score", "--labels", _write(tmp_path / "l.tsv", by_url), *options) == 0
    capfd.readouterr()
    assert calibrating("no_filter", "--labels", tmp_path / "l.parquet", *options) == 2
    assert "no filter no_filter" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("label", "score")], "no rows"),
        ([("label", "score"), ("perhaps", 1)], "'perhaps'"),
        ([("label", "score"), ("keep", "high")], "no number"),
        ([("label", "score"), ("keep", 1)], "some of both"),
        ([("label",), ("keep",)], "no column score"),
        ([("label", "score"), ("keep",)], "line 2"),
    ],
)
def test_bad_labels_are_named(
    rows: list[tuple[object, ...]], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    labels = _write(tmp_path / "l.tsv", rows)
    assert calibrating("math_score", "--labels", labels, "--output", tmp_path / "out") == 2
    assert message in capfd.readouterr().err.replace("\n", "")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_run_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    labels = _write(tmp_path / "l.tsv", [("url", "label"), ("https://a.example/", "keep")])
    assert calibrating("math_score", "--labels", labels, "--run", tmp_path) == 2
    assert "no trails" in capfd.readouterr().err
    (tmp_path / "trails").mkdir()
    (tmp_path / "trails" / "a.parquet").write_bytes(b"PAR1 no more")
    assert calibrating("math_score", "--labels", labels, "--run", tmp_path) == 2
    assert "a.parquet" in capfd.readouterr().err.replace("\n", "")
