"""The command ``proofmill report``; exit codes are those of ``proofmill``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.terminal import explained, out

__all__ = ["report_command"]


def report_command(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Folder of a finished run, or its s3:// address.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="The HTML file; RUN.report.html beside the run by default.")
    ] = None,
    card: Annotated[
        Path | None, typer.Option(help="Also write the data card alone: a README.md.")
    ] = None,
    examples: Annotated[
        int, typer.Option(min=0, help="Documents shown of each stage, as far as texts were kept.")
    ] = 2,
) -> None:
    """Write a run's report, one HTML file: funnel, scores, domains, examples, data card."""
    from audit.report.card import data_card
    from audit.report.page import default_report_path, write_report
    from audit.run import open_run

    with explained(), open_run(run) as asked:
        path = output or default_report_path(asked)
        write_report(asked, path, examples=examples)
        if card is not None:
            card.write_text(data_card(asked), "utf-8")
    out.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", highlight=False)
    if card is not None:
        out.print(str(card), highlight=False)
