"""One traced step through the stages of a recipe, and what a module leaves beside its steps."""

from __future__ import annotations

from collections.abc import Iterator

from extractors.formal.assembly import Assembly
from extractors.formal.rendering import Render, rendered
from extractors.formal.traced import TracedModule
from filters.formal.splits import Splits
from filters.formal.test_statements import TestStatements
from pipelines.goals.contamination import Contamination
from pipelines.judge import Judged, StageJudge, failure, hashed_identity, note, unread
from pipelines.recipe import Recipe
from schemas import Decision, Document
from schemas.goal_states import DeclarationRow, FileRow, FormalStep, StepPlace
from schemas.tables import TrailRow

__all__ = ["StepJudge"]


class StepJudge(StageJudge):
    """Judges the steps of modules.

    Args:
        recipe: The recipe.

    Attributes:
        files: Rows of the files that were judged.
        declarations: Rows of their declarations, test problems left out.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self._render = recipe.always(Render)
        self._splits = recipe.enabled(Splits) or Splits(0.0, 0.0)
        self._contamination = Contamination(recipe.enabled(TestStatements))
        self.files: list[FileRow] = []
        self.declarations: list[DeclarationRow] = []

    def module(self, module: TracedModule, trace_file: str) -> Iterator[Judged]:
        """Judges a module: its steps, and the module itself when there's something to say of it."""
        assembly = Assembly(module, trace_file)
        flags = {
            row.declaration_id: self._contamination.flags(row) for row in assembly.declarations
        }
        count = 0
        for formal in assembly.steps():
            count += 1
            yield self._step(formal, flags.get(formal.place.declaration_id, ()))
        self._leave(assembly, flags, count)
        if module.status not in ("ok", "errors"):
            yield self.failed(trace_file, module.first_record, module.status, module.detail, module)
        elif not count:
            yield self.failed(trace_file, module.first_record, "no_steps", module.detail, module)

    def failed(
        self,
        trace_file: str,
        offset: int,
        reason: str,
        detail: str,
        module: TracedModule | None = None,
    ) -> Judged:
        """The record of a module that isn't there as it should be."""
        place = StepPlace(trace_file, offset, -1, status=reason)
        if module is not None:
            place.system, place.module = module.system, module.module
            place.file_path, place.extractor = module.file_path, module.extractor
        identity = f"{trace_file}\n{offset}\n{place.module}\n{reason}"
        trail = TrailRow(
            hashed_identity("module", identity), self._subset, place, record_type="module"
        )
        return unread(trail, f"trace:{reason}", detail)

    def _step(self, formal: FormalStep, flags: tuple[str, ...]) -> Judged:
        place, step = formal.place, formal.step
        step.contamination_flags = flags
        key = step.statement_key or place.declaration_id or formal.bundle
        step.split_random = self._splits.side("random", key)
        step.split_file = self._splits.side("file", _file_key(place))
        trail = TrailRow(
            hashed_identity("goal_state", formal.bundle),
            self._subset,
            place,
            record_type="step",
            url=_url(place),
            date=step.decl_created or step.file_created,
            source_bytes=len(step.tactic.encode()) + len(step.state_before.encode()),
        )
        if step.combinator:
            note(trail, "under_combinator")
        if place.occurrence:
            note(trail, "repeated_span")
        document = Document(trail.document_id, record_type="step", url=trail.url, date=trail.date)
        document.content = formal
        document.title = place.decl_name
        judged = self._run_stages(document, trail, every_filter=False)
        if judged.document is not None:
            judged.document.content = step
        elif not judged.text:
            # Dropped before it was rendered; whoever asks why wants to see it.
            judged.text = rendered(formal, self._render)
            trail.text_chars = len(judged.text)
        return judged

    def _extract(self, document: Document) -> Decision:
        text = rendered(document.content, self._render)
        if len(text) > self._limits.text_chars:
            return failure(Render.name, "text_too_long", f"{len(text)} characters")
        document.text = text
        document.extraction = self._render.tactic
        return Decision.keep(Render.name, self._render.tactic)

    def _leave(self, assembly: Assembly, flags: dict[str, tuple[str, ...]], steps: int) -> None:
        """Keeps a module's file and declarations; of test problems, nothing."""
        module = assembly.module
        masked: list[tuple[int, int]] = []
        for row in assembly.declarations:
            if flags[row.declaration_id]:
                masked.append((row.decl_start_byte, row.decl_end_byte))
                continue
            if not row.decl_kind and not row.num_steps:
                # A command that declares nothing: namespace, open, #eval.
                continue
            row.split_random = self._splits.side("random", row.statement_key or row.declaration_id)
            row.split_file = self._splits.side("file", row.file_path or row.module)
            self.declarations.append(row)
        if module.source is None:
            return
        masked = [(start, end) for start, end in masked if 0 <= start < end]
        text = _masked(module.source.data, masked) if masked else module.source.text
        if flags and all(flags.values()) and not masked:
            text = ""
        self.files.append(
            FileRow(
                module.source.sha256,
                module.system,
                module.system_version,
                module.repo_url,
                module.commit,
                module.license_spdx,
                module.package,
                module.module,
                module.file_path,
                module.created,
                module.imports,
                text,
                masked,
                steps,
                sum(bool(row.decl_kind) for row in assembly.declarations),
                module.errors,
                module.status,
                assembly.trace_file,
            )
        )


def _file_key(place: StepPlace) -> str:
    return place.file_path or place.module


def _url(place: StepPlace) -> str:
    """Where a person finds the step."""
    if not place.repo_url:
        return ""
    if not (place.commit and place.file_path):
        return place.repo_url
    line = f"#L{place.start_line}" if place.start_line > 0 else ""
    return f"{place.repo_url.removesuffix('.git')}/blob/{place.commit}/{place.file_path}{line}"


def _masked(data: bytes, spans: list[tuple[int, int]]) -> str:
    """The text with blanks in place of some spans, so that every other position stays."""
    blanked = bytearray(data)
    for start, end in spans:
        for place in range(start, end):
            if blanked[place] != 0x0A:
                blanked[place] = 0x20
    return blanked.decode("utf-8", "replace")
