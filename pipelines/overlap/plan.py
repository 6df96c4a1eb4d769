"""What a search for overlap will do, fixed before it starts."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from filters.overlap import Edition, OverlapFinder, Problem
from filters.overlap.formal import FormalFinder
from pipelines.overlap.corpus import Columns, CorpusFile
from pipelines.overlap.parts import CorpusPart
from pipelines.overlap.problem_sets import ProblemSet, problems_of
from pipelines.overlap.shared_index import mapped_index
from pipelines.plan import code_digest
from pipelines.run_directory import RunDirectory

__all__ = ["OverlapPlan", "Searcher", "make_plan", "problems_path", "searcher_of"]


@dataclass(frozen=True, slots=True)
class OverlapPlan:
    """A search; equal fingerprints give equal bytes.

    Attributes:
        corpus: The files, in order; a file's number is its place here.
        columns: What their columns are called.
        sets: What is known of each problem set.
        editions: The editions.
        verify: Whether common subsequences are measured.
        code: Version and digest of this package's code.
    """

    corpus: list[CorpusFile]
    columns: Columns
    sets: list[dict[str, Any]]
    editions: list[Edition]
    verify: bool
    code: dict[str, str]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides the output's bytes."""
        decisive = self.to_json()
        decisive["corpus"] = [(file.name, file.size) for file in self.corpus]
        decisive["sets"] = [{**item, "path": ""} for item in self.sets]
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """From what ``to_json`` gave."""
        return cls(
            [CorpusFile(**file) for file in content["corpus"]],
            Columns(**content["columns"]),
            content["sets"],
            [Edition(**edition) for edition in content["editions"]],
            content["verify"],
            content["code"],
        )


def make_plan(
    corpus: Sequence[CorpusFile],
    columns: Columns,
    sets: Sequence[ProblemSet],
    editions: Sequence[Edition],
    *,
    verify: bool,
) -> OverlapPlan:
    """The plan of a search."""
    known = [
        {
            "name": item.name,
            "kind": item.kind,
            "title": item.about.title,
            "source": item.about.source,
            "licence": item.about.licence,
            "path": item.path,
            "sha256": item.sha256,
            "problems": len(item.problems),
        }
        for item in sets
    ]
    code = {"version": metadata.version("proofmill"), "sha256": code_digest()}
    return OverlapPlan(list(corpus), columns, known, list(editions), verify, code)


@dataclass(frozen=True, slots=True)
class Searcher:
    """What a worker process needs to search files, made once.

    Attributes:
        plan: The plan.
        parts: The parts of the corpus that are searched one by one.
        problems: The problems of all sets.
        finder: Finds n-grams.
        formal: Finds formal statements.
    """

    plan: OverlapPlan
    parts: list[CorpusPart]
    problems: list[Problem]
    finder: OverlapFinder
    formal: FormalFinder


@functools.lru_cache(maxsize=1)
def searcher_of(root: str) -> Searcher:
    """The searcher of the search in a folder, made once a process."""
    run = RunDirectory(Path(root))
    content = run.read_json(run.plan)
    plan = OverlapPlan.from_json(content["plan"])
    parts = [CorpusPart(**part) for part in content["parts"]]
    problems = problems_of(pq.read_table(problems_path(run)))
    pa.default_memory_pool().release_unused()
    finder = OverlapFinder.from_arrays(mapped_index(run), plan.editions, verify=plan.verify)
    return Searcher(plan, parts, problems, finder, FormalFinder(problems))


def problems_path(run: RunDirectory) -> Path:
    """The problems as they were read, of schema ``PROBLEMS``."""
    return run.root / "problem_texts.parquet"
