"""Files to read texts from: what each format holds, as text with formulas between dollar signs."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.training.detex import detex

__all__ = ["HTML_SUFFIXES", "UnreadableText", "file_suffix", "pieces", "texts_of", "unpacked"]


class UnreadableText(ValueError):
    """A file, or a part of one, holds no text in its format; the message says why.

    Attributes:
        reason: A short stable code.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


# Pages: extracted by the pipeline's own extractor, never by the readers below.
HTML_SUFFIXES = frozenset((".html", ".htm", ".xhtml", ".testhtml"))


def file_suffix(name: str) -> str:
    """The suffix that tells a file's format, ``.gz`` not counted."""
    return Path(name.lower().removesuffix(".gz")).suffix


def unpacked(name: str, raw: bytes) -> bytes:
    """A file's bytes, inflated when its name says that they are compressed.

    Raises:
        UnreadableText: They aren't what the name says.
    """
    if not name.lower().endswith(".gz"):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError) as error:
        raise UnreadableText("error:gzip", str(error)) from error


def texts_of(name: str, raw: bytes) -> Sequence[str]:
    """Every text in a file other than HTML.

    Args:
        name: Its name; the suffix tells the format.
        raw: Its bytes, inflated.

    Raises:
        UnreadableText: The format is unknown, or the file isn't of its format.
    """
    reader = _READERS.get(file_suffix(name))
    if reader is None:
        raise UnreadableText("unknown_format", f"{name}: known are {', '.join(sorted(_READERS))}")
    return reader(raw)


def _tex(raw: bytes) -> Sequence[str]:
    return (detex(raw.decode("utf-8", "replace")),)


_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
# Fences that hold formulas (MyST) are formulas; all others are code, of which a sign is enough: a
# long one would be cut in pieces.
_FENCE = re.compile(
    r"^[ \t]*(?P<mark>```+|~~~+)(?P<info>[^\n]*)\n(?P<body>.*?)^[ \t]*(?P=mark)[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
# Directives, anchors, roles, images and comments of the Markdown dialects of books.
_DIRECTIVE = re.compile(
    r"^:{3,}.*$|^\(.*\)=$|^:[a-z]+:.*$|^%.*$|!\[[^\]]*\]\([^)]*\)|\{[a-z:]+\}`[^`]*`|:[a-z]+:`[^`]*`"
    r"|\{%.*?%\}|<!--.*?-->|</?[a-z][^<>\n]*>",
    re.MULTILINE,
)


def _markdown(raw: bytes) -> Sequence[str]:
    text = _FRONT_MATTER.sub("", raw.decode("utf-8", "replace"))
    return (_DIRECTIVE.sub("", _FENCE.sub(_fenced, text)),)


def _fenced(match: re.Match[str]) -> str:
    return f"$${match['body']}$$" if match["info"].strip() == "{math}" else "`code`"


def _plain(raw: bytes) -> Sequence[str]:
    return (raw.decode("utf-8", "replace"),)


def _json_lines(raw: bytes) -> Sequence[str]:
    return [
        _json_text(number, line)
        for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), 1)
        if line.strip()
    ]


def _json_text(number: int, line: str) -> str:
    try:
        row: dict[str, Any] = json.loads(line)
        return str(row.get("text") or row.get("input") or "")
    except (ValueError, AttributeError) as error:
        raise UnreadableText("error:json", f"line {number}: {error}") from error


# PreTeXt, the XML that open textbooks are written in: formulas in <m>, <me>, <men>, <md>, <mdn>.
_PRETEXT_FORMULA = re.compile(r"<(m|me|men|md|mdn)\b[^>/]*>(.*?)</\1>", re.DOTALL)
_PRETEXT_NO_PROSE = re.compile(
    r"<!--.*?-->|<(image|latex-image|asymptote|sage|program|console|docinfo|notation|idx|index|webwork"
    r"|macros|tabular|pg-code)\b[^>/]*>.*?</\1>",
    re.DOTALL,
)
_BLOCK_END = re.compile(r"</(?:p|title|li|statement|solution|answer|hint|caption)>")
_TAG = re.compile(r"<[^>]*>")


def _pretext(raw: bytes) -> Sequence[str]:
    text = _PRETEXT_NO_PROSE.sub(" ", raw.decode("utf-8", "replace"))
    text = _PRETEXT_FORMULA.sub(_pretext_formula, text)
    text = _TAG.sub(" ", _BLOCK_END.sub("\n\n", text))
    return (html.unescape("\n\n".join(" ".join(p.split()) for p in text.split("\n\n"))),)


def _pretext_formula(match: re.Match[str]) -> str:
    mark = "$" if match[1] == "m" else "$$"
    return f"{mark}{_TAG.sub(' ', match[2]).replace('$', ' ')}{mark}"


_READERS: Mapping[str, Callable[[bytes], Sequence[str]]] = {
    ".tex": _tex,
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain,
    ".jsonl": _json_lines,
    ".ptx": _pretext,
    ".xml": _pretext,
}


# A chapter is cut into texts of about a page's length.
_PIECE_WORDS = 500


def pieces(text: str) -> Iterator[str]:
    """A long text cut between paragraphs into pieces of about a page."""
    piece: list[str] = []
    words = 0
    for paragraph in text.split("\n\n"):
        piece.append(paragraph)
        words += len(paragraph.split())
        if words >= _PIECE_WORDS:
            yield "\n\n".join(piece)
            piece, words = [], 0
    if words:
        yield "\n\n".join(piece)
