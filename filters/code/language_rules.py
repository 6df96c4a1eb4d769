"""The three filters that read a language's table: size, digits, and its own rules."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from filters.code.measures import digit_share
from filters.code.rules import Finder, finder_of
from filters.code.tables import Edition, RuleRow, language_tables
from schemas import Decision, Document

__all__ = ["DigitShare", "FileSize", "LanguageRules"]

# Decisions whose detail would be the whole table say how many rows weren't found.
_DETAIL_CHARS = 200


@dataclass(frozen=True, slots=True)
class FileSize:
    """Drops files that are larger than their language's table allows.

    Attributes:
        edition: Whose tables.
    """

    edition: Edition = "ours"

    name: ClassVar[str] = "file_size"

    def judge(self, document: Document) -> Decision:
        """Judges by the bytes of the text in UTF-8."""
        maximum = language_tables()[document.programming_language].rules(self.edition).size
        text = document.text
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        if maximum and size > maximum:
            return Decision.drop(self.name, "too_large", score=size, threshold=maximum)
        return Decision.keep(self.name, score=size, threshold=maximum or None)


@dataclass(frozen=True, slots=True)
class DigitShare:
    """Drops files that are mostly digits: the original's "numerical density".

    Attributes:
        edition: Whose tables. Of what the original took from the Stack, a file of white space
            alone ended its run with a division by zero; the published edition drops it for that.
    """

    edition: Edition = "ours"

    name: ClassVar[str] = "digit_share"

    def judge(self, document: Document) -> Decision:
        """Judges by the share of digits among what isn't white space."""
        rules = language_tables()[document.programming_language].rules(self.edition)
        if rules.digits >= 1:
            return Decision.keep(self.name, "no_limit")
        try:
            share = digit_share(document.text)
        except ZeroDivisionError:
            if self.edition == "published" and rules.repository:
                return Decision.keep(self.name, score=0.0, threshold=rules.digits)
            if self.edition == "published":
                return Decision.drop(self.name, "error:ZeroDivisionError", detail="white space")
            return Decision.drop(self.name, "only_white_space")
        if share > rules.digits:
            return Decision.drop(self.name, "mostly_digits", score=share, threshold=rules.digits)
        return Decision.keep(self.name, score=share, threshold=rules.digits)


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """Applies the rules of a language's table in their order.

    Attributes:
        edition: Whose tables.
        python_packages: Which of its lists of packages the published edition uses: ``upload``, that
            of the files that were published, or ``head``, that of the later code.
    """

    edition: Edition = "ours"
    python_packages: Literal["upload", "head"] = "upload"

    name: ClassVar[str] = "language_rules"

    def judge(self, document: Document) -> Decision:
        """Judges by the rules; the detail names the row that decided."""
        found = ""
        rules = _compiled(document.programming_language, self.edition, self.python_packages)
        for rule, find in rules:
            row = find(document)
            if rule.drops and row:
                return Decision.drop(self.name, rule.reason, detail=row[:_DETAIL_CHARS])
            if not rule.drops and not row:
                detail = f"none of {len(rule.rows)} in the table"
                return Decision.drop(self.name, rule.reason, detail=detail)
            found = row if not rule.drops else found
        return Decision.keep(self.name, detail=found[:_DETAIL_CHARS])


@functools.cache
def _compiled(language: str, edition: Edition, variant: str) -> Sequence[tuple[RuleRow, Finder]]:
    table = language_tables()[language]
    return [
        (row, finder_of(row, table))
        for row in table.rules(edition).rows
        if row.edition in ("", variant)
    ]
