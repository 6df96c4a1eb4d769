"""The papers subset: arXiv's source dumps in, papers as one text each out.

Each tar is read member by member. What arXiv's catalogue says of a paper is looked up, and fields
and licences are judged by it. Sources become text in a process that can be killed: the main file is
found, inputs are read where they stand, macros are expanded, what only makes the page is dropped.
Then the language is judged, and of equal and similar texts one stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import xxhash

from extractors.latex.archive import archive_members
from extractors.warc import ByteSource
from pipelines.digests import DigestedSource
from pipelines.errors import SourceFailed
from pipelines.inputs import ReadTask, is_remote, open_source
from pipelines.isolation import IsolatedPapers
from pipelines.judge import Judged
from pipelines.paper_inputs import (
    folder_paper,
    is_tar,
    md5_of,
    place_of,
    resolve_papers,
    splittable,
)
from pipelines.paper_judge import PaperFile, PaperJudge
from pipelines.recipe import Recipe
from pipelines.sample import sample_papers_path
from pipelines.stages import ExtractPaper
from pipelines.subsets import Subset, TaskReading
from schemas.papers import PAPERS

__all__ = ["PAPERS_SUBSET", "PaperTaskReader"]

_REMOTE_BLOCK = 8 << 20
_LOCAL_BLOCK = 1 << 20


class PaperTaskReader:
    """Reads ranges of tars, and single papers, and judges them.

    Args:
        recipe: The recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._child = IsolatedPapers(recipe.always(ExtractPaper), recipe.limits)
        self._judge = PaperJudge(recipe, self._child)

    def read(self, task: ReadTask, exact_start: int | None) -> TaskReading:
        """Begins to read a range; see ``TaskReader``."""
        place, md5 = place_of(task.uri)
        try:
            if not is_remote(place) and Path(place).is_dir():
                return _SinglePaper(task, folder_paper(Path(place)), self._judge)
            source = open_source(place)
            if not is_tar(place):
                return _SinglePaper(task, source.read_at(0, source.size), self._judge)
        except OSError as error:
            raise SourceFailed(f"{place}: {error}") from error
        return _TarReading(task, source, md5, self._judge)

    def close(self) -> None:
        """Ends the extractor's process."""
        self._child.close()


class _SinglePaper:
    """A paper that is an input of its own; see ``TaskReading``."""

    def __init__(self, task: ReadTask, raw: bytes, judge: PaperJudge) -> None:
        self._task = task
        self._raw = raw
        self._judge = judge
        self.position = 0
        self.first: int | None = None
        self.next: int | None = None

    def __iter__(self) -> Iterator[Judged]:
        name = self._task.name
        yield self._judge.judge(PaperFile(name, 0, len(self._raw), lambda: self._raw), name)

    def digest(self) -> str:
        return xxhash.xxh3_128_hexdigest(self._raw)


class _TarReading:
    """A range of a tar while it's read; see ``TaskReading``."""

    def __init__(self, task: ReadTask, source: ByteSource, md5: str, judge: PaperJudge) -> None:
        self._task = task
        self._digested = DigestedSource(source, task.start, task.end)
        self._blocks = _Blocks(
            self._digested,
            task.start,
            _REMOTE_BLOCK if is_remote(task.uri) else _LOCAL_BLOCK,
        )
        self._md5 = md5
        self._judge = judge
        self.position = 0
        self.first: int | None = None
        self.next: int | None = None

    def __iter__(self) -> Iterator[Judged]:
        blocks, task = self._blocks, self._task
        for member in archive_members(blocks, task.start, task.end):
            self.position = member.offset - task.start

            def read(start: int = member.start, size: int = member.size) -> bytes:
                return blocks.read_at(start, size)

            paper = PaperFile(member.name, member.offset, member.size, read, member.damage)
            yield self._judge.judge(paper, task.name)
        self._check()

    def _check(self) -> None:
        """Holds the tar against its digest in the manifest.

        Raises:
            SourceFailed: It isn't the file that arXiv means.
        """
        if not self._md5:
            return
        digest = md5_of()
        position = 0
        # The tar was read from its beginning a moment ago: from disk, this comes from memory.
        while block := self._digested.read_at(position, _REMOTE_BLOCK):
            digest.update(block)
            position += len(block)
        if digest.hexdigest() != self._md5:
            raise SourceFailed(
                f"{place_of(self._task.uri)[0]}: MD5 is {digest.hexdigest()} and the manifest says "
                f"{self._md5}; fetch it again"
            )

    def digest(self) -> str:
        return self._digested.digest()


class _Blocks:
    """A source that is read in large pieces from a position on; what lies before, as asked."""

    def __init__(self, source: DigestedSource, start: int, block: int) -> None:
        self._source = source
        self._start = start
        self._block = block
        self._offset = start
        self._data = b""

    @property
    def size(self) -> int:
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        if offset < self._start or length > self._block:
            return self._source.read_at(offset, length)
        end = offset + length
        if not (self._offset <= offset and end <= self._offset + len(self._data)):
            self._data = self._source.read_at(offset, max(length, self._block))
            self._offset = offset
        at = offset - self._offset
        return self._data[at : at + length]


PAPERS_SUBSET = Subset(
    name="papers",
    layout=PAPERS,
    resolve=resolve_papers,
    sample=lambda: [str(sample_papers_path())],
    splittable=splittable,
    reader=PaperTaskReader,
    reading="Read papers",
)
