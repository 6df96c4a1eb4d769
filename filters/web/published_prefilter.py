r"""OpenWebMath's prefilter, with what it did rather than what the paper says.

Source: keirp/OpenWebMath @98f81d0, extract_from_cc/extract_from_warc.py; paper table 8 (spec
section 1.2). Kept on purpose: dots of the keywords match any character, and commands count as
substrings, so that ``C:\Users\intel`` passes for ``\in``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str
from resiliparse.parse.html import HTMLTree

from filters.rejudging import Bound, Law
from filters.web.byte_patterns import Matcher, compile_matcher
from filters.web.math_score import MathScore
from schemas import Decision, Document
from schemas.latex_commands import POPULAR_COMMANDS

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
    laws: ClassVar[tuple[Law, ...]] = (Bound("math_score_threshold", "above"),)

    def check(self) -> None:
        """Raises when the MathScore model is missing."""
        self._math_score().check()

    def judge(self, document: Document) -> Decision:
        """Judges ``document.raw``; the decision's detail is the keyword or command found."""
        ends = _matcher()(document.raw)
        keyword = _first_keyword(document.raw, ends)
        if keyword:
            return Decision.keep(self.name, "keyword", detail=keyword.decode("latin-1"))
        if not ends:
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


@functools.cache
def _matcher() -> Matcher:
    return compile_matcher([*_KEYWORDS, _BACKSLASH_COMMAND])


def _first_keyword(raw: bytes | memoryview, ends: dict[int, int]) -> bytes:
    """The keyword that stands first in the bytes; keywords match at their own length."""
    keywords = [
        (ends[row] - len(keyword), row) for row, keyword in enumerate(_KEYWORDS) if row in ends
    ]
    if not keywords:
        return b""
    start, row = min(keywords)
    return bytes(raw[start : start + len(_KEYWORDS[row])])


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
