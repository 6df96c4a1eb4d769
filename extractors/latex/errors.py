"""Why a paper has no text."""

from __future__ import annotations

__all__ = ["SourceError"]


class SourceError(Exception):
    """A paper has no source that can be read.

    Attributes:
        reason: ``no-source`` (it isn't TeX), ``withdrawn``, ``damaged``, ``too_large``, or the
            published edition's ``not_utf8``.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
