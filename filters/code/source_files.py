"""Which files are taken up at all: by suffix or the Stack's own label, by size."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from filters.code.tables import LANGUAGES, language_tables
from schemas import Decision, Document

__all__ = ["SourceFiles", "language_of_path"]


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """Keeps files of the languages wanted, and sets ``programming_language``.

    Attributes:
        languages: Short names of the languages.
        contents: Where contents lie that a table names only by ``blob_id``, as the Stack's second
            version does: an address with ``{blob_id}`` in it, ``s3://``, ``https://`` or a path.
    """

    languages: tuple[str, ...] = LANGUAGES
    contents: str = "s3://softwareheritage/content/{blob_id}"

    name: ClassVar[str] = "source_files"

    def __post_init__(self) -> None:
        for language in self.languages:
            if language not in LANGUAGES:
                raise ValueError(f"{language!r} is unknown; known: {', '.join(LANGUAGES)}")
        if "{blob_id}" not in self.contents:
            raise ValueError("contents needs {blob_id} where a blob's id goes")

    def judge(self, document: Document) -> Decision:
        """Judges by the language that the source gives, else by the file's suffix."""
        given = document.programming_language
        if given:
            language = _languages_by_name().get(given.lower(), "")
        else:
            language = language_of_path(document.path)
        if not language:
            detail = given or PurePosixPath(document.path).suffix
            return Decision.drop(self.name, "other_language", detail=detail[:40])
        document.programming_language = language
        if language not in self.languages:
            return Decision.drop(self.name, "language_not_wanted", detail=language)
        return Decision.keep(self.name, detail=language)


def language_of_path(path: str) -> str:
    """The language that a file's suffix stands for; empty for none."""
    name = PurePosixPath(path).name.lower()
    by_suffix = _languages_by_suffix()
    # Some suffixes have two parts: .lagda.md is Agda, .md is not.
    parts = name.split(".")[1:]
    for first in range(max(len(parts) - 2, 0), len(parts)):
        language = by_suffix.get("." + ".".join(parts[first:]))
        if language:
            return language
    return ""


@functools.cache
def _languages_by_suffix() -> Mapping[str, str]:
    return {suffix: key for key, table in language_tables().items() for suffix in table.extensions}


@functools.cache
def _languages_by_name() -> Mapping[str, str]:
    return {name: key for key, table in language_tables().items() for name in (key, *table.names)}
