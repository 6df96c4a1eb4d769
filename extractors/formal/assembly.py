"""Rows from a traced module: texts, positions, nesting, repeated spans, declarations.

What a trace leaves out is worked out here, the same way for every format, and what can't be worked
out stays unknown.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from extractors.formal.positions import PositionError
from extractors.formal.traced import TracedDeclaration, TracedModule, TracedStep
from extractors.isabelle.commands import DIAGNOSTIC
from extractors.isabelle.goals import count_subgoals, parse_subgoal, state_of_subgoals
from extractors.lean.declarations import declaration_source, proof_style
from extractors.lean.goals import parse_goal
from extractors.lean.kinds import COMBINATORS, is_gap, is_structuring
from schemas.goal_states import (
    NOWHERE,
    DeclarationRow,
    FormalStep,
    Goal,
    GoalState,
    Premise,
    StepPlace,
)

__all__ = ["Assembly", "hashed", "statement_key"]

_FIRST_WORD = re.compile(r"[^\W\d][\w'!?.]*|·|\S")
_TOKEN = re.compile(r"\\<\^?\w+>|[^\W\d][\w'!?✝]*|\d+|:=|\S")
_COMMENT = re.compile(r"/-(?:[^-]|-(?!/))*-/|--[^\n]*|\(\*(?:[^*]|\*(?!\)))*\*\)")


def hashed(*parts: str) -> str:
    """32 hex digits of some texts."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def statement_key(system: str, keyword: str, name: str, statement: str) -> str:
    """A hash that equal statements share, whatever their names, comments and white space.

    Args:
        system: The prover.
        keyword: The declaration's keyword; ``lemma`` and ``theorem`` are the same.
        name: Its name as it is in the statement.
        statement: Its source without the proof.

    Returns:
        The hash; empty when there is no statement.
    """
    tokens = _TOKEN.findall(_COMMENT.sub(" ", statement))
    if keyword in tokens:
        tokens = tokens[tokens.index(keyword) + 1 :]
    named = _TOKEN.findall(name)
    if named and tokens[: len(named)] == named:
        tokens = tokens[len(named) :]
    return hashed(system, *tokens) if tokens else ""


