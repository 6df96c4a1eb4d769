"""The original's filters on lines of extracted text.

Source: keirp/OpenWebMath @98f81d0, text_extraction/text_extract/line_processing.py, as described in
the project's account of it (spec section 1.3 h), and filtering/filter_dataset.py for newcommand.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import resources

from extractors.html.published.marks import has_mark, without_marks
from extractors.html.published.settings import Settings

__all__ = [
    "drop_boilerplate",
    "drop_chinese_lines",
    "drop_empty_headings",
    "drop_newcommand_lines",
    "write_heading_signs",
]

_HEADING_CHARS = 16


@functools.cache
def _phrases() -> list[tuple[str, int]]:
    """The phrases with their number of words."""
    folder = resources.files("extractors.html.published")
    text = folder.joinpath("boilerplate_phrases.txt").read_text("utf-8")
    rows = [row for row in text.split("\n") if row and not row.startswith("#")]
    return [(row, len(row.split())) for row in rows]


def write_heading_signs(text: str) -> str:
    """Number signs for the tags that stand for them."""
    for level in range(1, 7):
        text = text.replace(f"[heading_{level}]", "#" * level)
    return text


def drop_chinese_lines(lines: Sequence[str]) -> list[str]:
    """Blanks lines whose first character is a common Chinese one."""
    return ["" if "\u4e00" <= line[:1] <= "\u9fff" else line for line in lines]


def drop_boilerplate(lines: Sequence[str], settings: Settings) -> list[str]:
    """Drops lines with many words of boilerplate, and everything after one near the end.

    Phrases count as substrings, so that "gradient radius add" holds "ad" three times and goes
    (defect 13). Lines with formulas or code stay.
    """
    kept: list[str] = []
    for place, line in enumerate(lines):
        if _is_content(line) or not _is_boilerplate(line, settings):
            kept.append(line)
        elif len(lines) - place < settings.end_threshold:
            kept.extend(rest for rest in lines[place:] if _is_content(rest))
            break
    return kept


def _is_content(line: str) -> bool:
    return has_mark(line, "math") or has_mark(line, "code")


def _is_boilerplate(line: str, settings: Settings) -> bool:
    text = without_marks(line.lower())
    score = sum(text.count(phrase) * words for phrase, words in _phrases())
    ratio = score / (len(text.split()) + 0.001)
    return ratio > settings.ratio_threshold or score > settings.absolute_threshold


def drop_empty_headings(lines: Sequence[str]) -> list[str]:
    """Drops headings that no longer line follows before the next of their level or a higher one."""
    levels = [_level(line) for line in lines]
    return [
        line
        for place, line in enumerate(lines)
        if not levels[place] or _has_section(lines, levels, place)
    ]


def _level(line: str) -> int:
    return next((level for level in range(6, 0, -1) if has_mark(line, f"h{level}")), 0)


def _has_section(lines: Sequence[str], levels: Sequence[int], place: int) -> bool:
    for following in range(place + 1, len(lines)):
        if not levels[following]:
            if len(lines[following]) > _HEADING_CHARS:
                return True
        elif levels[following] <= levels[place]:
            return False
    return False


def drop_newcommand_lines(text: str) -> str:
    r"""Drops lines that define more than one macro: pages' preambles."""
    return "\n".join(line for line in text.split("\n") if line.count("newcommand") < 2)
