"""How the rows of a language's table are looked for in a file."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from filters.code.imports import first_import, included
from filters.code.measures import digit_share
from filters.code.notebooks import notebook_mathematics
from filters.code.tables import LanguageTable, RuleRow
from filters.code.words import first_word
from schemas import Document

__all__ = ["FINDERS", "Finder", "finder_of"]

# The row that is found in a document; empty for none.
Finder = Callable[[Document], str]
_Maker = Callable[[Sequence[str], LanguageTable], Finder]


def finder_of(row: RuleRow, table: LanguageTable) -> Finder:
    """What looks for the rows of a rule."""
    find = FINDERS[row.when](row.rows, table)
    if not row.libraries:
        return find
    library = _library(row.libraries)
    return lambda document: library(document) or find(document)


def _library(names: Sequence[str]) -> Finder:
    """Looks for a project's name, with or without a version, in the repository and the folders.

    A folder may be called after owner and repository, ``leanprover-community+mathlib``.
    """
    pattern = re.compile(
        rf"(?:^|[/+])(?P<name>{'|'.join(sorted(map(re.escape, names), key=len, reverse=True))})"
        r"(?:[-_.]?v?\d[\w.+-]*)?/",
        re.IGNORECASE,
    )

    def find(document: Document) -> str:
        match = pattern.search(f"{document.repo}/{document.path}")
        return f"of {match['name']}" if match else ""

    return find


def _substring(rows: Sequence[str], table: LanguageTable) -> Finder:
    return lambda document: next((row for row in rows if row in document.text), "")


def _pattern(rows: Sequence[str], table: LanguageTable) -> Finder:
    patterns = [re.compile(row) for row in rows]

    def find(document: Document) -> str:
        for pattern in patterns:
            match = pattern.search(document.text)
            if match:
                return _shown(match.group()) or pattern.pattern
        return ""

    return find


def _start(rows: Sequence[str], table: LanguageTable) -> Finder:
    return lambda document: next((row for row in rows if document.text.startswith(row)), "")


def _stripped_start(rows: Sequence[str], table: LanguageTable) -> Finder:
    return lambda document: next(
        (row for row in rows if document.text.lstrip().startswith(row)), ""
    )


def _first_character(rows: Sequence[str], table: LanguageTable) -> Finder:
    def find(document: Document) -> str:
        # The original crashes on an empty file here.
        first = document.text[0]
        return first if first in rows else ""

    return find


def _json(rows: Sequence[str], table: LanguageTable) -> Finder:
    """A beginning that only JSON has: a bracket, then a quoted key or another value."""
    patterns = {
        "{": re.compile(r'\s*\{\s*"(?:[^"\\\n]|\\.){0,200}"\s*:'),
        "[": re.compile(r'\s*\[\s*(?:[{\[]\s*)*"(?:[^"\\\n]|\\.){0,200}"\s*:'),
    }

    def find(document: Document) -> str:
        return next((row for row in rows if patterns[row].match(document.text)), "")

    return find


def _path_substring(rows: Sequence[str], table: LanguageTable) -> Finder:
    return lambda document: next((row for row in rows if row in document.path), "")


def _path_pattern(rows: Sequence[str], table: LanguageTable) -> Finder:
    patterns = [re.compile(row) for row in rows]

    def find(document: Document) -> str:
        matches = (pattern.search(document.path) for pattern in patterns)
        return next((match.group().strip("/") for match in matches if match), "")

    return find


def _extension(rows: Sequence[str], table: LanguageTable) -> Finder:
    def find(document: Document) -> str:
        suffix = PurePosixPath(document.path).suffix.removeprefix(".")
        return suffix if suffix in rows else ""

    return find


def _repository(rows: Sequence[str], table: LanguageTable) -> Finder:
    def find(document: Document) -> str:
        name = document.repo.rpartition("/")[2]
        return name if name in rows else ""

    return find


def _repository_pattern(rows: Sequence[str], table: LanguageTable) -> Finder:
    patterns = [re.compile(row) for row in rows]

    def find(document: Document) -> str:
        name = document.repo.rpartition("/")[2]
        return name if any(pattern.match(name) for pattern in patterns) else ""

    return find


def _folded_substring(rows: Sequence[str], table: LanguageTable) -> Finder:
    def find(document: Document) -> str:
        folded = document.text.lower()
        return next((row for row in rows if row in folded), "")

    return find


def _python_substring(rows: Sequence[str], table: LanguageTable) -> Finder:
    words = [f"{keyword} {row}" for row in rows for keyword in ("import", "from")]
    return lambda document: ",".join(word for word in words if word in document.text)


def _large_without_test(rows: Sequence[str], table: LanguageTable) -> Finder:
    size, least_tests, most_digits = float(rows[0]), float(rows[1]), float(rows[2])

    def find(document: Document) -> str:
        text = document.text
        length = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if length < size:
            return ""
        tests = text.count("@test")
        if tests and tests / (text.count("\n") + 1) >= least_tests:
            return "" if digit_share(text) <= most_digits else f"{length} bytes, mostly digits"
        return f"{length} bytes"

    return find


def _imports(rows: Sequence[str], table: LanguageTable) -> Finder:
    modules = frozenset(rows)
    return lambda document: first_import(document.text, table.key, modules)


def _includes(rows: Sequence[str], table: LanguageTable) -> Finder:
    headers = frozenset(rows)
    return lambda document: included(document.text, table.key, headers)


def _words(rows: Sequence[str], table: LanguageTable) -> Finder:
    words = frozenset(rows)
    return lambda document: first_word(document.text, table.lexer, words)


def _notebook_mathematics(rows: Sequence[str], table: LanguageTable) -> Finder:
    modules = frozenset(rows)
    return lambda document: notebook_mathematics(document.text, modules)


def _tex_structure(rows: Sequence[str], table: LanguageTable) -> Finder:
    pattern = _tex_pattern(tuple(rows))

    def find(document: Document) -> str:
        match = pattern.search(document.text)
        return _shown(match[match.lastgroup or 0]) if match else ""

    return find


@functools.cache
def _tex_pattern(rows: tuple[str, ...]) -> re.Pattern[str]:
    """Commands with a star, a short title or white space before their brace; environments."""
    commands = "|".join(row for row in rows if ":" not in row)
    plain = "|".join(row.removeprefix("plain:") for row in rows if row.startswith("plain:"))
    environments = "|".join(row.removeprefix("begin:") for row in rows if row.startswith("begin:"))
    return re.compile(
        # Up to the command no comment begins on the line.
        r"^(?:[^%\n\\]|\\.)*?"
        rf"\\(?:(?P<what>{commands})\*?\s*[\[{{]|begin\{{(?P<environment>{environments})\*?\}})"
        # Plain TeX has its title behind a space; where the command is defined, none follows.
        rf"|^[ \t]*\\(?P<plain>{plain or '(?!)'})[ \t]+[A-Z0-9]",
        re.MULTILINE,
    )


def _shown(text: str) -> str:
    """A match as it's shown to people."""
    return " ".join(text.split())[:80]


FINDERS: Mapping[str, _Maker] = {
    "text_has": _substring,
    "text_matches": _pattern,
    "text_starts": _start,
    "text_starts_stripped": _stripped_start,
    "first_character": _first_character,
    "json": _json,
    "path_has": _path_substring,
    "path_matches": _path_pattern,
    "extension_is": _extension,
    "repo_is": _repository,
    "repo_matches": _repository_pattern,
    "text_has_folded": _folded_substring,
    "python_substring": _python_substring,
    "large_no_test": _large_without_test,
    "imports": _imports,
    "includes": _includes,
    "words": _words,
    "notebook_mathematics": _notebook_mathematics,
    "tex_structure": _tex_structure,
}
