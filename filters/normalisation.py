r"""The form in which models read a text.

Two editions. *Published* is what OpenWebMath's three models were given: cc_net's normalisation
with two additions of its own (spec section 1.5), its defect included: line feeds and tabs are
deleted as control characters, so that ``sum\nof`` becomes ``sumof`` (defect 14). *Ours* keeps words
apart, and knows what a dollar sign, a fence and a link are, so that only prose is left to judge.

Models are trained on what these functions return: to change them is to retrain
(``runbooks/retrain-models.md``).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Literal

__all__ = [
    "CODE",
    "FORMULA",
    "LINK",
    "Edition",
    "normalise_for_models",
    "prose",
    "without_code",
    "without_formulas",
]

Edition = Literal["ours", "published"]

FORMULA = "[EQUATION]"
CODE = "[CODE]"
LINK = "[LINK]"


@functools.lru_cache(maxsize=2)
def normalise_for_models(text: str, edition: Edition) -> str:
    r"""A text as the models read it: one line, lower case, no accents, digits as ``0``.

    Args:
        text: An extracted text: formulas in ``$..$`` or ``$$..$$``, other dollar signs as ``\$``.
        edition: ``ours``: formulas, code and links become ``[EQUATION]``, ``[CODE]`` and
            ``[LINK]``, stray TeX commands go, words and punctuation marks stand apart.
            ``published``: as OpenWebMath did.

    The last results are kept: MathScore and perplexity ask for the same text in turn.

    Returns:
        Words between single spaces (ours), or the original's string, which may hold any spaces
        but no line feed.
    """
    return _published(text) if edition == "published" else _ours(text)


def without_formulas(normalised: str) -> str:
    """A normalised text without its formulas, as MathScore reads it in either edition."""
    return normalised.replace(FORMULA, "")


# Where something that isn't prose may begin. An escaped sign begins nothing.
_OPENER = re.compile(
    r"""
    ^[ \t]*(?P<fence>```++|~~~++)[^\n]*+\n
  | (?P<tick>`++)
  | (?P<dollars>\$\$?)
  | \\(?P<bracket>[(\[])
  | \\begin\{(?P<environment>(?:equation|align|aligned|gather|multline|eqnarray|array|cases
        |[pbvBV]?matrix|split|displaymath|math|flalign|alignat)\*?)\}
  | (?P<link>(?:https?://|www\.)[^\s<>)\]]++)
  | \\.
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
# An inline formula ends before an empty line, so that one stray dollar sign can't swallow a page.
_INLINE = re.compile(r"(?:[^$\\\n]|\\.|\n(?![ \t]*\n))++\$", re.DOTALL)
_DISPLAY = re.compile(r"(?:[^$\\]|\\.)++\$\$", re.DOTALL)
_EMPTY_LINE = re.compile(r"\n[ \t]*\n")


@functools.lru_cache(maxsize=2)
def _masked(text: str, code_alone: bool = False) -> str:
    """The text with a placeholder for everything that isn't prose, or for code alone.

    Three filters ask for the same text one after the other, hence the cache. What is looked for
    ahead is remembered, so that the time is linear in any text, hostile ones included.
    """
    ahead = _Ahead(text)
    parts: list[str] = []
    done = position = 0
    while (opener := _OPENER.search(text, position)) is not None:
        position = opener.end()
        placeholder, end = _extent(opener, ahead)
        if end > 0 and code_alone and placeholder != CODE:
            position = end
        elif end > 0:
            parts += (text[done : opener.start()], " ", placeholder, " ")
            done = position = end
    parts.append(text[done:])
    return "".join(parts)


class _Ahead:
    """Finds closing marks further on, each place at most once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._next: dict[str, tuple[int, int]] = {}

    def end_of(self, closer: str, start: int) -> int:
        """Where the next closer ends; 0 when there is none."""
        return self._find(closer, re.escape(closer), start)[1]

    def end_of_fence(self, fence: str, start: int) -> int:
        """Where the line that closes a fence ends; 0 when there is none."""
        pattern = rf"^[ \t]*{fence[0]}{{{len(fence)},}}[ \t]*$"
        return self._find(f"fence {fence}", pattern, start)[1]

    def empty_line(self, start: int) -> int:
        """Where the next empty line begins; the end of the text when there is none."""
        found = self._find("empty line", _EMPTY_LINE.pattern, start)
        return found[0] if found[1] else len(self.text)

    def _find(self, name: str, pattern: str, start: int) -> tuple[int, int]:
        known = self._next.get(name)
        if known is None or (known[1] and known[0] < start):
            found = re.compile(pattern, re.MULTILINE).search(self.text, start)
            known = self._next[name] = found.span() if found else (0, 0)
        return known


def _extent(opener: re.Match[str], ahead: _Ahead) -> tuple[str, int]:
    """What an opener begins and where that ends; 0 when it begins nothing."""
    text, start = opener.string, opener.end()
    if opener["link"]:
        return LINK, start
    if opener["fence"]:
        return CODE, ahead.end_of_fence(opener["fence"], start)
    if opener["tick"]:
        line_end = text.find("\n", start)
        close = text.find(opener["tick"], start, line_end if line_end >= 0 else len(text))
        return CODE, close + len(opener["tick"]) if close > start else 0
    if opener["dollars"]:
        body = (_INLINE if opener["dollars"] == "$" else _DISPLAY).match(text, start)
        return FORMULA, body.end() if body else 0
    if opener["environment"]:
        return FORMULA, ahead.end_of(f"\\end{{{opener['environment']}}}", start)
    if opener["bracket"] == "[":
        return FORMULA, ahead.end_of("\\]", start)
    if opener["bracket"] == "(":
        end = ahead.end_of("\\)", start)
        return FORMULA, end if end and end <= ahead.empty_line(start) else 0
    return "", 0


def without_code(text: str) -> str:
    """An extracted text with its formulas, its code replaced by ``[CODE]``."""
    return _masked(text, code_alone=True)


_PLACEHOLDERS = re.compile(r"\[(?:EQUATION|CODE|LINK)\]")


_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|.)|[{}]", re.DOTALL)


def prose(text: str) -> str:
    r"""The words of an extracted text: formulas, code, links and stray TeX commands taken out.

    Case, accents and punctuation stay; white space becomes single spaces.
    """
    words = _PLACEHOLDERS.sub(" ", _masked(text))
    return " ".join(_COMMAND.sub(_uncommanded, words).split())


def _uncommanded(match: re.Match[str]) -> str:
    # An escaped sign is the sign ("\$5"); a command is no word.
    command = match[0]
    if command in ("{", "}"):
        return ""
    return " " if len(command) > 2 or command[1].isalpha() else command[1]


# Words (an apostrophe or a hyphen inside stays), placeholders, and single signs.
_TOKEN = re.compile(r"\[(?:EQUATION|CODE|LINK)\]|[^\W_]+(?:['-][^\W_]+)*|[^\w\s]")
_DIGITS = re.compile(r"[0-9]+(?:[.,][0-9]+)*")


def _ours(text: str) -> str:
    plain = _plain_characters(_COMMAND.sub(_uncommanded, _masked(text)))
    words = " ".join(_TOKEN.findall(_DIGITS.sub("0", plain)))
    return _cased(words)


def _plain_characters(text: str) -> str:
    if text.isascii():
        return text
    return _without_marks(unicodedata.normalize("NFKD", _plain_punctuation(text)))


def _plain_punctuation(text: str) -> str:
    for sign in _PUNCTUATION.keys() & set(text):
        text = text.replace(sign, _PUNCTUATION[sign])
    return text


def _without_marks(decomposed: str) -> str:
    # By distinct characters: a text of thousands has some hundred.
    for character in set(decomposed):
        if not character.isascii() and unicodedata.category(character) == "Mn":
            decomposed = decomposed.replace(character, "")
    return decomposed


_LOWER_PLACEHOLDERS = {held.lower(): held for held in (FORMULA, CODE, LINK)}


def _cased(words: str) -> str:
    lower = words.lower()
    for small, held in _LOWER_PLACEHOLDERS.items():
        lower = lower.replace(small, held)
    return lower


# Punctuation that cc_net (facebookresearch/cc_net, text_normalizer) maps to ASCII.
_PUNCTUATION = {
    "，": ",", "。": ".", "、": ",", "„": '"', "”": '"', "“": '"', "«": '"', "»": '"',
    "１": '"', "」": '"', "「": '"', "《": '"', "》": '"', "´": "'", "∶": ":", "：": ":",
    "？": "?", "！": "!", "（": "(", "）": ")", "；": ";", "–": "-", "—": " - ", "．": ". ",
    "～": "~", "’": "'", "…": "...", "━": "-", "〈": "<", "〉": ">", "【": "[", "】": "]",
    "％": "%", "►": "-",
}  # fmt: skip

_PUBLISHED_FORMULA = re.compile(r"(?<!\\)(\$\$?.+?\$\$?)", re.DOTALL)
_PUBLISHED_CODE = re.compile(r"`.+?`", re.DOTALL)
_PUBLISHED_CONTROL = dict.fromkeys([*range(32), *range(127, 160)])
_DIGIT = re.compile(r"\d")


def _published(text: str) -> str:
    line = _without_marks(unicodedata.normalize("NFD", text.strip().lower()))
    line = _plain_punctuation(_DIGIT.sub("0", line))
    line = _PUBLISHED_CODE.sub(CODE, _PUBLISHED_FORMULA.sub(FORMULA, line))
    line = line.replace("<s>", "").replace("</s>", "")
    return line.translate(_PUBLISHED_CONTROL)
