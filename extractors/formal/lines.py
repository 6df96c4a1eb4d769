"""JSON lines of a range of a file: whole modules, each of the range in which it begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from extractors.formal.traced import TraceError
from extractors.warc import ByteSource

__all__ = ["LineRange"]

_Json = dict[str, Any]
_BLOCK = 1 << 20
# No trace has a longer line; a file without line feeds is none.
_LONGEST = 256 << 20


class LineRange:
    """The lines of the modules that begin in a range.

    Where a module begins is told by a line and the one before it, so that a range knows by itself
    which lines are its own.

    Args:
        source: The file.
        start: First byte of the range.
        end: First byte after it.
        begins: Whether a line begins a module, given the line before it.

    Attributes:
        position: The byte that is read next.
    """

    def __init__(
        self,
        source: ByteSource,
        start: int,
        end: int,
        begins: Callable[[_Json, _Json | None], bool],
    ) -> None:
        self._source = source
        self._start = start
        self._end = end
        self._begins = begins
        self.position = start

    def __iter__(self) -> Iterator[tuple[int, _Json]]:
        """Each line's first byte and content; empty lines are passed over.

        Raises:
            TraceError: A line is no JSON object; what is behind it isn't read.
        """
        before = self._line_before() if self._start else None
        inside = False
        for offset, data in self._lines():
            if not data.strip():
                continue
            line = _parsed(data, offset)
            if self._begins(line, before):
                if offset >= self._end:
                    return
                inside = True
            before = line
            if inside:
                yield offset, line

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Lines that begin at or after the range's start, without end."""
        offset = self._first_line()
        rest = b""
        place = offset
        while data := self._source.read_at(place, _BLOCK):
            place += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.position = offset
                yield offset, line
                offset += len(line) + 1
            if len(rest) > _LONGEST:
                raise TraceError("endless_line", f"the line at byte {offset} has no end")
        if rest:
            yield offset, rest

    def _first_line(self) -> int:
        """Where the first line begins that begins in the range."""
        place = self._start - 1
        if place < 0:
            return 0
        while data := self._source.read_at(place, _BLOCK):
            newline = data.find(b"\n")
            if newline >= 0:
                return place + newline + 1
            place += len(data)
        return place

    def _line_before(self) -> _Json | None:
        """The last line with content that begins before the range's first one."""
        end = self._first_line()
        data = b""
        while end > 0:
            begin = max(end - _BLOCK, 0)
            data = self._source.read_at(begin, end - begin) + data
            whole = data.rstrip()
            newline = whole.rfind(b"\n")
            if whole and (newline >= 0 or begin == 0):
                return _parsed(whole[newline + 1 :], begin + newline + 1)
            if len(data) > _LONGEST:
                raise TraceError("endless_line", f"the line before byte {self._start} has no end")
            end = begin
        return None


def _parsed(data: bytes, offset: int) -> _Json:
    try:
        line = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TraceError("not_json", f"the line at byte {offset}: {error}") from error
    if not isinstance(line, dict):
        raise TraceError("not_json", f"the line at byte {offset} is no object")
    return line
