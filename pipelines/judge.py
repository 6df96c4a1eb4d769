"""One document through the stages of a recipe: its trail, and its row if it passes.

Plain functions over plain values, so that the pipeline, the command line and the tests judge a
document by the same code.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from extractors.extraction import Extraction
from pipelines.recipe import Recipe, Stage
from schemas import Decision, Document
from schemas.tables import DocumentRow, TrailRow

__all__ = [
    "READ",
    "Judged",
    "StageJudge",
    "drop",
    "failure",
    "hashed_identity",
    "in_share",
    "note",
    "unread",
]

# The name under which reading itself decides: damage, sources that can't be decoded.
READ = "read"

_DETAIL_CHARS = 500


@dataclass(slots=True)
class Judged:
    """What became of one record.

    Attributes:
        trail: Its trail.
        text: Its text, empty when none was extracted.
        document: The document, when no stage dropped it.
    """

    trail: TrailRow
    text: str = ""
    document: DocumentRow | None = None


def hashed_identity(kind: str, text: str) -> str:
    """A document_id, 32 hex digits, from what a source says of itself.

    Args:
        kind: What the text is; equal texts of two kinds give different ids.
        text: What tells the document from all others.
    """
    return hashlib.blake2b(f"{kind}\0{text}".encode(), digest_size=16).hexdigest()


def in_share(document_id: str, share: float, purpose: str) -> bool:
    """Whether a document belongs to the share chosen by hash; each purpose draws its own."""
    if share <= 0:
        return False
    drawn = hashlib.blake2b(f"{purpose}\0{document_id}".encode(), digest_size=8).digest()
    return int.from_bytes(drawn, "big") < share * 2**64


class StageJudge(ABC):
    """Takes documents through a recipe's stages; a subset says how its texts are made.

    Args:
        recipe: The recipe.
        apart: Stages that the subset applies itself, before the others.
    """

    def __init__(self, recipe: Recipe, apart: Sequence[str] = ()) -> None:
        self._subset = recipe.subset
        self._limits = recipe.limits
        self._shadow_share = recipe.audit.shadow_share
        self._stages = [
            stage
            for stage in recipe.built()
            if stage.enabled and stage.kind.reads != "corpus" and stage.name not in apart
        ]

    @abstractmethod
    def _extract(self, document: Document) -> Decision:
        """Turns the document's bytes into its text, or says why it can't."""

    def _run_stages(self, document: Document, trail: TrailRow, every_filter: bool) -> Judged:
        """Takes a document through the stages, up to the one that drops it.

        Args:
            document: The document; filled in.
            trail: Its trail; filled in.
            every_filter: Whether all filters judge even after a drop, as in the shadow share.
        """
        shadow = every_filter or in_share(trail.document_id, self._shadow_share, "shadow")
        trail.shadow = shadow
        for stage in self._stages:
            if stage.kind.makes_text:
                decision = self._extract(document)
            else:
                decision = self._apply(stage, document)
            if trail.verdict == "drop":
                decision = replace(decision, shadow=True)
            trail.decisions.append(decision)
            if decision.score is not None and stage.kind.reads == "text":
                document.scores[stage.name] = decision.score
            if decision.keeps:
                continue
            if trail.verdict == "keep":
                drop(trail, decision)
            if not shadow or stage.kind.makes_text:
                break
        trail.language = document.language
        trail.text_chars = len(document.text)
        trail.formulas_found = document.formulas_found
        trail.formulas_kept = document.formulas_kept
        if trail.verdict == "drop":
            return Judged(trail, document.text)
        return Judged(trail, document.text, _row(document, trail))

    def _apply(self, stage: Stage, document: Document) -> Decision:
        try:
            decision: Decision = stage.settings.judge(document)
        except Exception as error:
            return failure(stage.name, type(error).__name__, str(error))
        return decision

    def _take(self, document: Document, extraction: Extraction, stage: str) -> Decision:
        """Gives a document the text that was extracted, and says what became of it."""
        document.formulas_found = dict(extraction.formulas_found)
        document.formulas_kept = dict(extraction.formulas_kept)
        document.title = extraction.title
        document.encoding = extraction.encoding
        document.extraction = extraction.method
        document.extraction_info = dict(extraction.info)
        document.extraction_config = dict(extraction.config)
        if not extraction.text.strip():
            return Decision.drop(stage, "empty_text")
        if len(extraction.text) > self._limits.text_chars:
            return failure(stage, "text_too_long", f"{len(extraction.text)} characters")
        document.text = extraction.text
        found, kept = (sum(c.values()) for c in (document.formulas_found, document.formulas_kept))
        return Decision.keep(stage, extraction.method, detail=f"{kept} of {found} formulas")


def drop(trail: TrailRow, decision: Decision) -> None:
    """Makes a recorded decision the one that dropped the record."""
    trail.verdict = "drop"
    trail.dropped_by = decision.filter
    trail.reason = decision.reason


def unread(trail: TrailRow, reason: str, detail: str) -> Judged:
    """A record that reading itself drops."""
    decision = Decision.drop(READ, reason, detail=detail[:_DETAIL_CHARS])
    trail.decisions.append(decision)
    drop(trail, decision)
    return Judged(trail)


def note(trail: TrailRow, *notes: str) -> None:
    """Adds codes to what was odd about a record."""
    trail.notes = ",".join(dict.fromkeys(n for n in (*trail.notes.split(","), *notes) if n))


def failure(stage: str, kind: str, detail: str) -> Decision:
    """A stage that couldn't judge: ``error:<kind>``."""
    return Decision.drop(stage, f"error:{kind}", detail=detail[:_DETAIL_CHARS])


def _row(document: Document, trail: TrailRow) -> DocumentRow:
    return DocumentRow(
        trail,
        document.title,
        document.text,
        document.language_score,
        document.encoding,
        document.extraction,
        document.scores,
        _json(document.extraction_info),
        _json(document.extraction_config),
        document.content,
    )


def _json(content: object) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False) if content else ""
