"""Labels that people give: a sheet to fill in, the file that holds them, and what they say of a
filter."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import AuditError, NotAnswerable
from audit.ledger import ensure_ledger
from audit.places import LocalPlace
from audit.run import AuditRun
from audit.sampling import Sampled
from pipelines.run_directory import write_atomically
from pipelines.training.calibration import Suggestion, calibrate
from pipelines.training.label_files import LabelFileError, is_positive
from pipelines.training.measures import wilson_interval
from schemas.version import versioned

__all__ = [
    "LABELS",
    "FilterMeasure",
    "Label",
    "Share",
    "default_labels_path",
    "export_sheet",
    "import_sheet",
    "measure_filter",
    "read_labels",
    "save_labels",
]

LABELS = versioned(
    "labels",
    1,
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        # keep or drop
        pa.field("label", pa.string(), nullable=False),
        pa.field("note", pa.string(), nullable=False),
        pa.field("labeller", pa.string(), nullable=False),
        pa.field("labelled_at", pa.string(), nullable=False),
    ],
)

_TEXT_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Label:
    """What a person said of a document.

    Attributes:
        document_id, url: Which one.
        label: ``keep`` or ``drop``.
        note: What the person wrote besides.
        labeller: Who.
        labelled_at: When, ISO 8601.
    """

    document_id: str
    url: str
    label: str
    note: str = ""
    labeller: str = ""
    labelled_at: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval (Wilson)."""

    value: float | None
    low: float
    high: float
    of: int


@dataclass(frozen=True, slots=True)
class FilterMeasure:
    """What labels say of a filter.

    Attributes:
        stage: The filter.
        detail: The decisions that count, by their detail; empty for all.
        positives, negatives: Labels to keep and to drop that have a verdict of the filter.
        unknown: Labels of documents that the run hasn't.
        unjudged: Labels of documents that the filter never judged.
        precision: Of what the filter keeps, the share labelled to keep.
        recall: Of what is labelled to keep, the share that the filter keeps.
        lower_is_better: Whether it keeps what scores low.
        suggested: A threshold that reaches the wanted precision; None when none does, or the
            filter has no scores.
        safe: The same with the interval's lower end.
        wanted: The wanted precision.
    """

    stage: str
    detail: str
    positives: int
    negatives: int
    unknown: int
    unjudged: int
    precision: Share
    recall: Share
    lower_is_better: bool
    suggested: Suggestion | None
    safe: Suggestion | None
    wanted: float


def default_labels_path(run: AuditRun) -> Path:
    """Where a run's labels go unless somebody says otherwise: beside it, since a run is finished.

    Raises:
        AuditError: The run isn't on this machine.
    """
    if not isinstance(run.place, LocalPlace):
        raise AuditError(f"{run.name} isn't on this machine: say where the labels are")
    root = run.place.root
    return root.with_name(f"{root.name}.labels.parquet")


def read_labels(path: Path) -> dict[str, Label]:
    """The labels of a file by document_id; none when there's no file yet.

    Raises:
        LabelFileError: It holds no labels.
    """
    if not path.exists():
        return {}
    try:
        rows = pq.read_table(path, schema=LABELS).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise LabelFileError(f"{path}: {error}") from error
    return {row["document_id"]: Label(**row) for row in rows}


