"""What every command shares: consoles, errors as messages with exit codes, the run's log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import typer
from rich.console import Console

from filters.model_downloads import downloads_reported
from filters.models import ModelError
from pipelines.errors import ProofmillError
from pipelines.files import drop_mirror, publish
from pipelines.run_directory import RunDirectory

__all__ = ["err", "explained", "logged", "out", "quiet_import", "silence_logs"]

_SILENT = structlog.make_filtering_bound_logger(logging.CRITICAL)

out = Console()
err = Console(stderr=True)


def silence_logs() -> None:
    """Log lines go nowhere until a run opens its log."""
    structlog.configure(wrapper_class=_SILENT)


@contextmanager
def explained() -> Iterator[None]:
    """Expected failures as one clear message and a documented exit code."""
    try:
        with downloads_reported(_download_display()):
            yield
    except KeyboardInterrupt:
        err.print("interrupted; the same command goes on where it stopped", style="yellow")
        raise typer.Exit(130) from None
    except (ProofmillError, ModelError, OSError) as error:
        code = error.exit_code if isinstance(error, ProofmillError) else _code(error)
        err.print("error:", style="red", end=" ")
        err.print(str(error), highlight=False, markup=False, soft_wrap=True)
        if code == _IO_ERROR or (isinstance(error, ProofmillError) and error.resumable):
            err.print("what is done is kept; the same command goes on from there")
        raise typer.Exit(code) from error


_SHOWN_EVERY = 16 << 20


def _download_display() -> Callable[[int, int], None]:
    """Says how far the download of a model is, now and then."""
    shown = 0

    def report(arrived: int, total: int) -> None:
        nonlocal shown
        if arrived - shown >= _SHOWN_EVERY:
            shown = arrived
            of = f" of {total / 1e6:,.0f}" if total else ""
            err.print(f"fetching a model: {arrived / 1e6:,.0f}{of} MB", highlight=False)

    return report


_IO_ERROR = 74


def _code(error: ModelError | OSError) -> int:
    return _IO_ERROR if isinstance(error, OSError) else ProofmillError.exit_code


@contextmanager
def quiet_import() -> Iterator[None]:
    """For imports of Beam, which warns of Google Cloud parts that nobody here asked for."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def logged(output: Path) -> Iterator[None]:
    """Structured log lines into the run's folder; of a remote one the mirror goes in the end."""
    output.mkdir(parents=True, exist_ok=True)
    log = RunDirectory(output).log
    with log.open("a", encoding="utf-8") as file:
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            logger_factory=structlog.WriteLoggerFactory(file=file),
            cache_logger_on_first_use=False,
        )
        try:
            yield
        except BaseException as error:
            structlog.get_logger().error("run ended early", error=repr(error)[:2000])
            raise
        finally:
            structlog.configure(wrapper_class=_SILENT)
            file.flush()
            publish(log)
    drop_mirror(output)
