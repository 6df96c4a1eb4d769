"""The modules that a file imports and the headers that it includes, as its grammar sees them.

A parse costs more than all other rules together; so a file is parsed only when a name of the table
stands in it after a word like ``import`` at all.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from tree_sitter import Language, Node, Parser, Query, QueryCursor

__all__ = ["first_import", "included", "modules_of"]


@dataclass(frozen=True, slots=True)
class _Grammar:
    """How a language says what it imports.

    Attributes:
        package: The package of its tree-sitter grammar.
        query: Captures ``@module`` on every name that is imported.
        before: What stands before a name, for the look that decides whether to parse.
    """

    package: str
    query: str
    before: str


# Node names are those of the grammars' own node-types.json.
_GRAMMARS: Mapping[str, _Grammar] = {
    "python": _Grammar(
        "tree_sitter_python",
        """
        (import_statement name: (dotted_name) @module)
        (import_statement name: (aliased_import name: (dotted_name) @module))
        (import_from_statement module_name: (dotted_name) @module)
        """,
        r"\b(?:c?import|from)\b",
    ),
    "haskell": _Grammar("tree_sitter_haskell", "(import module: (module) @module)", r"\bimport\b"),
    "julia": _Grammar(
        "tree_sitter_julia",
        """
        (using_statement (_) @module)
        (import_statement (_) @module)
        """,
        r"\b(?:using|import)\b",
    ),
    "c": _Grammar(
        "tree_sitter_c",
        "(preproc_include path: (_) @module)",
        r"#[ \t]*(?:include|import)\b",
    ),
    "cpp": _Grammar(
        "tree_sitter_cpp",
        "(preproc_include path: (_) @module)",
        r"#[ \t]*(?:include|import)\b",
    ),
}


def first_import(text: str, language: str, modules: frozenset[str]) -> str:
    """The first module that a file imports and that is in a table; empty when none is.

    A module of the table stands for what lies below it too: ``numpy`` for ``numpy.linalg``, and
    ``Statistics`` for ``Statistics.Sample`` but not for ``StatisticsOfMine``.
    """
    if _look(language, modules).search(text) is None:
        return ""
    for name in modules_of(text, language):
        found = _listed(name, modules, ".")
        if found:
            return found
    return ""


def included(text: str, language: str, headers: frozenset[str]) -> str:
    """The first header that a file includes and that is in a table; empty when none is.

    Angle brackets and quotes are alike. A row of the table stands for the header, and for the
    headers of its folder: ``gsl`` for ``gsl/gsl_math.h``, wherever it's installed below.
    """
    if _look(language, headers).search(text) is None:
        return ""
    for path in modules_of(text, language):
        parts = path.split("/")
        for start in range(len(parts)):
            found = _listed("/".join(parts[start:]), headers, "/")
            if found:
                return found
    return ""


def modules_of(text: str, language: str) -> Iterator[str]:
    """The names that a file imports or includes, in their order."""
    parser, query = _parser(language)
    tree = parser.parse(text.encode("utf-8", "surrogatepass"))
    nodes = QueryCursor(query).captures(tree.root_node).get("module", [])
    for node in sorted(nodes, key=lambda node: node.start_byte):
        name = _name(node)
        if name:
            yield name


def _name(node: Node) -> str:
    text = (node.text or b"").decode("utf-8", "replace").strip()
    if text[:1] in ("<", '"'):
        return text[1:-1].strip()
    # Julia: ``using A: b`` and ``import A.b as c`` name A first.
    return re.split(r"[:\s]", text.lstrip("."), maxsplit=1)[0]


def _listed(name: str, rows: frozenset[str], separator: str) -> str:
    """The row that a name is or lies below; empty for none."""
    parts = name.split(separator)
    prefixes = (separator.join(parts[:end]) for end in range(1, len(parts) + 1))
    return next((prefix for prefix in prefixes if prefix in rows), "")


@functools.cache
def _look(language: str, rows: frozenset[str]) -> re.Pattern[str]:
    """A line that has an importing word and a row of the table: what is worth a parse."""
    names = "|".join(re.escape(row) for row in sorted(rows))
    return re.compile(rf"{_GRAMMARS[language].before}[^\n]*(?<!\w)(?:{names})(?!\w)")


@functools.cache
def _parser(language: str) -> tuple[Parser, Query]:
    grammar = _GRAMMARS[language]
    compiled = Language(import_module(grammar.package).language())
    return Parser(compiled), Query(compiled, grammar.query)
