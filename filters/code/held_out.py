"""Theorems of test sets are cut out of proof libraries: PISA's of Isabelle, LeanDojo's of Lean.

The original cut what a name finds (spec section 2): ``lemma w:`` of every theory when PISA has one
lemma w, the first occurrence only, and of LeanDojo's one theorem a file, the last. Ours cuts the
declarations that state the same, wherever they are and however often, and for Lean those with the
same full name.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from filters.code.tables import Edition
from filters.overlap.declarations import Language
from filters.overlap.formal import FormalFinder
from filters.overlap.problems import Problem
from filters.overlap.removal import FoundProblem, RemovalRule
from schemas import Decision, Document

__all__ = ["HeldOut"]

_LANGUAGES: Mapping[str, Language] = {"isabelle": "isabelle", "lean": "lean"}


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Cuts test theorems out of texts; a text of which nothing is left goes.

    Attributes:
        pisa: A folder of PISA's ``universal_test_theorems``, one JSON file a theorem.
        leandojo: LeanDojo's lists of theorems, JSON files with ``file_path`` and ``full_name``, in
            the original's order: validation of both releases, then test of both.
        edition: How they are found.
    """

    pisa: str = ""
    leandojo: tuple[str, ...] = ()
    edition: Edition = "ours"

    name: ClassVar[str] = "held_out"

    def check(self) -> None:
        """Raises before any work when a list can't be read."""
        if self.pisa:
            _pisa(self.pisa)
        for path in self.leandojo:
            _leandojo(path)

    def model_digest(self) -> str:
        """Digest of the lists: they decide as a model does."""
        files = [*self.leandojo, *map(str, _pisa_files(self.pisa))] if self.pisa else self.leandojo
        digest = hashlib.sha256()
        for path in files:
            digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
        return digest.hexdigest()

    def judge(self, document: Document) -> Decision:
        """Cuts, and says how many were cut; sets the document's ``text``."""
        language = _LANGUAGES.get(document.programming_language)
        if language is None or not (self.pisa if language == "isabelle" else self.leandojo):
            return Decision.keep(self.name, "no_list")
        if self.edition == "published":
            return self._published(document, language)
        return self._ours(document, language)

    def _ours(self, document: Document, language: Language) -> Decision:
        problems, finder = _finder(self.pisa, self.leandojo, language)
        module = PurePosixPath(document.path).stem
        found = [
            FoundProblem(
                match.edition,
                problems[match.problem].problem_set,
                problems[match.problem].item,
                match.side,
                match.document_start,
                match.document_end,
                match.ngrams,
                None,
            )
            for match in finder.find(document.text, language, module)
        ]
        removed = _RULE.apply(document.text, found)
        document.text = removed.text or document.text
        decision = removed.decision
        return Decision(self.name, decision.verdict, decision.reason, detail=decision.detail[:500])

    def _published(self, document: Document, language: Language) -> Decision:
        queries = (
            _pisa_queries(self.pisa)
            if language == "isabelle"
            else _leandojo_queries(self.leandojo, document.path)
        )
        text, cut = document.text, []
        for alternatives in queries:
            for query in alternatives:
                start = text.find(query)
                if start >= 0:
                    end = text.find("\n\n", start)
                    text = text[:start] + (text[end:] if end >= 0 else "")
                    cut.append(query.strip())
                    break
        document.text = text
        return Decision.keep(self.name, "cut" if cut else "pass", detail="; ".join(cut)[:500])


_RULE = RemovalRule(policy="cut", editions=("name", "statement"))


@functools.cache
def _finder(
    pisa: str, leandojo: tuple[str, ...], language: Language
) -> tuple[Sequence[Problem], FormalFinder]:
    problems = [
        Problem("pisa", statement.partition(":")[0], formal=statement, language="isabelle")
        for statement in (_pisa(pisa) if pisa and language == "isabelle" else ())
    ]
    if language == "lean":
        problems += [
            Problem("leandojo", row["full_name"], language="lean", names=(row["full_name"],))
            for path in leandojo
            for row in _leandojo(path)
        ]
    return problems, FormalFinder(problems)


def _pisa_files(folder: str) -> list[Path]:
    files = sorted(Path(folder).rglob("*.json"))
    if not files:
        raise ValueError(f"held_out.pisa: no JSON files in {folder}")
    return files


@functools.cache
def _pisa(folder: str) -> Sequence[str]:
    """Statements of PISA's theorems: each file is ``[[theory's path, statement]]``."""
    return [str(json.loads(path.read_text("utf-8"))[0][1]) for path in _pisa_files(folder)]


@functools.cache
def _leandojo(path: str) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = json.loads(Path(path).read_text("utf-8"))
    return rows


@functools.cache
def _pisa_queries(folder: str) -> Sequence[Sequence[str]]:
    """What precedes a statement's first colon, with it; without a colon, what never matches."""
    return [(name,) for name in sorted({f"{s.split(':')[0]}:" for s in _pisa(folder)})]


def _leandojo_queries(paths: Sequence[str], path: str) -> Iterator[Sequence[str]]:
    """For each file with a theorem its last one, by ends of its name: never the whole of it."""
    for file, name in _leandojo_by_file(tuple(paths)).items():
        if file not in path:
            continue
        parts = name.split(".")
        for keyword in ("theorem ", "lemma "):
            yield [f"{keyword}{'.'.join(parts[-end:])} " for end in range(1, len(parts))]


@functools.cache
def _leandojo_by_file(paths: tuple[str, ...]) -> Mapping[str, str]:
    return {row["file_path"]: row["full_name"] for path in paths for row in _leandojo(path)}
