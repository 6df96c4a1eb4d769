"""Is a paper's prose in the language wanted?

A paper is long and its ends are seldom like the rest: a title page, a summary in another language,
a list of names. So windows are read all over it, and the language of most of them counts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from filters.normalisation import prose
from filters.web.language import UNDETERMINED, Language
from schemas import Decision, Document

__all__ = ["PaperLanguage"]

_FEWEST_LETTERS = 60
"""As for pages, see ``filters.web.language``."""


@dataclass(frozen=True, slots=True)
class PaperLanguage(Language):
    """Keeps papers in the languages wanted, and sets ``language`` and ``language_score``.

    Attributes:
        windows: How many places of a paper are read; a thesis with its summary and its author's
            life in German, a sixth of its windows, stays English.
        window_chars: Characters of each.
    """

    windows: int = 12
    window_chars: int = 400

    def judge(self, document: Document) -> Decision:
        """Judges by the text; the decision's detail names the language found."""
        line = prose(document.text)
        if sum(map(str.isalpha, line)) < _FEWEST_LETTERS:
            document.language, document.language_score = UNDETERMINED, 0.0
            return Decision.keep(self.name, "too_short_to_tell", threshold=self.threshold)
        totals: defaultdict[str, float] = defaultdict(float)
        windows = self._windows(line)
        for window in windows:
            language, probability = self.identify(window)
            totals[language] += probability
        found, total = max(totals.items(), key=lambda item: (item[1], item[0]))
        score = total / len(windows)
        document.language, document.language_score = found, score
        if found not in self.languages:
            reason = "other_language"
        elif score < self.threshold:
            reason = "unsure"
        else:
            return Decision.keep(self.name, score=score, threshold=self.threshold, detail=found)
        return Decision.drop(self.name, reason, score=score, threshold=self.threshold, detail=found)

    def _windows(self, line: str) -> list[str]:
        """Pieces spread evenly over a line; all of a line that is short."""
        count = min(self.windows, -(-len(line) // self.window_chars))
        if count <= 1:
            return [line]
        step = (len(line) - self.window_chars) / (count - 1)
        starts = [int(number * step) for number in range(count)]
        return [line[start : start + self.window_chars] for start in starts]
