"""A corpus without the problems that a report found in it; one file is one element."""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, cast

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from filters.overlap.removal import FoundProblem, RemovalRule, Removed
from pipelines.engine import Engine
from pipelines.errors import ConservationError, InputError, OtherRun
from pipelines.overlap.corpus import CorpusFile, digest_of, identity_of, json_lines, value_of
from pipelines.overlap.parts import overlaps_path
from pipelines.overlap.phase import DisplayMode, finish_phase
from pipelines.overlap.report import Report, read_report
from pipelines.parquet import GROUP_ROWS, RowWriter, open_writer, row_writer
from pipelines.plan import code_digest
from pipelines.progress import ProgressWriter, Tally
from pipelines.run_directory import RunDirectory, write_atomically
from schemas import Decision
from schemas.overlap import REMOVALS
from schemas.tables import DECISIONS

__all__ = ["Removal", "RemoveOverlaps", "clean_file"]

MANIFEST_VERSION = 1


class RemoveOverlaps(beam.PTransform):
    """Numbers of files to the numbers of the written ones.

    Args:
        root: The folder of the new corpus, which holds its plan.
    """

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def expand(self, files: beam.PCollection) -> beam.PCollection:
        """Reads and writes each file once."""
        return files | "Remove problems" >> beam.ParDo(_CleanFile(self._root))


@beam.typehints.with_input_types(int)
@beam.typehints.with_output_types(int)
class _CleanFile(beam.DoFn):
    def __init__(self, root: str) -> None:
        self._root = root

    def process(self, element: int) -> Iterator[int]:
        found, rule = _plan_of(self._root)
        run = RunDirectory(Path(self._root))
        try:
            clean_file(run, found, rule, element)
        except InputError as error:
            run.write_json(run.failure(element, "remove"), str(error))
            return
        yield element


@functools.lru_cache(maxsize=1)
def _plan_of(root: str) -> tuple[Report, RemovalRule]:
    run = RunDirectory(Path(root))
    plan = run.read_json(run.plan)
    rule = plan["rule"]
    return read_report(Path(plan["report"])), RemovalRule(
        **{**rule, "editions": tuple(rule["editions"])}
    )


class Removal:
    """Writes a report's corpus without its problems.

    Args:
        report: The report.
        rule: What is done about a problem.
        output: The folder.
        engine: What runs it.
        display: How progress is shown.
    """

    def __init__(
        self,
        report: Report,
        rule: RemovalRule,
        output: Path,
        engine: Engine,
        *,
        display: DisplayMode = "live",
    ) -> None:
        self._report = report
        self._rule = rule
        self._run = RunDirectory(output.resolve())
        self._engine = engine
        self._display = display

    def execute(self) -> dict[str, Any]:
        """Writes what isn't written yet; returns the manifest.

        Raises:
            OtherRun, RunLocked: The folder holds something else, or is in use.
            InputFilesFailed: Files have changed since the report.
            EngineFailed, ConservationError, OSError: The same call goes on.
        """
        run = self._run
        if any(Path(f.path).is_relative_to(run.root) for f in self._report.plan.corpus):
            raise InputError(f"{run.root} holds the corpus itself; choose another folder")
        with run.locked():
            self._prepare()
            corpus = self._report.plan.corpus
            markers = finish_phase(
                "remove", [f.size for f in corpus], run, self._engine, RemoveOverlaps, self._display
            )
            manifest = self._manifest(markers)
            run.write_json(run.manifest, manifest)
            return manifest

    def _prepare(self) -> None:
        run = self._run
        plan = {
            "report": str(self._report.root.resolve()),
            "rule": asdict(self._rule),
            "report_fingerprint": self._report.content["fingerprint"],
            "code": code_digest(),
        }
        text = json.dumps({**plan, "report": ""}, sort_keys=True)
        plan["fingerprint"] = hashlib.sha256(text.encode()).hexdigest()
        before = run.read_json(run.plan)
        if before is not None and before["fingerprint"] != plan["fingerprint"]:
            raise OtherRun(f"{run.root} holds another corpus; choose another folder")
        if before is None and run.root.exists() and (run.root / "documents").exists():
            raise OtherRun(f"{run.root} holds a corpus already; choose another folder")
        run.work.mkdir(parents=True, exist_ok=True)
        run.remove_stale()
        run.write_json(run.plan, plan)
        _plan_of.cache_clear()

    def _manifest(self, markers: Sequence[dict[str, Any]]) -> dict[str, Any]:
        counts: Counter[str] = Counter()
        files = []
        for entry, marker in zip(self._report.content["corpus"], markers, strict=True):
            if marker["counts"]["documents"] != entry["documents"]:
                raise ConservationError(
                    f"{entry['name']} had {entry['documents']} rows in the report, now "
                    f"{marker['counts']['documents']}"
                )
            counts.update(marker["counts"])
            files += marker["files"]
        if counts["documents"] != counts["kept"] + counts["cut"] + counts["dropped"]:
            raise ConservationError(f"documents went missing: {dict(counts)}")
        names = ("documents", "kept", "cut", "dropped", "stretches")
        return {
            "manifest_version": MANIFEST_VERSION,
            "report": {"fingerprint": self._report.content["fingerprint"]},
            "rule": asdict(self._rule),
            "problem_sets": self._report.content["problem_sets"],
            "counts": {name: counts[name] for name in names},
            "files": sorted(files, key=lambda file: str(file["path"])),
        }


