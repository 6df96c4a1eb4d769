"""One record through the stages of a recipe: its trail, and its document if it passes.

Plain functions over plain values, so that the pipeline, the command line and the tests judge a
record by the same code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from extractors.extraction import Extraction
from extractors.warc import Damage, HttpError, HttpResponse, WarcRecord, parse_http
from filters.web.responses import Responses
from pipelines.isolation import ExtractionFailed
from pipelines.recipe import Recipe, Stage
from schemas import Decision, Document
from schemas.tables import DocumentRow, Provenance, TrailRow

__all__ = ["Judged", "PageJudge", "TextExtractor", "document_identity", "in_share"]

# The name under which reading itself decides: damage, bodies that can't be decoded.
READ = "read"

_DETAIL_CHARS = 500


class TextExtractor(Protocol):
    """What turns a page's bytes into text; see ``IsolatedExtractor``."""

    def extract(
        self, raw: bytes | memoryview, *, http_charset: str, url: str, document_id: str
    ) -> Extraction:
        """The text of a page; raises ``ExtractionFailed``."""


@dataclass(slots=True)
class Judged:
    """What became of one record.

    Attributes:
        trail: Its trail.
        text: Its text, empty when none was extracted.
        document: The document, when no stage dropped it.
    """

    trail: TrailRow
    text: str = ""
    document: DocumentRow | None = None


def document_identity(record: WarcRecord) -> str:
    """The document_id of a record: 32 hex digits from WARC-Record-ID, or else from what the record
    says of itself (URL, date, payload digest)."""
    own = record.record_id or "\n".join((record.target_uri, record.date, record.payload_digest))
    return _hashed("record", own)


def in_share(document_id: str, share: float, purpose: str) -> bool:
    """Whether a document belongs to the share chosen by hash; each purpose draws its own."""
    if share <= 0:
        return False
    drawn = hashlib.blake2b(f"{purpose}\0{document_id}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") < share * 2**64


def _hashed(kind: str, text: str) -> str:
    return hashlib.blake2b(f"{kind}\0{text}".encode(), digest_size=16).hexdigest()


