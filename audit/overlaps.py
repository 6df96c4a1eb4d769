"""Test problems in a document, as an overlap report recorded them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds

from audit.documents import Record
from audit.errors import AuditError
from audit.places import LocalPlace
from audit.run import AuditRun

__all__ = ["Overlap", "overlaps_of", "reports_beside"]


@dataclass(frozen=True, slots=True)
class Overlap:
    """A stretch of a document that is in a test problem.

    Attributes:
        report: The report's folder.
        edition: What found it.
        problem_set, item, side: The problem.
        start, end: Characters of the document's text.
        contained: Whether the stretch holds the whole side of the problem.
        text: The stretch.
    """

    report: str
    edition: str
    problem_set: str
    item: str
    side: str
    start: int
    end: int
    contained: bool
    text: str


def reports_beside(run: AuditRun) -> tuple[Path, ...]:
    """The overlap reports that lie in a run's folder or beside it, on this machine."""
    if not isinstance(run.place, LocalPlace):
        return ()
    root = run.place.root
    beside = (*sorted(root.iterdir()), *sorted(root.parent.iterdir()))
    return tuple(
        path for path in beside if (path / "report.json").is_file() and (path / "overlaps").is_dir()
    )


def overlaps_of(
    run: AuditRun, record: Record, reports: Sequence[Path] = ()
) -> tuple[bool, tuple[Overlap, ...]]:
    """What overlap reports say of a record: (whether there was a report, what it found).

    Args:
        run: The run.
        record: The record.
        reports: The reports' folders; those beside the run when none is given.

    Raises:
        AuditError: A folder is no report.
    """
    chosen = tuple(reports) or reports_beside(run)
    found: list[Overlap] = []
    for report in chosen:
        if not (report / "report.json").is_file():
            raise AuditError(f"{report} has no report.json: it's no overlap report")
        found += _in_report(report, record.document_id)
    return bool(chosen), tuple(found)


def _in_report(report: Path, document_id: str) -> list[Overlap]:
    files = sorted((report / "overlaps").glob("*.parquet"))
    if not files:
        return []
    try:
        table = ds.dataset([str(file) for file in files], format="parquet").to_table(
            filter=ds.field("document_id") == document_id
        )
    except (pa.ArrowException, OSError) as error:
        raise AuditError(f"{report}: {error}") from error
    return [
        Overlap(
            str(report),
            row["edition"],
            row["problem_set"],
            row["item"],
            row["side"],
            row["document_start"],
            row["document_end"],
            row["contained"],
            row["text"],
        )
        for row in table.to_pylist()
    ]
