"""``proofmill goals``: traces of provers, and the formats that others train on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from pipelines.errors import InputError
from pipelines.terminal import explained, out

__all__ = ["goals_app"]

goals_app = typer.Typer(
    no_args_is_help=True, help="Formal proof steps: trace provers, export what others train on."
)

_Split = Annotated[
    Literal["random", "file", "novel_premises"],
    typer.Option(help="By statement, by file, or so that held-out proofs need new premises."),
]


@goals_app.command("views")
def list_views() -> None:
    """List the formats that a run can be exported to."""
    from pipelines.goals.views.export import VIEWS

    table = Table(box=None, pad_edge=False, show_header=False)
    for name, view in VIEWS.items():
        table.add_row(name, view.system, view.about)
    out.print(table)


@goals_app.command("export")
def export(
    run: Annotated[Path, typer.Argument(help="A finished run of a goal-state recipe.")],
    output: Annotated[Path, typer.Option(help="Folder for the files.")],
    view: Annotated[str, typer.Option(help="The format; `proofmill goals views` lists them.")],
    split: _Split = "random",
    prompt: Annotated[
        Literal["state_tactic", "context_state_tactic", "full_proof", "context_full_proof"],
        typer.Option(help="The prompt of ntp-prompts."),
    ] = "state_tactic",
    project: Annotated[str, typer.Option(help="The project's name in its metadata.")] = "",
    context: Annotated[
        int, typer.Option(min=0, help="The last so many characters of context; 0 for all.")
    ] = 0,
) -> None:
    """Write a run in a format that others train on."""
    from pipelines.goals.views.export import VIEWS, export_view

    with explained():
        if view not in VIEWS:
            raise InputError(f"--view {view}: there are {', '.join(VIEWS)}")
        done = export_view(
            run, view, output, split=split, prompt=prompt, project=project, context=context
        )
    rows = ", ".join(f"{done.rows[side]:,} {side}" for side in ("train", "val", "test"))
    out.print(f"{view}: {rows}", highlight=False)
    if done.left_out:
        out.print(
            f"{done.left_out:,} training rows left out: a held-out statement is the same",
            highlight=False,
        )
    for path in done.files:
        out.print(f"  {path}", highlight=False)