class PageJudge:
    """Judges records by a recipe.

    Args:
        recipe: The recipe.
        extractor: What turns bytes into text.
    """

    def __init__(self, recipe: Recipe, extractor: TextExtractor) -> None:
        self._subset = recipe.subset
        self._limits = recipe.limits
        self._shadow_share = recipe.audit.shadow_share
        self._extractor = extractor
        self._responses = recipe.always(Responses)
        # What judges pages, once it's known that a record is one.
        self._stages = [
            stage
            for stage in recipe.built()
            if stage.enabled and stage.reads != "corpus" and stage.name != Responses.name
        ]
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
            Provenance(warc_file, item.offset, item.length, item.inner_offset, record_id, digest),
            item.target_uri,
            item.date,
            record_type,
        )
        trail.notes = item.note
        if item.damage is not None:
            return _unread(trail, f"damage:{item.damage.reason}", item.damage.detail)
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
        _drop(trail, decisions[0])
        return Judged(trail)

    def _damaged(self, damage: Damage, warc_file: str) -> Judged:
        trail = TrailRow(
            _hashed("damage", f"{warc_file}\n{damage.offset}"),
            self._subset,
            Provenance(warc_file, damage.offset, damage.length),
            record_type="damage",
        )
        return _unread(trail, f"damage:{damage.reason}", damage.detail)

    def _page(self, record: WarcRecord, trail: TrailRow, every_filter: bool) -> Judged:
        document = Document(
            trail.document_id, record_type=trail.record_type, url=trail.url, date=trail.date
        )
        try:
            response = self._response(record, document, trail)
        except HttpError as error:
            return _unread(trail, f"error:{error.reason}", str(error))
        decision = self._responses.judge(document)
        if response is None and document.record_type == "response":
            kind = record.headers.get("content-type", "")
            decision = Decision.drop(Responses.name, "not_http", detail=kind)
        trail.decisions.append(decision)
        if not decision.keeps:
            _drop(trail, decision)
            return Judged(trail)
        try:
            document.raw = self._body(record, response)
        except HttpError as error:
            return _unread(trail, f"error:{error.reason}", str(error))
        if response is not None:
            _note(trail, *response.notes)
        trail.html_bytes = len(document.raw)
        if record.truncated:
            detail = f"the record's block is longer than {self._limits.page_bytes} bytes"
            return _unread(trail, "error:body_too_large", detail)
        return self._read_on(document, trail, every_filter)

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
            return record.block[: self._limits.page_bytes]
        return response.body(self._limits.page_bytes)

    def _describe(self, document: Document, trail: TrailRow, response: HttpResponse) -> None:
        document.http_status = response.status
        document.content_type = response.content_type
        document.http_charset = response.charset
        if not document.content_type and self._responses.sniff:
            head = bytes(response.data[response.body_start : response.body_start + 1024])
            if _looks_like_html(head):
                document.content_type = "text/html"
                _note(trail, "content_type_sniffed")
        trail.http_status = document.http_status
        trail.content_type = document.content_type

    def _read_on(self, document: Document, trail: TrailRow, every_filter: bool) -> Judged:
        """The stages after the record's own: those on bytes, extraction, those on text."""
        shadow = every_filter or in_share(trail.document_id, self._shadow_share, "shadow")
        trail.shadow = shadow
        for stage in self._stages:
            if stage.name == "extract":
                decision = self._extract(document)
            else:
                decision = self._apply(stage, document)
            if trail.verdict == "drop":
                decision = replace(decision, shadow=True)
            trail.decisions.append(decision)
            if decision.score is not None and stage.reads == "text":
                document.scores[stage.name] = decision.score
            if decision.keeps:
                continue
            if trail.verdict == "keep":
                _drop(trail, decision)
            if not shadow or stage.name == "extract":
                break
        trail.language = document.language
        trail.text_chars = len(document.text)
        trail.formulas_found = document.formulas_found
        trail.formulas_kept = document.formulas_kept
        if trail.verdict == "drop":
            return Judged(trail, document.text)
        return Judged(trail, document.text, _row(document, trail))

    def _apply(self, stage: Stage, document: Document) -> Decision:
        try:
            decision: Decision = stage.settings.judge(document)
        except Exception as error:
            return _failure(stage.name, type(error).__name__, str(error))
        return decision

    def _extract(self, document: Document) -> Decision:
        try:
            extraction = self._extractor.extract(
                document.raw,
                http_charset=document.http_charset,
                url=document.url,
                document_id=document.document_id,
            )
        except ExtractionFailed as error:
            return _failure("extract", error.reason, str(error))
        finally:
            document.raw = b""
        document.formulas_found = dict(extraction.formulas_found)
        document.formulas_kept = dict(extraction.formulas_kept)
        document.title = extraction.title
        document.encoding = extraction.encoding
        document.extraction = extraction.method
        document.extraction_info = dict(extraction.info)
        document.extraction_config = dict(extraction.config)
        if not extraction.text.strip():
            return Decision.drop("extract", "empty_text")
        if len(extraction.text) > self._limits.text_chars:
            detail = f"{len(extraction.text)} characters"
            return _failure("extract", "text_too_long", detail)
        document.text = extraction.text
        found, kept = (sum(c.values()) for c in (document.formulas_found, document.formulas_kept))
        return Decision.keep("extract", extraction.method, detail=f"{kept} of {found} formulas")


def _drop(trail: TrailRow, decision: Decision) -> None:
    """Makes a recorded decision the one that dropped the record."""
    trail.verdict = "drop"
    trail.dropped_by = decision.filter
    trail.reason = decision.reason


def _unread(trail: TrailRow, reason: str, detail: str) -> Judged:
    """A record that reading itself drops."""
    decision = Decision.drop(READ, reason, detail=detail)
    trail.decisions.append(decision)
    _drop(trail, decision)
    return Judged(trail)


def _note(trail: TrailRow, *notes: str) -> None:
    trail.notes = ",".join(dict.fromkeys(n for n in (*trail.notes.split(","), *notes) if n))


def _failure(stage: str, kind: str, detail: str) -> Decision:
    return Decision.drop(stage, f"error:{kind}", detail=detail[:_DETAIL_CHARS])


def _holds_http(record: WarcRecord) -> bool:
    """False for what Heritrix stores as responses of other protocols: DNS, FTP, whois."""
    kind = record.headers.get("content-type", "").lower()
    return not kind or kind.startswith("application/http") or record.version.startswith("ARC")


_HTML_STARTS: Sequence[bytes] = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title")


def _looks_like_html(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith(tuple(_HTML_STARTS))


def _row(document: Document, trail: TrailRow) -> DocumentRow:
    return DocumentRow(
        trail,
        document.title,
        document.text,
        document.language_score,
        document.encoding,
        document.extraction,
        document.scores,
        _json(document.extraction_info),
        _json(document.extraction_config),
    )


def _json(content: object) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False) if content else ""
