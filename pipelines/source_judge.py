"""One source file through the stages of a recipe."""

from __future__ import annotations

from extractors.notebook import NotebookBroken, notebook_markdown
from extractors.sources import DecodingFailed, SourceFile, Unread, decode_source, git_blob_id
from extractors.sources.decoding import decode_published
from extractors.sources.licences import licence_of_header
from filters.code.tables import language_tables
from pipelines.judge import Judged, StageJudge, drop, failure, hashed_identity, unread
from pipelines.recipe import Recipe, Stage
from pipelines.stages import Decode, Notebooks
from schemas import Decision, Document
from schemas.code import CodeProvenance
from schemas.tables import TrailRow

__all__ = ["SourceJudge", "document_identity"]


def document_identity(repo: str, path: str, blob: str) -> str:
    """The document_id of a source file: 32 hex digits from repository, path and content."""
    return hashed_identity("source", f"{repo}\n{path}\n{blob}")


class SourceJudge(StageJudge):
    """Judges source files by a recipe.

    Args:
        recipe: The recipe.
    """

    def __init__(self, recipe: Recipe) -> None:
        # What needs no content is judged before any is read, or fetched over the network.
        before = [
            stage
            for stage in recipe.built()
            if stage.enabled and stage.kind.reads in ("record", "address")
        ]
        super().__init__(recipe, apart=[stage.name for stage in before])
        self._before = before
        self._decode = recipe.always(Decode)
        # The encoding that the holder of the file at hand names.
        self._named_encoding = ""

    def judge(self, file: SourceFile, input_file: str, *, every_filter: bool = False) -> Judged:
        """Judges one file.

        Args:
            file: The file.
            input_file: Name of the input that it's from.
            every_filter: Whether all filters judge even after a drop, as in the shadow share.
        """
        trail = self._trail(file, input_file)
        if file.problem:
            if not file.path:
                trail.record_type = "damage"
            return unread(trail, f"error:{file.problem}", file.detail)
        document = Document(
            trail.document_id,
            record_type=trail.record_type,
            url=file.url,
            date=file.date,
            path=file.path,
            repo=file.repo,
            licence=file.licence,
            programming_language=file.language,
            hints=file.hints,
        )
        for stage in self._before:
            decision = self._apply(stage, document)
            trail.decisions.append(decision)
            trail.provenance.programming_language = (
                document.programming_language
                if document.programming_language in language_tables()
                else ""
            )
            if not decision.keeps:
                drop(trail, decision)
                return Judged(trail)
        return self._content(file, document, trail, every_filter)

    def _trail(self, file: SourceFile, input_file: str) -> TrailRow:
        # Until its content is read, a file is told by its place.
        place = f"{input_file}\n{file.offset}\n{file.path}\n{file.problem}"
        provenance = CodeProvenance(
            input_file,
            file.offset,
            file.repo,
            file.commit,
            file.path,
            file.blob,
            file.licence,
            file.stars,
        )
        return TrailRow(
            hashed_identity("place", place),
            self._subset,
            provenance,
            "file",
            file.url,
            file.date,
        )

    def _content(
        self, file: SourceFile, document: Document, trail: TrailRow, every_filter: bool
    ) -> Judged:
        try:
            content = file.content()
        except Unread as error:
            return unread(trail, f"error:{error.reason}", str(error))
        trail.source_bytes = len(content)
        blob = file.blob or git_blob_id(content)
        trail.provenance.blob = blob
        trail.document_id = document.document_id = document_identity(file.repo, file.path, blob)
        if len(content) > self._limits.source_bytes:
            detail = f"{len(content)} bytes, longer than {self._limits.source_bytes}"
            return unread(trail, "error:too_large", detail)
        document.raw = content
        self._named_encoding = file.encoding
        if file.stars is not None:
            document.scores["stars"] = float(file.stars)
        judged = self._run_stages(document, trail, every_filter)
        trail.provenance.programming_language = document.programming_language
        trail.provenance.licence = document.licence
        return judged

    def _apply(self, stage: Stage, document: Document) -> Decision:
        if isinstance(stage.settings, Notebooks):
            return self._notebook(stage.settings, document)
        return super()._apply(stage, document)

    def _extract(self, document: Document) -> Decision:
        raw = bytes(document.raw)
        document.raw = b""
        name = Decode.name
        try:
            if self._decode.edition == "published":
                rules = language_tables()[document.programming_language].published
                text, encoding = decode_published(raw, repository=rules.repository)
            else:
                text, encoding = decode_source(raw, self._named_encoding)
        except DecodingFailed as error:
            return failure(name, error.reason, str(error))
        document.encoding = encoding
        document.extraction = "source"
        if self._decode.edition == "ours":
            document.licence = licence_of_header(text) or document.licence
            if not text:
                return Decision.drop(name, "empty")
        if len(text) > self._limits.text_chars:
            return failure(name, "text_too_long", f"{len(text)} characters")
        document.text = text
        return Decision.keep(name, encoding)

    def _notebook(self, settings: Notebooks, document: Document) -> Decision:
        if not language_tables()[document.programming_language].notebook:
            return Decision.keep(settings.name, "no_notebook")
        try:
            text = notebook_markdown(document.text, settings.edition, settings.outputs)
        except NotebookBroken as error:
            return failure(settings.name, error.reason, str(error))
        document.text = text
        document.extraction = "notebook"
        if not text.strip() and settings.edition == "ours":
            return Decision.drop(settings.name, "empty")
        return Decision.keep(settings.name, "converted")
