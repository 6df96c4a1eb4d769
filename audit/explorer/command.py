"""``proofmill audit serve``: the explorer on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.errors import AuditError
from pipelines.terminal import explained

__all__ = ["serve"]

_PORT = 8710


def serve(
    run_dir: Annotated[str, typer.Argument(help="Folder of a finished run, or its s3:// address.")],
    with_: Annotated[
        list[str] | None,
        typer.Option("--with", help="Another run to compare with; may be repeated."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Parquet file for labels. Default: beside the run.")
    ] = None,
    labeller: Annotated[str, typer.Option(help="Who labels, as the labels record it.")] = "",
    inputs: Annotated[
        Path | None,
        typer.Option(
            help="Folder where the run's input files lie now, if they've been moved.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Others than loopback ask for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any free one.")] = _PORT,
    token: Annotated[
        str,
        typer.Option(
            envvar="PROOFMILL_TOKEN",
            help="Token that visitors must know; made anew where one is needed.",
        ),
    ] = "",
    name: Annotated[
        list[str] | None,
        typer.Option(help="Another host name that the server goes by; may be repeated."),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser.")] = False,
) -> None:
    """Look at a run in a browser: its funnel, scores, documents, labels."""
    with explained():
        try:
            from audit.explorer.serving import serve_run
        except ModuleNotFoundError as error:
            raise AuditError(
                f"{error.name} isn't installed: pip install 'proofmill[explorer]'"
            ) from error
        serve_run(
            run_dir,
            with_ or [],
            labels=labels,
            labeller=labeller,
            inputs=inputs,
            host=host,
            port=port,
            token=token,
            names=name or [],
            open_browser=open_browser,
        )
