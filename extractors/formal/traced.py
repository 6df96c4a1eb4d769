"""What a trace says of one module: its source, its declarations, its steps in order.

Every reader of a trace format makes this of it; ``extractors.formal.assembly`` makes rows of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from extractors.formal.positions import SourceText
from schemas.goal_states import NOWHERE, Premise

__all__ = ["TraceError", "TracedDeclaration", "TracedModule", "TracedStep"]


class TraceError(ValueError):
    """A trace that isn't what it should be; ``reason`` is a short stable code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(slots=True)
class TracedStep:
    """A step as a trace tells it; what a trace doesn't tell is left as it is.

    Attributes:
        kind: The syntax kind or command.
        tactic: Its text; taken from the source where the trace has positions alone.
        pp: The same as the prover prints it.
        goals_before: The goals before it, each as printed.
        goals_after: The goals after it; None when the trace doesn't tell.
        state_before: The state as one text, where the format has no list of goals.
        state_after: The same after it.
        start: First byte; ``NOWHERE`` when unknown.
        end: First byte after it.
        start_place: Line and column, where the trace has them and no bytes.
        end_place: The same of its end.
        elaborator: What elaborated it.
        ancestors: Kinds of the tactics that it lies in, the innermost last, where the trace is a
            tree.
        same_span: Whether a step around it has the same span: it's an expansion of that one.
        synthetic: Whether its syntax is a macro's.
        head: The first token of its syntax, where the trace has it.
        declaration: The number of its declaration in the module's list; ``NOWHERE`` for none.
        premises: What it names.
        annotated: Its text with premises marked.
        scope: Text of the scope.
        mode: Isar's mode.
        level: Isabelle's proof level.
        elapsed_ms: Time that it took.
    """

    kind: str = ""
    tactic: str = ""
    pp: str = ""
    goals_before: list[str] | None = None
    goals_after: list[str] | None = None
    state_before: str | None = None
    state_after: str | None = None
    start: int = NOWHERE
    end: int = NOWHERE
    start_place: tuple[int, int] | None = None
    end_place: tuple[int, int] | None = None
    elaborator: str = ""
    ancestors: tuple[str, ...] = ()
    same_span: bool = False
    synthetic: bool = False
    head: str = ""
    declaration: int = NOWHERE
    premises: list[Premise] = field(default_factory=list)
    annotated: str = ""
    scope: str = ""
    mode: str = ""
    level: int = NOWHERE
    elapsed_ms: int = NOWHERE


@dataclass(slots=True)
class TracedDeclaration:
    """A declaration as a trace tells it.

    Attributes:
        name: Its qualified name; empty for none.
        kind: Its keyword; empty when unknown.
        start: First byte; ``NOWHERE`` when unknown.
        end: First byte after it.
        proof_start: First byte of its proof or body.
        statement: Its source without the proof, where the source isn't known.
        statement_pp: Its type as printed.
        proof: Its proof, where the source isn't known.
        doc: Its doc comment.
        namespace: The namespace or locale that it's in.
        opened: The open namespaces.
        premises: Constants of its type and its proof.
        errors: Errors that the prover reported in it.
        sorry: Whether the prover said that it has a gap.
        created: Its date.
    """

    name: str = ""
    kind: str = ""
    start: int = NOWHERE
    end: int = NOWHERE
    proof_start: int = NOWHERE
    statement: str = ""
    statement_pp: str = ""
    proof: str = ""
    doc: str = ""
    namespace: str = ""
    opened: tuple[str, ...] = ()
    premises: list[Premise] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    sorry: bool = False
    created: str = ""


@dataclass(slots=True)
class TracedModule:
    """One module of a trace.

    Attributes:
        system: ``lean4`` or ``isabelle``.
        module: Its name.
        file_path: Its file in its repository.
        source: Its text; None when it isn't known.
        status: ``ok``, or why the trace isn't whole.
        detail: What else there is to say of the status.
        errors: How many errors the prover reported, those outside declarations included.
        first_record: The number of its first record in the trace file.
    """

    system: str
    module: str
    file_path: str = ""
    system_version: str = ""
    repo_url: str = ""
    commit: str = ""
    license_spdx: str = ""
    package: str = ""
    created: str = ""
    imports: tuple[str, ...] = ()
    extractor: str = ""
    extractor_version: str = ""
    source: SourceText | None = None
    steps: list[TracedStep] = field(default_factory=list)
    declarations: list[TracedDeclaration] = field(default_factory=list)
    status: str = "ok"
    detail: str = ""
    errors: int = 0
    first_record: int = 0
