"""Which archive records are pages at all: response records of HTML that was served as such."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from schemas import Decision, Document

__all__ = ["Responses"]


@dataclass(frozen=True, slots=True)
class Responses:
    """Keeps response records with a wanted status and media type.

    Attributes:
        record_types: WARC-Type values that count as pages.
        content_types: Media types that are HTML (OpenWebMath: spec section 1.1).
        statuses: First and last HTTP status that is kept. Common Crawl's ``warc`` folder holds
            successful fetches only, and the original looked at no status: 0 to 999 there.
        sniff: Whether a response without Content-Type is HTML when its first bytes look so.
    """

    record_types: tuple[str, ...] = ("response",)
    content_types: tuple[str, ...] = ("text/html", "application/xhtml+xml")
    statuses: tuple[int, int] = (200, 299)
    sniff: bool = True

    name: ClassVar[str] = "responses"

    def judge(self, document: Document) -> Decision:
        """Judges by record type, status and media type; needs no body."""
        if document.record_type not in self.record_types:
            return Decision.drop(self.name, "record_type", detail=document.record_type)
        if not self.statuses[0] <= document.http_status <= self.statuses[1]:
            return Decision.drop(self.name, "http_status", detail=str(document.http_status))
        if document.content_type not in self.content_types:
            reason = "content_type" if document.content_type else "no_content_type"
            return Decision.drop(self.name, reason, detail=document.content_type)
        return _PASS


_PASS = Decision.keep(Responses.name)
