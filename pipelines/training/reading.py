"""Reads one task's files, archives or documents as labelled rows of a training corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.warc import ArchiveReader, ReadLimits, WarcRecord
from filters.normalisation import normalise_for_models
from filters.web.language import Language
from filters.web.math_score import classifier_line
from pipelines.errors import SourceFailed
from pipelines.inputs import is_remote, open_source
from pipelines.isolation import ExtractionFailed, IsolatedExtractor
from pipelines.judge import in_share
from pipelines.pages import PageJudge
from pipelines.progress import Tally
from pipelines.recipe import Audit, Limits, Recipe
from pipelines.stages import Extract
from pipelines.training.formats import (
    HTML_SUFFIXES,
    UnreadableText,
    file_suffix,
    pieces,
    texts_of,
    unpacked,
)
from pipelines.training.labels import label_of
from pipelines.training.pages import PageRow
from pipelines.training.sources import Source, origin_of_file, site_of
from schemas import Document

__all__ = ["PageReader", "ReadingTask"]


@dataclass(frozen=True, slots=True)
class ReadingTask:
    """Some files of one source.

    Attributes:
        number: Its place among the corpus's tasks.
        kind: ``files``, ``warc`` or ``documents``.
        source: The source's name.
        files: Each as (name in the card, where it is read from, a stamp that a change changes).
        bytes: Their size.
    """

    number: int
    kind: str
    source: str
    files: tuple[tuple[str, str, str], ...]
    bytes: int

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """From what ``asdict`` gave, read back from JSON."""
        return cls(**{**content, "files": tuple((a, b, c) for a, b, c in content["files"])})


@dataclass(frozen=True, slots=True)
class _Text:
    """A text and where it is from."""

    text: str
    origin: str
    file: str
    place: str
    sha256: str
    encodings: tuple[str, ...]


# Every page of an archive, whatever is in it: the prefilter would decide what is learnt.
_EVERY_PAGE = Recipe(
    name="training",
    subset="web",
    edition="ours",
    summary="Every page's text.",
    audit=Audit(shadow_share=0.0),
    stages=({"responses": {}}, {"extract": {"edition": "ours"}}),
)
_BLOCK = 1 << 20
_REMOTE_BLOCK = 8 << 20
# Of what documents may hold, what is read.
_COLUMNS = ("document_id", "text", "url", "subset", "formulas_kept")


class PageReader:
    """Reads tasks.

    Args:
        sources: Sources by name.
        share: Share of the documents that is taken.
    """

    def __init__(self, sources: Mapping[str, Source], share: float = 1.0) -> None:
        self._sources = sources
        self._share = share
        self._language = Language()
        self._extractor = IsolatedExtractor(Extract(), Limits())
        self._judge = PageJudge(_EVERY_PAGE, self._extractor)

    def close(self) -> None:
        """Ends the extractor's process."""
        self._extractor.close()

    def read(self, task: ReadingTask, tally: Tally) -> Iterator[PageRow]:
        """The rows of a task; what gives none is counted with its reason.

        Raises:
            SourceFailed: A file can't be read.
        """
        source = self._sources[task.source]
        for found in self._found(task, source, tally):
            tally.records += 1
            row = self._row(found, source)
            if not row.line:
                tally.drops["read", "empty_text"] += 1
                continue
            if row.label:
                tally.kept += 1
            else:
                reason = "no_clear_kind" if row.english else "other_language"
                tally.drops["label", reason] += 1
            yield row

    def _found(self, task: ReadingTask, source: Source, tally: Tally) -> Iterator[_Text]:
        readers = {"files": self._files, "warc": self._archive, "documents": self._documents}
        try:
            yield from readers[task.kind](task, source, tally)
        except (OSError, pa.ArrowException) as error:
            raise SourceFailed(f"{task.files[0][1]}: {error}") from error

    def _row(self, found: _Text, source: Source) -> PageRow:
        line = normalise_for_models(found.text, "ours")
        english = self._language.judge(Document("", text=found.text)).keeps
        label = label_of(found.text, source.role) if english else ""
        prose = classifier_line(found.text, "ours") if label else ""
        return PageRow(
            key=hashlib.blake2b(line.encode(), digest_size=16).digest(),
            source=source.name,
            role=source.role,
            origin=found.origin,
            file=found.file,
            place=found.place,
            sha256=found.sha256,
            encodings=found.encodings,
            english=english,
            label=label,
            words=len(found.text.split()),
            prose_words=len(prose.split()),
            text=found.text,
            line=line,
            prose=prose,
        )

    # ---- files ----------------------------------------------------------------------------------

    def _files(self, task: ReadingTask, source: Source, tally: Tally) -> Iterator[_Text]:
        for name, path, _ in task.files:
            packed = Path(path).read_bytes()
            digest = hashlib.sha256(packed).hexdigest()
            try:
                raw = unpacked(name, packed)
                origin = origin_of_file(source, Path(path), raw)
                texts, encodings = self._texts(name, raw)
            except UnreadableText as error:
                tally.records += 1
                tally.drops["read", error.reason] += 1
                continue
            # A post is one page; a chapter is as long as several, and is cut.
            if source.role in ("prose", "measured"):
                texts = [part for text in texts for part in pieces(text)]
            for number, text in enumerate(texts):
                yield _Text(text, origin, name, str(number), digest, encodings)
            tally.bytes += len(packed)

    def _texts(self, name: str, raw: bytes) -> tuple[Iterable[str], tuple[str, ...]]:
        suffix = file_suffix(name)
        if suffix not in HTML_SUFFIXES:
            return texts_of(name, raw), (suffix.removeprefix("."),)
        try:
            page = self._extractor.extract(raw, http_charset="", url="", document_id="")
        except ExtractionFailed as error:
            raise UnreadableText(f"error:{error.reason}", str(error)) from error
        return [page.text], _names(page.formulas_kept)

    # ---- archives -------------------------------------------------------------------------------

    def _archive(self, task: ReadingTask, source: Source, tally: Tally) -> Iterator[_Text]:
        ((name, uri, _),) = task.files
        limits = Limits()
        reader = ArchiveReader(
            open_source(uri),
            limits=ReadLimits(
                max_block=limits.source_bytes + (1 << 20), max_unpacked=limits.unpacked_bytes
            ),
            block=_REMOTE_BLOCK if is_remote(uri) else _BLOCK,
        )
        for item in reader:
            judged = self._judge.judge(item, name)
            tally.bytes = item.offset
            if judged.document is None or not isinstance(item, WarcRecord):
                tally.records += 1
                tally.drops[judged.trail.dropped_by, judged.trail.reason] += 1
                continue
            url = judged.trail.url
            digest = hashlib.sha256(item.block).hexdigest()
            encodings = _names(judged.trail.formulas_kept)
            yield _Text(judged.text, site_of(url) or name, name, url, digest, encodings)

    # ---- documents ------------------------------------------------------------------------------

    def _documents(self, task: ReadingTask, source: Source, tally: Tally) -> Iterator[_Text]:
        ((name, path, _),) = task.files
        with Path(path).open("rb") as raw:
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
        with pq.ParquetFile(path) as file:
            columns = [column for column in _COLUMNS if column in file.schema_arrow.names]
            groups = file.num_row_groups
            for group in range(groups):
                for row in file.read_row_group(group, columns=columns).to_pylist():
                    if in_share(str(row["document_id"]), self._share, "training"):
                        yield _document(row, name, digest)
                tally.bytes = task.bytes * (group + 1) // groups


def _document(row: Mapping[str, Any], file: str, digest: str) -> _Text:
    # A page belongs to its site; a paper is a work of its own, wherever it is kept.
    web = row.get("subset", "web") == "web"
    name = str(row["document_id"])
    origin = (site_of(row.get("url") or "") if web else "") or name
    encodings = _names(dict(row.get("formulas_kept") or ()))
    return _Text(row["text"] or "", origin, file, name, digest, encodings)


def _names(counts: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(sorted(name for name, count in counts.items() if count))
