"""``proofmill audit serve``: the explorer on this machine."""

from __future__ import annotations

import socket
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.errors import AuditError
from audit.labelling import default_labels_path
from audit.run import AuditRun, open_run
from pipelines.terminal import err, explained

if TYPE_CHECKING:
    from audit.explorer.access import Access

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
    with explained(), ExitStack() as opened:
        try:
            import uvicorn

            from audit.explorer.access import Access
            from audit.explorer.app import explorer_app
            from audit.explorer.explorer import Explorer
            from audit.explorer.sources import SourceFinder
        except ModuleNotFoundError as error:
            raise AuditError(
                f"{error.name} isn't installed: pip install 'proofmill[explorer]'"
            ) from error
        run = opened.enter_context(open_run(run_dir))
        others = _named([opened.enter_context(open_run(other)) for other in with_ or []])
        access = Access.for_address(host, token=token, names=name or [])
        explorer = Explorer(
            run, others, _labels_path(run, labels), access, SourceFinder(run, inputs), labeller
        )
        listening = opened.enter_context(_listen(host, port))
        address = _address(host, listening.getsockname()[1], access)
        err.print(f"{run.name} at {address}", highlight=False, soft_wrap=True)
        err.print("Ctrl-C ends it.")
        if open_browser:
            webbrowser.open(address)
        sys.stderr.flush()
        config = uvicorn.Config(
            explorer_app(explorer), log_level="warning", server_header=False, lifespan="on"
        )
        uvicorn.Server(config).run(sockets=[listening])


def _named(runs: Sequence[AuditRun]) -> Mapping[str, AuditRun]:
    """Runs by their folders' names, numbered where two are called the same."""
    named: dict[str, AuditRun] = {}
    for run in runs:
        base = Path(run.name).name
        name, number = base, 2
        while name in named:
            name, number = f"{base}-{number}", number + 1
        named[name] = run
    return named


def _labels_path(run: AuditRun, given: Path | None) -> Path | None:
    if given is not None:
        return given
    try:
        return default_labels_path(run)
    except AuditError:
        return None


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; the message of a port in use says what helps."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise AuditError(f"{host}:{port}: {error.strerror}; --port 0 takes a free one") from error
    return listening


def _address(host: str, port: int, access: Access) -> str:
    """What to open: with the token, where there is one."""
    shown = f"[{host}]" if ":" in host else host
    secret = f"?token={access.token}" if access.token else ""
    return f"http://{shown}:{port}/{secret}"