class Assembly:
    """A module's rows.

    Args:
        module: The module.
        trace_file: The trace's name in the run.

    Attributes:
        module: As given.
        trace_file: As given.
        declarations: Rows of its declarations, in their order.
    """

    def __init__(self, module: TracedModule, trace_file: str) -> None:
        self.module = module
        self.trace_file = trace_file
        self._lean = module.system == "lean4"
        self._sha256 = module.source.sha256 if module.source is not None else ""
        self._assign()
        self._texts = [self._text(step) for step in module.steps]
        self._real = [
            self._is_real(step, text)
            for step, (text, _) in zip(module.steps, self._texts, strict=True)
        ]
        self._parents = self._find_parents()
        self._holding = {
            parent for parent, real in zip(self._parents, self._real, strict=True) if real
        }
        self._failed = self._find_failed() if self._lean else set()
        self._steps_of: defaultdict[int, list[TracedStep]] = defaultdict(list)
        for step, real in zip(module.steps, self._real, strict=True):
            if real:
                self._steps_of[step.declaration].append(step)
        self.declarations = [
            self._declaration(number, declaration)
            for number, declaration in enumerate(module.declarations)
        ]

    # ---- declarations ---------------------------------------------------------------------------

    def _assign(self) -> None:
        """Every step to a declaration: by its position, where the trace doesn't tell."""
        known = [(d.start, n) for n, d in enumerate(self.module.declarations) if d.start >= 0]
        known.sort()
        for step in self.module.steps:
            if step.declaration != NOWHERE or step.start == NOWHERE:
                continue
            # The last that begins before it and ends after it is the innermost.
            for place in range(bisect_right(known, (step.start, len(known))) - 1, -1, -1):
                if step.start < self.module.declarations[known[place][1]].end:
                    step.declaration = known[place][1]
                    break

    def _declaration(self, number: int, declaration: TracedDeclaration) -> DeclarationRow:
        module = self.module
        text = self._source(declaration)
        keyword, name, proof = declaration.kind, declaration.name, declaration.proof
        statement, doc = declaration.statement, declaration.doc
        proof_start = declaration.proof_start
        if self._lean and (text or statement):
            parts = declaration_source(text or statement)
            keyword, doc = keyword or parts.keyword, doc or parts.doc
            name = name or _qualified(declaration.namespace, parts.name)
            if text:
                proof_start = self._proof_start(declaration, text, parts.proof)
                cut = proof_start - declaration.start
                data = text.encode()
                statement, proof = (part.decode() for part in (data[:cut], data[cut:]))
            elif not proof and module.extractor == "infotree-json":
                statement, proof = statement[: parts.proof], statement[parts.proof :]
            written = parts.name
        else:
            written = name
        if not self._lean and text and proof_start != NOWHERE:
            cut = proof_start - declaration.start
            proof = text.encode()[cut:].decode()
        row = DeclarationRow(
            declaration_id=self._declaration_id(number, declaration, name),
            file_sha256=self._sha256,
            system=module.system,
            repo_url=module.repo_url,
            commit=module.commit,
            module=module.module,
            file_path=module.file_path,
            decl_name=name,
            decl_kind=keyword,
            decl_start_byte=declaration.start,
            decl_start_line=NOWHERE,
            decl_start_col=NOWHERE,
            decl_end_byte=declaration.end,
            decl_end_line=NOWHERE,
            decl_end_col=NOWHERE,
            proof_start_byte=proof_start,
            statement=statement,
            statement_pp=declaration.statement_pp,
            statement_key=statement_key(module.system, keyword, written, statement),
            proof_text=proof,
            proof_style=self._style(declaration, proof, number),
            doc_string=doc,
            namespace=declaration.namespace,
            decl_has_sorry=declaration.sorry or (self._lean and is_gap("", proof)),
            decl_has_error=bool(declaration.errors),
            num_steps=len(self._steps_of[number]),
            decl_created=declaration.created,
            premises=tuple(declaration.premises) or self._step_premises(number),
            trace_file=self.trace_file,
        )
        if module.source is not None and declaration.start != NOWHERE:
            row.decl_start_line, row.decl_start_col = module.source.place(declaration.start)
            row.decl_end_line, row.decl_end_col = module.source.place(declaration.end)
        return row

    def _source(self, declaration: TracedDeclaration) -> str:
        source = self.module.source
        if source is None or declaration.start == NOWHERE or declaration.end <= declaration.start:
            return ""
        return source.slice(declaration.start, declaration.end)

    def _proof_start(self, declaration: TracedDeclaration, text: str, found: int) -> int:
        if declaration.proof_start != NOWHERE:
            return declaration.proof_start
        return declaration.start + len(text[:found].encode())

    def _declaration_id(self, number: int, declaration: TracedDeclaration, name: str) -> str:
        where = str(declaration.start) if declaration.start != NOWHERE else f"{name}#{number}"
        return hashed("declaration", *self._origin(), where)

    def _origin(self) -> tuple[str, str, str]:
        module = self.module
        return module.repo_url, module.commit, module.file_path or module.module

    def _style(self, declaration: TracedDeclaration, proof: str, number: int) -> str:
        if self._lean:
            return proof_style(proof) or ("tactic" if len(self._steps_of[number]) else "")
        kinds = {step.kind for step in self._steps_of[number]}
        if not kinds:
            return ""
        return "isar" if "proof" in kinds else "apply"

    def _step_premises(self, number: int) -> tuple[Premise, ...]:
        return tuple(dict.fromkeys(p for s in self._steps_of[number] for p in s.premises))

    # ---- steps ----------------------------------------------------------------------------------

    def steps(self) -> Iterator[FormalStep]:
        """The module's records in the order of the trace, those that are no steps included."""
        spans: Counter[tuple[int, int, bool]] = Counter()
        indices: Counter[int] = Counter()
        numbered: dict[int, int] = {}
        for number, traced in enumerate(self.module.steps):
            text, fault = self._texts[number]
            real = self._real[number]
            place = self._place(traced, number, indices[traced.declaration] if real else NOWHERE)
            place.tactic_kind = traced.kind or _first_word(text)
            if real:
                numbered[number] = place.step_index
                indices[traced.declaration] += 1
            if traced.start != NOWHERE:
                place.occurrence = spans[traced.start, traced.end, real]
                spans[traced.start, traced.end, real] += 1
            step = self._goal_state(traced, text)
            around = self._around(number)
            kinds = tuple(self.module.steps[outer].kind for outer in reversed(around))
            step.is_structuring = number in self._holding or is_structuring(traced.kind)
            step.depth = len(around)
            step.parent_step = numbered[around[0]] if around else NOWHERE
            step.combinator = next((k for k in reversed(kinds) if k in COMBINATORS), "")
            faults = [fault, *self._faults(traced, text, step)]
            if number in self._failed:
                faults.append("failed_alternative")
            place_key = self._bundle(place, number, real)
            yield FormalStep(place, step, tuple(filter(None, faults)), kinds, place_key)

    def _find_parents(self) -> list[int]:
        """The number of the innermost step around each record; ``NOWHERE`` for none."""
        parents = []
        stack: list[int] = []
        for number, step in enumerate(self.module.steps):
            if step.start == NOWHERE:
                parents.append(NOWHERE)
                continue
            place = len(stack)
            while place and not _inside(step, self.module.steps[stack[place - 1]]):
                place -= 1
            parents.append(stack[place - 1] if place else NOWHERE)
            if self._real[number]:
                # Expansions hold nothing: what is in them is in the step that they expand.
                del stack[place:]
                stack.append(number)
        return parents

    def _around(self, number: int) -> list[int]:
        """The steps around a record, the innermost first."""
        found = []
        while (number := self._parents[number]) != NOWHERE:
            found.append(number)
        return found

    def _find_failed(self) -> set[int]:
        """Numbers of steps that were undone although they changed something.

        ``first`` tries its alternatives on the same goals: where one begins anew, those before it
        have failed. A ``try`` that changed nothing undid what was in it.
        """
        steps = self.module.steps
        failed: set[int] = set()
        tried: dict[int, list[int]] = defaultdict(list)
        for number, step in enumerate(steps):
            if not self._real[number]:
                continue
            for outer in self._around(number):
                combinator = steps[outer]
                if combinator.kind not in _CHOICES:
                    continue
                if combinator.goals_after == combinator.goals_before:
                    failed.add(number)
                if self._parents[number] == outer:
                    if tried[outer] and step.goals_before == combinator.goals_before:
                        failed.update(tried[outer])
                        failed.update(n for n in range(tried[outer][0], number))
                        tried[outer] = []
                    tried[outer].append(number)
        return failed

    def _is_real(self, traced: TracedStep, text: str) -> bool:
        """Whether a record is a step of the file, and no expansion or piece of one."""
        return not (traced.synthetic or traced.same_span or (self._lean and _borrows(traced, text)))

    def _text(self, traced: TracedStep) -> tuple[str, str]:
        """The step's source text, and why it isn't one."""
        source = self.module.source
        if source is None or traced.start == NOWHERE or traced.end == NOWHERE:
            return traced.tactic, "" if traced.tactic else "no_source"
        try:
            text = source.slice(traced.start, traced.end)
        except PositionError:
            return traced.tactic, "no_source"
        if traced.tactic and self._lean and text != traced.tactic:
            # The trace isn't of this text, or counts in another unit.
            return traced.tactic, "other_source"
        return text, ""

    def _place(self, traced: TracedStep, number: int, index: int) -> StepPlace:
        module = self.module
        place = StepPlace(
            self.trace_file,
            module.first_record,
            number,
            module.system,
            module.system_version,
            module.repo_url,
            module.commit,
            module.license_spdx,
            module.package,
            module.module,
            module.file_path,
            self._sha256,
            step_index=index,
            start_byte=traced.start,
            end_byte=traced.end,
            extractor=module.extractor,
            extractor_version=module.extractor_version,
            status=module.status,
        )
        if traced.start_place is not None and traced.end_place is not None:
            place.start_line, place.start_col = traced.start_place
            place.end_line, place.end_col = traced.end_place
        elif module.source is not None and traced.start != NOWHERE:
            place.start_line, place.start_col = module.source.place(traced.start)
            place.end_line, place.end_col = module.source.place(traced.end)
        if traced.declaration != NOWHERE:
            row = self.declarations[traced.declaration]
            place.declaration_id = row.declaration_id
            place.decl_name, place.decl_kind = row.decl_name, row.decl_kind
        return place

    def _goal_state(self, traced: TracedStep, text: str) -> GoalState:
        before = traced.goals_before or []
        after = traced.goals_after
        state_before, state_after = self._states(traced)
        step = GoalState(
            tactic=text,
            tactic_pp=traced.pp,
            state_before=state_before,
            state_after=state_after,
            goals_before=self._goals(before, state_before),
            goals_after=self._goals(after or [], state_after),
            num_goals_before=self._count(before, state_before),
            num_goals_after=NOWHERE if after is None else self._count(after, state_after),
            elaborator=traced.elaborator,
            is_synthetic=traced.synthetic,
            isa_mode=traced.mode,
            isa_proof_level=traced.level,
            premises=tuple(traced.premises),
            annotated_tactic=traced.annotated or self._annotated(traced, text),
            imports=self.module.imports,
            scope=traced.scope,
            elapsed_ms=traced.elapsed_ms,
            file_created=self.module.created,
        )
        if traced.declaration != NOWHERE:
            self._describe(step, traced.declaration)
        return step

    def _describe(self, step: GoalState, number: int) -> None:
        row = self.declarations[number]
        for name in _OF_DECLARATION:
            setattr(step, name, getattr(row, name))
        step.open_scopes = self.module.declarations[number].opened

    def _states(self, traced: TracedStep) -> tuple[str, str]:
        before, after = traced.state_before, traced.state_after
        if before is None:
            before = _joined(traced.goals_before or [], self._lean)
        if after is None:
            after = "" if traced.goals_after is None else _joined(traced.goals_after, self._lean)
            if self._lean and traced.goals_after is not None and not traced.goals_after:
                after = "no goals"
        return before, after

    def _goals(self, goals: Sequence[str], state: str) -> tuple[Goal, ...]:
        if self._lean:
            return tuple(map(parse_goal, goals))
        # Facts that are chained in belong to the first subgoal.
        return tuple(
            parse_subgoal(goal, state if number == 0 else "") for number, goal in enumerate(goals)
        )

    def _count(self, goals: Sequence[str], state: str) -> int:
        return len(goals) if self._lean else max(len(goals), count_subgoals(state))

    def _annotated(self, traced: TracedStep, text: str) -> str:
        """The text with the premises of known place marked."""
        uses = sorted({(p.use_start, p.use_end) for p in traced.premises if p.use_start != NOWHERE})
        if not uses or traced.start == NOWHERE:
            return ""
        data, parts, place = text.encode(), [], 0
        for start, end in uses:
            start, end = start - traced.start, end - traced.start
            if place <= start < end <= len(data):
                parts += [data[place:start], b"<a>", data[start:end], b"</a>"]
                place = end
        return b"".join([*parts, data[place:]]).decode()

    def _faults(self, traced: TracedStep, text: str, step: GoalState) -> Iterator[str]:
        if traced.synthetic:
            yield "synthetic"
        if not self._lean and traced.kind in DIAGNOSTIC:
            yield "diagnostic"
        if not self._lean and traced.kind == "(*":
            yield "comment"
        if traced.same_span:
            yield "expansion"
        if self._lean and _borrows(traced, text):
            yield "borrowed_position"
        if not step.state_before.strip() or (self._lean and not step.goals_before):
            yield "no_goals"
        elif self._lean and traced.goals_after == traced.goals_before:
            yield "unchanged"

    def _bundle(self, place: StepPlace, number: int, real: bool) -> str:
        if place.start_byte == NOWHERE:
            where = (
                f"{place.declaration_id}\0{number if place.step_index < 0 else place.step_index}"
            )
        else:
            where = f"{place.start_byte}\0{place.end_byte}\0{place.occurrence}"
        return "\0".join((*self._origin(), where, "" if real else "expansion"))


