r"""Groups and arguments in TeX text, read as TeX reads them.

Positions go in and positions come out; nothing here knows what a command means.
"""

from __future__ import annotations

import re

__all__ = [
    "bracketed",
    "control_word",
    "group_end",
    "is_escaped",
    "next_argument",
    "optional_argument",
    "skip_blanks",
    "skip_specified",
]

_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_LONGEST_OPTION = 4000
"""Characters in which an optional argument must end; longer ones are brackets of the text."""
_BRACKET = re.compile(r"\\.|[{}\[\]]", re.DOTALL)
# One line end is a space to TeX; two are a paragraph, which no argument begins with.
_BLANKS = re.compile(r"[ \t]*(?:\n[ \t]*(?!\n))?")
_CONTROL = re.compile(r"\\(?:[A-Za-z@]+|.)", re.DOTALL)
_GLUE = re.compile(
    r"\s*=?\s*(?:-?\s*[\d.,]*\s*(?:true\s*)?(?:pt|pc|in|bp|cm|mm|dd|cc|sp|em|ex|mu)\b"
    r"|-?\s*[\d.]*\s*\\[A-Za-z@]+|-?\d+)"
    r"(?:\s*(?:plus|minus)\s*-?\s*[\d.]*\s*(?:\\[A-Za-z@]+|(?:true\s*)?(?:pt|pc|in|bp|cm|mm|dd|cc|sp|em|ex|mu|fil+)\b))*"
)


def group_end(text: str, start: int) -> int:
    """Where the braced group that opens at ``start`` ends; -1 when it doesn't."""
    if text is _matched.text:
        return _matched.ends.get(start, -1)
    depth = 0
    for match in _BRACE.finditer(text, start):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth == 0:
                return match.end()
    if len(text) - start > _LONG:
        _matched.read(text)
    return -1


class _Matched:
    """The braces of the last long text in which one wasn't closed, matched once: to look for the
    end of each of thousands of such groups would take for ever."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.ends: dict[int, int] = {}

    def read(self, text: str) -> None:
        self.text = text
        self.ends = {}
        opened: list[int] = []
        for match in _BRACE.finditer(text):
            token = match.group()
            if token == "{":
                opened.append(match.start())
            elif token == "}" and opened:
                self.ends[opened.pop()] = match.end()


_LONG = 2000
_matched = _Matched()


def bracketed(text: str, start: int, longest: int = _LONGEST_OPTION) -> int:
    """Where the optional argument that opens at ``start`` ends; -1 when it doesn't.

    A bracket inside braces belongs to the argument, as in LaTeX.
    """
    depth = 0
    for match in _BRACKET.finditer(text, start + 1, min(len(text), start + longest)):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth < 0:
                return -1
        elif token == "]" and depth == 0:
            return match.end()
    return -1


def skip_blanks(text: str, position: int) -> int:
    """The next position that holds no blank, across one line end but not into a new paragraph."""
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def control_word(text: str, position: int) -> re.Match[str] | None:
    """The control sequence at a position."""
    return _CONTROL.match(text, position)


def is_escaped(text: str, position: int) -> bool:
    """Whether an odd number of backslashes stands before a position."""
    count = 0
    while position - count > 0 and text[position - count - 1] == "\\":
        count += 1
    return count % 2 == 1


def next_argument(text: str, position: int) -> tuple[str, int] | None:
    """An undelimited argument: a group without its braces, or one token.

    Returns:
        The argument and where reading goes on; None when none begins here.
    """
    start = skip_blanks(text, position)
    if start >= len(text):
        return None
    character = text[start]
    if character == "{":
        end = group_end(text, start)
        return (text[start + 1 : end - 1], end) if end >= 0 else None
    if character == "\\":
        control = _CONTROL.match(text, start)
        return (control.group(), control.end()) if control else None
    if character in "}\n":
        return None
    return character, start + 1


def optional_argument(text: str, position: int) -> tuple[str | None, int]:
    """An argument in brackets, or None and the position unchanged."""
    start = skip_blanks(text, position)
    if text[start : start + 1] != "[":
        return None, position
    end = bracketed(text, start)
    return (text[start + 1 : end - 1], end) if end >= 0 else (None, position)


def skip_specified(text: str, position: int, arguments: str) -> tuple[list[str], int] | None:
    """Reads the arguments of a command.

    Args:
        text: The text.
        position: Behind the command's name.
        arguments: One letter each: ``*`` a star that may stand, ``o`` an optional argument, ``m`` a
            mandatory one, ``(`` one in round brackets, ``<`` one in angle brackets (both optional),
            ``d`` a dimension or number as TeX's primitives take it.

    Returns:
        The mandatory arguments and where reading goes on; None when one is missing.
    """
    mandatory: list[str] = []
    for kind in arguments:
        if kind == "*":
            if text[position : position + 1] == "*":
                position += 1
        elif kind == "o":
            _, position = optional_argument(text, position)
        elif kind == "m":
            taken = next_argument(text, position)
            if taken is None:
                return None
            mandatory.append(taken[0])
            position = taken[1]
        elif kind in "(<":
            start = skip_blanks(text, position)
            if text[start : start + 1] == kind:
                end = text.find(")" if kind == "(" else ">", start)
                if end >= 0:
                    position = end + 1
        else:
            glue = _GLUE.match(text, position)
            if glue is not None:
                position = glue.end()
    return mandatory, position
