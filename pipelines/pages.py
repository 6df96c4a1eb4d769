"""One record of a web archive through the stages of a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from extractors.extraction import Extraction
from extractors.warc import Damage, HttpError, HttpResponse, WarcRecord, parse_http
from filters.web.responses import Responses
from pipelines.isolation import ExtractionFailed
from pipelines.judge import (
    Judged,
    StageJudge,
    drop,
    failure,
    hashed_identity,
    note,
    unread,
)
from pipelines.recipe import Recipe
from pipelines.stages import Extract
from schemas import Decision, Document
from schemas.tables import TrailRow
from schemas.web import WebProvenance

__all__ = ["PageJudge", "TextExtractor", "document_identity"]


class TextExtractor(Protocol):
    """What turns a page's bytes into text; see ``IsolatedExtractor``."""

    def extract(
        self, raw: bytes | memoryview, *, http_charset: str, url: str, document_id: str
    ) -> Extraction:
        """The text of a page; raises ``ExtractionFailed``."""


def document_identity(record: WarcRecord) -> str:
    """The document_id of a record: 32 hex digits from WARC-Record-ID, or else from what the record
    says of itself (URL, date, payload digest)."""
    own = record.record_id or "\n".join((record.target_uri, record.date, record.payload_digest))
    return hashed_identity("record", own)


class PageJudge(StageJudge):
    """Judges records by a recipe.

    Args:
        recipe: The recipe.
        extractor: What turns bytes into text.
    """

    def __init__(self, recipe: Recipe, extractor: TextExtractor) -> None:
        super().__init__(recipe, apart=(Responses.name,))
        self._extractor = extractor
        self._responses = recipe.always(Responses)
        self._no_page: dict[str, list[Decision]] = {}

    def judge(
        self, item: WarcRecord | Damage, warc_file: str, *, every_filter: bool = False
    ) -> Judged:
        """Judges one item that an archive reader yielded.

        Args:
            item: A record, or bytes that are none.
            warc_file: The archive's name.
            every_filter: Whether all filters judge even after a drop, as in the shadow share.
        """
        if isinstance(item, Damage):
            return self._damaged(item, warc_file)
        record_type = item.record_type
        record_id = item.record_id
        digest = item.payload_digest
        trail = TrailRow(
            document_identity(item),
            self._subset,
            WebProvenance(
                warc_file, item.offset, item.length, item.inner_offset, record_id, digest
            ),
            record_type,
            item.target_uri,
            item.date,
        )
        trail.notes = item.note
        if item.damage is not None:
            return unread(trail, f"damage:{item.damage.reason}", item.damage.detail)
        if record_type not in self._responses.record_types:
            return self._other_record(trail)
        return self._page(item, trail, every_filter)

    def _other_record(self, trail: TrailRow) -> Judged:
        """Requests, metadata and the like: two records of three, judged by their type alone."""
        kind = trail.record_type
        decisions = self._no_page.get(kind)
        if decisions is None:
            document = Document(trail.document_id, record_type=kind)
            decisions = self._no_page[kind] = [self._responses.judge(document)]
        trail.decisions = decisions
        drop(trail, decisions[0])
        return Judged(trail)

    def _damaged(self, damage: Damage, warc_file: str) -> Judged:
        trail = TrailRow(
            hashed_identity("damage", f"{warc_file}\n{damage.offset}"),
            self._subset,
            WebProvenance(warc_file, damage.offset, damage.length),
            record_type="damage",
        )
        return unread(trail, f"damage:{damage.reason}", damage.detail)

    def _page(self, record: WarcRecord, trail: TrailRow, every_filter: bool) -> Judged:
        document = Document(
            trail.document_id, record_type=trail.record_type, url=trail.url, date=trail.date
        )
        try:
            response = self._response(record, document, trail)
        except HttpError as error:
            return unread(trail, f"error:{error.reason}", str(error))
        decision = self._responses.judge(document)
        if response is None and document.record_type == "response":
            kind = record.headers.get("content-type", "")
            decision = Decision.drop(Responses.name, "not_http", detail=kind)
        trail.decisions.append(decision)
        if not decision.keeps:
            drop(trail, decision)
            return Judged(trail)
        try:
            document.raw = self._body(record, response)
        except HttpError as error:
            return unread(trail, f"error:{error.reason}", str(error))
        if response is not None:
            note(trail, *response.notes)
        trail.source_bytes = len(document.raw)
        if record.truncated:
            detail = f"the record's block is longer than {self._limits.source_bytes} bytes"
            return unread(trail, "error:body_too_large", detail)
        return self._run_stages(document, trail, every_filter)

    def _response(
        self, record: WarcRecord, document: Document, trail: TrailRow
    ) -> HttpResponse | None:
        """The record's HTTP response, described in document and trail; None when it holds none."""
        if document.record_type != "response" or not _holds_http(record):
            return None
        response = parse_http(record.data, record.block_start, record.block_end)
        self._describe(document, trail, response)
        return response

    def _body(self, record: WarcRecord, response: HttpResponse | None) -> bytes | memoryview:
        if response is None:
            # A recipe may let other record types through; their block is the page.
            return record.block[: self._limits.source_bytes]
        return response.body(self._limits.source_bytes)

    def _describe(self, document: Document, trail: TrailRow, response: HttpResponse) -> None:
        document.http_status = response.status
        document.content_type = response.content_type
        document.http_charset = response.charset
        if not document.content_type and self._responses.sniff:
            head = bytes(response.data[response.body_start : response.body_start + 1024])
            if _looks_like_html(head):
                document.content_type = "text/html"
                note(trail, "content_type_sniffed")
        trail.provenance.http_status = document.http_status
        trail.provenance.content_type = document.content_type

    def _extract(self, document: Document) -> Decision:
        try:
            extraction = self._extractor.extract(
                document.raw,
                http_charset=document.http_charset,
                url=document.url,
                document_id=document.document_id,
            )
        except ExtractionFailed as error:
            return failure(Extract.name, error.reason, str(error))
        finally:
            document.raw = b""
        return self._take(document, extraction, Extract.name)


def _holds_http(record: WarcRecord) -> bool:
    """False for what Heritrix stores as responses of other protocols: DNS, FTP, whois."""
    kind = record.headers.get("content-type", "").lower()
    return not kind or kind.startswith("application/http") or record.version.startswith("ARC")


_HTML_STARTS: Sequence[bytes] = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title")


def _looks_like_html(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith(tuple(_HTML_STARTS))
