"""Which declarations are test problems: by their statement and by their qualified name."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator

from filters.formal.test_statements import TestStatements
from filters.overlap.declarations import Language
from filters.overlap.formal import FormalFinder
from filters.overlap.problems import Problem
from pipelines.overlap.problem_sets import read_set
from schemas.goal_states import DeclarationRow

__all__ = ["Contamination"]

_LANGUAGES: dict[str, Language] = {"lean4": "lean", "isabelle": "isabelle"}


@functools.lru_cache(maxsize=4)
def _problems(lists: tuple[str, ...]) -> tuple[Problem, ...]:
    return tuple(problem for spec in lists for problem in read_set(spec).problems)


class Contamination:
    """Flags declarations.

    Args:
        settings: The recipe's stage; None flags nothing.

    Raises:
        InputError: A problem set can't be read.
    """

    def __init__(self, settings: TestStatements | None) -> None:
        self._settings = settings
        self._problems = _problems(settings.lists) if settings is not None else ()
        self._finder = FormalFinder(self._problems)
        self._by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, problem in enumerate(self._problems):
            for name in problem.names:
                self._by_name[problem.language or "", name].append(number)
        self._statements = [
            (number, problem.formal)
            for number, problem in enumerate(self._problems)
            if problem.formal
        ]

    def flags(self, row: DeclarationRow) -> tuple[str, ...]:
        """The test problems that a declaration is, as ``set:item``."""
        settings = self._settings
        if settings is None:
            return ()
        places = settings.flags_of_place(row.repo_url, row.file_path, row.module)
        numbers = dict.fromkeys(self._matches(row, settings))
        problems = (self._problems[number] for number in numbers)
        return tuple(dict.fromkeys([*(f"{p.problem_set}:{p.item}" for p in problems), *places]))

    def _matches(self, row: DeclarationRow, settings: TestStatements) -> Iterator[int]:
        language = _LANGUAGES[row.system]
        stem = row.module.rpartition(".")[2]
        if settings.match == "substring":
            # What Proof-Pile-II did: any statement anywhere in the proof's text.
            text = f"{row.statement}\n{row.proof_text}"
            yield from (number for number, formal in self._statements if formal in text)
            return
        for match in self._finder.find(row.statement, language, stem):
            if match.edition == "statement" or settings.names:
                yield match.problem
        if settings.names and row.decl_name:
            for name in (row.decl_name, f"{stem}.{row.decl_name}"):
                yield from self._by_name.get((language, name), ())
