"""The stages that recipes can name, a table for each subset.

Adding a filter is its module and its line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from extractors.formal.rendering import Render
from extractors.latex.options import PaperOptions
from filters.code.chunk_duplicates import ChunkDuplicates
from filters.code.handwriting import DataOnly, Generated, Minified
from filters.code.headers import HeaderLanguage
from filters.code.held_out import HeldOut
from filters.code.language_rules import DigitShare, FileSize, LanguageRules
from filters.code.origin import Benchmarks, Licences, Vendored
from filters.code.prose_language import ProseLanguage
from filters.code.source_files import SourceFiles
from filters.exact_duplicates import ExactDuplicates
from filters.formal.isabelle_steps import IsabelleSteps
from filters.formal.lean_steps import LeanSteps
from filters.formal.splits import Splits
from filters.formal.state_size import StateSize
from filters.formal.test_statements import TestStatements
from filters.near_duplicates import NearDuplicates
from filters.papers.categories import Categories
from filters.papers.metadata import Metadata
from filters.papers.paper_language import PaperLanguage
from filters.papers.recorded_language import RecordedLanguage
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

__all__ = ["STAGES", "Decode", "Extract", "ExtractPaper", "Notebooks", "StageKind"]


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
class ExtractPaper(PaperOptions):
    r"""Turns a paper's source into text.

    Attributes:
        edition: ``ours``, or ``redpajama`` for what RedPajama's cleaner did, its defects included;
            that one knows no other settings.
        tex_bytes: The files that may be TeX, together, up to which a source is read.
        source_files: Files up to which it is.
        expanded_chars: Characters up to which a paper may grow by its inputs and macros; it's cut
            there and says so.
    """

    edition: Literal["ours", "redpajama"] = "ours"
    tex_bytes: int = 60_000_000
    source_files: int = 50_000
    expanded_chars: int = 40_000_000

    name: ClassVar[str] = "extract"

    def options(self) -> dict[str, Any]:
        """What is kept, as plain data."""
        return {option.name: getattr(self, option.name) for option in fields(PaperOptions)}


@dataclass(frozen=True, slots=True)
class Decode:
    """Turns a source file's bytes into text.

    Attributes:
        edition: ``ours`` detects encodings; ``published`` reads UTF-8 or nothing, and of what was
            taken from repositories every line end as a line feed.
    """

    edition: Literal["ours", "published"] = "ours"

    name: ClassVar[str] = "decode"


@dataclass(frozen=True, slots=True)
class Notebooks:
    """Turns notebooks into Markdown; other files stay as they are.

    Attributes:
        edition: ``published`` cleans the Markdown as AlgebraicStack did, in code cells too.
        outputs: What of cells' outputs stays: ``text``, ``none``, or ``published``: all, unless one
            of a cell's has a PNG picture or is an exception.
    """

    edition: Literal["ours", "published"] = "ours"
    outputs: Literal["text", "none", "published"] = "text"

    name: ClassVar[str] = "notebooks"


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

_CODE: Mapping[str, StageKind] = {
    "source_files": StageKind(SourceFiles, "record", needed="it says which files are sources"),
    "vendored": StageKind(Vendored, "address"),
    "benchmarks": StageKind(Benchmarks, "address"),
    "decode": StageKind(Decode, "bytes", makes_text=True, needed="nothing after it has a text"),
    "licences": StageKind(Licences, "text"),
    "notebooks": StageKind(Notebooks, "text"),
    "header_language": StageKind(HeaderLanguage, "text"),
    "file_size": StageKind(FileSize, "text"),
    "generated": StageKind(Generated, "text"),
    "minified": StageKind(Minified, "text"),
    "data_only": StageKind(DataOnly, "text"),
    "digit_share": StageKind(DigitShare, "text"),
    "language_rules": StageKind(LanguageRules, "text"),
    "prose_language": StageKind(ProseLanguage, "text"),
    "held_out": StageKind(HeldOut, "text"),
    "chunk_duplicates": StageKind(ChunkDuplicates, "corpus"),
    "exact_duplicates": StageKind(ExactDuplicates, "corpus"),
    "near_duplicates": StageKind(NearDuplicates, "corpus"),
}

_GOAL_STATES: Mapping[str, StageKind] = {
    "lean_steps": StageKind(LeanSteps, "record"),
    "isabelle_steps": StageKind(IsabelleSteps, "record"),
    "test_statements": StageKind(TestStatements, "record"),
    "splits": StageKind(Splits, "record"),
    "render": StageKind(Render, "record", makes_text=True, needed="nothing after it has a text"),
    "state_size": StageKind(StateSize, "text"),
    "exact_duplicates": StageKind(ExactDuplicates, "corpus"),
    "near_duplicates": StageKind(NearDuplicates, "corpus"),
}

_PAPERS: Mapping[str, StageKind] = {
    "metadata": StageKind(Metadata, "record", needed="it says which paper it is"),
    "categories": StageKind(Categories, "address"),
    "licences": StageKind(Licences, "address"),
    "extract": StageKind(
        ExtractPaper, "bytes", makes_text=True, needed="nothing after it has a text"
    ),
    "language": StageKind(PaperLanguage, "text"),
    "recorded_language": StageKind(RecordedLanguage, "text"),
    "text_length": StageKind(TextLength, "text"),
    "url_duplicates": StageKind(UrlDuplicates, "corpus"),
    "exact_duplicates": StageKind(ExactDuplicates, "corpus"),
    "near_duplicates": StageKind(NearDuplicates, "corpus"),
}

# By subset.
STAGES: Mapping[str, Mapping[str, StageKind]] = {
    "web": _WEB,
    "code": _CODE,
    "goal_states": _GOAL_STATES,
    "papers": _PAPERS,
}
