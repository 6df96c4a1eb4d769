"""The web subset: Common Crawl WARCs in, OpenWebMath shards out.

Each range of each WARC file is read record by record. Of the responses, the recipe's stages judge
each page in order: prefilter on the bytes, extraction, language, MathScore, perplexity, URL rules,
quality. Duplicates are found by address, equal text and similar text; what is left is the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator

from extractors.warc import ArchiveReader, ReadLimits, container_of
from pipelines.digests import DigestedSource
from pipelines.errors import SourceFailed
from pipelines.inputs import (
    COMMON_CRAWL,
    InputFile,
    ReadTask,
    is_remote,
    open_source,
    resolve_inputs,
)
from pipelines.isolation import IsolatedExtractor
from pipelines.judge import Judged
from pipelines.pages import PageJudge, TextExtractor
from pipelines.recipe import Recipe
from pipelines.sample import sample_warc_path
from pipelines.stages import Extract
from pipelines.subsets import InputNames, Subset
from schemas.open_web_math import open_web_math_view
from schemas.web import WEB

__all__ = ["WEB_SUBSET", "ArchiveTaskReader"]

_REMOTE_BLOCK = 8 << 20
_LOCAL_BLOCK = 1 << 20


class ArchiveTaskReader:
    """Reads ranges of web archives and judges their records.

    Args:
        recipe: The recipe.
        extractor: What turns pages into text; by default ours in a child process.
    """

    def __init__(self, recipe: Recipe, extractor: TextExtractor | None = None) -> None:
        self._limits = ReadLimits(
            max_block=recipe.limits.source_bytes + (1 << 20),
            max_unpacked=recipe.limits.unpacked_bytes,
        )
        self._child = IsolatedExtractor(recipe.always(Extract), recipe.limits)
        self._judge = PageJudge(recipe, extractor or self._child)

    def read(self, task: ReadTask, exact_start: int | None) -> _ArchiveReading:
        """Begins to read a range; see ``TaskReader``."""
        try:
            source = DigestedSource(open_source(task.uri), task.start, task.end)
        except OSError as error:
            raise SourceFailed(f"{task.uri}: {error}") from error
        reader = ArchiveReader(
            source,
            task.start if exact_start is None else exact_start,
            task.end,
            exact=exact_start is not None,
            limits=self._limits,
            block=_REMOTE_BLOCK if is_remote(task.uri) else _LOCAL_BLOCK,
        )
        return _ArchiveReading(task, source, reader, self._judge)

    def close(self) -> None:
        """Ends the extractor's process."""
        self._child.close()


class _ArchiveReading:
    """One range while it's read; see ``TaskReading``."""

    def __init__(
        self, task: ReadTask, source: DigestedSource, reader: ArchiveReader, judge: PageJudge
    ) -> None:
        self._task = task
        self._source = source
        self._reader = reader
        self._judge = judge
        self.position = 0

    @property
    def first(self) -> int | None:
        return self._reader.first

    @property
    def next(self) -> int | None:
        return self._reader.next

    def __iter__(self) -> Iterator[Judged]:
        for item in self._reader:
            self.position = item.offset - self._task.start
            yield self._judge.judge(item, self._task.name)

    def digest(self) -> str:
        return self._source.digest()


def _archives(given: InputNames) -> list[InputFile]:
    return resolve_inputs(given.names, limit=given.limit, base=given.base or COMMON_CRAWL)


def _splittable(file: InputFile) -> bool:
    return container_of(open_source(file.uri)).splittable


WEB_SUBSET = Subset(
    name="web",
    layout=WEB,
    resolve=_archives,
    sample=lambda: [str(sample_warc_path())],
    splittable=_splittable,
    reader=ArchiveTaskReader,
    reading="Read WARC records",
    views={"open-web-math": open_web_math_view},
)
