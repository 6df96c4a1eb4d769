"""Texts to train on: read from files, labelled with where they come from.

An *origin* is what a text must not share between training and testing: the site of a web page, or
the whole work that a chapter belongs to. Pages of one site share words that say nothing of
mathematics ("asked 3 years ago"), and a model that has seen them looks better than it is.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml

from extractors.html import ExtractionError, extract_html
from filters.normalisation import normalise_for_models
from pipelines.training.detex import detex

__all__ = ["Page", "Source", "cap_per_origin", "distinct", "load_sources", "read_pages"]


@dataclass(frozen=True, slots=True)
class Source:
    """Files to read and what the card says of them.

    Attributes:
        name: Short name.
        files: Globs, relative to the data folder or absolute.
        licence: As its holder states it.
        home: Where it comes from.
        origin: ``source`` when all of it is one work, ``domain`` for pages of many sites.
        role: ``prose`` (clean mathematical prose, what the language model learns), ``web`` (pages,
            labelled by what is found in them), ``reference`` (manuals of mathematical software:
            a page without formulas is no ordinary page), ``manual`` (manuals and books of other
            subjects: a page with a LaTeX command is none of mathematics), or ``foreign`` (not
            English; to measure with).
    """

    name: str
    files: tuple[str, ...]
    licence: str = "not stated"
    home: str = ""
    origin: Literal["source", "domain"] = "domain"
    role: Literal["prose", "web", "reference", "manual", "foreign"] = "web"


@dataclass(frozen=True, slots=True)
class Page:
    """One text.

    Attributes:
        text: With formulas as an extractor writes them.
        origin: What it must not share between training and testing.
        source: Name of its source.
        file: The file, relative to the data folder.
        sha256: Digest of the file.
    """

    text: str
    origin: str
    source: Source
    file: str
    sha256: str


def load_sources(path: Path) -> list[Source]:
    """The sources of a YAML file (``sources:``, a list of ``Source`` as mappings)."""
    rows: list[dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["sources"]
    return [Source(**{**row, "files": tuple(row["files"])}) for row in rows]


# A chapter is cut into texts of about a page's length.
_PIECE_WORDS = 500


def read_pages(sources: Iterable[Source], data: Path) -> Iterator[Page]:
    """Every text of the sources, in the order of sources and file names."""
    for source in sources:
        for file in _files(source, data):
            raw = file.read_bytes()
            digest = hashlib.sha256(raw).hexdigest()
            name = str(file.relative_to(data)) if file.is_relative_to(data) else file.name
            for text in _texts(file, raw):
                # A post is one page; a chapter is as long as several, and is cut.
                for part in _pieces(text) if source.role == "prose" else (text,):
                    if part.strip():
                        yield Page(part, _origin(source, file, raw), source, name, digest)


def _files(source: Source, data: Path) -> list[Path]:
    found: set[Path] = set()
    for pattern in source.files:
        if Path(pattern).is_absolute():
            root, relative = Path(pattern).anchor, str(Path(pattern)).lstrip("/")
            found.update(Path(root).glob(relative))
        else:
            found.update(data.glob(pattern))
    return sorted(path for path in found if path.is_file())


def _texts(file: Path, raw: bytes) -> Iterable[str]:
    name = file.name.lower()
    if name.endswith(".gz"):
        name, raw = name.removesuffix(".gz"), gzip.decompress(raw)
    reader = _READERS.get(Path(name).suffix)
    return reader(raw) if reader else ()


def _html(raw: bytes) -> Iterable[str]:
    try:
        return (extract_html(raw).text,)
    except ExtractionError:
        return ()


def _tex(raw: bytes) -> Iterable[str]:
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


def _markdown(raw: bytes) -> Iterable[str]:
    text = _FRONT_MATTER.sub("", raw.decode("utf-8", "replace"))
    return (_DIRECTIVE.sub("", _FENCE.sub(_fenced, text)),)


def _fenced(match: re.Match[str]) -> str:
    return f"$${match['body']}$$" if match["info"].strip() == "{math}" else "`code`"


def _plain(raw: bytes) -> Iterable[str]:
    return (raw.decode("utf-8", "replace"),)


def _json_lines(raw: bytes) -> Iterable[str]:
    for line in raw.decode("utf-8", "replace").splitlines():
        if line.strip():
            row: dict[str, Any] = json.loads(line)
            yield str(row.get("text") or row.get("input") or "")


# PreTeXt, the XML that open textbooks are written in: formulas in <m>, <me>, <men>, <md>, <mdn>.
_PRETEXT_FORMULA = re.compile(r"<(m|me|men|md|mdn)\b[^>/]*>(.*?)</\1>", re.DOTALL)
_PRETEXT_NO_PROSE = re.compile(
    r"<!--.*?-->|<(image|latex-image|asymptote|sage|program|console|docinfo|notation|idx|index|webwork"
    r"|macros|tabular|pg-code)\b[^>/]*>.*?</\1>",
    re.DOTALL,
)
_BLOCK_END = re.compile(r"</(?:p|title|li|statement|solution|answer|hint|caption)>")
_TAG = re.compile(r"<[^>]*>")


def _pretext(raw: bytes) -> Iterable[str]:
    text = _PRETEXT_NO_PROSE.sub(" ", raw.decode("utf-8", "replace"))
    text = _PRETEXT_FORMULA.sub(_pretext_formula, text)
    text = _TAG.sub(" ", _BLOCK_END.sub("\n\n", text))
    return (html.unescape("\n\n".join(" ".join(p.split()) for p in text.split("\n\n"))),)


def _pretext_formula(match: re.Match[str]) -> str:
    mark = "$" if match[1] == "m" else "$$"
    return f"{mark}{_TAG.sub(' ', match[2]).replace('$', ' ')}{mark}"


_READERS: Mapping[str, Callable[[bytes], Iterable[str]]] = {
    ".html": _html,
    ".htm": _html,
    ".xhtml": _html,
    ".testhtml": _html,
    ".tex": _tex,
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain,
    ".jsonl": _json_lines,
    ".ptx": _pretext,
    ".xml": _pretext,
}


def _pieces(text: str) -> Iterator[str]:
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


_LINK = re.compile(
    rb"""<link\b[^>]*\brel=["']?canonical["']?[^>]*>|<meta\b[^>]*\bog:url\b[^>]*>""", re.IGNORECASE
)
_ADDRESS = re.compile(rb"""https?://[^"'\s>]+""")
_DOMAIN_NAME = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
# Hosts that many unconnected sites share.
_SHARED_HOSTS = frozenset(
    ("github.io", "wordpress.com", "blogspot.com", "co.uk", "com.au", "co.jp", "co.za", "com.br")
)