def clean_file(run: RunDirectory, report: Report, rule: RemovalRule, number: int) -> dict[str, Any]:
    """Writes one file of the corpus anew and commits it with its marker.

    Args:
        run: Where the files go.
        report: The report.
        rule: What is done about a problem.
        number: The file's number in the report.

    Returns:
        The marker, as it was written.

    Raises:
        InputError: The file has changed since the report, or its text can't be changed in place.
        ConservationError: The report found something in rows that the file doesn't have.
    """
    file = report.plan.corpus[number]
    if digest_of(Path(file.path)) != report.content["corpus"][number]["xxh3_128"]:
        raise InputError(f"{file.path} has changed since the report; make the report again")
    path = run.root / "documents" / file.name
    removals = run.root / "removals" / f"{number:06d}.parquet"
    removals.unlink(missing_ok=True)
    progress = ProgressWriter(run.progress, number)
    with ExitStack() as stack:
        temporary = stack.enter_context(write_atomically(path))
        writer = stack.enter_context(row_writer(removals, REMOVALS, _removals))
        cleaner = _Cleaner(file, report, rule, _problems_by_row(report, number), writer)
        if file.is_parquet:
            cleaner.write_parquet(temporary)
        else:
            cleaner.write_json_lines(temporary)
    cleaner.assert_all_seen()
    counts = cleaner.counts
    written = [run.written(path, counts["kept"] + counts["cut"])]
    if writer.rows:
        written.append(run.written(removals, writer.rows))
    marker = {
        "file": asdict(file),
        "counts": {**dict.fromkeys(("documents", "kept", "cut", "dropped"), 0), **counts},
        "files": [asdict(entry) for entry in written],
    }
    run.write_json(run.marker("remove", number), marker)
    tally = Tally(file.size, counts["documents"], counts["kept"] + counts["cut"])
    tally.drops["overlap", "test_problem"] = counts["dropped"]
    progress.report(tally, done=True)
    return marker


def _problems_by_row(report: Report, number: int) -> dict[int, list[FoundProblem]]:
    path = overlaps_path(RunDirectory(report.root), number)
    found: dict[int, list[FoundProblem]] = {}
    if path.exists():
        for row in pq.read_table(path).to_pylist():
            found.setdefault(row["row"], []).append(
                FoundProblem(
                    row["edition"],
                    row["problem_set"],
                    row["item"],
                    row["side"],
                    row["document_start"],
                    row["document_end"],
                    row["ngrams"],
                    row["lcs_ratio"],
                )
            )
    return found