def save_labels(path: Path, labels: Iterable[Label]) -> dict[str, Label]:
    """Adds labels to a file, atomically; a later label of a document replaces the earlier one.

    Returns:
        All labels of the file.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    held = read_labels(path)
    for label in labels:
        word = "keep" if is_positive(label.label, label.document_id) else "drop"
        held[label.document_id] = Label(
            label.document_id, label.url, word, label.note, label.labeller, label.labelled_at or now
        )
    rows = [held[key] for key in sorted(held)]
    columns = {
        field.name: pa.array([getattr(row, field.name) for row in rows], field.type)
        for field in LABELS
    }
    with write_atomically(path) as temporary:
        pq.write_table(pa.table(columns, schema=LABELS), temporary, compression="zstd")
    return held


# ---- sheets -------------------------------------------------------------------------------------

_SHEET = (
    "document_id", "label", "note", "url", "verdict", "dropped_by", "reason", "stage", "score",
    "threshold", "detail", "language", "text_chars", "text",
)  # fmt: skip
# Characters with which a spreadsheet takes a cell for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export_sheet(path: Path, documents: Sequence[Sampled]) -> int:
    """Writes a sheet for labelling by hand; its columns ``label`` and ``note`` are empty.

    Args:
        path: ``.csv``, ``.tsv`` or ``.parquet``.
        documents: What to label.

    Returns:
        How many rows it has.

    Raises:
        AuditError: The suffix is another.
    """
    rows = [_sheet_row(document) for document in documents]
    if path.suffix == ".parquet":
        columns = {name: [row[name] for row in rows] for name in _SHEET}
        with write_atomically(path) as temporary:
            pq.write_table(pa.table(columns), temporary, compression="zstd")
        return len(rows)
    delimiter = _delimiter(path)
    with (
        write_atomically(path) as temporary,
        temporary.open("w", encoding="utf-8-sig", newline="") as file,
    ):
        writer = csv.DictWriter(file, _SHEET, delimiter=delimiter)
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return len(rows)


def import_sheet(path: Path, *, labeller: str = "") -> list[Label]:
    """Reads a sheet that was filled in; rows without a label are left out.

    Args:
        path: ``.csv``, ``.tsv`` or ``.parquet`` with the columns ``document_id`` and ``label``.
        labeller: Who labelled.

    Raises:
        LabelFileError: It's no such sheet, or a label is none of the known words.
    """
    labels = []
    for number, row in enumerate(_sheet_rows(path), 2):
        missing = [name for name in ("document_id", "label") if row.get(name) is None]
        if missing:
            raise LabelFileError(f"{path}, line {number}: no column {', '.join(missing)}")
        if not str(row["label"]).strip():
            continue
        where = f"{path}, line {number}"
        word = "keep" if is_positive(str(row["label"]), where) else "drop"
        labels.append(
            Label(
                str(row["document_id"]),
                _uncelled(row.get("url")),
                word,
                _uncelled(row.get("note")),
                labeller or _uncelled(row.get("labeller")),
                _uncelled(row.get("labelled_at")),
            )
        )
    return labels


def _sheet_row(document: Sampled) -> dict[str, Any]:
    held = {
        name: getattr(document, name) for name in _SHEET if name not in ("label", "note", "text")
    }
    return {"label": "", "note": "", **held, "text": (document.text or "")[:_TEXT_SHOWN]}


def _cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: texts and addresses are the web's own."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _uncelled(value: Any) -> str:
    text = "" if value is None else str(value)
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA_STARTS) else text


def _delimiter(path: Path) -> str:
    if path.suffix not in (".csv", ".tsv"):
        raise AuditError(f"{path}: a sheet's name ends in .csv, .tsv or .parquet")
    return "," if path.suffix == ".csv" else "\t"


def _sheet_rows(path: Path) -> list[dict[str, Any]]:
    try:
        if path.suffix == ".parquet":
            rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
            return rows
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, delimiter=_delimiter(path), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise LabelFileError(f"{path}: {error}") from error


# ---- what they say ------------------------------------------------------------------------------


def measure_filter(
    run: AuditRun,
    labels: Mapping[str, Label],
    stage: str,
    *,
    detail: str = "",
    wanted: float = 0.95,
) -> FilterMeasure:
    """Precision and recall of a filter against labels, and a threshold.

    They hold for documents as the labelled ones were chosen: a sample near a threshold measures
    what is near it.

    Args:
        run: The run.
        labels: The labels by document_id.
        stage: The filter.
        detail: Only decisions with this detail: one of several thresholds.
        wanted: The precision that the suggested threshold must reach.

    Raises:
        NotAnswerable: No labelled document has a verdict of the filter.
    """
    ensure_ledger(run)
    ids = pa.table({"document_id": pa.array(list(labels), pa.string())})
    with run.scratch_table("SELECT document_id FROM labelled", labelled=ids) as wanted_ids:
        rows = run.rows(
            f"""SELECT c.document_id, l.keep, l.score FROM cases c SEMI JOIN {wanted_ids} w
                USING (document_id)
                LEFT JOIN ledger l ON l.place = c.place AND l.filter = ?
                    AND (? = '' OR l.detail = ?)""",
            [stage, detail, detail],
        )
    known = {row[0] for row in rows}
    judged = [
        (labels[i].label == "keep", keep, score) for i, keep, score in rows if keep is not None
    ]
    if not judged:
        raise NotAnswerable(
            f"none of the {len(labels)} labels has a verdict of {stage} in {run.name}: "
            f"{len(labels) - len(known)} aren't in it, the others were dropped before (a run with "
            "--set audit.shadow_share=1 judges all)"
        )
    positives = [score for good, _, score in judged if good and score is not None]
    negatives = [score for good, _, score in judged if not good and score is not None]
    found = calibrate(stage, positives, negatives, wanted) if positives and negatives else None
    kept_good = sum(good and keep for good, keep, _ in judged)
    return FilterMeasure(
        stage,
        detail,
        sum(good for good, _, _ in judged),
        sum(not good for good, _, _ in judged),
        len(labels) - len(known),
        len(known) - len({row[0] for row in rows if row[1] is not None}),
        _share(kept_good, sum(keep for _, keep, _ in judged)),
        _share(kept_good, sum(good for good, _, _ in judged)),
        bool(found and found.lower_is_better),
        found.suggested if found else None,
        found.safe if found else None,
        wanted,
    )


def _share(successes: int, trials: int) -> Share:
    low, high = wilson_interval(successes, trials)
    return Share(successes / trials if trials else None, low, high, trials)
