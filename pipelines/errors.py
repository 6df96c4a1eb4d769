"""What can go wrong with a run in ways that a user can act on, with the command's exit codes."""

from __future__ import annotations

import errno
from typing import ClassVar

__all__ = [
    "ConservationError",
    "EngineFailed",
    "EngineMissing",
    "GraphNotPortable",
    "InputError",
    "InputFilesFailed",
    "NotARun",
    "OtherRun",
    "PageNotFound",
    "ProofmillError",
    "RecipeError",
    "RunLocked",
    "SourceFailed",
    "UnknownBeamOption",
]


class ProofmillError(Exception):
    """An expected failure; its message says what to do.

    Attributes:
        exit_code: What the command exits with.
        resumable: Whether the same command goes on where it stopped.
    """

    exit_code: ClassVar[int] = 2
    resumable: ClassVar[bool] = False


class RecipeError(ProofmillError):
    """The recipe can't be used; the message says where and what to do."""


class InputError(ProofmillError):
    """An input doesn't exist or can't be reached; the message names it."""


class UnknownBeamOption(ProofmillError):
    """Beam knows no such option; it would have been passed over without a word."""


class SourceFailed(OSError):
    """The input file can't be read; other files can."""


class EngineMissing(ProofmillError):
    """The engine that was asked for isn't installed; the message says how it comes."""


class GraphNotPortable(ProofmillError):
    """A phase's graph holds what the engine runs wrong without saying so."""

    exit_code = 70


class PageNotFound(ProofmillError):
    """The archive has no such record."""


class NotARun(ProofmillError):
    """The folder has no manifest: no run, or one that hasn't finished."""


class InputFilesFailed(ProofmillError):
    """Input files couldn't be read; everything else was."""

    exit_code = 3
    resumable = True


class OtherRun(ProofmillError):
    """The folder holds the run of another recipe, input or code."""

    exit_code = 4


class RunLocked(ProofmillError):
    """Another process works in the folder."""

    exit_code = 4


class ConservationError(ProofmillError):
    """Records went missing between two stages; the run's output must not be used."""

    exit_code = 70


class EngineFailed(ProofmillError):
    """The engine ended without finishing the phase; what was committed stays."""

    exit_code = 75
    resumable = True

    @property
    def worker_lost(self) -> bool:
        """Whether a worker process was lost, rather than code of ours raising."""
        said = str(self)
        return any(sign in said for sign in ("Channel closed", "exited", "KilledWorker"))

    def raise_if_disk_full(self) -> None:
        """Raises ``OSError`` when what the engine says is that the disk is full."""
        if "No space left on device" in str(self) or f"Errno {errno.ENOSPC}]" in str(self):
            raise OSError(errno.ENOSPC, "no space left for the run's files") from self
