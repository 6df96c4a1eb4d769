"""The extractors that the extraction benchmark compares, as far as their packages are installed."""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Compared", "compared_extractors"]


@dataclass(frozen=True, slots=True)
class Compared:
    """An extractor.

    Attributes:
        name: What the tables call it.
        versions: Its packages, with versions.
        extract: A page's bytes to text.
    """

    name: str
    versions: str
    extract: Callable[[bytes], str]


# What these two put before signs that Markdown would read, and a reader of Markdown takes away.
_MARKITDOWN_ESCAPE = re.compile(r"\\(?=[_*])")
_HTML2TEXT_ESCAPE = re.compile(r"\\(?=\\[\\`*_{}\[\]()#+.!-])")


def compared_extractors(names: list[str] | None = None) -> list[Compared]:
    """Ours first, then the others.

    Args:
        names: Which; all that can be imported when not given.
    """
    return [
        Compared(name, _versions(packages), extract)
        for name, (packages, build) in _BUILDERS.items()
        if (names is None or name in names) and (extract := _built(build)) is not None
    ]


def _built(build: Callable[[], Callable[[bytes], str]]) -> Callable[[bytes], str] | None:
    try:
        return build()
    except ImportError:
        return None


def _versions(packages: str) -> str:
    words = []
    for package in packages.split():
        try:
            words.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            words.append(package)
    return ", ".join(words)


def _decoded(page: bytes) -> str:
    decode: Any = importlib.import_module("extractors.html.decode").decode_html
    return str(decode(page, "")[0])


def _proofmill() -> Callable[[bytes], str]:
    extract: Any = importlib.import_module("extractors.html").extract_html
    return lambda page: str(extract(page).text)


def _published() -> Callable[[bytes], str]:
    extract: Any = importlib.import_module("extractors.html.published").extract_published
    return lambda page: str(extract(page).text)


def _resiliparse() -> Callable[[bytes], str]:
    parse: Any = importlib.import_module("resiliparse.parse.html").HTMLTree.parse
    plain: Any = importlib.import_module("resiliparse.extract.html2text").extract_plain_text
    return lambda page: str(plain(parse(_decoded(page)), main_content=True))


def _trafilatura() -> Callable[[bytes], str]:
    module: Any = importlib.import_module("trafilatura")
    # As plain text: its Markdown escapes brackets, which then read as delimiters of formulas.
    return lambda page: module.extract(page, output_format="txt", include_tables=True) or ""


def _justext() -> Callable[[bytes], str]:
    module: Any = importlib.import_module("justext")
    words = module.get_stoplist("English")

    def extract(page: bytes) -> str:
        paragraphs = module.justext(page, words)
        return "\n\n".join(one.text for one in paragraphs if not one.is_boilerplate)

    return extract


def _readability() -> Callable[[bytes], str]:
    document: Any = importlib.import_module("readability").Document
    text: Any = importlib.import_module("inscriptis").get_text
    return lambda page: str(text(document(_decoded(page)).summary()))


def _markitdown() -> Callable[[bytes], str]:
    module: Any = importlib.import_module("markitdown")
    converter = module.MarkItDown()
    kind = module.StreamInfo(extension=".html", mimetype="text/html")

    def extract(page: bytes) -> str:
        written = str(converter.convert_stream(io.BytesIO(page), stream_info=kind).markdown)
        return _MARKITDOWN_ESCAPE.sub("", written)

    return extract


def _html2text() -> Callable[[bytes], str]:
    module: Any = importlib.import_module("html2text")

    def extract(page: bytes) -> str:
        writer = module.HTML2Text(bodywidth=0)
        writer.ignore_links = True
        return _HTML2TEXT_ESCAPE.sub("", str(writer.handle(_decoded(page))))

    return extract


_BUILDERS: dict[str, tuple[str, Callable[[], Callable[[bytes], str]]]] = {
    "proofmill": ("selectolax lxml", _proofmill),
    "published": ("resiliparse", _published),
    "resiliparse": ("resiliparse", _resiliparse),
    "trafilatura": ("trafilatura", _trafilatura),
    "jusText": ("jusText", _justext),
    "readability + inscriptis": ("readability-lxml inscriptis", _readability),
    "markitdown": ("markitdown", _markitdown),
    "html2text": ("html2text", _html2text),
}
"""Name, packages whose versions are told, and how to build it."""
