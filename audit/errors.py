"""What can go wrong with a question, in ways that who asks can act on."""

from __future__ import annotations

from pipelines.errors import ProofmillError

__all__ = ["AuditError", "DocumentNotFound", "NotAnswerable"]


class AuditError(ProofmillError):
    """A question that can't be asked so; the message says how."""


class DocumentNotFound(AuditError):
    """The run has no such document."""

    exit_code = 1


class NotAnswerable(AuditError):
    """What the run recorded doesn't hold the answer; the message says what would."""
