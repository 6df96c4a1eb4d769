"""The funnel of a run: how many records each stage saw, dropped and why; as text and picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from pipelines.judge import READ

__all__ = ["FunnelStage", "draw_funnel", "funnel_of", "funnel_table"]


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """One stage of the funnel.

    Attributes:
        name: The stage.
        arrived: Records that reached it.
        dropped: Records that it dropped, by reason.
        enabled: False when the recipe switched it off.
    """

    name: str
    arrived: int
    dropped: Mapping[str, int]
    enabled: bool = True

    @property
    def passed(self) -> int:
        """Records that it let through."""
        return self.arrived - sum(self.dropped.values())


def funnel_of(
    records: int,
    drops: Mapping[str, Mapping[str, int]],
    stages: Sequence[tuple[str, bool]],
) -> list[FunnelStage]:
    """The funnel from the drops by stage and reason.

    Args:
        records: Records read, damage included.
        drops: Stage to reason to count.
        stages: The recipe's stages in order, with whether they are enabled.

    Raises:
        ValueError: A drop names a stage that the recipe hasn't.
    """
    names = [(READ, True), *stages]
    unknown = set(drops) - {name for name, _ in names}
    if unknown:
        raise ValueError(f"drops by stages that the recipe has not: {sorted(unknown)}")
    funnel = []
    left = records
    for name, enabled in names:
        stage = FunnelStage(name, left, dict(drops.get(name, {})), enabled)
        funnel.append(stage)
        left = stage.passed
    return funnel


def funnel_table(funnel: Sequence[FunnelStage]) -> Table:
    """The funnel as a table for the terminal."""
    table = Table(
        title="Funnel", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column("stage")
    table.add_column("arrived", justify="right")
    table.add_column("dropped", justify="right")
    table.add_column("passed", justify="right")
    table.add_column("why", style="dim", overflow="fold")
    for stage in funnel:
        reasons = sorted(stage.dropped.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{reason} {count:,}" for reason, count in reasons[:4])
        more = f", {len(reasons) - 4} more" if len(reasons) > 4 else ""
        table.add_row(
            stage.name,
            f"{stage.arrived:,}",
            f"{sum(stage.dropped.values()):,}",
            f"{stage.passed:,}",
            escape(shown + more) if stage.enabled else "switched off",
        )
    return table


# A funnel that loses more than this factor is drawn logarithmically.
_STEEP = 20
# A colour-blind safe pair (Okabe and Ito 2008): what passed, what was dropped.
_PASSED, _DROPPED = "#0072B2", "#E69F00"


def draw_funnel(funnel: Sequence[FunnelStage], title: str, path: Path) -> None:
    """Draws the funnel as horizontal bars, one a stage; the suffix of ``path`` is the format.

    Where counts fall by orders of magnitude, as on the web, bars are logarithmic; every bar bears
    its numbers.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    stages = [stage for stage in funnel if stage.enabled]
    figure = Figure(figsize=(9.0, 0.62 * len(stages) + 1.5), layout="constrained")
    axes = figure.add_subplot()
    top = max((stage.arrived for stage in stages), default=1)
    logarithmic = top > _STEEP * max(min((stage.passed for stage in stages), default=1), 1)
    left = 0.5 if logarithmic else 0.0
    for row, stage in enumerate(stages):
        dropped = sum(stage.dropped.values())
        axes.barh(row, max(stage.arrived - left, 0.0), color=_DROPPED, height=0.56, left=left)
        axes.barh(row, max(stage.passed - left, 0.0), color=_PASSED, height=0.56, left=left)
        main_reason = max(stage.dropped.items(), key=lambda item: item[1], default=("", 0))[0]
        text = f"{stage.passed:,} pass"
        if dropped:
            text += f", {dropped:,} dropped ({main_reason})"
        end = max(stage.arrived, 1) * 1.12 if logarithmic else stage.arrived + 0.01 * top
        axes.text(end, row, text, va="center", fontsize=9)
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xlim(left, max(top, 10) * 250 if logarithmic else max(top, 1) * 1.75)
    axes.set_yticks(range(len(stages)), [stage.name.replace("_", " ") for stage in stages])
    axes.invert_yaxis()
    axes.set_xlabel("records (logarithmic)" if logarithmic else "records")
    axes.set_title(title, loc="left", fontsize=11)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    handles = [
        axes.barh(0, 0, color=color, label=label)
        for color, label in ((_PASSED, "passed"), (_DROPPED, "dropped here"))
    ]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize=9,
    )
    # Equal funnels are equal files: no date, and ids that are hashed with a salt of our own.
    undated = {"Date": None} if path.suffix == ".svg" else {}
    with rc_context({"svg.hashsalt": "proofmill"}):
        figure.savefig(path, dpi=130, metadata=undated)
