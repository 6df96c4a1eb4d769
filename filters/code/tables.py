"""One table a language: ``languages/<name>.yaml`` says which of its files are mathematics.

A table has the language's names, its suffixes, and for each edition

- ``size``: bytes of text in UTF-8 that a file may have, 0 for any number;
- ``digits``: the share of decimal digits among what isn't white space that it may have;
- ``rules``: in their order, each ``drop: REASON`` (when a row is found) or ``need: REASON`` (when
  none is), ``when`` (how rows are looked for, ``filters.code.rules``), ``rows`` and ``source``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import yaml

__all__ = ["LANGUAGES", "Edition", "LanguageTable", "RuleRow", "Rules", "language_tables"]

Edition = Literal["ours", "published"]

# The seventeen of AlgebraicStack (spec section 1.1), under the names that its files bear there.
LANGUAGES = (
    "agda", "c", "coq", "cpp", "fortran", "gap", "haskell", "idris", "isabelle", "julia",
    "jupyter", "lean", "maple", "matlab", "python", "r", "tex",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule of a table.

    Attributes:
        drops: Whether a file goes when a row is found in it; else it goes when none is.
        reason: The decision's reason when it goes.
        when: How rows are looked for; a name of ``filters.code.rules.FINDERS``.
        rows: What is looked for.
        source: Where the rule is from.
        edition: A variant of the published edition that alone has it; empty for all.
        libraries: Projects whose files count as found: names of repositories and of folders, with
            or without a version behind.
    """

    drops: bool
    reason: str
    when: str
    rows: tuple[str, ...]
    source: str
    edition: str = ""
    libraries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What one edition asks of a language's files.

    Attributes:
        size: Bytes in UTF-8 that a file may have; 0 for any number.
        digits: Share of digits that it may have.
        rows: The rules in their order.
        repository: Whether the original took the language from repositories instead of the Stack.
    """

    size: int
    digits: float
    rows: tuple[RuleRow, ...]
    repository: bool = False


@dataclass(frozen=True, slots=True)
class LanguageTable:
    """What is known of a language.

    Attributes:
        key: Its short name, ``cpp``.
        name: Its name, ``C++``.
        names: What others call it, lower case: the Stack's ``lang``, GitHub's language.
        extensions: Suffixes of its files, lower case.
        lexer: Its Pygments lexer; empty when there is none.
        prose: Whether its files are prose, whose language can be told.
        notebook: Whether its files are notebooks, which are converted.
        ours: What our edition asks.
        published: What the published edition asked.
    """

    key: str
    name: str
    names: tuple[str, ...]
    extensions: tuple[str, ...]
    lexer: str
    prose: bool
    notebook: bool
    ours: Rules
    published: Rules

    def rules(self, edition: Edition) -> Rules:
        """What an edition asks of the language's files."""
        return self.ours if edition == "ours" else self.published


@functools.cache
def language_tables() -> Mapping[str, LanguageTable]:
    """All tables by short name."""
    folder = resources.files("filters.code").joinpath("languages")
    return {
        key: _table(key, yaml.safe_load(folder.joinpath(f"{key}.yaml").read_text("utf-8")))
        for key in LANGUAGES
    }


def _table(key: str, plain: dict[str, Any]) -> LanguageTable:
    return LanguageTable(
        key,
        plain["name"],
        tuple(plain["names"]),
        tuple(plain["extensions"]),
        plain["lexer"],
        plain.get("prose", False),
        plain.get("notebook", False),
        _rules(plain["ours"]),
        _rules(plain["published"]),
    )


def _rules(plain: dict[str, Any]) -> Rules:
    return Rules(
        plain["size"]["maximum"],
        plain["digits"]["maximum"],
        tuple(map(_row, plain.get("rules", ()))),
        plain.get("repository", False),
    )


def _row(plain: dict[str, Any]) -> RuleRow:
    drops = "drop" in plain
    return RuleRow(
        drops,
        plain["drop" if drops else "need"],
        plain["when"],
        tuple(plain["rows"]),
        plain["source"],
        plain.get("edition", ""),
        tuple(plain.get("libraries", ())),
    )
