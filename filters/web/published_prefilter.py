r"""OpenWebMath's prefilter, with what it did rather than what the paper says.

Source: keirp/OpenWebMath @98f81d0, extract_from_cc/extract_from_warc.py; paper table 8 (spec
section 1.2). Kept on purpose: dots of the keywords match any character, and commands count as
substrings, so that ``C:\Users\intel`` passes for ``\in``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str
from resiliparse.parse.html import HTMLTree

from filters.web.latex_commands import POPULAR_COMMANDS
from filters.web.math_score import MathScore
from schemas import Decision, Document

__all__ = ["PublishedPrefilter"]

# One expression in the original; "tex.cgi" matches "tex-cgi" there.
_KEYWORDS = (
    rb"MathJax",
    rb"mathjax",
    rb"<math",
    rb"math-container",
    rb"katex.min.css",
    rb"latex.php",
    rb"codecogs",
    rb"tex.cgi",
    rb'class="tex"',
    rb"class='tex'",
)
_BACKSLASH_COMMAND = rb"\\[a-z]{2}"


@dataclass(frozen=True, slots=True)
class PublishedPrefilter:
    r"""Keeps pages that the original's prefilter kept.

    Steps: a keyword in the bytes; else, for pages with a backslash command only, one of 84 commands
    as a substring of the extracted text; else, again for these pages only, a MathScore. The paper
    reads as if MathScore were asked of every page without symbols; the code nests it.

    Attributes:
        math_score_threshold: MathScore above which a page with backslashes but no command is kept.
        minimum_chars: Such a page's text must be longer than this.
        math_score_model: The model of that MathScore.
    """

    math_score_threshold: float = 0.8
    minimum_chars: int = 500
    math_score_model: str = "math-score-small"

    name: ClassVar[str] = "published_prefilter"

    def check(self) -> None:
        """Raises when the MathScore model is missing."""
        self._math_score().check()

    def judge(self, document: Document) -> Decision:
        """Judges ``document.raw``; the decision's detail is the keyword or command found."""
        keyword, command_found = _scanner()(document.raw)
        if keyword:
            return Decision.keep(self.name, "keyword", detail=keyword.decode("latin-1"))
        if not command_found:
            return _NOTHING
        text = _plain_text(bytes(document.raw))
        for command in POPULAR_COMMANDS:
            if command in text:
                return Decision.keep(self.name, "command", detail=command)
        if len(text) > self.minimum_chars:
            score = self._math_score().score(text)
            if score > self.math_score_threshold:
                return Decision.keep(
                    self.name, "math_score", score=score, threshold=self.math_score_threshold
                )
            return Decision.drop(
                self.name, "no_math", score=score, threshold=self.math_score_threshold
            )
        return _NOTHING

    def _math_score(self) -> MathScore:
        return MathScore(model=self.math_score_model, edition="published")


_NOTHING = Decision.drop(PublishedPrefilter.name, "no_math")


_Scanner = Callable[[bytes | memoryview], tuple[bytes, bool]]


@functools.cache
def _scanner() -> _Scanner:
    """A function from bytes to the first keyword in them, and whether a backslash command is."""
    try:
        import hyperscan
    except ImportError:  # no wheel for this platform: the same answer, nine times slower
        return _python_scanner()
    command = len(_KEYWORDS)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[*_KEYWORDS, _BACKSLASH_COMMAND],
        ids=list(range(command + 1)),
        elements=command + 1,
        flags=[hyperscan.HS_FLAG_SINGLEMATCH] * (command + 1),
    )

    def found_by_hyperscan(data: bytes | memoryview) -> tuple[bytes, bool]:
        ends: dict[int, int] = {}

        def on_match(row: int, start: int, end: int, flags: int, context: object) -> None:
            ends[row] = end

        database.scan(data, match_event_handler=on_match)  # type: ignore[type-var]
        command_found = ends.pop(command, 0) > 0
        if not ends:
            return b"", command_found
        start, row = min((end - len(_KEYWORDS[row]), row) for row, end in ends.items())
        return bytes(data[start : start + len(_KEYWORDS[row])]), command_found

    return found_by_hyperscan


def _python_scanner() -> _Scanner:
    keywords, command = re.compile(b"|".join(_KEYWORDS)), re.compile(_BACKSLASH_COMMAND)

    def found_by_re(data: bytes | memoryview) -> tuple[bytes, bool]:
        keyword = keywords.search(data)
        if keyword is not None:
            return bytes(keyword.group()), False
        return b"", command.search(data) is not None

    return found_by_re


def _plain_text(raw: bytes) -> str:
    """The main text as the original took it here: templates opened, alternative texts left out.

    Bytes that aren't UTF-8 are read as Windows-1252: the original meant to detect their encoding
    when this call fails, but it falls back by itself and doesn't fail.
    """
    html: str = bytes_to_str(raw, "utf-8")
    html = html.replace("<template", "<div").replace("</template", "</div")
    tree = HTMLTree.parse(html)
    text: str = extract_plain_text(tree, main_content=True, alt_texts=False)
    return text
