"""The training commands, run in this process."""

from __future__ import annotations

from pipelines.training.commands import train_app


def run(*arguments: object) -> int:
    """Runs ``proofmill train`` and returns its exit code; what it prints goes where pytest looks."""
    return int(train_app(list(map(str, arguments)), standalone_mode=False) or 0)