def _origin(source: Source, file: Path, raw: bytes) -> str:
    if source.origin == "source":
        return source.name
    for tag in _LINK.findall(raw[:200_000]):
        address = _ADDRESS.search(tag)
        host = urlsplit(address[0].decode("ascii", "replace")).hostname if address else None
        if host:
            return _site(host)
    for part in (file.parent.name, file.stem):
        if _DOMAIN_NAME.fullmatch(part.lower()) and not part.lower().endswith((".html", ".htm")):
            return _site(part.lower())
    return source.name


def _site(host: str) -> str:
    labels = host.removeprefix("www.").split(".")
    count = 3 if ".".join(labels[-2:]) in _SHARED_HOSTS else 2
    return ".".join(labels[-count:])


def distinct(pages: Iterable[Page]) -> Iterator[Page]:
    """The pages without those whose normalised text was there before."""
    seen: set[bytes] = set()
    for page in pages:
        line = normalise_for_models(page.text, "ours")
        key = hashlib.blake2b(line.encode(), digest_size=16).digest()
        if key not in seen:
            seen.add(key)
            yield page


def cap_per_origin(pages: Sequence[Page], most: int) -> list[Page]:
    """At most so many pages of an origin, drawn by hash, in their given order."""
    by_origin: dict[str, list[tuple[bytes, int]]] = defaultdict(list)
    for number, page in enumerate(pages):
        drawn = hashlib.blake2b(f"{page.sha256}\0{page.text}".encode(), digest_size=8).digest()
        by_origin[page.origin].append((drawn, number))
    kept = {number for rows in by_origin.values() for _, number in sorted(rows)[:most]}
    return [page for number, page in enumerate(pages) if number in kept]
