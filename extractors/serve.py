"""Extracts pages and papers in a process of its own, so that one that hangs harms no other.

Reads requests from standard input and writes answers to standard output until the input ends. A
frame is four bytes of length (big-endian), a JSON header, and for requests the source's bytes,
whose length the header gives as ``bytes``.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import resource
import signal
import struct
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

from extractors.extraction import Extraction
from extractors.latex.errors import SourceError

__all__ = ["main", "read_frame", "write_frame"]

_LENGTH = struct.Struct(">I")
# lxml's parser and its context point at each other: few objects for the collector to count, but
# they hold the parser's buffers, some hundred kB a page.
_PAGES_A_COLLECTION = 32


def write_frame(sink: BinaryIO, header: dict[str, Any], payload: bytes | memoryview = b"") -> None:
    """Writes one frame and flushes."""
    text = json.dumps({**header, "bytes": len(payload)}).encode()
    sink.write(_LENGTH.pack(len(text)) + text)
    if payload:
        sink.write(payload)
    sink.flush()


def read_frame(source: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Reads one frame; None when the other side is gone."""
    prefix = source.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    text = source.read(_LENGTH.unpack(prefix)[0])
    try:
        header: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    payload = source.read(int(header["bytes"]))
    return header, payload


def main() -> None:
    """Serves until standard input ends. Arguments: the address space limit in bytes."""
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Ctrl-C goes to the whole process group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A page's tree is one large cycle: looking for garbage while it's being built finds none and
    # costs a tenth of the time (measured).
    gc.freeze()
    gc.set_threshold(300_000, 10, 10)
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not end up between two frames.
    os.dup2(2, 1)
    for number in itertools.count(1):
        request = read_frame(sys.stdin.buffer)
        if request is None:
            return
        header, raw = request
        answer, spoiled = _answer(header, raw)
        write_frame(answers, {**answer, "cpu": _cpu_seconds()})
        if spoiled:
            return
        if number % _PAGES_A_COLLECTION == 0:
            gc.collect()


def _answer(header: dict[str, Any], raw: bytes) -> tuple[dict[str, Any], bool]:
    """The answer to one request, and whether this process should end after it."""
    try:
        extraction = _paper(header, raw) if "paper" in header else _page(header, raw)
        return {"extraction": asdict(extraction)}, False
    except MemoryError as error:
        return {"error": "memory", "detail": str(error)}, True
    except SourceError as error:
        return {"error": error.reason, "detail": str(error)[:500]}, False
    except Exception as error:
        return {"error": type(error).__name__, "detail": str(error)[:500]}, False


def _page(header: dict[str, Any], raw: bytes) -> Extraction:
    charset, url = header["http_charset"], header["url"]
    if header["edition"] == "published":
        from extractors.html.published import extract_published

        return extract_published(
            raw, http_charset=charset, url=url, sample_key=header["sample_key"]
        )
    from extractors.html import extract_html

    return extract_html(raw, http_charset=charset, url=url)


def _paper(header: dict[str, Any], raw: bytes) -> Extraction:
    from extractors import latex

    limits = latex.SourceLimits(**header["source_limits"])
    if header["paper"] == "redpajama":
        return latex.extract_paper_redpajama(raw, source_limits=limits)
    return latex.extract_paper(
        raw,
        latex.PaperOptions(**header["options"]),
        source_limits=limits,
        expansion_limits=latex.ExpansionLimits(**header["expansion_limits"]),
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