class _Cleaner:
    """Decides on the rows of one file, in order."""

    def __init__(
        self,
        file: CorpusFile,
        report: Report,
        rule: RemovalRule,
        found: dict[int, list[FoundProblem]],
        removals: RowWriter[dict[str, Any]],
    ) -> None:
        self._file = file
        self._columns = report.plan.columns
        self._rule = rule
        self._found = found
        self._removals = removals
        self.counts: Counter[str] = Counter()

    def assert_all_seen(self) -> None:
        """Every row that the report names has come by."""
        if self._found:
            raise ConservationError(f"{self._file.name} has no rows {sorted(self._found)[:5]}")

    def write_parquet(self, path: Path) -> None:
        with pq.ParquetFile(self._file.path) as source:
            schema = source.schema_arrow
            with open_writer(path, schema) as sink:
                for batch in source.iter_batches(batch_size=GROUP_ROWS):
                    table = pa.Table.from_batches([batch], schema)
                    sink.write_table(self._cleaned(table), row_group_size=GROUP_ROWS)

    def write_json_lines(self, path: Path) -> None:
        with _packed(path, self._file.path) as sink:
            for line in json_lines(self._file.path):
                if self.counts["documents"] not in self._found:
                    self._removed("", None)
                    sink.write(line if line.endswith(b"\n") else line + b"\n")
                    continue
                record = json.loads(line)
                removed = self._removed(value_of(record, self._columns.text), record)
                if not removed.decision.keeps:
                    continue
                if removed.cuts:
                    _set_value(record, self._columns.text, removed.text)
                    line = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
                sink.write(line if line.endswith(b"\n") else line + b"\n")

    def _cleaned(self, table: pa.Table) -> pa.Table:
        """The rows that stay, cut ones with their new text, with the decision if they carry any."""
        name = self._columns.text
        first = self.counts["documents"]
        touched = [n for n in range(table.num_rows) if first + n in self._found]
        records = table.take(touched).to_pylist() if touched else []
        removed: dict[int, Removed] = {}
        chosen = iter(records)
        for number in range(table.num_rows):
            record = next(chosen) if first + number in self._found else None
            text = value_of(record, name) if record is not None else ""
            removed[number] = self._removed(text, record)
        if any(item.cuts for item in removed.values()):
            if name not in table.column_names:
                raise InputError(f"{self._file.path}: {name} is inside a column, and can't be cut")
            texts = table.column(name).to_pylist()
            for number, item in removed.items():
                texts[number] = item.text if item.cuts else texts[number]
            table = _replaced(table, name, texts)
        if "decisions" in table.column_names and table.schema.field("decisions").type == DECISIONS:
            lists = table.column("decisions").to_pylist()
            for number, item in removed.items():
                lists[number].append(_plain(item.decision))
            table = _replaced(table, "decisions", lists)
        return table.filter(pa.array([r.decision.keeps for r in removed.values()], pa.bool_()))

    def _removed(self, text: str, record: Any) -> Removed:
        """Decides on the next row, and puts on record what becomes of it."""
        row = self.counts["documents"]
        found = self._found.pop(row, [])
        self.counts["documents"] += 1
        self.counts["stretches"] += len(found)
        removed = self._rule.apply(text, found)
        decision = removed.decision
        outcome = "dropped" if not decision.keeps else "cut" if removed.cuts else "kept"
        self.counts[outcome] += 1
        if outcome != "kept":
            self._removals.add(
                {
                    "file": self._file.name,
                    "row": row,
                    "document_id": identity_of(record, row, self._file, self._columns),
                    "verdict": str(decision.verdict),
                    "reason": decision.reason,
                    "detail": decision.detail,
                    "characters_before": len(text),
                    "characters_after": len(removed.text),
                    "cuts": [{"start": start, "end": end} for start, end in removed.cuts],
                }
            )
        return removed


def _plain(decision: Decision) -> dict[str, Any]:
    return {**asdict(decision), "verdict": str(decision.verdict)}


def _replaced(table: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    index = table.schema.get_field_index(name)
    field = table.schema.field(index)
    changed: pa.Table = table.set_column(index, field, pa.array(values, field.type))
    return changed


def _removals(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=REMOVALS)


def _set_value(record: Any, name: str, value: str) -> None:
    *heads, last = name.split(".")
    for head in heads:
        record = record[head]
    record[last] = value


@contextmanager
def _packed(path: Path, like: str) -> Iterator[IO[bytes]]:
    """A file packed as another one is, by its suffix; the same lines are the same bytes."""
    with path.open("wb") as file:
        if like.endswith(".gz"):
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                yield cast(IO[bytes], packed)
        elif like.endswith(".zst"):
            with zstandard.ZstdCompressor(3).stream_writer(file, closefd=False) as packed:
                yield cast(IO[bytes], packed)
        else:
            yield file
