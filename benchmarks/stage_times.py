"""The web recipe in this process, its CPU time charged to its stages; the product has no timers."""

from __future__ import annotations

import functools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from extractors.extraction import Extraction
from extractors.html import extract_html
from extractors.warc import ArchiveReader, Damage, WarcRecord
from pipelines.deduplication.index import IndexWriter
from pipelines.deduplication.stages import Deduplication
from pipelines.isolation import ExtractionFailed
from pipelines.judge import Judged
from pipelines.pages import PageJudge
from pipelines.reading import read_task
from pipelines.recipe import Stage
from pipelines.writing import write_shard
from schemas import Decision, Document

__all__ = ["StageClock", "timed_stages"]


class StageClock:
    """Charges CPU time to one stage at a time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._stage = "plan, Beam, manifest"
        self._since = time.process_time()

    def switch(self, stage: str) -> str:
        """Charges what passed to the stage so far and goes on with another; returns the former."""
        now = time.process_time()
        self.seconds[self._stage] += now - self._since
        former, self._stage, self._since = self._stage, stage, now
        return former

    def charged(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time charged to a stage."""

        @functools.wraps(function)
        def charged_function(*arguments: Any, **options: Any) -> Any:
            former = self.switch(stage)
            try:
                return function(*arguments, **options)
            finally:
                self.switch(former)

        return charged_function


class _TimedReader(ArchiveReader):
    """Our reader, its time charged to ``read``."""

    def __init__(self, clock: StageClock, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._clock = clock

    def __iter__(self) -> Iterator[WarcRecord | Damage]:
        items = super().__iter__()
        while True:
            former = self._clock.switch("read")
            item = next(items, None)
            self._clock.switch(former)
            if item is None:
                return
            yield item


class _TimedJudge(PageJudge):
    """The judge, each stage's time charged to it; what is left of a record to ``responses``."""

    def __init__(self, clock: StageClock, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clock = clock

    def judge(
        self, item: WarcRecord | Damage, warc_file: str, *, every_filter: bool = False
    ) -> Judged:
        former = self._clock.switch("responses")
        judged = super().judge(item, warc_file, every_filter=every_filter)
        self._clock.switch(former)
        return judged

    def _apply(self, stage: Stage, document: Document) -> Decision:
        former = self._clock.switch(stage.name)
        decision = super()._apply(stage, document)
        self._clock.switch(former)
        return decision

    def _extract(self, document: Document) -> Decision:
        former = self._clock.switch("extract")
        decision = super()._extract(document)
        self._clock.switch(former)
        return decision


class _ExtractorInProcess:
    """Our extractor without the child process, whose time would be counted elsewhere."""

    def __init__(self, *_: Any) -> None:
        pass

    def extract(
        self, raw: bytes | memoryview, *, http_charset: str, url: str, document_id: str
    ) -> Extraction:
        try:
            # What a pipe would hand over too: the child process gets bytes.
            return extract_html(bytes(raw), http_charset=http_charset, url=url)
        except Exception as error:
            raise ExtractionFailed(type(error).__name__, str(error)) from error

    def close(self) -> None:
        pass


@contextmanager
def timed_stages() -> Iterator[StageClock]:
    """Within the block, what this process does for a run is charged to its stages."""
    clock = StageClock()
    reader = functools.partial(_TimedReader, clock)
    parts: dict[str, Any] = {
        "pipelines.web.PageJudge": functools.partial(_TimedJudge, clock),
        "pipelines.web.IsolatedExtractor": _ExtractorInProcess,
        "pipelines.phases.read_task": clock.charged("writing", read_task),
        "pipelines.reading.IndexWriter.add": clock.charged("sign", IndexWriter.add),
        "pipelines.reading.IndexWriter.finish": clock.charged("sign", IndexWriter.finish),
        "pipelines.runs.Deduplication.find": clock.charged("duplicates", Deduplication.find),
        "pipelines.phases.write_shard": clock.charged("writing", write_shard),
        "pipelines.web.ArchiveReader": reader,
    }
    with ExitStack() as stack:
        for name, part in parts.items():
            stack.enter_context(patch(name, part))
        yield clock
        clock.switch("")
