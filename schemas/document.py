"""A document: what is known of one item so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Document"]


@dataclass(slots=True)
class Document:
    """What is known of one item so far.

    A filter reads it and may fill in the fields that it measures (``language``); nothing else
    changes it.

    Attributes:
        document_id: 32 hex digits, a stable hash of the source's own identity.
        record_type: WARC-Type of the record that it came in; empty for other sources.
        url: Where the document was, in the source's own spelling.
        date: When it was captured, ISO 8601 with ``Z``; empty when unknown.
        http_status: Status code of the response; 0 when there was none.
        content_type: Media type without parameters, lower case; empty when not given.
        raw: The source's bytes (an HTTP body after its content encodings), perhaps as a view of a
            larger buffer; emptied once a text was extracted.
        http_charset: The charset of the HTTP Content-Type, empty when none was given.
        text: The extracted text.
        title: The page's title.
        language: ISO 639 code of the most probable language, empty before it is judged.
        language_score: Probability of ``language``, 0 to 1.
        scores: Every measured score by filter name.
        formulas_found: Formulas in the source, by encoding.
        formulas_kept: Formulas in the text, by encoding.
        encoding: The character encoding that the source was read in.
        extraction: How the text was made, ``main`` or the fallback that was needed.
        extraction_info: OpenWebMath's own counters, where the edition keeps them.
        extraction_config: The settings that the text was extracted with, where they vary by
            document.
        path: Where a source file lies in its repository or folder, with forward slashes.
        repo: Its repository, ``owner/name``; empty when there is none.
        licence: SPDX identifier or expression; empty when unknown.
        programming_language: The short name of the language that it's written in.
        hints: What the source itself says of it: ``vendored``, ``generated``.
        content: What a subset knows of it besides its text: a value with the layout's columns of
            content as attributes.
        categories: The fields that a paper is filed under, the primary one first.
        version: A paper's version, 0 when unknown.
    """

    document_id: str
    record_type: str = ""
    url: str = ""
    date: str = ""
    http_status: int = 0
    content_type: str = ""
    raw: bytes | memoryview = b""
    http_charset: str = ""
    text: str = ""
    title: str = ""
    language: str = ""
    language_score: float = 0.0
    scores: dict[str, float] = field(default_factory=dict)
    formulas_found: dict[str, int] = field(default_factory=dict)
    formulas_kept: dict[str, int] = field(default_factory=dict)
    encoding: str = ""
    extraction: str = ""
    extraction_info: dict[str, int | bool | str] = field(default_factory=dict)
    extraction_config: dict[str, bool | int | float | str] = field(default_factory=dict)
    path: str = ""
    repo: str = ""
    licence: str = ""
    programming_language: str = ""
    hints: tuple[str, ...] = ()
    content: Any = None
    categories: tuple[str, ...] = ()
    version: int = 0

    @property
    def has_formulas(self) -> bool:
        """True when at least one formula is in the text."""
        return any(self.formulas_kept.values())
