"""A packing run: from document Parquet to a folder that trainers read.

Phases, each resumed at its last finished task: digest the inputs, tokenize parts, merge them into
one stream a source, arrange documents into sequences, write formats and side tables, digest what
was written.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
import structlog

from packing.corpus import PackedCorpus, PackedFolder, SourceEntry
from packing.formats.litdata import litdata_index
from packing.formats.mds import mds_index
from packing.mixture import integer_weights
from packing.pool import Pool, Task, read_marker, worker_count
from packing.recipe import PackingRecipe
from packing.sequences import SequenceLayout
from packing.sources import SourceFile, SourcePart, cut_into_parts
from packing.stages import (
    MIXED,
    ArrangeSource,
    DigestInput,
    DigestOutput,
    IndexStream,
    MergeSource,
    RowFormat,
    TokenizePart,
    TokenizerChoice,
    WriteRows,
)
from packing.statistics import packing_statistics
from packing.stream import stream_dtype
from packing.tokenizers import Tokenizer
from pipelines.deduplication.progress import PhaseDisplay
from pipelines.errors import InputError, OtherRun
from pipelines.plan import code_versions
from pipelines.progress import Display, Tally
from pipelines.run_directory import RunDirectory

__all__ = ["MANIFEST_KIND", "OUTPUTS", "PackingOutcome", "PackingRun"]

MANIFEST_KIND: Final = "packing"
_MANIFEST_VERSION: Final = 1
# Raised whenever the same input gives other shards, so that earlier ones aren't taken for them.
_SHARD_VERSION: Final = 1

# Folders and files of the result.
OUTPUTS: Final = (
    "tokens",
    "index",
    "documents",
    "skipped",
    "provenance",
    "megatron",
    "raw",
    "parquet",
    "mds",
    "litdata",
)
_SINGLE: Final = ("packed.json", "mixture.json", "statistics.json")

# Bytes of tokens of one file of packed rows, as MosaicML Streaming's writer has it by default.
_FILE_BYTES: Final = 1 << 26
# Bytes of input below which one process is done before others have started.
_PARALLEL_BYTES: Final = 32 << 20
# Rows of one file of the provenance's table.
_PROVENANCE_ROWS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class PackingOutcome:
    """What a run left.

    Attributes:
        manifest: The manifest's content.
        already_complete: True when there was nothing left to do.
    """

    manifest: dict[str, Any]
    already_complete: bool


class PackingRun:
    """One packing of some documents into a folder.

    Args:
        recipe: How.
        tokenizer: With which tokenizer.
        files: The documents.
        output: The folder.
        shards: Where shards of tokens are kept for other packings of the same documents; in the
            folder itself, and removed at the end, when None.
        workers: Worker processes; 0 for one a core.
        display: How progress is shown.
        fresh: Whether to clear what an earlier start left, instead of resuming it.
        keep_work: Whether intermediate files stay.
        command: The command line, for the manifest.
    """

    def __init__(
        self,
        recipe: PackingRecipe,
        tokenizer: TokenizerChoice,
        files: Sequence[SourceFile],
        output: Path,
        *,
        shards: Path | None = None,
        workers: int = 0,
        display: Literal["live", "json", "quiet"] = "live",
        fresh: bool = False,
        keep_work: bool = False,
        command: str = "",
    ) -> None:
        self._recipe = recipe
        self._choice = tokenizer
        self._files = list(files)
        self._directory = RunDirectory(output.resolve())
        self._folder = PackedFolder(output.resolve())
        self._shards = shards.resolve() if shards else self._directory.work / "shards"
        size = sum(file.file.size for file in self._files)
        # Starting processes costs more than they save on little input.
        self._pool = Pool(1 if not workers and size < _PARALLEL_BYTES else worker_count(workers))
        self._display = display
        self._fresh = fresh
        self._keep_work = keep_work
        self._command = command
        self._log = structlog.get_logger().bind(run=str(output))

    def execute(self) -> PackingOutcome:
        """Does what isn't done yet.

        Raises:
            InputError: The documents can't be packed so.
            RecipeError: The tokenizer lacks a token that the recipe names.
            OtherRun, RunLocked: The folder is another run's, or in use.
            EngineFailed, OSError: The run can be resumed.
        """
        tokenizer = self._choice.load()
        layout = self._recipe.layout(tokenizer)
        weights = self._weights()
        with self._directory.locked(), self._pool:
            if self._fresh:
                self._clear()
            started = time.monotonic()
            digests = self._digest_inputs()
            fingerprint = self._fingerprint(tokenizer, digests)
            finished = self._begun(fingerprint)
            if finished is not None:
                self._clean()
                return PackingOutcome(finished, True)
            self._log.info("run started", files=len(self._files))
            dtype = stream_dtype(tokenizer.dtype)
            tokenized = self._tokenize(tokenizer, digests)
            streams = self._merge(tokenized, layout, tokenizer.dtype.str, dtype)
            arranged = self._arrange(streams, layout)
            if weights is None:
                weights = self._by_epochs(arranged)
            entries = _entries(streams, arranged, weights)
            self._describe(layout, dtype, tokenizer.vocab_size, entries)
            corpus = PackedCorpus(self._folder.root)
            self._write_formats(corpus)
            statistics = packing_statistics(
                self._recipe, layout, _summaries(tokenized), streams, arranged
            )
            self._directory.write_json(self._folder.statistics, statistics)
            manifest = self._finish(
                fingerprint, tokenizer, digests, statistics, time.monotonic() - started
            )
            self._log.info("run finished", **statistics["total"])
            return PackingOutcome(manifest, False)

    # ---- plan -----------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        names = {name for file in self._files for name in file.subsets or (file.file.subset,)}
        if MIXED in names:
            raise InputError(f"no source can be called {MIXED!r}: name it with SOURCE=PATH")
        return sorted(names)

    def _weights(self) -> dict[str, int] | None:
        """Whole-number weights of the sources; None when epochs decide."""
        names = self._names()
        if not self._recipe.weights:
            self._check_epochs(names)
            return None
        known = {name: w for name, w in self._recipe.weights.items() if name in names}
        missing = [name for name in names if name not in known]
        if missing:
            raise InputError(
                f"the recipe {self._recipe.name!r} gives no weight to {', '.join(missing)} (it has "
                f"{', '.join(self._recipe.weights)}): name sources with SOURCE=PATH, or give "
                f"--weight {missing[0]}=N, 0 to leave it out of training"
            )
        weights = integer_weights(known)
        if not any(weights.values()):
            raise InputError("every source has weight 0: nothing would be trained on")
        return weights

    def _check_epochs(self, names: Sequence[str]) -> None:
        epochs = self._recipe.epochs
        if epochs and "*" not in epochs and not set(names) <= set(epochs):
            missing = ", ".join(sorted(set(names) - set(epochs)))
            raise InputError(
                f"no epochs for {missing}: give --epochs SOURCE=N, or N for all others"
            )
        if epochs and not any(Decimal(str(epochs.get(n, epochs.get("*", 0)))) for n in names):
            raise InputError("every source has 0 epochs: nothing would be trained on")

    def _by_epochs(self, arranged: dict[str, dict[str, Any]]) -> dict[str, int]:
        """How many sequences of each source a training takes, once through it by default."""
        epochs = self._recipe.epochs or {"*": 1}
        return {
            name: round(Decimal(str(epochs.get(name, epochs.get("*", 0)))) * found["sequences"])
            for name, found in arranged.items()
        }

    def _fingerprint(self, tokenizer: Tokenizer, digests: dict[str, str]) -> dict[str, Any]:
        decisive = {
            "recipe": self._recipe.model_dump(mode="json"),
            "tokenizer": tokenizer.description,
            "code": code_versions(("schemas", "packing")),
            "inputs": [
                [file.file.subset, file.file.name, digests[file.file.path]] for file in self._files
            ],
        }
        digest = hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
        return {**decisive, "fingerprint": digest}

    def _begun(self, fingerprint: dict[str, Any]) -> dict[str, Any] | None:
        """The manifest, when there is nothing left to do."""
        directory = self._directory
        before = directory.read_json(directory.plan)
        if before is not None and before.get("fingerprint") != fingerprint["fingerprint"]:
            changed = [key for key in fingerprint if before.get(key) != fingerprint[key]]
            changed.remove("fingerprint")
            raise OtherRun(
                f"{directory.root} holds a packing with other {', '.join(changed) or 'contents'}: "
                "choose another folder, or --fresh to delete what is there"
            )
        directory.remove_stale()
        directory.write_json(directory.plan, fingerprint)
        manifest: dict[str, Any] | None = directory.read_json(directory.manifest)
        return manifest

    def _clear(self) -> None:
        root = self._directory.root
        for name in (*OUTPUTS, "work"):
            shutil.rmtree(root / name, ignore_errors=True)
        for name in (*_SINGLE, "plan.json", "manifest.json"):
            (root / name).unlink(missing_ok=True)

    # ---- phases ---------------------------------------------------------------------------------

    def _phase(self, label: str, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        if any(not task.marker.exists() for task in tasks):
            with PhaseDisplay(label, self._display, [task.marker for task in tasks]):
                self._pool.run(tasks)
        return [read_marker(task) for task in tasks]

    def _marker(self, phase: str, name: str) -> Path:
        return self._directory.work / phase / f"{name}.json"

    def _digest_inputs(self) -> dict[str, str]:
        """Digests by path; a file that was digested before and hasn't changed isn't read again."""
        tasks = {}
        for file in self._files:
            stat = Path(file.file.path).stat()
            known = f"{file.file.path}\0{stat.st_size}\0{stat.st_mtime_ns}"
            name = hashlib.sha256(known.encode()).hexdigest()[:32]
            tasks[file.file.path] = DigestInput(file.file.path, self._marker("inputs", name))
        read = self._phase("Read inputs", list(tasks.values()))
        return {path: found["xxh3_128"] for path, found in zip(tasks, read, strict=True)}

    def _tokenize(self, tokenizer: Tokenizer, digests: dict[str, str]) -> list[TokenizePart]:
        decisive = {
            "version": _SHARD_VERSION,
            "tokenizer": tokenizer.fingerprint,
            "columns": asdict(self._recipe.columns),
        }
        tasks = [
            TokenizePart(
                number,
                part,
                Path(part.part.file.path).stat().st_mtime_ns,
                part.key(digests[part.part.file.path], decisive),
                self._shards,
                self._recipe.columns,
                self._choice,
                self._directory.progress,
                _part_bytes(part),
            )
            for number, part in enumerate(cut_into_parts(self._files))
        ]
        todo = [task for task in tasks if not task.marker.exists()]
        if todo:
            self._directory.progress.unlink(missing_ok=True)
            before = _tally([task for task in tasks if task.marker.exists()])
            with Display(
                "Tokenize",
                sum(task.size for task in tasks),
                self._directory.progress,
                before=before,
                mode=self._display,
            ):
                self._pool.run(tasks)
        return tasks

    def _merge(
        self, parts: Sequence[TokenizePart], layout: SequenceLayout, shard_dtype: str, dtype: str
    ) -> dict[str, dict[str, Any]]:
        by_source: dict[str, list[TokenizePart]] = {name: [] for name in self._names()}
        for task in parts:
            by_source[task.part.source].append(task)
        tasks = [
            MergeSource(
                source,
                tuple(task.paths for task in tasks),
                self._directory.root,
                shard_dtype,
                dtype,
                layout,
                self._marker("merge", source),
            )
            for source, tasks in by_source.items()
        ]
        return dict(zip(by_source, self._phase("Merge tokens", tasks), strict=True))

    def _arrange(
        self, streams: dict[str, dict[str, Any]], layout: SequenceLayout
    ) -> dict[str, dict[str, Any]]:
        tasks = [
            ArrangeSource(
                source,
                self._directory.root,
                tuple(name for name, _ in stream["tables"]),
                self._recipe,
                layout,
                self._marker("arrange", source),
            )
            for source, stream in streams.items()
        ]
        return dict(zip(streams, self._phase("Arrange sequences", tasks), strict=True))

    def _describe(
        self, layout: SequenceLayout, dtype: str, vocab_size: int, entries: Sequence[SourceEntry]
    ) -> None:
        """Writes ``packed.json`` and ``mixture.json``."""
        if not any(entry.sequences and entry.weight for entry in entries):
            raise InputError(
                "nothing to pack: no document has tokens, or all are shorter than a row"
            )
        empty = [entry.name for entry in entries if entry.weight and not entry.sequences]
        if empty:
            raise InputError(
                f"{', '.join(empty)} has weight but no sequence: leave it out, or --weight "
                f"{empty[0]}=0"
            )
        description = PackedCorpus.description(
            layout, dtype, vocab_size, self._recipe.seed, 0, not self._recipe.weights, entries
        )
        self._directory.write_json(self._folder.description, description)
        corpus = PackedCorpus(self._folder.root)
        mixture = corpus.mixture()
        target = self._recipe.target_tokens
        if target:
            places = -(-target // layout.length)
        else:
            places = mixture.once if self._recipe.weights else sum(e.weight for e in entries)
        description["places"] = places
        self._directory.write_json(self._folder.description, description)
        account = mixture.account(places, [source.read_tokens() for source in corpus.sources])
        account["target_tokens"] = target
        account["absent"] = sorted(set(self._recipe.weights) - set(self._names()))
        self._directory.write_json(self._folder.mixture, account)

    def _write_formats(self, corpus: PackedCorpus) -> None:
        root = self._directory.root
        tasks: list[Task] = []
        rows: dict[tuple[RowFormat, str], list[WriteRows]] = {}
        by_source = [(entry.name, entry.sequences) for entry in corpus.entries]
        mixed = [(MIXED, corpus.places)] if self._recipe.order == "mixed" else by_source
        for name in self._recipe.formats:
            if name in ("megatron", "raw"):
                tasks += [
                    IndexStream(
                        entry.name, name, root, corpus.dtype, self._marker(name, entry.name)
                    )
                    for entry in corpus.entries
                ]
                continue
            kind = cast("RowFormat", name)
            for source, count in mixed:
                rows[kind, source] = self._row_tasks(kind, source, count, corpus)
        for source, count in by_source:
            rows["provenance", source] = self._row_tasks("provenance", source, count, corpus)
        tasks += [task for some in rows.values() for task in some]
        self._phase("Write formats", tasks)
        for (kind, source), written in rows.items():
            self._write_index(kind, source, written, corpus)

    def _row_tasks(
        self, kind: RowFormat, source: str, count: int, corpus: PackedCorpus
    ) -> list[WriteRows]:
        row_bytes = corpus.layout.row * np.dtype(corpus.dtype).itemsize
        each = _PROVENANCE_ROWS if kind == "provenance" else max(_FILE_BYTES // row_bytes, 1)
        shards = -(-count // each)
        return [
            WriteRows(
                kind,
                self._directory.root,
                source,
                shard * each,
                min(each, count - shard * each),
                shard,
                shards,
                self._marker(kind, f"{source}-{shard:05d}"),
            )
            for shard in range(shards)
        ]

    def _write_index(
        self, kind: RowFormat, source: str, written: Sequence[WriteRows], corpus: PackedCorpus
    ) -> None:
        """The file that lists a format's files, where it has one."""
        files = [
            (found["name"], found["bytes"], found["rows"]) for found in map(read_marker, written)
        ]
        index = self._folder.format(kind) / source / "index.json"
        if kind == "mds":
            prompts = corpus.has_prompts
            content = mds_index(files, corpus.layout, corpus.dtype, prompts=prompts)
            self._directory.write_json(index, content)
        elif kind == "litdata":
            self._directory.write_json(index, litdata_index(files, corpus.layout, corpus.dtype))

    # ---- end ------------------------------------------------------------------------------------

    def _finish(
        self,
        fingerprint: dict[str, Any],
        tokenizer: Tokenizer,
        digests: dict[str, str],
        statistics: dict[str, Any],
        seconds: float,
    ) -> dict[str, Any]:
        directory = self._directory
        manifest = {
            "manifest_version": _MANIFEST_VERSION,
            "kind": MANIFEST_KIND,
            **fingerprint,
            "inputs": [
                {
                    "source": file.file.subset,
                    "name": file.file.name,
                    "rows": file.file.rows,
                    "size": file.file.size,
                    "xxh3_128": digests[file.file.path],
                }
                for file in self._files
            ],
            "statistics": statistics,
            "mixture": directory.read_json(self._folder.mixture),
            "files": self._digested_files(),
            "run": {
                "command": self._command,
                "tokenizer": tokenizer.engine,
                "workers": self._pool.workers,
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(seconds, 2),
                # Where trails of documents are looked up by default.
                "origins": sorted({str(Path(file.origin).resolve()) for file in self._files}),
            },
        }
        directory.write_json(directory.manifest, manifest)
        self._clean()
        return manifest

    def _clean(self) -> None:
        if not self._keep_work:
            shutil.rmtree(self._directory.work, ignore_errors=True)

    def _digested_files(self) -> list[dict[str, Any]]:
        """Every file of the result with its digest; names of one file share one reading."""
        root = self._directory.root
        paths = [path for name in OUTPUTS for path in sorted((root / name).rglob("*"))]
        paths = [path for path in paths if path.is_file()] + [root / name for name in _SINGLE]
        tasks: dict[int, DigestOutput] = {}
        for path in paths:
            inode = path.stat().st_ino
            name = hashlib.sha256(f"{path}\0{path.stat().st_mtime_ns}".encode()).hexdigest()[:32]
            tasks.setdefault(inode, DigestOutput(path, self._marker("outputs", name)))
        found = dict(zip(tasks, self._phase("Digest files", list(tasks.values())), strict=True))
        return [
            {"path": path.relative_to(root).as_posix(), **found[path.stat().st_ino]}
            for path in sorted(paths)
        ]


