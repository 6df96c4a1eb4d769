"""``proofmill calibrate``: a threshold from labels, on the terminal, as a picture and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipelines.terminal import err, explained, out

if TYPE_CHECKING:
    from pipelines.training.calibration import Calibration, Labelled

__all__ = ["calibrate_command"]

_ROWS = 12


def calibrate_command(
    filter_name: Annotated[
        str, typer.Argument(metavar="FILTER", help="The filter, as recipes name it: math_score.")
    ],
    labels: Annotated[
        Path,
        typer.Option(
            help="TSV (a line of names first) or Parquet with a label (keep or drop) and a "
            "document_id or url, or a score."
        ),
    ],
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run whose trails hold the scores.")
    ] = None,
    precision: Annotated[
        float, typer.Option(min=0, max=1, help="The precision that the threshold must reach.")
    ] = 0.95,
    output: Annotated[Path, typer.Option(help="Folder for FILTER.json and FILTER.png.")] = Path(
        "calibration"
    ),
) -> None:
    """Draw a filter's precision and recall from labels, and suggest a threshold.

    Exits with 1 when no threshold reaches the wanted precision on the labels.
    """
    from pipelines.training.calibration import calibrate, read_labelled

    with explained():
        labelled = read_labelled(labels, filter_name, run)
        found = calibrate(filter_name, labelled.positives, labelled.negatives, precision)
        output.mkdir(parents=True, exist_ok=True)
        _write(found, labelled, filter_name, precision, output)
    _show(found, labelled, precision)
    out.print(f"\n{output / filter_name}.png and .json", highlight=False)
    raise typer.Exit(0 if found.suggested else 1)


def _write(
    found: Calibration, labelled: Labelled, filter_name: str, precision: float, output: Path
) -> None:
    from pipelines.training.charts import draw_curve

    content = {
        "filter": filter_name,
        "wanted_precision": precision,
        "labelled_to_keep": len(labelled.positives),
        "labelled_to_drop": len(labelled.negatives),
        "labels_not_in_the_run": labelled.unknown,
        "labels_without_a_score": labelled.unscored,
        "threshold_of_the_run": labelled.threshold,
        **asdict(found),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (output / f"{filter_name}.json").write_text(text + "\n", "utf-8")
    thresholds = {"suggested": found.suggested.threshold} if found.suggested else {}
    if labelled.threshold is not None:
        thresholds["of the run"] = labelled.threshold
    title = f"{filter_name}: {len(labelled.positives) + len(labelled.negatives)} labels"
    draw_curve(title, found.points, thresholds, output / f"{filter_name}.png")


def _show(found: Calibration, labelled: Labelled, precision: float) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("threshold", "precision", "recall", "false positives"):
        table.add_column(heading, justify="right")
    step = max(-(-len(found.points) // _ROWS), 1)
    for point in found.points[::step]:
        values = (point.precision, point.recall, point.false_positive_rate)
        table.add_row(f"{point.threshold:.4g}", *(f"{value:.1%}" for value in values))
    out.print(table)
    side = "at or below" if found.lower_is_better else "at or above"
    out.print(
        f"\n{len(labelled.positives):,} labelled to keep, {len(labelled.negatives):,} to drop; "
        f"scores {side} a threshold are kept",
        highlight=False,
    )
    if labelled.unknown or labelled.unscored:
        err.print(
            f"left out: {labelled.unknown:,} label(s) of documents that the run hasn't, "
            f"{labelled.unscored:,} of documents dropped before they were scored"
        )
    if found.suggested is None:
        err.print(f"no threshold reaches a precision of {precision:.1%} on these labels")
        return
    best = found.suggested
    out.print(
        f"suggested: {best.threshold:.6g} (precision {best.precision:.1%}, 95 % interval "
        f"{best.low:.1%} to {best.high:.1%}; recall {best.recall:.1%}; keeps {best.kept:,})",
        highlight=False,
    )
    if found.safe is None:
        out.print(
            "the labels are too few to be sure: at no threshold does the interval lie above "
            f"{precision:.1%}; label more documents near the suggested one",
            highlight=False,
        )
    elif found.safe != best:
        out.print(
            f"to be sure: {found.safe.threshold:.6g} (interval {found.safe.low:.1%} to "
            f"{found.safe.high:.1%}; recall {found.safe.recall:.1%})",
            highlight=False,
        )
