"""Why the published edition skips a page."""

from __future__ import annotations

__all__ = ["TooDeep", "TooManyLinks"]


class TooManyLinks(ValueError):
    """More links than the original's fast mode reads (3,000)."""


class TooDeep(ValueError):
    """Elements nested so deep that Resiliparse takes quadratic time over them.

    The original had no such limit: it lost the rest of the WARC to its guard of twenty minutes.
    """
