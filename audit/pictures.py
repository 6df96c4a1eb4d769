"""The funnel as a picture, by the same hand that a run draws its own with."""

from __future__ import annotations

from pathlib import Path

from audit.errors import AuditError
from audit.funnels import Funnel
from pipelines.funnel import FunnelStage, draw_funnel

__all__ = ["draw_funnel_of"]

_FORMATS = (".png", ".svg", ".pdf")


def draw_funnel_of(funnel: Funnel, title: str, path: Path) -> None:
    """Draws a funnel.

    Args:
        funnel: What to draw.
        title: What stands above it.
        path: The file; its suffix is the format.

    Raises:
        AuditError: The suffix is no format.
    """
    if path.suffix not in _FORMATS:
        raise AuditError(f"{path}: a picture's name ends in {', '.join(_FORMATS)}")
    stages = [
        FunnelStage(
            stage.name,
            stage.arrived.records,
            {reason: amount.records for reason, amount in stage.dropped.items()},
            stage.enabled,
        )
        for stage in funnel.stages
    ]
    draw_funnel(stages, title, path)
