"""One paper through the stages of a recipe."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from extractors.extraction import Extraction
from filters.papers.identifiers import arxiv_id
from filters.papers.metadata import Metadata
from pipelines.isolation import ExtractionFailed
from pipelines.judge import Judged, StageJudge, drop, failure, hashed_identity, unread
from pipelines.recipe import Recipe
from pipelines.stages import ExtractPaper
from schemas import Decision, Document
from schemas.papers import PaperProvenance
from schemas.tables import TrailRow

__all__ = ["PaperExtractor", "PaperFile", "PaperJudge"]

# What arXiv has where it has no TeX (https://info.arxiv.org/help/mimetypes.html); half of a year's
# members are PDFs, which need no extractor to be told.
_PDF = b"%PDF-"
_NO_TEXT = frozenset(("no-source", "withdrawn"))


@dataclass(slots=True)
class PaperFile:
    """A paper as it was found.

    Attributes:
        name: The member's path, or the file's name.
        offset: Where it begins in its archive.
        size: Its bytes.
        read: Reads them.
        damage: What is wrong with it; empty when nothing is.
    """

    name: str
    offset: int
    size: int
    read: Callable[[], bytes]
    damage: str = ""


class PaperExtractor(Protocol):
    """What turns a paper's source into text; see ``IsolatedPapers``."""

    def extract(self, raw: bytes | memoryview) -> Extraction:
        """The text of a paper; raises ``ExtractionFailed``."""


class PaperJudge(StageJudge):
    """Judges papers by a recipe.

    Args:
        recipe: The recipe.
        extractor: What turns sources into text.
    """

    def __init__(self, recipe: Recipe, extractor: PaperExtractor) -> None:
        super().__init__(recipe, apart=(Metadata.name,))
        self._extractor = extractor
        self._metadata = recipe.always(Metadata)
        self._extract_stage = recipe.always(ExtractPaper)

    def judge(self, paper: PaperFile, archive: str, *, every_filter: bool = False) -> Judged:
        """Judges one paper.

        Args:
            paper: The paper, or damage where one should be.
            archive: The name of the input that it's in.
            every_filter: Whether all filters judge even after a drop, as in the shadow share.
        """
        provenance = PaperProvenance(archive, paper.name, paper.offset)
        if paper.damage:
            identity = hashed_identity("damage", f"{archive}\n{paper.offset}")
            trail = TrailRow(identity, self._subset, provenance, record_type="damage")
            return unread(trail, "damage:tar", paper.damage)
        document, decision = self._described(paper, provenance)
        trail = TrailRow("", self._subset, provenance, "paper", document.url, document.date)
        trail.decisions.append(decision)
        if paper.size > self._limits.source_bytes:
            trail.document_id = _identity(provenance, archive)
            detail = f"{paper.size} bytes, more than {self._limits.source_bytes}"
            return unread(trail, "error:source_too_large", detail)
        document.raw = paper.read()
        provenance.source_digest = hashlib.sha256(document.raw).hexdigest()
        trail.document_id = document.document_id = _identity(provenance, archive)
        trail.source_bytes = len(document.raw)
        if not decision.keeps:
            drop(trail, decision)
            return Judged(trail)
        if document.raw[: len(_PDF)] == _PDF:
            return unread(trail, "no-source", "pdf")
        return self._run_stages(document, trail, every_filter)

    def _described(
        self, paper: PaperFile, provenance: PaperProvenance
    ) -> tuple[Document, Decision]:
        """What is known of a paper before it's read."""
        number = arxiv_id(paper.name)
        document = Document("", record_type="paper", path=paper.name)
        if number is not None:
            provenance.arxiv_id = number.number
            document.url, document.version = number.url, number.version
            document.date = number.month
        decision = self._metadata.judge(document)
        provenance.version = document.version
        provenance.categories = list(document.categories)
        provenance.licence = document.licence
        return document, decision

    def _extract(self, document: Document) -> Decision:
        stage = ExtractPaper.name
        try:
            extraction = self._extractor.extract(document.raw)
        except ExtractionFailed as error:
            if error.reason in _NO_TEXT:
                return Decision.drop(stage, error.reason, detail=str(error)[:200])
            return failure(stage, error.reason, str(error))
        finally:
            document.raw = b""
        decision = self._take(document, extraction, stage)
        if self._extract_stage.edition == "redpajama" and extraction.text and not decision.keeps:
            # Two files without a header give a newline, which the original wrote (step 9).
            document.text = extraction.text
            return Decision.keep(stage, extraction.method, detail="empty")
        return decision


def _identity(provenance: PaperProvenance, archive: str) -> str:
    """The document_id: arXiv's identifier and version; else what the source is and its name."""
    if provenance.arxiv_id:
        version = f"v{provenance.version}" if provenance.version else ""
        return hashed_identity("arxiv", f"{provenance.arxiv_id}{version}")
    own = provenance.source_digest or archive
    return hashed_identity("paper", f"{provenance.member}\n{own}")
