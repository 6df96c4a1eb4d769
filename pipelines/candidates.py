"""What passed of a task: documents, their trails, and what deduplication needs to know of them.

Files are written in runs: so much text is gathered, sorted by document_id and written, so that
memory is bounded whatever a task holds. The writing of shards reads groups of rows by their range
of ids and sorts what it gathers; it asks no more of these files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import attrgetter

from pipelines.deduplication.index import IndexedTask, IndexEntry, IndexWriter, Stages
from pipelines.parquet import GROUP_ROWS, GroupWriter, group_writer
from pipelines.run_directory import RunDirectory
from schemas.tables import DocumentRow, Layout

__all__ = ["CandidateWriter", "candidate_writer"]

# Characters of text that are gathered before they're written.
_RUN_CHARS = 96 << 20
# Characters of a group of rows, which a reader holds whole.
_GROUP_CHARS = 24 << 20


class CandidateWriter:
    """Writes the documents of a task that passed; made by ``candidate_writer``.

    Attributes:
        rows: Documents so far.
        text_bytes: Their text in UTF-8.
    """

    def __init__(
        self,
        documents: GroupWriter,
        trails: GroupWriter,
        index: IndexWriter | None,
        layout: Layout,
        score: str,
    ) -> None:
        self.rows = 0
        self.text_bytes = 0
        self._documents, self._trails, self._index = documents, trails, index
        self._layout = layout
        self._score = score
        self._waiting: list[tuple[int, DocumentRow]] = []
        self._chars = 0
        self._place = _attributes(layout.place)

    def add(self, row: DocumentRow) -> None:
        """Adds a document, in the order of reading."""
        self._waiting.append((self.rows, row))
        self.rows += 1
        self._chars += len(row.text)
        if self._chars >= _RUN_CHARS:
            self._write()

    def finish(self) -> IndexedTask | None:
        """Writes what waits; returns the task's part of the index, if there is one."""
        self._write()
        if not self.rows or self._index is None:
            return None
        return self._index.finish()

    def _write(self) -> None:
        rows, self._waiting, self._chars = self._waiting, [], 0
        rows.sort(key=self._order)
        for group in _groups(rows):
            documents = [row for _, row in group]
            table = self._layout.documents_table(documents)
            self.text_bytes += sum(len(row.text.encode()) for row in documents)
            self._documents.write(table)
            self._trails.write(self._layout.trails_table([row.trail for row in documents]))
            if self._index is not None:
                for sequence, row in group:
                    self._index.add(self._entry(row, sequence))
                self._index.end_group()

    def _order(self, numbered: tuple[int, DocumentRow]) -> tuple[object, ...]:
        """By id, and by place where ids are equal."""
        trail = numbered[1].trail
        return trail.document_id, self._place(trail.provenance)

    def _entry(self, row: DocumentRow, sequence: int) -> IndexEntry:
        trail, layout = row.trail, self._layout
        provenance = trail.provenance
        return IndexEntry(
            trail.document_id,
            row.text,
            subset=trail.subset,
            url=trail.url,
            date=trail.date,
            licence=getattr(provenance, layout.licence) if layout.licence else "",
            score=row.scores.get(self._score),
            group=getattr(provenance, layout.group) if layout.group else "",
            sequence=sequence,
        )


def _attributes(names: Sequence[str]) -> Callable[[object], object]:
    return attrgetter(*names)


def _groups(
    rows: Sequence[tuple[int, DocumentRow]],
) -> Iterator[Sequence[tuple[int, DocumentRow]]]:
    """Rows cut into groups of no more than ``GROUP_ROWS`` and about ``_GROUP_CHARS``."""
    start, chars = 0, 0
    for end, (_, row) in enumerate(rows):
        if end > start and (end - start >= GROUP_ROWS or chars + len(row.text) > _GROUP_CHARS):
            yield rows[start:end]
            start, chars = end, 0
        chars += len(row.text)
    if start < len(rows):
        yield rows[start:]


@contextmanager
def candidate_writer(
    run: RunDirectory, task: int, layout: Layout, stages: Stages
) -> Iterator[CandidateWriter]:
    """A writer whose files appear when the block ends well; without a document there are none."""
    with ExitStack() as stack:
        documents = stack.enter_context(group_writer(run.candidates(task), layout.documents))
        trails = stack.enter_context(group_writer(run.candidate_trails(task), layout.trails))
        index = IndexWriter(run.index, task, stages) if stages else None
        yield CandidateWriter(documents, trails, index, layout, stages.score)
