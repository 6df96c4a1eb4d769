"""The texts that tokenizing is measured on: papers, code and pages, a third each."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from resiliparse.extract.html2text import extract_plain_text

__all__ = ["text_of", "texts_of_archives"]

_SOURCES = ("arxiv", "stack", "html")
_PAGES = (".html", ".htm", ".xhtml")


def texts_of_archives(data: Path, budget: int) -> Iterator[str]:
    """Texts of the third-party archives: LaTeX and source code as they are, pages without markup.

    Args:
        data: The folder of third-party data.
        budget: How many bytes to take at most, a third from each archive.

    Yields:
        Texts.
    """
    for source in _SOURCES:
        left = budget // len(_SOURCES)
        with tarfile.open(data / f"{source}.tar.gz") as archive:
            for member in archive:
                handle = archive.extractfile(member) if member.isfile() else None
                if handle is None:
                    continue
                text = text_of(member.name, handle.read())
                size = len(text.encode()) if text else 0
                if text and size <= left:
                    left -= size
                    yield text


def text_of(name: str, content: bytes) -> str | None:
    """A file's text, that of a page without its markup.

    Args:
        name: The file's name.
        content: Its bytes.

    Returns:
        The text, None for what is no text.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    return extract_plain_text(text) if name.lower().endswith(_PAGES) else text
