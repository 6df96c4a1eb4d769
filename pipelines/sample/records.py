"""The sample's table of records, ``records.yaml``, and how a row becomes a record."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from pipelines.sample.encodings import Formula, encode_formulas, formulas_in
from pipelines.sample.warc_writer import WarcResponse

__all__ = ["SampleRecord", "built_with", "page_response", "sample_formulas", "sample_records"]

_HERE = Path(__file__).parent
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One row of ``records.yaml``.

    Attributes:
        url: WARC-Target-URI.
        date: WARC-Date.
        why: What the record is for.
        expect: ``keep``, or ``drop: <stage>``: what its author wants to happen to it. ``read`` is
            the stage of damage and of bodies that can't be decoded.
        page: File in ``pages/``, or empty.
        generator: Function in ``generators.py`` that makes the record instead, or empty.
        chrome: File in ``chrome/`` around the page; empty when the page is a whole document.
        maths: How formulas are written into the page (``encodings.py``); empty leaves the page's
            own markup.
        edit: Replacements in the page's source, for near-duplicates.
        lang: The page's language.
        status: HTTP status.
        content_type: Media type of the HTTP header.
        http_charset: Charset parameter of the HTTP header; empty for none.
        meta_charset: Charset that the page itself declares; empty for none.
        bytes_in: Charset that the page's bytes are really in.
        bom: Whether the bytes begin with a byte order mark.
        encoding: Content encoding.
        chunked: Whether the body is sent in chunks.
    """

    url: str
    date: str
    why: str
    expect: str
    page: str = ""
    generator: str = ""
    chrome: str = ""
    maths: str = ""
    edit: dict[str, str] = field(default_factory=dict)
    lang: str = "en"
    status: int = 200
    content_type: str = "text/html"
    http_charset: str = "utf-8"
    meta_charset: str = "utf-8"
    bytes_in: str = "utf-8"
    bom: bool = False
    encoding: str = ""
    chunked: bool = False

    @property
    def source(self) -> str:
        """The page as it was written, edited if the row says so."""
        text = (_HERE / "pages" / self.page).read_text("utf-8")
        for old, new in self.edit.items():
            if old not in text:
                raise ValueError(f"{self.url}: {self.page} doesn't contain {old!r}")
            text = text.replace(old, new)
        return text


def sample_records() -> list[SampleRecord]:
    """Every row of ``records.yaml``, in the archive's order."""
    return [SampleRecord(**row) for row in _table()["records"]]


def built_with() -> dict[str, str]:
    """The versions of the compressors that the committed archive was built with.

    Compressed bytes are the same only where these are: other versions give other bytes that
    inflate to the same records.
    """
    versions: dict[str, str] = _table()["built_with"]
    return versions


def sample_formulas(record: SampleRecord) -> list[Formula]:
    """The formulas that are in a record's page, in order: what an extractor should find.

    Only known for rows with ``maths``; empty otherwise.
    """
    return formulas_in(record.source) if record.maths else []


def page_response(record: SampleRecord) -> WarcResponse:
    """The record of a row that has a ``page``."""
    charset = f"; charset={record.http_charset}" if record.http_charset else ""
    text = f"\ufeff{_page_html(record)}" if record.bom else _page_html(record)
    return WarcResponse(
        record.url,
        text.encode(record.bytes_in, "xmlcharrefreplace"),
        record.date,
        record.status,
        content_type=f"{record.content_type}{charset}" if record.content_type else "",
        content_encoding=record.encoding,
        chunked=record.chunked,
    )


def _page_html(record: SampleRecord) -> str:
    source = record.source
    if record.maths:
        source = encode_formulas(source, record.maths)
    head, mark, body = source.partition("\n<body>\n")
    if not record.chrome:
        return source
    if not mark:
        raise ValueError(f"{record.page} has no line <body> between its head and its content")
    title = _TITLE.search(head)
    if title is None:
        raise ValueError(f"{record.page} has no title")
    parts = urlsplit(record.url)
    slots = {
        "title": title.group(1),
        "head": _TITLE.sub("", head).strip(),
        "body": body.strip(),
        "host": parts.hostname or "",
        "path": html.escape(parts.path),
        "date": record.date[:10],
        "year": record.date[:4],
        "meta": f'<meta charset="{record.meta_charset}">' if record.meta_charset else "",
        "charset": record.meta_charset,
        "lang": record.lang,
    }
    template = (_HERE / "chrome" / f"{record.chrome}.html").read_text("utf-8")
    return _SLOT.sub(lambda slot: slots[slot.group(1)], template)


def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load((_HERE / "records.yaml").read_text("utf-8"))
    return table
