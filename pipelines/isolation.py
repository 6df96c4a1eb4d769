"""Extractors in a child process that can be killed, with limits on its time and memory."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Self, cast

import psutil

from extractors.extraction import Extraction
from extractors.serve import read_frame, write_frame
from pipelines.recipe import Limits
from pipelines.stages import Extract, ExtractPaper

__all__ = ["ExtractionFailed", "ExtractorChild", "IsolatedExtractor", "IsolatedPapers"]

_POLL_SECONDS = 0.25


class ExtractionFailed(Exception):
    """A page has no text.

    Attributes:
        reason: ``timeout``, ``crash``, ``memory``, or the type of the extractor's exception.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ExtractorChild:
    """A child process that extracts, started on first use and after each loss.

    Time is measured as the child's CPU time: wall time would drop documents on a busy machine that
    an idle one keeps.

    Args:
        limits: The limits on time and memory.
        command: What the child runs, instead of ``extractors.serve``; it must speak its protocol.
    """

    def __init__(self, limits: Limits, command: Sequence[str] | None = None) -> None:
        self._limits = limits
        serve = [sys.executable, "-m", "extractors.serve", str(limits.extract_memory_bytes)]
        self._command = list(command or serve)
        self._child: subprocess.Popen[bytes] | None = None
        self._cpu = 0.0

    def run(self, request: Mapping[str, Any], raw: bytes | memoryview) -> Extraction:
        """What the child makes of a source.

        Args:
            request: What ``extractors.serve`` is told besides the bytes.
            raw: The source's bytes.

        Raises:
            ExtractionFailed: The extractor raised, hung, crashed or ran out of memory.
        """
        child = self._child or self._start()
        try:
            write_frame(cast(BinaryIO, child.stdin), dict(request), raw)
        except BrokenPipeError:
            raise self._lost() from None
        self._await(child)
        frame = read_frame(cast(BinaryIO, child.stdout))
        if frame is None:
            raise self._lost()
        answer = frame[0]
        self._cpu = float(answer["cpu"])
        if "error" in answer:
            if answer["error"] == "memory":
                self.close()
            raise ExtractionFailed(answer["error"], answer["detail"])
        fields: dict[str, Any] = answer["extraction"]
        return Extraction(**fields)

    def close(self) -> None:
        """Ends the child process."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()
        self._child = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
        self._cpu = 0.0
        return self._child

    def _await(self, child: subprocess.Popen[bytes]) -> None:
        """Returns when an answer is there or the child is gone; kills it when its time is up."""
        started = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(cast(BinaryIO, child.stdout), selectors.EVENT_READ)
            while not selector.select(_POLL_SECONDS):
                wall = time.monotonic() - started
                try:
                    times = psutil.Process(child.pid).cpu_times()
                except psutil.NoSuchProcess:
                    return
                used = times.user + times.system - self._cpu
                if used > self._limits.extract_cpu_seconds:
                    self.close()
                    raise ExtractionFailed(
                        "timeout", f"over {self._limits.extract_cpu_seconds:g} s of CPU time"
                    )
                if wall > self._limits.extract_wall_seconds:
                    self.close()
                    raise ExtractionFailed(
                        "timeout", f"over {self._limits.extract_wall_seconds:g} s without an answer"
                    )

    def _lost(self) -> ExtractionFailed:
        child = self._child
        code = child.wait() if child is not None else 0
        self.close()
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return ExtractionFailed("crash", f"the extractor ended with {name}")


class IsolatedExtractor(ExtractorChild):
    """Extracts pages in a child process.

    Args:
        stage: The edition and its settings.
        limits: The limits on time and memory.
        command: See ``ExtractorChild``.
    """

    def __init__(
        self, stage: Extract, limits: Limits, command: Sequence[str] | None = None
    ) -> None:
        super().__init__(limits, command)
        self._stage = stage

    def extract(
        self, raw: bytes | memoryview, *, http_charset: str, url: str, document_id: str
    ) -> Extraction:
        """The text of a page.

        Args:
            raw: The page's bytes.
            http_charset: Charset of the HTTP header, empty when not given.
            url: Where the page was.
            document_id: What sampled settings are drawn from.

        Raises:
            ExtractionFailed: The extractor raised, hung, crashed or ran out of memory.
        """
        request = {
            "edition": self._stage.edition,
            "http_charset": http_charset,
            "url": url,
            "sample_key": document_id if self._stage.config == "sampled" else None,
        }
        return self.run(request, raw)


class IsolatedPapers(ExtractorChild):
    """Extracts papers in a child process.

    Args:
        stage: The edition, what is kept, and bounds.
        limits: The limits on time and memory.
        command: See ``ExtractorChild``.
    """

    def __init__(
        self, stage: ExtractPaper, limits: Limits, command: Sequence[str] | None = None
    ) -> None:
        super().__init__(limits, command)
        self._request = {
            "paper": stage.edition,
            "options": stage.options(),
            "source_limits": {
                "unpacked_bytes": limits.unpacked_bytes,
                "tex_bytes": stage.tex_bytes,
                "members": stage.source_files,
            },
            "expansion_limits": {"characters": stage.expanded_chars},
        }

    def extract(self, raw: bytes | memoryview) -> Extraction:
        """The text of a paper.

        Raises:
            ExtractionFailed: As for pages; ``reason`` may be one of ``SourceError``'s.
        """
        return self.run(self._request, raw)
