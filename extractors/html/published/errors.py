"""Why the published edition skips a page."""

from __future__ import annotations

__all__ = ["TooManyLinks"]


class TooManyLinks(ValueError):
    """More links than the original's fast mode reads (3,000)."""
