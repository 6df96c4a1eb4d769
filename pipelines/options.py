"""Options that several commands share, each with one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.files import folder_at

__all__ = [
    "BEAM",
    "Against",
    "FinishedRun",
    "Folder",
    "Fresh",
    "KeepWork",
    "ProgressMode",
    "Workers",
]

# Settings of a command after whose `--` Beam's own options follow.
BEAM = {"allow_extra_args": True, "ignore_unknown_options": False}


def _folder(address: str) -> Path:
    try:
        return folder_at(address)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Folder = Annotated[
    Path,
    typer.Option("--output", parser=_folder, help="Folder of the run; a path, s3:// or gs://."),
]
FinishedRun = Annotated[
    Path,
    typer.Argument(parser=_folder, help="Folder of a finished run; a path, s3:// or gs://."),
]
Against = Annotated[
    list[Path] | None,
    typer.Option(
        parser=_folder, help="Finished run whose documents are there already; may be repeated."
    ),
]
Fresh = Annotated[bool, typer.Option(help="Delete what an earlier run left first.")]
KeepWork = Annotated[bool, typer.Option(help="Keep intermediate files.")]
ProgressMode = Annotated[
    Literal["live", "json", "quiet"], typer.Option(help="How progress is shown.")
]
Workers = Annotated[int, typer.Option(min=0, help="Worker processes; 0 for all cores.")]
