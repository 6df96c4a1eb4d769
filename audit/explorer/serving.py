"""The explorer as a server: opens the runs, listens, and says where."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import uvicorn

from audit.errors import AuditError
from audit.explorer.access import Access
from audit.explorer.app import explorer_app
from audit.explorer.explorer import Explorer
from audit.explorer.preparing import prepared
from audit.explorer.sources import SourceFinder
from audit.labelling import default_labels_path
from audit.run import AuditRun, open_run
from pipelines.terminal import err

__all__ = ["serve_run"]


def serve_run(
    where: str,
    others: Sequence[str],
    *,
    labels: Path | None,
    labeller: str,
    inputs: Path | None,
    host: str,
    port: int,
    token: str,
    names: Sequence[str],
    open_browser: bool,
) -> None:
    """Serves a run until it's interrupted.

    Args:
        where: The run.
        others: Runs to compare with.
        labels: The file for labels; None for the one beside the run.
        labeller: Who labels.
        inputs: Where the run's input files lie now.
        host: Address to listen on.
        port: Port; 0 for any free one.
        token: Token that visitors must know; empty for one that is made where it's needed.
        names: Other host names that the server goes by.
        open_browser: Whether a browser is opened.
    """
    with ExitStack() as opened:
        run = opened.enter_context(open_run(where))
        named = _named([opened.enter_context(open_run(other)) for other in others])
        access = Access.for_address(host, token=token, names=names)
        explorer = Explorer(
            run, named, _labels_path(run, labels), access, SourceFinder(run, inputs), labeller
        )
        listening = opened.enter_context(_listen(host, port))
        address = _address(host, listening.getsockname()[1], access)
        err.print(f"{run.name} at {address}", highlight=False, soft_wrap=True)
        err.print("Ctrl-C ends it.")
        opened.enter_context(prepared(explorer))
        if open_browser:
            webbrowser.open(address)
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
        # Who opens the address as soon as it's printed waits instead of being refused.
        listening.listen()
    except OSError as error:
        listening.close()
        raise AuditError(f"{host}:{port}: {error.strerror}; --port 0 takes a free one") from error
    return listening


def _address(host: str, port: int, access: Access) -> str:
    """What to open: with the token, where there is one."""
    shown = f"[{host}]" if ":" in host else host
    secret = f"?token={access.token}" if access.token else ""
    return f"http://{shown}:{port}/{secret}"
