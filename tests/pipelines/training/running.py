"""The training commands, run in this process."""

from __future__ import annotations

import typer

from pipelines.training.calibrate_command import calibrate_command
from pipelines.training.commands import train_app


def run(*arguments: object) -> int:
    """Runs ``proofmill train`` and returns its exit code; what it prints goes where pytest looks."""
    return int(train_app(list(map(str, arguments)), standalone_mode=False) or 0)


def calibrating(*arguments: object) -> int:
    """Runs ``proofmill calibrate`` likewise."""
    app = typer.Typer()
    app.command()(calibrate_command)
    return int(app(list(map(str, arguments)), standalone_mode=False) or 0)
