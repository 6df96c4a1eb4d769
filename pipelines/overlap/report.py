"""An overlap report from beginning to end: search, counts, page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from filters.overlap import Edition, OverlapFinder
from pipelines.engine import Engine
from pipelines.errors import ConservationError, NotARun, OtherRun
from pipelines.overlap.corpus import Columns, CorpusFile, check_columns
from pipelines.overlap.counts import document_counts, problem_counts, set_counts
from pipelines.overlap.page import write_page
from pipelines.overlap.parts import joined_markers, overlaps_path, parts_of
from pipelines.overlap.phase import DisplayMode, finish_phase
from pipelines.overlap.plan import OverlapPlan, Searcher, make_plan, problems_path, searcher_of
from pipelines.overlap.problem_sets import ProblemSet, problems_table
from pipelines.overlap.search import FindOverlaps
from pipelines.overlap.shared_index import write_index
from pipelines.parquet import write_table
from pipelines.progress import Tally
from pipelines.run_directory import RunDirectory

__all__ = ["REPORT_VERSION", "OverlapReport", "Report", "read_report"]

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report.

    Attributes:
        root: Its folder.
        plan: What was searched for, and where.
        content: ``report.json``.
    """

    root: Path
    plan: OverlapPlan
    content: dict[str, Any]

    def overlaps(self) -> Iterator[tuple[int, pa.Table]]:
        """The stretches of each file that has some, with the file's number."""
        run = RunDirectory(self.root)
        for number in range(len(self.plan.corpus)):
            if overlaps_path(run, number).exists():
                yield number, pq.read_table(overlaps_path(run, number))


def read_report(root: Path) -> Report:
    """Reads a finished report.

    Raises:
        NotARun: There is none.
    """
    run = RunDirectory(root)
    content = run.read_json(run.root / "report.json")
    if content is None:
        raise NotARun(f"{root} has no report.json: no overlap report, or one that isn't finished")
    return Report(root, OverlapPlan.from_json(run.read_json(run.plan)["plan"]), content)


class OverlapReport:
    """One search of a corpus for problem sets, into a folder.

    Args:
        corpus: The files.
        columns: What their columns are called.
        sets: The problem sets.
        editions: The editions.
        output: The folder.
        engine: What runs the search.
        verify: Whether common subsequences are measured.
        display: How progress is shown.
        fresh: Whether to clear what an earlier search left, instead of resuming it.
    """

    def __init__(
        self,
        corpus: Sequence[CorpusFile],
        columns: Columns,
        sets: Sequence[ProblemSet],
        editions: Sequence[Edition],
        output: Path,
        engine: Engine,
        *,
        verify: bool = False,
        display: DisplayMode = "live",
        fresh: bool = False,
    ) -> None:
        self._plan = make_plan(corpus, columns, sets, editions, verify=verify)
        self._sets = sets
        self._run = RunDirectory(output.resolve())
        self._engine = engine
        self._display = display
        self._fresh = fresh

    def execute(self) -> Report:
        """Searches what isn't searched yet, and writes the report.

        Raises:
            InputError: A file of the corpus has no column of the text's name.
            OtherRun, RunLocked: The folder is another search's, or in use.
            InputFilesFailed, EngineFailed, ConservationError, OSError: The search can be resumed.
        """
        run = self._run
        check_columns(self._plan.corpus, self._plan.columns)
        with run.locked():
            self._prepare()
            parts = self._searcher.parts
            sizes = [part.size for part in parts]
            markers = finish_phase("search", sizes, run, self._engine, FindOverlaps, self._display)
            content = self._content(joined_markers(run, self._plan.corpus, parts, markers))
            run.write_json(run.root / "report.json", content)
            report = Report(run.root, self._plan, content)
            write_page(report.root / "index.html", content, report.overlaps(), self._searcher)
            return report

    @property
    def _searcher(self) -> Searcher:
        return searcher_of(str(self._run.root))

    def _prepare(self) -> None:
        run = self._run
        before = run.read_json(run.plan)
        if self._fresh and before is not None:
            for folder in (run.work, run.root / "overlaps"):
                shutil.rmtree(folder, ignore_errors=True)
            (run.root / "report.json").unlink(missing_ok=True)
            before = None
        if before is not None and before["fingerprint"] != self._plan.fingerprint:
            raise OtherRun(
                f"{run.root} holds a report on another corpus, other problems or settings, or of "
                "other code: choose another folder, or --fresh to delete what is there"
            )
        run.work.mkdir(parents=True, exist_ok=True)
        run.remove_stale()
        write_table(problems_path(run), problems_table(self._sets))
        problems = [problem for item in self._sets for problem in item.problems]
        write_index(run, OverlapFinder(problems, self._plan.editions).arrays())
        if before is None:
            parts = [asdict(part) for part in parts_of(self._plan.corpus)]
        else:
            # The markers that there are count these.
            parts = before["parts"]
        plan = {"fingerprint": self._plan.fingerprint, "plan": self._plan.to_json()}
        run.write_json(run.plan, {**plan, "parts": parts})
        searcher_of.cache_clear()

    def _content(self, markers: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """``report.json``, and the tables of problems and documents beside it."""
        run = self._run
        tally = Tally()
        for marker in markers:
            tally.add(marker["tally"])
        _assert_conserved(self._plan.corpus, markers, tally)
        found = [run.root / entry["path"] for marker in markers for entry in marker["overlaps"]]
        problems = problem_counts(found, self._searcher)
        written = [entry for marker in markers for entry in marker["overlaps"]]
        for name, table in (("problems", problems), ("documents", document_counts(found))):
            path = run.root / f"{name}.parquet"
            write_table(path, table)
            written.append(asdict(run.written(path, table.num_rows)))
        plan = self._plan.to_json()
        return {
            "report_version": REPORT_VERSION,
            "fingerprint": self._plan.fingerprint,
            "code": plan["code"],
            "problem_sets": plan["sets"],
            "editions": plan["editions"],
            "verify": plan["verify"],
            "columns": plan["columns"],
            "corpus": [
                {
                    **marker["file"],
                    "xxh3_128": marker["xxh3_128"],
                    "documents": marker["tally"]["records"],
                    "unread": marker["unread"],
                }
                for marker in markers
            ],
            "counts": {
                "documents": tally.records,
                "without_problems": tally.kept,
                "with_problems": tally.drops["overlap", "problem_found"],
                "unread": sum(n for (stage, _), n in tally.drops.items() if stage == "read"),
                "stretches": sum(file["rows"] for m in markers for file in m["overlaps"]),
                "characters": sum(marker["characters"] for marker in markers),
            },
            "overlap": set_counts(problems, found),
            "files": sorted(written, key=lambda file: file["path"]),
        }


def _assert_conserved(
    corpus: Sequence[CorpusFile], markers: Sequence[dict[str, Any]], tally: Tally
) -> None:
    """Every row is without problems, with some, or on record as one that can't be read."""
    if tally.records != tally.kept + tally.drops.total():
        raise ConservationError(
            f"{tally.records} rows were read, {tally.kept + tally.drops.total()} judged"
        )
    for file, marker in zip(corpus, markers, strict=True):
        read = marker["tally"]["records"]
        if file.is_parquet and (rows := pq.read_metadata(file.path).num_rows) != read:
            raise ConservationError(f"{file.name} has {rows} rows, {read} were read")