# Combinators that undo what failed.
_CHOICES = frozenset(
    {"Lean.Parser.Tactic.first", "Lean.Parser.Tactic.tacticTry_", "Lean.Parser.Tactic.tacticSolve"}
)

# What a step's row repeats of its declaration's.
_OF_DECLARATION = (
    "decl_start_byte",
    "decl_start_line",
    "decl_start_col",
    "decl_end_byte",
    "decl_end_line",
    "decl_end_col",
    "proof_start_byte",
    "statement",
    "statement_pp",
    "statement_key",
    "proof_style",
    "doc_string",
    "namespace",
    "decl_has_sorry",
    "decl_has_error",
    "num_steps",
    "decl_created",
)


def _inside(step: TracedStep, other: TracedStep) -> bool:
    """Whether a step lies in another one's span and isn't the same."""
    return (
        other.start <= step.start
        and step.end <= other.end
        and (step.start, step.end) != (other.start, other.end)
        and step.declaration == other.declaration
    )


def _joined(goals: Sequence[str], lean: bool) -> str:
    return "\n".join(goals) if lean else state_of_subgoals(goals)


def _qualified(namespace: str, name: str) -> str:
    if name.startswith("_root_."):
        return name.removeprefix("_root_.")
    return f"{namespace}.{name}" if namespace and name else name


def _first_word(text: str) -> str:
    found = _FIRST_WORD.search(text)
    return found.group() if found is not None else ""


def _borrows(traced: TracedStep, text: str) -> bool:
    """Whether a macro gave a tactic the position of another token: ``rw [h]`` gives its ``rfl`` the
    place of the bracket."""
    if traced.head:
        return not text.startswith(traced.head.strip())
    return text in {"]", ")", "}", "⟩", ",", ";"}
