"""Positions in a source file, between the units that provers and editors count in.

Lean's ``String.Pos`` counts UTF-8 bytes, its columns count code points, the language server counts
UTF-16 units, and Isabelle counts its own symbols, where ``\\<Rightarrow>`` is one. Everything here
is held against the bytes, the only unit in which no two tools differ.
"""

from __future__ import annotations

import functools
import hashlib
import re
from bisect import bisect_right
from typing import NamedTuple

__all__ = ["Place", "PositionError", "SourceText"]

# An Isabelle symbol that isn't a single character: the implementation manual, section 1.3.
_SYMBOL = re.compile(r"\\<\^?[A-Za-z][A-Za-z0-9_']*>|\r\n|[\s\S]")


class PositionError(ValueError):
    """A position that doesn't lie in the text."""


class Place(NamedTuple):
    """A position as a person reads it: the line from 1, the column from 0 in code points."""

    line: int
    column: int


class SourceText:
    """A source file and the places in it.

    Args:
        text: Its text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = text.encode("utf-8", "surrogateescape")

    @functools.cached_property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @functools.cached_property
    def _starts(self) -> list[int]:
        """The first byte of each line; only a line feed ends one, as in Lean and Isabelle."""
        return [0, *(found.end() for found in re.finditer(b"\n", self.data))]

    def slice(self, start: int, end: int) -> str:
        """The text between two bytes.

        Raises:
            PositionError: They don't lie in the file, or inside a character.
        """
        if not 0 <= start <= end <= len(self.data):
            raise PositionError(f"bytes {start} to {end} of a file of {len(self.data)}")
        try:
            return self.data[start:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise PositionError(f"bytes {start} to {end} cut a character") from error

    def place(self, byte: int) -> Place:
        """The line and column of a byte."""
        line = bisect_right(self._starts, byte)
        begin = self._starts[line - 1]
        return Place(line, len(self.data[begin:byte].decode("utf-8", "replace")))

    def byte(self, line: int, column: int) -> int:
        """The byte of a line, from 1, and a column in code points, from 0.

        Raises:
            PositionError: There is no such place.
        """
        begin, content = self._line(line)
        if column <= len(content) and content.isascii():
            return begin + column
        characters = content.decode("utf-8", "surrogateescape")
        if column > len(characters):
            raise PositionError(f"line {line} has {len(characters)} columns, not {column}")
        return begin + len(characters[:column].encode("utf-8", "surrogateescape"))

    def byte_of_utf16(self, line: int, column: int) -> int:
        """The byte of a line, from 0, and a column in UTF-16 units: the language server's.

        Raises:
            PositionError: There is no such place.
        """
        begin, content = self._line(line + 1)
        units = content.decode("utf-8", "surrogateescape").encode("utf-16-le", "surrogatepass")
        if 2 * column > len(units):
            raise PositionError(f"line {line + 1} has {len(units) // 2} units, not {column}")
        head = units[: 2 * column].decode("utf-16-le", "surrogatepass")
        return begin + len(head.encode("utf-8", "surrogateescape"))

    def _line(self, line: int) -> tuple[int, bytes]:
        """A line's first byte and its content."""
        if not 1 <= line <= len(self._starts):
            raise PositionError(f"line {line} of {len(self._starts)}")
        begin = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self.data)
        return begin, self.data[begin:end]

    @functools.cached_property
    def _symbols(self) -> list[int]:
        """The byte at which each Isabelle symbol begins, and the end."""
        starts, byte = [], 0
        for found in _SYMBOL.finditer(self.text):
            starts.append(byte)
            byte += len(found.group().encode("utf-8", "surrogateescape"))
        return [*starts, byte]

    def byte_of_symbol(self, offset: int) -> int:
        """The byte of an Isabelle offset, which counts symbols from 1.

        Raises:
            PositionError: There is no such symbol.
        """
        if not 1 <= offset <= len(self._symbols):
            raise PositionError(f"symbol {offset} of {len(self._symbols) - 1}")
        return self._symbols[offset - 1]
