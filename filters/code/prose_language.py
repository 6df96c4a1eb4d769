r"""Is a TeX file's prose in the language wanted?

Ours is the web subset's filter over what is left when commands, formulas and comments are taken
out. The published edition ran langid.py over the source as it is (spec section 1.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from filters.code.langid import classify_language, langid_version
from filters.code.tables import Edition, language_tables
from filters.models import ModelSpec
from filters.web.language import Language
from schemas import Decision, Document

__all__ = ["ProseLanguage"]

# Characters of source that are looked at; the web's filter samples what is left of them.
_SOURCE_CHARS = 60_000
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_FORMULA = re.compile(
    r"\$\$.{0,20000}?\$\$|\$[^$]{0,2000}\$|\\\[.{0,20000}?\\\]|\\\(.{0,5000}?\\\)|"
    r"\\begin\{(equation|align|gather|multline|eqnarray|array|tabular|tikzpicture|verbatim|"
    r"lstlisting|minted|displaymath|math|thebibliography)\*?\}.{0,50000}?\\end\{\1\*?\}",
    re.DOTALL,
)
_ARGUMENT = re.compile(
    r"\\(?:usepackage|documentclass|newcommand|renewcommand|def|label|ref|eqref|cite\w*|input|"
    r"include|includegraphics|bibliography\w*|begin|end|url|href|pagestyle|setlength|vspace|"
    r"hspace|color|definecolor|newtheorem|DeclareMathOperator|setcounter)\*?\s*"
    r"(?:\[[^\]\n]{0,300}\])?(?:\{[^{}\n]{0,300}\})*"
)
_COMMAND = re.compile(r"\\(?:[A-Za-z@]+\*?|.)|[{}&~^_]")


@dataclass(frozen=True, slots=True)
class ProseLanguage:
    """Keeps files of prose in the languages wanted; other files stay.

    Attributes:
        model: The web filter's model.
        languages: ISO 639 codes to keep.
        threshold: The least probability of the language.
        edition: ``published`` classifies the source with langid.py, which knows no threshold.
    """

    model: ModelSpec = "lid.176"
    languages: tuple[str, ...] = ("en",)
    threshold: float = 0.5
    edition: Edition = "ours"
    _web: Language = field(init=False, repr=False, compare=False)

    name: ClassVar[str] = "prose_language"

    def __post_init__(self) -> None:
        web = Language(self.model, self.languages, self.threshold)
        object.__setattr__(self, "_web", web)

    def check(self) -> None:
        """Raises before any work when the model isn't there."""
        if self.edition == "ours":
            self._web.check()

    def model_digest(self) -> str:
        """What tells the model from another."""
        if self.edition == "ours":
            return self._web.model_digest()
        return langid_version()

    def judge(self, document: Document) -> Decision:
        """Judges TeX files by their prose; the decision's detail names the language found."""
        if not language_tables()[document.programming_language].prose:
            return Decision.keep(self.name, "no_prose")
        if self.edition == "published":
            return self._published(document)
        text = document.text
        document.text = tex_prose(text[:_SOURCE_CHARS])
        try:
            decision = self._web.judge(document)
        finally:
            document.text = text
        return Decision(
            self.name,
            decision.verdict,
            decision.reason,
            decision.score,
            decision.threshold,
            decision.detail,
        )

    def _published(self, document: Document) -> Decision:
        document.language, score = classify_language(document.text)
        found = document.language
        if found not in self.languages:
            return Decision.drop(self.name, "other_language", score=score, detail=found)
        return Decision.keep(self.name, score=score, detail=found)


def tex_prose(source: str) -> str:
    """What of a TeX source is prose."""
    text = _COMMENT.sub("", source)
    for pattern in (_FORMULA, _ARGUMENT, _COMMAND):
        text = pattern.sub(" ", text)
    return text
