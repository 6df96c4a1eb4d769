"""Why a page could not be extracted."""

from __future__ import annotations

__all__ = ["ExtractionError", "PageTooLargeError", "UnparsablePageError"]


class ExtractionError(ValueError):
    """The page can't be turned into text.

    Attributes:
        reason: Stable code that a decision can carry.
    """

    reason = "extraction_failed"


class PageTooLargeError(ExtractionError):
    """The page has more bytes than the extractor accepts."""

    reason = "page_too_large"


class UnparsablePageError(ExtractionError):
    """The parser gave no tree for bytes that are not blank."""

    reason = "unparsable_page"
