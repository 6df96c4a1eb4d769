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

__all__ = ["CODE", "FORMULA", "LINK", "Edition", "normalise_for_models", "prose", "without_formulas"]

Edition = Literal["ours", "published"]

FORMULA = "[EQUATION]"
CODE = "[CODE]"
LINK = "[LINK]"


def normalise_for_models(text: str, edition: Edition) -> str:
    r"""A text as the models read it: one line, lower case, no accents, digits as ``0``.

    Args:
        text: An extracted text: formulas in ``$..$`` or ``$$..$$``, other dollar signs as ``\$``.
        edition: ``ours``: formulas, code and links become ``[EQUATION]``, ``[CODE]`` and
            ``[LINK]``, stray TeX commands go, words and punctuation marks stand apart.
            ``published``: as OpenWebMath did.

    Returns:
        Words between single spaces (ours), or the original's string, which may hold any spaces
        but no line feed.
    """
    return _published(text) if edition == "published" else _ours(text)


def without_formulas(normalised: str) -> str:
    """A normalised text without its formulas, as MathScore reads it in either edition."""
    return normalised.replace(FORMULA, "")


# What isn't prose, first match wins. A formula is bounded by its own delimiters and, inline, by an
# empty line, so that one stray dollar sign can't swallow a page. Quantifiers are possessive: the
# time is linear in the text.
_MASKED = re.compile(
    r"""
    (?P<code> ^[ \t]*(?P<fence>```+|~~~+)[^\n]*\n (?:.*?\n)?? [ \t]*(?P=fence)[ \t]*$
            | (?P<tick>`++)(?![ ]) [^`\n]++ (?P=tick) )
  | (?P<formula> (?<!\\)\$\$ (?: [^$\\] | \\. )++ \$\$
            | (?<!\\)\$ (?: [^$\\\n] | \\. | \n(?![ \t]*\n) )++ \$
            | \\\( (?: [^\\\n] | \\(?!\)). | \n(?![ \t]*\n) )*+ \\\)
            | \\\[ (?: [^\\] | \\(?!\]). )*+ \\\]
            | \\begin\{(?P<env>equation|align|aligned|gather|multline|eqnarray|array|cases
                        |[pbvBV]?matrix|split|displaymath|math|flalign|alignat)(?P<star>\*?)\}
              .*? \\end\{(?P=env)(?P=star)\} )
  | (?P<link> (?: https?:// | www\. ) [^\s<>)\]]++ )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|.)", re.DOTALL)


@functools.lru_cache(maxsize=2)
def _masked(text: str) -> str:
    # Three filters ask for the same text one after the other.
    return _MASKED.sub(_placeholder, text)


def _placeholder(match: re.Match[str]) -> str:
    if match["formula"] is not None:
        return f" {FORMULA} "
    return f" {LINK} " if match["link"] is not None else f" {CODE} "


_PLACEHOLDERS = re.compile(r"\[(?:EQUATION|CODE|LINK)\]")


def prose(text: str) -> str:
    r"""The words of an extracted text: formulas, code, links and stray TeX commands taken out.

    Case, accents and punctuation stay; white space becomes single spaces.
    """
    words = _PLACEHOLDERS.sub(" ", _masked(text))
    return " ".join(_COMMAND.sub(_uncommanded, words).split())


def _uncommanded(match: re.Match[str]) -> str:
    # An escaped sign is the sign ("\$5"); a command is no word.
    command = match[0]
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
    decomposed = unicodedata.normalize("NFKD", text.translate(_PUNCTUATION))
    return "".join([c for c in decomposed if unicodedata.category(c) != "Mn"])


_LOWER_PLACEHOLDERS = {held.lower(): held for held in (FORMULA, CODE, LINK)}


def _cased(words: str) -> str:
    lower = words.lower()
    for small, held in _LOWER_PLACEHOLDERS.items():
        lower = lower.replace(small, held)
    return lower


# Punctuation that cc_net (facebookresearch/cc_net, text_normalizer) maps to ASCII.
_PUNCTUATION = str.maketrans(
    {
        "，": ",", "。": ".", "、": ",", "„": '"', "”": '"', "“": '"', "«": '"', "»": '"',
        "１": '"', "」": '"', "「": '"', "《": '"', "》": '"', "´": "'", "∶": ":", "：": ":",
        "？": "?", "！": "!", "（": "(", "）": ")", "；": ";", "–": "-", "—": " - ", "．": ". ",
        "～": "~", "’": "'", "…": "...", "━": "-", "〈": "<", "〉": ">", "【": "[", "】": "]",
        "％": "%", "►": "-",
    }
)  # fmt: skip

_PUBLISHED_FORMULA = re.compile(r"(?<!\\)(\$\$?.+?\$\$?)", re.DOTALL)
_PUBLISHED_CODE = re.compile(r"`.+?`", re.DOTALL)
_PUBLISHED_CONTROL = dict.fromkeys([*range(32), *range(127, 160)])
_DIGIT = re.compile(r"\d")


def _published(text: str) -> str:
    line = unicodedata.normalize("NFD", text.strip().lower())
    line = "".join([c for c in line if unicodedata.category(c) != "Mn"])
    line = _DIGIT.sub("0", line).translate(_PUNCTUATION)
    line = _PUBLISHED_CODE.sub(CODE, _PUBLISHED_FORMULA.sub(FORMULA, line))
    line = line.replace("<s>", "").replace("</s>", "")
    return line.translate(_PUBLISHED_CONTROL)
