"""Pictures and other media taken out of Markdown, in one pass whatever the text.

As regular expressions these searches start anew at every opening and look to the text's end each
time: a megabyte of ``![`` would take hours. Here what closes is looked for once, for what follows
is the same for every opening before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["without_elements", "without_pictures_published", "without_tags"]


class _Finder:
    """The next place of a string from a place on, for places that only grow."""

    def __init__(self, text: str, wanted: str | re.Pattern[str]) -> None:
        self._text = text
        self._wanted = wanted
        self._start = -1
        self._end = -1

    def span(self, place: int) -> tuple[int, int] | None:
        """Where the string begins and ends next; None for nowhere."""
        if self._start < place:
            self._look(place)
        return None if self._start == len(self._text) + 1 else (self._start, self._end)

    def _look(self, place: int) -> None:
        if isinstance(self._wanted, str):
            found = self._text.find(self._wanted, place)
            self._start, self._end = found, found + len(self._wanted)
        else:
            match = self._wanted.search(self._text, place)
            self._start, self._end = match.span() if match else (-1, -1)
        if self._start < 0:
            self._start = len(self._text) + 1


def without_pictures_published(text: str) -> str:
    r"""Markdown without pictures, as the original's expression finds them.

    That is ``!\[[^\]]*\]\((?P<filename>.*?)(?=\"|\))(?P<optionalpart>\".*\")?\)`` (process_stack.py
    at math-lm 9575d138): up to the first bracket that closes, or, with a quote before it, up to the
    line's last bracket behind a quote.

    Args:
        text: Markdown.
    """
    return _without(text, _pictures(text))


def _pictures(text: str) -> Iterator[tuple[int, int]]:
    label_end, closing, line_end = _Finder(text, "]"), _Finder(text, ")"), _Finder(text, "\n")
    line, title_end = -1, -1
    start = text.find("![")
    while start >= 0:
        label = label_end.span(start + 2)
        if label is None:
            return
        begin = label[0] + 2
        following = start + 1
        close = closing.span(begin) if text.startswith("(", label[0] + 1) else None
        if close is not None:
            newline = line_end.span(begin)
            end = newline[0] if newline else len(text)
            if close[0] < end:
                if line != end:
                    line, title_end = end, text.rfind('")', begin, end)
                quote = text.find('"', begin, close[0])
                following = title_end + 2 if 0 <= quote < title_end else close[1]
                yield start, following
        start = text.find("![", following)


def without_tags(text: str, opening: re.Pattern[str], most: int = 0) -> str:
    """Text without the tags that begin in one way and go to the next ``>``.

    Args:
        text: Markdown or HTML.
        opening: How they begin.
        most: Characters between the beginning and the ``>`` that a tag may have; 0 for any number.
    """
    return _without(text, _tags(text, opening, most))


def _tags(text: str, opening: re.Pattern[str], most: int) -> Iterator[tuple[int, int]]:
    closing, done = _Finder(text, ">"), 0
    for match in opening.finditer(text):
        close = closing.span(match.end())
        if close is None:
            return
        if match.start() >= done and not (most and close[0] - match.end() > most):
            done = close[1]
            yield match.start(), done


def without_elements(
    text: str, opening: re.Pattern[str], closings: dict[str, re.Pattern[str]]
) -> str:
    """Text without the elements of some names, from what opens one to what closes it next.

    Args:
        text: Markdown or HTML.
        opening: How they begin; its group is named after the element.
        closings: How elements end, by the group's name.
    """
    return _without(text, _elements(text, opening, closings))


def _elements(
    text: str, opening: re.Pattern[str], closings: dict[str, re.Pattern[str]]
) -> Iterator[tuple[int, int]]:
    finders = {name: _Finder(text, pattern) for name, pattern in closings.items()}
    done = 0
    for match in opening.finditer(text):
        if match.start() >= done:
            close = finders[str(match.lastgroup)].span(match.end())
            if close is not None:
                done = close[1]
                yield match.start(), done


def _without(text: str, spans: Iterator[tuple[int, int]]) -> str:
    parts, done = [], 0
    for start, end in spans:
        parts.append(text[done:start])
        done = end
    return "".join((*parts, text[done:])) if done else text
