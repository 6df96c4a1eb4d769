"""``proofmill goals``: traces of provers, and the formats that others train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from pipelines.errors import InputError
from pipelines.terminal import err, explained, out

if TYPE_CHECKING:
    from pipelines.goals.drivers.ledger import Ledger, Status

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


_Output = Annotated[Path, typer.Option(help="Folder for the traces and their status.")]
_Jobs = Annotated[int, typer.Option(min=1, help="Processes at a time; each may use --memory.")]
_Seconds = Annotated[float, typer.Option(min=1, help="Wall time of a process.")]
_Memory = Annotated[float, typer.Option(min=0.1, help="Memory of a process, in GiB.")]
_Retry = Annotated[bool, typer.Option(help="Try modules again that have no trace.")]


@goals_app.command("trace-lean")
def trace_lean(
    project: Annotated[Path, typer.Argument(help="Lake project, or folder of Lean sources.")],
    output: _Output,
    modules: Annotated[
        list[str] | None, typer.Option(help="Glob of module names; may be repeated.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Folder below the project that module names begin in."),
    ] = None,
    lean: Annotated[str, typer.Option(help="The lean program.")] = "lean",
    lake: Annotated[str, typer.Option(help="The lake program.")] = "lake",
    lean_path: Annotated[str, typer.Option(help="LEAN_PATH; by default `lake env` says.")] = "",
    extractor: Annotated[
        str,
        typer.Option(
            help="`build`: ours, built for the toolchain; `info-trace`: stock Lean's own trace; "
            "or a program that was built."
        ),
    ] = "build",
    repo_url: Annotated[str, typer.Option(help="By default git says.")] = "",
    commit: Annotated[str, typer.Option(help="By default git says.")] = "",
    license_spdx: Annotated[str, typer.Option("--license", help="SPDX identifier.")] = "",
    package: Annotated[str, typer.Option(help="The package's name.")] = "",
    jobs: _Jobs = 1,
    seconds: _Seconds = 600.0,
    memory: _Memory = 8.0,
    retry: _Retry = False,
) -> None:
    """Trace every module of a Lean project; the same command goes on where it stopped."""
    from pipelines.goals.drivers.lean import (
        LeanProject,
        build_extractor,
        git_origin,
        lake_environment,
    )
    from pipelines.goals.drivers.ledger import Ledger, work_through
    from pipelines.goals.drivers.processes import Limits

    with explained():
        environment = {"LEAN_PATH": lean_path} if lean_path else lake_environment(project, lake)
        program = None
        if extractor == "build":
            toolchain = project / "lean-toolchain"
            named = toolchain.read_text("utf-8").strip() if toolchain.exists() else ""
            program = build_extractor(named, output / ".extractor", lake=lake)
        elif extractor != "info-trace":
            program = Path(extractor).resolve()
            if not program.is_file():
                raise InputError(f"--extractor {extractor}: no such program")
        origin, head = git_origin(project)
        chosen = LeanProject(
            project.resolve(),
            lean,
            program,
            tuple(source or ["."]),
            environment,
            repo_url or origin,
            commit or head,
            license_spdx,
            package,
        )
        output.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(output)
        found = chosen.modules(modules or [])
        limits = Limits(seconds, int(memory * (1 << 30)))
        work = chosen.work(found, output, limits)
        _report(ledger, work_through(work, ledger, jobs, retry=retry), len(found))


@goals_app.command("trace-isabelle")
def trace_isabelle(
    sessions: Annotated[list[str], typer.Argument(help="Sessions to build with their states.")],
    output: _Output,
    folder: Annotated[
        list[Path] | None, typer.Option(help="Folder with ROOT or ROOTS; may be repeated.")
    ] = None,
    isabelle: Annotated[str, typer.Option(help="The isabelle program.")] = "isabelle",
    jobs: _Jobs = 1,
    seconds: _Seconds = 36_000.0,
    memory: _Memory = 16.0,
    retry: _Retry = False,
) -> None:
    """Trace Isabelle sessions; the same command goes on where it stopped."""
    from pipelines.goals.drivers.isabelle import IsabelleInstallation, IsabelleSession
    from pipelines.goals.drivers.ledger import Ledger, work_through
    from pipelines.goals.drivers.processes import Limits

    with explained():
        installation = IsabelleInstallation(isabelle, tuple(folder or ()))
        installation.version  # noqa: B018, it fails before any work
        output.mkdir(parents=True, exist_ok=True)
        ledger = Ledger(output)
        limits = Limits(seconds, int(memory * (1 << 30)))
        work = [IsabelleSession(installation, name, output, limits) for name in sessions]
        _report(ledger, work_through(work, ledger, jobs, retry=retry), len(work))


def _report(ledger: Ledger, statuses: Iterator[tuple[Status, bool]], total: int) -> None:
    """Shows each module as it ends; exit code 3 when some have no trace."""
    rows = []
    for status, known in statuses:
        rows.append(status)
        if not status.traced:
            reason = status.message.splitlines()[0] if status.message else ""
            err.print(
                f"{status.module}: {status.status}  {reason[:200]}", highlight=False, markup=False
            )
        elif not known and err.is_terminal:
            err.print(
                f"[{len(rows)}/{total}] {status.module}: {status.steps} steps, {status.seconds} s",
                highlight=False,
                markup=False,
            )
    path = ledger.finish(rows)
    counted = Counter(status.status for status in rows)
    steps = sum(status.steps for status in rows)
    ended = ", ".join(f"{number:,} {name}" for name, number in sorted(counted.items()))
    out.print(f"{len(rows):,} modules: {ended}; {steps:,} steps", highlight=False)
    out.print(f"  {path}", highlight=False)
    if not all(status.traced for status in rows):
        raise typer.Exit(3)