def _entries(
    streams: dict[str, dict[str, Any]],
    arranged: dict[str, dict[str, Any]],
    weights: dict[str, int],
) -> list[SourceEntry]:
    """The sources of ``packed.json``."""
    counts = {name: found["sequences"] for name, found in arranged.items()}
    return [
        SourceEntry(
            name,
            weights[name],
            stream["documents"],
            stream["tokens"],
            counts[name],
            tuple(stream["files"]),
            tuple((table, rows) for table, rows in stream["tables"]),
        )
        for name, stream in streams.items()
    ]


def _summaries(tasks: Sequence[TokenizePart]) -> dict[str, Counter[str]]:
    """Counts of tokenizing by source; reasons of skipping as ``skipped:REASON``."""
    found: dict[str, Counter[str]] = {}
    for task in tasks:
        counts = found.setdefault(task.part.source, Counter())
        for name, value in read_marker(task).items():
            if name == "skipped":
                counts.update({f"skipped:{reason}": n for reason, n in value.items()})
            elif name == "longest":
                counts[name] = max(counts[name], value)
            else:
                counts[name] += value
    return found


def _tally(finished: Sequence[TokenizePart]) -> Tally:
    tally = Tally()
    for task in finished:
        found = read_marker(task)
        tally.bytes += task.size
        tally.kept += found["documents"]
        tally.records += found["documents"] + sum(found["skipped"].values())
    return tally


def _part_bytes(part: SourcePart) -> int:
    file = part.part.file
    return file.size * part.part.rows // max(file.rows, 1)
