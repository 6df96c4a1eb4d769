"""Tracing Isabelle sessions with a stock Isabelle: no patched server, no code of others.

``isabelle build -o show_states`` makes the prover say its state after every command although nobody
is looking; ``isabelle export`` writes what was said, and the theory with the spans of its commands.
Sources: the Isabelle system manual, sections 2.3, 2.5 and 2.6; Isabelle's Build_Job and Dump
(``PIDE/markup``, ``PIDE/messages``).
"""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from extractors.formal.traced import TracedModule, TraceError
from extractors.isabelle.exports import export_module
from pipelines.goals.drivers.ledger import Status
from pipelines.goals.drivers.processes import Ended, Limits, run_limited, said_by

__all__ = ["IsabelleInstallation", "IsabelleSession"]

_OPTIONS = ("-o", "show_states", "-o", "pide_reports")
_MESSAGE_CHARS = 500
_UNKNOWN = re.compile(r"Undefined session|Bad session|No such session", re.IGNORECASE)


@dataclass(frozen=True)
class IsabelleInstallation:
    """An Isabelle and where its sessions lie.

    Attributes:
        program: The ``isabelle`` program.
        folders: Folders with ``ROOT`` or ``ROOTS`` files, besides Isabelle's own.
    """

    program: str
    folders: tuple[Path, ...] = ()

    @functools.cached_property
    def version(self) -> str:
        """What ``isabelle version`` says.

        Raises:
            InputError: There is no such Isabelle.
        """
        said = said_by([self.program, "version"], "--isabelle")
        return said.strip().splitlines()[-1] if said.strip() else ""

    @property
    def included(self) -> list[str]:
        """The folders as options."""
        return [option for folder in self.folders for option in ("-d", str(folder))]

    def build_command(self, session: str) -> list[str]:
        """Builds a session from the beginning, its states shown."""
        return [self.program, "build", "-c", *_OPTIONS, *self.included, session]

    def export_command(self, session: str, folder: Path) -> list[str]:
        """Writes what a session's database has of its theories; ``-n`` builds nothing."""
        exports = ["-x", "*:PIDE/markup", "-x", "*:PIDE/messages"]
        return [self.program, "export", "-n", *self.included, "-O", str(folder), *exports, session]


@dataclass(frozen=True)
class IsabelleSession:
    """A session to trace; see ``Work``."""

    isabelle: IsabelleInstallation
    session: str
    output: Path
    limits: Limits

    @property
    def module(self) -> str:
        """The session's name."""
        return self.session

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the session's name, its folders' theories, and the version."""
        digest = hashlib.sha256(f"{self.session}\0{self.isabelle.version}".encode())
        for folder in self.isabelle.folders:
            for path in sorted(folder.rglob("*.thy")):
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def trace(self) -> Status:
        """Builds and exports; the exports are the traces, one folder a theory."""
        raw = self.output / f".{self.session}.build"
        folder = self.output / f".{self.session}.exports"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            built = run_limited(self.isabelle.build_command(self.session), raw, self.limits)
            said = raw.read_text("utf-8", "replace") + built.stderr
            if built.how != "exit" or built.code:
                return self._failed(built, said)
            ended = run_limited(
                self.isabelle.export_command(self.session, folder), raw, self.limits
            )
            if ended.how != "exit" or ended.code:
                return self._failed(ended, raw.read_text("utf-8", "replace") + ended.stderr)
            return self._checked(folder, built)
        except OSError as error:
            return self._status("failed", message=str(error))
        finally:
            raw.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)

    def _checked(self, folder: Path, ended: Ended) -> Status:
        """Every theory has to be readable, states included, before it's a trace."""
        steps = errors = 0
        theories = sorted(path.parent.parent for path in folder.rglob("PIDE/messages"))
        if not theories:
            return self._status("empty", ended, message="no PIDE/messages was exported")
        for theory in theories:
            try:
                module = read_exports(theory)
            except (TraceError, OSError, UnicodeDecodeError) as error:
                return self._status("unreadable_trace", ended, message=f"{theory.name}: {error}")
            steps, errors = steps + len(module.steps), errors + module.errors
        for theory in theories:
            target = self.output / theory.name
            shutil.rmtree(target, ignore_errors=True)
            shutil.move(theory, target)
        return self._status("errors" if errors else "ok", ended, steps=steps, errors=errors)

    def _failed(self, ended: Ended, said: str) -> Status:
        if ended.how != "exit":
            return self._status(ended.how, ended, message=f"ended at its limit: {ended.how}")
        status = "missing_import" if _UNKNOWN.search(said) else "failed"
        return self._status(status, ended, message=said.strip())

    def _status(
        self,
        status: str,
        ended: Ended | None = None,
        *,
        steps: int = 0,
        errors: int = 0,
        message: str = "",
    ) -> Status:
        return Status(
            self.session,
            "",
            status,
            "isabelle",
            steps,
            errors,
            round(ended.seconds, 2) if ended is not None else 0.0,
            ended.memory_bytes if ended is not None else 0,
            ended.code if ended is not None else 0,
            message[-_MESSAGE_CHARS:],
            self.fingerprint,
        )


def read_exports(theory: Path) -> TracedModule:
    """Reads the exports of a theory: ``FOLDER/PIDE/markup`` and ``messages``.

    Raises:
        TraceError: They aren't what they should be.
        OSError: One of them isn't there.
    """
    markup, messages = (
        (theory / "PIDE" / name).read_text("utf-8") for name in ("markup", "messages")
    )
    return export_module(markup, messages, theory.name)
