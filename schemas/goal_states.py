"""The tables of formal proof steps: a goal state and what was done in it, one row a step.

``goal_states`` is what a run calls its documents: the columns that all subsets share, then those
below. Two tables lie beside it, so that a file's text and a declaration's proof are stored once:
``files`` and ``declarations``. Positions are UTF-8 bytes of the file; lines count from 1 and
columns from 0, in Unicode code points, as Lean counts them. ``schemas/README.md`` describes
every column.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from schemas.tables import Layout
from schemas.version import versioned

__all__ = [
    "DECLARATIONS",
    "FILES",
    "GOAL",
    "GOAL_STATES",
    "NOWHERE",
    "PREMISE",
    "DeclarationRow",
    "FileRow",
    "FormalStep",
    "Goal",
    "GoalState",
    "Hypothesis",
    "Premise",
    "StepPlace",
]

# Of a position that the trace doesn't tell.
NOWHERE = -1


class Hypothesis(NamedTuple):
    """A line of a goal's context.

    Attributes:
        names: The names that share the type, as printed; empty for one without a name.
        type: Their type.
        value: What it's defined as, of a ``let``; empty for others.
    """

    names: tuple[str, ...]
    type: str
    value: str


class Goal(NamedTuple):
    """One goal of a state.

    Attributes:
        case_name: Its tag; empty for none.
        hypotheses: Its context, in order.
        conclusion: What is to be shown, without the sign before it; empty when the text couldn't
            be taken apart.
        pp: The goal as the prover printed it.
    """

    case_name: str
    hypotheses: tuple[Hypothesis, ...]
    conclusion: str
    pp: str


class Premise(NamedTuple):
    """A constant or fact that a step or a declaration names.

    Attributes:
        full_name: Its qualified name.
        module: The module that declares it; empty when unknown.
        def_path: The file that declares it; empty when unknown.
        def_start: Line and column where it's declared; empty when unknown.
        def_end: Where its declaration ends; empty when unknown.
        use_start: First byte of its use in the file; ``NOWHERE`` when unknown.
        use_end: First byte after that.
        role: ``explicit`` when the text names it, ``used`` when the proof term has it.
    """

    full_name: str
    module: str
    def_path: str
    def_start: tuple[int, ...]
    def_end: tuple[int, ...]
    use_start: int
    use_end: int
    role: str


def _text(name: str) -> pa.Field[pa.DataType]:
    return pa.field(name, pa.string(), nullable=False)


def _number(name: str) -> pa.Field[pa.DataType]:
    return pa.field(name, pa.int64(), nullable=False)


def _flag(name: str) -> pa.Field[pa.DataType]:
    return pa.field(name, pa.bool_(), nullable=False)


_TEXTS = pa.list_(pa.field("item", pa.string(), nullable=False))
_PLACE = pa.list_(pa.field("item", pa.int32(), nullable=False))

GOAL = pa.struct(
    [
        _text("case_name"),
        pa.field(
            "hypotheses",
            pa.list_(
                pa.struct(
                    [pa.field("names", _TEXTS, nullable=False), _text("type"), _text("value")]
                )
            ),
            nullable=False,
        ),
        _text("conclusion"),
        _text("pp"),
    ]
)
PREMISE = pa.struct(
    [
        _text("full_name"),
        _text("module"),
        _text("def_path"),
        pa.field("def_start", _PLACE, nullable=False),
        pa.field("def_end", _PLACE, nullable=False),
        _number("use_start"),
        _number("use_end"),
        _text("role"),
    ]
)
_GOALS = pa.list_(GOAL)

# Where a step comes from: in the trails too, so that a dropped step can be found again.
_ORIGIN = [
    _text("trace_file"),
    _number("trace_offset"),
    _number("trace_step"),
    _text("system"),
    _text("system_version"),
    _text("repo_url"),
    _text("commit"),
    _text("license_spdx"),
    _text("package"),
    _text("module"),
    _text("file_path"),
    _text("file_sha256"),
    _text("declaration_id"),
    _text("decl_name"),
    _text("decl_kind"),
    _number("step_index"),
    _number("occurrence"),
    _text("tactic_kind"),
    *(_number(f"{end}_{unit}") for end in ("start", "end") for unit in ("byte", "line", "col")),
    _text("extractor"),
    _text("extractor_version"),
    _text("status"),
]

# What the step is: in the documents alone.
_STEP = [
    *(
        _number(f"decl_{end}_{unit}")
        for end in ("start", "end")
        for unit in ("byte", "line", "col")
    ),
    _number("proof_start_byte"),
    _text("statement"),
    _text("statement_pp"),
    _text("statement_key"),
    _text("proof_style"),
    _text("doc_string"),
    _text("namespace"),
    pa.field("open_scopes", _TEXTS, nullable=False),
    _flag("decl_has_sorry"),
    _flag("decl_has_error"),
    _number("num_steps"),
    _number("depth"),
    _number("parent_step"),
    _text("combinator"),
    _text("tactic"),
    _text("tactic_pp"),
    _text("elaborator"),
    _flag("is_structuring"),
    _flag("is_synthetic"),
    pa.field("goals_before", _GOALS, nullable=False),
    pa.field("goals_after", _GOALS, nullable=False),
    _text("state_before"),
    _text("state_after"),
    _number("num_goals_before"),
    _number("num_goals_after"),
    _text("isa_mode"),
    _number("isa_proof_level"),
    pa.field("premises", pa.list_(PREMISE), nullable=False),
    _text("annotated_tactic"),
    pa.field("imports", _TEXTS, nullable=False),
    _text("scope"),
    _number("elapsed_ms"),
    _text("file_created"),
    _text("decl_created"),
    _text("split_random"),
    _text("split_file"),
    _text("split_novel_premises"),
    pa.field("contamination_flags", _TEXTS, nullable=False),
]

GOAL_STATES = Layout(
    "goal_states", 1, _ORIGIN, place=("trace_file", "trace_offset", "trace_step"), content=_STEP,
    licence="license_spdx",
)  # fmt: skip

FILES = versioned(
    "goal_state_files",
    1,
    [
        _text("file_sha256"),
        _text("system"),
        _text("system_version"),
        _text("repo_url"),
        _text("commit"),
        _text("license_spdx"),
        _text("package"),
        _text("module"),
        _text("file_path"),
        _text("file_created"),
        pa.field("imports", _TEXTS, nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("masked", pa.list_(_PLACE), nullable=False),
        _number("steps"),
        _number("declarations"),
        _number("errors"),
        _text("status"),
        _text("trace_file"),
    ],
)

DECLARATIONS = versioned(
    "goal_state_declarations",
    1,
    [
        _text("declaration_id"),
        _text("file_sha256"),
        _text("system"),
        _text("repo_url"),
        _text("commit"),
        _text("module"),
        _text("file_path"),
        _text("decl_name"),
        _text("decl_kind"),
        *(
            _number(f"decl_{end}_{unit}")
            for end in ("start", "end")
            for unit in ("byte", "line", "col")
        ),
        _number("proof_start_byte"),
        _text("statement"),
        _text("statement_pp"),
        _text("statement_key"),
        _text("proof_text"),
        _text("proof_style"),
        _text("doc_string"),
        _text("namespace"),
        _flag("decl_has_sorry"),
        _flag("decl_has_error"),
        _number("num_steps"),
        _text("decl_created"),
        pa.field("premises", pa.list_(PREMISE), nullable=False),
        _text("split_random"),
        _text("split_file"),
        _text("trace_file"),
    ],
)


@dataclass(slots=True)
class StepPlace:
    """Where a step comes from; the columns that trails have too.

    Attributes:
        trace_file: The trace's name in the run's manifest.
        trace_offset: Where its module begins there: a byte in JSON lines, the number of the value
            in other documents.
        trace_step: The step's number in that module.
        system: ``lean4`` or ``isabelle``.
        system_version: The prover's version.
        repo_url: The repository that the source is of.
        commit: Its commit.
        license_spdx: Its licence.
        package: The Lake package or Isabelle session.
        module: The Lean module or Isabelle theory.
        file_path: The source file in its repository.
        file_sha256: SHA-256 of its bytes, the key of ``files``; empty when they aren't known.
        declaration_id: The key of ``declarations``.
        decl_name: The declaration's qualified name; empty for one without a name.
        decl_kind: Its keyword.
        step_index: The step's number in its declaration; ``NOWHERE`` for an expansion, which is no
            step of the file.
        occurrence: How many steps with this span come before it: ``all_goals`` runs one span
            several times.
        tactic_kind: The syntax kind or Isar command; the first word where the trace has no kind.
        start_byte: First byte of the step's text in the file; ``NOWHERE`` when unknown.
        start_line: Its line, from 1.
        start_col: Its column, from 0, in code points.
        end_byte: First byte after it.
        end_line: Its line.
        end_col: Its column.
        extractor: What wrote the trace.
        extractor_version: Its version.
        status: ``ok``, or what happened to the module that it's from.
    """

    trace_file: str
    trace_offset: int
    trace_step: int
    system: str = ""
    system_version: str = ""
    repo_url: str = ""
    commit: str = ""
    license_spdx: str = ""
    package: str = ""
    module: str = ""
    file_path: str = ""
    file_sha256: str = ""
    declaration_id: str = ""
    decl_name: str = ""
    decl_kind: str = ""
    step_index: int = NOWHERE
    occurrence: int = 0
    tactic_kind: str = ""
    start_byte: int = NOWHERE
    start_line: int = NOWHERE
    start_col: int = NOWHERE
    end_byte: int = NOWHERE
    end_line: int = NOWHERE
    end_col: int = NOWHERE
    extractor: str = ""
    extractor_version: str = ""
    status: str = ""


@dataclass(slots=True)
class GoalState:
    """What a step is; the columns that only documents have.

    Attributes:
        decl_start_byte: First byte of the declaration, ``NOWHERE`` when unknown; likewise the
            others of its range.
        proof_start_byte: First byte of its proof or body.
        statement: Its source without the proof.
        statement_pp: Its type as the prover prints it.
        statement_key: A hash that declarations of equal statements share, whatever their names.
        proof_style: ``tactic``, ``term``, ``mixed``, ``isar``, ``apply`` or empty.
        doc_string: Its doc comment.
        namespace: The namespace or locale that it's in.
        open_scopes: The namespaces that are open there.
        decl_has_sorry: Whether the proof has a gap.
        decl_has_error: Whether the prover reported an error inside it.
        num_steps: Steps of the declaration.
        depth: How many steps this one lies in.
        parent_step: ``step_index`` of the innermost of them; ``NOWHERE`` for none.
        combinator: Kind of the innermost combinator around it that may fail or repeat (``first``,
            ``try``, ``all_goals``); empty for none.
        tactic: The step's source text.
        tactic_pp: The same as the prover prints it; empty when the trace has only one of them.
        elaborator: What elaborated it.
        is_structuring: Whether other steps lie in it.
        is_synthetic: Whether its syntax comes from a macro and not from the file.
        goals_before: The goals before it.
        goals_after: The goals after it.
        state_before: The state before it as the tool prints it.
        state_after: The state after it; empty where the trace doesn't tell.
        num_goals_before: Goals before it.
        num_goals_after: Goals after it; ``NOWHERE`` where the trace doesn't tell.
        isa_mode: Isar's mode: ``prove``, ``state``, ``chain``.
        isa_proof_level: Isabelle's nesting of proof blocks.
        premises: What it names.
        annotated_tactic: Its text with each premise between ``<a>`` and ``</a>``; empty when no
            use is known.
        imports: What the file imports.
        scope: Text that sets the scope (namespace, open, variable), if the trace has it.
        elapsed_ms: Time that it took; ``NOWHERE`` when unknown.
        file_created: Date on which the file appeared in its repository.
        decl_created: Date on which the declaration did.
        split_random: ``train``, ``val`` or ``test``; equal statements on one side.
        split_file: The same by file.
        split_novel_premises: The same so that each held-out proof has a premise that no training
            proof has.
        contamination_flags: Test problems that it's of, as ``set:item``.
    """

    tactic: str = ""
    tactic_pp: str = ""
    state_before: str = ""
    state_after: str = ""
    goals_before: tuple[Goal, ...] = ()
    goals_after: tuple[Goal, ...] = ()
    num_goals_before: int = 0
    num_goals_after: int = NOWHERE
    elaborator: str = ""
    is_structuring: bool = False
    is_synthetic: bool = False
    depth: int = 0
    parent_step: int = NOWHERE
    combinator: str = ""
    decl_start_byte: int = NOWHERE
    decl_start_line: int = NOWHERE
    decl_start_col: int = NOWHERE
    decl_end_byte: int = NOWHERE
    decl_end_line: int = NOWHERE
    decl_end_col: int = NOWHERE
    proof_start_byte: int = NOWHERE
    statement: str = ""
    statement_pp: str = ""
    statement_key: str = ""
    proof_style: str = ""
    doc_string: str = ""
    namespace: str = ""
    open_scopes: tuple[str, ...] = ()
    decl_has_sorry: bool = False
    decl_has_error: bool = False
    num_steps: int = 0
    isa_mode: str = ""
    isa_proof_level: int = NOWHERE
    premises: tuple[Premise, ...] = ()
    annotated_tactic: str = ""
    imports: tuple[str, ...] = ()
    scope: str = ""
    elapsed_ms: int = NOWHERE
    file_created: str = ""
    decl_created: str = ""
    split_random: str = ""
    split_file: str = ""
    split_novel_premises: str = ""
    contamination_flags: tuple[str, ...] = ()


@dataclass(slots=True)
class FormalStep:
    """A step with all that is known of it.

    Attributes:
        place: Where it comes from.
        step: What it is.
        faults: Why it may be no step at all, as codes: ``expansion``, ``borrowed_position``,
            ``synthetic``, ``no_source``, ``no_goals``, ``unchanged``.
        kinds: Kinds of the steps around it, the outermost first.
        bundle: What tells it from all other steps of its repository and commit.
    """

    place: StepPlace
    step: GoalState
    faults: tuple[str, ...]
    kinds: tuple[str, ...]
    bundle: str


@dataclass(slots=True)
class FileRow:
    """A row of ``files``; ``masked`` are byte ranges that were blanked (test problems)."""

    file_sha256: str
    system: str
    system_version: str
    repo_url: str
    commit: str
    license_spdx: str
    package: str
    module: str
    file_path: str
    file_created: str
    imports: tuple[str, ...]
    text: str
    masked: list[tuple[int, int]]
    steps: int
    declarations: int
    errors: int
    status: str
    trace_file: str


@dataclass(slots=True)
class DeclarationRow:
    """A row of ``declarations``; see ``GoalState`` for the columns."""

    declaration_id: str
    file_sha256: str
    system: str
    repo_url: str
    commit: str
    module: str
    file_path: str
    decl_name: str
    decl_kind: str
    decl_start_byte: int
    decl_start_line: int
    decl_start_col: int
    decl_end_byte: int
    decl_end_line: int
    decl_end_col: int
    proof_start_byte: int
    statement: str
    statement_pp: str
    statement_key: str
    proof_text: str
    proof_style: str
    doc_string: str
    namespace: str
    decl_has_sorry: bool
    decl_has_error: bool
    num_steps: int
    decl_created: str
    premises: tuple[Premise, ...] = ()
    split_random: str = ""
    split_file: str = ""
    trace_file: str = field(default="")
