"""The stages that recipes can name, a table for each subset.

Adding a filter is its module and its line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from filters.exact_duplicates import ExactDuplicates
from filters.near_duplicates import NearDuplicates
from filters.url_duplicates import UrlDuplicates
from filters.web.educational import Educational
from filters.web.language import Language
from filters.web.manual_rules import AccentedCharacters, LibreTextsFormulas, TextLength
from filters.web.math_prefilter import MathPrefilter
from filters.web.math_score import MathScore
from filters.web.perplexity import Perplexity
from filters.web.published_prefilter import PublishedPrefilter
from filters.web.quality import QualityRules
from filters.web.responses import Responses
from filters.web.url_rules import UrlRules
from filters.web.word_order import WordOrder

__all__ = ["STAGES", "Extract", "StageKind"]


@dataclass(frozen=True, slots=True)
class Extract:
    """Turns a page's bytes into text.

    Attributes:
        edition: ``ours``, or ``published`` for what OpenWebMath did, its defects included.
        config: Settings of the published edition: the most probable value of each for every page,
            or ``sampled`` by document as the original did.
    """

    edition: Literal["ours", "published"] = "ours"
    config: Literal["most_probable", "sampled"] = "most_probable"

    name: ClassVar[str] = "extract"


@dataclass(frozen=True, slots=True)
class StageKind:
    """How a stage is built, and where in a recipe it can stand.

    Attributes:
        settings: The filter's class, or for the stage that makes the text its settings' class.
        reads: What it looks at: the ``record`` before its content is read, the ``bytes`` of the
            source, the ``text``, the whole ``corpus`` (those look for duplicates and come last, in
            the table's order), or only the document's ``address``, which is there all along.
        makes_text: Whether it's the stage that turns bytes into text.
        needed: Why no recipe can do without it; empty when one can.
    """

    settings: type[Any]
    reads: Literal["record", "address", "bytes", "text", "corpus"]
    makes_text: bool = False
    needed: str = ""


_WEB: Mapping[str, StageKind] = {
    "responses": StageKind(Responses, "record", needed="it says which records are pages"),
    "url_rules": StageKind(UrlRules, "address"),
    "math_prefilter": StageKind(MathPrefilter, "bytes"),
    "published_prefilter": StageKind(PublishedPrefilter, "bytes"),
    "extract": StageKind(Extract, "bytes", makes_text=True, needed="nothing after it has a text"),
    "language": StageKind(Language, "text"),
    "math_score": StageKind(MathScore, "text"),
    "perplexity": StageKind(Perplexity, "text"),
    "word_order": StageKind(WordOrder, "text"),
    "educational": StageKind(Educational, "text"),
    "quality": StageKind(QualityRules, "text"),
    "text_length": StageKind(TextLength, "text"),
    "accented_characters": StageKind(AccentedCharacters, "text"),
    "libretexts_formulas": StageKind(LibreTextsFormulas, "text"),
    "url_duplicates": StageKind(UrlDuplicates, "corpus"),
    "exact_duplicates": StageKind(ExactDuplicates, "corpus"),
    "near_duplicates": StageKind(NearDuplicates, "corpus"),
}

# By subset.
STAGES: Mapping[str, Mapping[str, StageKind]] = {"web": _WEB}
