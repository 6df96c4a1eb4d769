"""Texts that are no prose about mathematics, whatever their formulas look like.

Formulas and code are masked before anything is counted: long lines, symbols, repetition and odd
words inside them are mathematics and not a fault.

Defaults were set on the texts of 204 real English pages that our prefilter passes (blogs, forums,
encyclopedias, documentation) of 200 characters and more; of these the quantiles are

=====================  =====  =====  =====  ======  =====  =====  =====
measure                   1%     2%     5%  median    95%    98%    99%
=====================  =====  =====  =====  ======  =====  =====  =====
stop words, share       0.02   0.06   0.13    0.39   0.47   0.49   0.49
letters, share          0.37   0.57   0.75    0.93   0.97   0.97   0.98
mean word               3.18   3.48   4.02    4.94   6.21   7.10   7.35
duplicate lines, share   0.0    0.0    0.0     0.0   0.07   0.12   0.22
repeated words, share    0.0    0.0   0.01    0.03   0.18   0.22   0.24
link-like lines, share   0.0    0.0    0.0    0.07   0.22   0.25   0.26
=====================  =====  =====  =====  ======  =====  =====  =====

and what lies beyond the defaults was read: indexes, member lists, source code, tables of numbers, a
page of formulas with no sentence. Each default leaves room to the last page with prose.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from schemas import Decision, Document

__all__ = ["QualityRules"]

_FORMULA = re.compile(r"(?<!\\)\$\$.+?(?<!\\)\$\$|(?<!\\)\$[^$\n]+?(?<!\\)\$", re.DOTALL)
_CODE = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_TOKEN = re.compile(r"\S+")
# One to three words and nothing else but a bullet, a number before or a mark behind: how entries of
# menus look, and lines of a plain-text derivation don't.
_LINK_LIKE = re.compile(r"[-*#|>•·\s\d.]*[^\W\d_]{2,}(?:[ '’-][^\W\d_]+){0,2}[\s|,:»›]*$")

# What holds English sentences together. The share among running words of ordinary prose is 0.35 to
# 0.55; keyword lists, tables and word salad have next to none.
_STOP_WORDS = frozenset(
    """
    a all an and are as at be been but by can do for from has have he how if in into is it its let
    more not of on one or our since so some such than that the then there these they this to two we
    what when where which will with you your
    """.split()
)

# Pages that a server or a script shows instead of the content. Only short pages are suspected.
_ERROR_PHRASES = (
    "403 forbidden",
    "404 not found",
    "access denied",
    "enable javascript",
    "javascript is disabled",
    "javascript is required",
    "page not found",
    "please log in",
    "please sign in",
    "log in to continue",
    "sign in to continue",
    "you must be logged in",
    "are you a robot",
    "verify you are human",
    "checking your browser",
)


_PASSAGE = 10


@dataclass(frozen=True, slots=True)
class QualityRules:
    """Drops texts that are no prose, by the first rule that fires.

    Attributes:
        minimum_chars: Shorter texts say nothing (``too_short``).
        minimum_words: Words outside formulas and code; fewer is a page of formulas without a
            sentence (``too_few_words``).
        error_page_chars: Texts up to this long are searched for phrases of error and login pages
            (``error_page``).
        minimum_stop_words: Share of stop words among the words, from ``stop_word_sample`` words
            on (``few_stop_words``): keyword spam, word salad, lists of names.
        stop_word_sample: Texts with fewer words aren't judged by their stop words.
        minimum_alphabetic: Share of letters among the characters outside formulas that are no
            white space (``few_letters``): tables of numbers, symbol debris.
        maximum_duplicate_lines: Share of characters in lines of ``line_chars`` or more that occur
            before on the page (``duplicate_lines``).
        line_chars: Shorter lines may repeat.
        maximum_duplicate_passages: Share of ten-word passages that occur before on the page
            (``duplicate_passages``): one text again and again, on however few lines.
        duplicate_sample: Texts with fewer words aren't judged by their passages.
        maximum_repeated_ngrams: Share of words in the page's most frequent ``ngram``-word
            sequence (``repeated_phrase``): spam.
        ngram: Length of that sequence.
        mean_word: Bounds of the mean length of words (``odd_word_length``): OCR debris below,
            run-together words and identifiers above.
        maximum_short_lines: Share of lines of one to three words and nothing else, when there are
            ``short_line_sample`` lines or more (``link_list``): navigation without content.
        short_line_sample: Pages with fewer lines aren't judged by their short lines.
    """

    minimum_chars: int = 200
    minimum_words: int = 20
    error_page_chars: int = 1500
    minimum_stop_words: float = 0.12
    stop_word_sample: int = 40
    minimum_alphabetic: float = 0.45
    maximum_duplicate_lines: float = 0.4
    line_chars: int = 40
    maximum_repeated_ngrams: float = 0.3
    maximum_duplicate_passages: float = 0.6
    duplicate_sample: int = 200
    ngram: int = 3
    mean_word: tuple[float, float] = (2.6, 9.5)
    maximum_short_lines: float = 0.7
    short_line_sample: int = 40

    name: ClassVar[str] = "quality"

    def judge(self, document: Document) -> Decision:
        """Judges ``document.text``; score and threshold are those of the rule that fired."""
        text = document.text
        for reason, score, threshold in self._faults(text):
            return Decision.drop(self.name, reason, score=score, threshold=threshold)
        return Decision.keep(self.name)

    def _faults(self, text: str) -> Iterator[tuple[str, float, float]]:
        if len(text) < self.minimum_chars:
            yield "too_short", len(text), self.minimum_chars
        prose = _FORMULA.sub(" ", _CODE.sub(" ", text))
        words = [word.lower() for word in _WORD.findall(prose)]
        if len(words) < self.minimum_words:
            yield "too_few_words", len(words), self.minimum_words
        if len(text) <= self.error_page_chars:
            lowered = prose.lower()
            hits = sum(phrase in lowered for phrase in _ERROR_PHRASES)
            if hits:
                yield "error_page", hits, 1
        yield from self._language_faults(prose, words)
        yield from self._repetition_faults(text, words)

    def _language_faults(self, prose: str, words: list[str]) -> Iterator[tuple[str, float, float]]:
        if len(words) >= self.stop_word_sample:
            share = sum(word in _STOP_WORDS for word in words) / len(words)
            if share < self.minimum_stop_words:
                yield "few_stop_words", share, self.minimum_stop_words
        visible = sum(map(len, _TOKEN.findall(prose)))
        letters = sum(map(len, words))
        if visible and letters / visible < self.minimum_alphabetic:
            yield "few_letters", letters / visible, self.minimum_alphabetic
        if words:
            mean = letters / len(words)
            if mean < self.mean_word[0]:
                yield "odd_word_length", mean, self.mean_word[0]
            if mean > self.mean_word[1]:
                yield "odd_word_length", mean, self.mean_word[1]

    def _repetition_faults(self, text: str, words: list[str]) -> Iterator[tuple[str, float, float]]:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        seen: set[str] = set()
        repeated = total = short = 0
        for line in lines:
            total += len(line)
            if len(line) >= self.line_chars:
                repeated += len(line) if line in seen else 0
                seen.add(line)
            elif _LINK_LIKE.match(line):
                short += 1
        if total and repeated / total > self.maximum_duplicate_lines:
            yield "duplicate_lines", repeated / total, self.maximum_duplicate_lines
        if len(lines) >= self.short_line_sample and short / len(lines) > self.maximum_short_lines:
            yield "link_list", short / len(lines), self.maximum_short_lines
        if len(words) >= self.stop_word_sample:
            grams = zip(*(words[start:] for start in range(self.ngram)), strict=False)
            _, count = Counter(grams).most_common(1)[0]
            share = count * self.ngram / len(words)
            if count > 3 and share > self.maximum_repeated_ngrams:
                yield "repeated_phrase", share, self.maximum_repeated_ngrams
        # With formulas and numbers: exercises of a sheet differ in nothing else.
        tokens = _CODE.sub(" ", text).split()
        if len(tokens) >= self.duplicate_sample:
            passages = list(zip(*(tokens[start:] for start in range(_PASSAGE)), strict=False))
            share = 1 - len(set(passages)) / len(passages)
            if share > self.maximum_duplicate_passages:
                yield "duplicate_passages", share, self.maximum_duplicate_passages
