"""Formal statements of Lean and Isabelle: found by what they say, and by their qualified names.

A statement is compared token by token, comments and white space left out, at every declaration of a
text, whatever the declaration is called and wherever the file lies. A name counts only when it is
the whole qualified name of a declaration: ``lemma w`` of one theory is not that of another.
"""

from __future__ import annotations

from collections.abc import Sequence

from filters.overlap.declarations import Declaration, Language, declarations
from filters.overlap.problems import Match, Problem

__all__ = ["FormalFinder"]

# A shorter statement says too little, "x = x" is in every theory; it is known by its name alone.
_SHORTEST = 10
# Tokens that a statement is looked up by before it is compared.
_KEY = 8


class FormalFinder:
    """Finds formal statements in texts.

    Args:
        problems: The problems of all test sets; those without a formal statement are passed over.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._by_key: dict[tuple[str, ...], list[int]] = {}
        self._by_name: dict[tuple[str, str], list[int]] = {}
        self._statements: dict[int, tuple[str, ...]] = {}
        self._characters = {n: len(problem.formal) for n, problem in enumerate(problems)}
        for number, problem in enumerate(problems):
            if problem.language is not None:
                self._add(number, problem, problem.language)

    def __bool__(self) -> bool:
        return bool(self._statements)

    def knows_statement(self, number: int) -> bool:
        """Whether a problem's statement is long enough to be known without its name."""
        return len(self._statements.get(number, ())) >= _SHORTEST

    def _add(self, number: int, problem: Problem, language: Language) -> None:
        found = next(declarations(problem.formal, language), None)
        statement = found.tokens if found is not None else ()
        self._statements[number] = statement
        if len(statement) >= _SHORTEST:
            self._by_key.setdefault((language, *statement[:_KEY]), []).append(number)
        for name in problem.names:
            self._by_name.setdefault((language, name), []).append(number)

    def find(self, text: str, language: Language, module: str = "") -> list[Match]:
        """The statements in one text, at every declaration; ``document`` is 0 in the matches.

        Args:
            text: The text.
            language: What it is written in.
            module: Its file's name without the suffix, empty when unknown.
        """
        found = []
        for declaration in declarations(text, language, module):
            key = (language, *declaration.tokens[:_KEY])
            same = {
                number
                for number in self._by_key.get(key, ())
                if self._statements[number] == declaration.tokens
            }
            named = {
                number
                for name in declaration.names
                for number in self._by_name.get((language, name), ())
            }
            found += [self._match("statement", number, declaration) for number in sorted(same)]
            found += [self._match("name", number, declaration) for number in sorted(named - same)]
        return found

    def _match(self, kind: str, number: int, declaration: Declaration) -> Match:
        return Match(
            document=0,
            edition=kind,
            problem=number,
            side="formal",
            document_start=declaration.start,
            document_end=declaration.end,
            problem_start=0,
            problem_end=self._characters[number],
            ngrams=1,
            tokens=len(self._statements[number]),
            contained=kind == "statement",
        )
