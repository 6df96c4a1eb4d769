"""The trace of our own extractor: JSON lines, a ``module`` line before each module's others.

``extractors/lean/README.md`` says what each line holds. Positions are bytes; the source's text is
in the ``module`` line, so that a trace stands by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from extractors.formal.positions import PositionError, SourceText
from extractors.formal.traced import TracedDeclaration, TracedModule, TracedStep, TraceError
from extractors.lean.kinds import full_kind
from schemas.goal_states import NOWHERE, Premise

__all__ = ["begins_module", "own_lines", "own_module"]

_Line = dict[str, Any]


def begins_module(line: _Line) -> bool:
    """Whether a line is the first of a module's."""
    return line.get("kind") == "module"


def own_module(lines: Iterable[tuple[int, _Line]]) -> TracedModule:
    """Reads the lines of one module.

    Args:
        lines: Number and content of each.

    Raises:
        TraceError: The first isn't a ``module`` line.
    """
    reader = _Reader()
    for number, line in lines:
        reader.add(number, line)
    return reader.finished()


def own_lines(module: TracedModule) -> Iterator[_Line]:
    """A module as lines: what the driver writes of traces that another way was taken for.

    Commands stand without what the reader works out from the source; errors stand at the beginning
    of their declaration.
    """
    header = {
        "kind": "module",
        "module": module.module,
        "file": module.file_path,
        "lean": module.system_version,
        "repo": module.repo_url,
        "commit": module.commit,
        "license": module.license_spdx,
        "package": module.package,
        "created": module.created,
        "imports": list(module.imports),
        "extractor": module.extractor,
        "format": module.extractor_version,
        "text": module.source.text if module.source is not None else None,
    }
    yield {name: value for name, value in header.items() if value not in ("", [], None)}
    for declaration in module.declarations:
        yield _command_line(declaration)
        if module.source is not None and declaration.start != NOWHERE:
            yield from _message_lines(declaration, *module.source.place(declaration.start))
    around: list[tuple[int, TracedStep]] = []
    for number, step in enumerate(module.steps):
        while around and not _holds(around[-1][1], step):
            around.pop()
        yield _step_line(number, step, around[-1][0] if around else NOWHERE)
        around.append((number, step))
    placed = sum(len(declaration.errors) for declaration in module.declarations)
    for _ in range(module.errors - placed):
        yield {"kind": "message", "severity": "error", "line": 0, "column": 0, "text": ""}
    yield {"kind": "end", "steps": len(module.steps), "errors": module.errors}


def _holds(outer: TracedStep, step: TracedStep) -> bool:
    """Whether a step lies in another; one with the same span only if it's an expansion of it."""
    if (outer.start, outer.end) == (step.start, step.end):
        return step.same_span
    return outer.start <= step.start and step.end <= outer.end


def _command_line(declaration: TracedDeclaration) -> _Line:
    line: _Line = {"kind": "command", "start": declaration.start, "end": declaration.end}
    if declaration.namespace:
        line["namespace"] = declaration.namespace
    if declaration.opened:
        line["open"] = list(declaration.opened)
    return line


def _message_lines(declaration: TracedDeclaration, line: int, column: int) -> Iterator[_Line]:
    place = {"line": line, "column": column}
    for text in declaration.errors:
        yield {"kind": "message", "severity": "error", **place, "text": text}
    if declaration.sorry:
        text = "declaration uses sorry"
        yield {"kind": "message", "severity": "warning", **place, "text": text}


def _step_line(number: int, step: TracedStep, parent: int) -> _Line:
    line: _Line = {
        "kind": "step",
        "id": number,
        "parent": parent,
        "start": step.start,
        "end": step.end,
        "syntax": step.kind,
        "elaborator": step.elaborator,
        "head": step.head,
        "before": step.goals_before,
        "after": step.goals_after,
    }
    if step.synthetic:
        line["synthetic"] = True
    return line


class _Reader:
    """Collects the lines of one module."""

    def __init__(self) -> None:
        self._module: TracedModule | None = None
        self._constants: list[_Line] = []
        self._premises: list[_Line] = []
        self._messages: list[_Line] = []
        self._end: _Line | None = None
        # A step's number in the trace to its place in the list.
        self._steps: dict[int, TracedStep] = {}
        self._spans: dict[int, tuple[int, int]] = {}

    def add(self, number: int, line: _Line) -> None:
        kind = line.get("kind")
        if kind == "module":
            self._module = _header(line, number)
            return
        if self._module is None:
            raise TraceError("no_module_line", f"line {number} is of kind {kind!r}")
        if kind == "command":
            self._module.declarations.append(_declaration(line))
        elif kind == "step":
            self._step(line)
        elif kind == "constant":
            self._constants.append(line)
        elif kind == "premise":
            self._premises.append(line)
        elif kind == "message":
            self._messages.append(line)
        elif kind == "end":
            self._end = line
        else:
            raise TraceError("unknown_line", f"line {number} is of kind {kind!r}")

    def _step(self, line: _Line) -> None:
        assert self._module is not None
        step = TracedStep(
            kind=full_kind(line["syntax"]),
            pp=line.get("pp", ""),
            goals_before=line["before"],
            goals_after=line["after"],
            start=line["start"],
            end=line["end"],
            elaborator=line.get("elaborator", ""),
            ancestors=tuple(map(full_kind, line.get("ancestors", ()))),
            synthetic=line.get("synthetic", False),
            head=line.get("head", ""),
        )
        parent = line.get("parent", NOWHERE)
        span = (step.start, step.end)
        step.same_span = self._spans.get(parent) == span
        self._spans[line["id"]] = span
        self._module.steps.append(step)

    def finished(self) -> TracedModule:
        module = self._module
        if module is None:
            raise TraceError("no_module_line", "the trace is empty")
        module.declarations.sort(key=lambda declaration: (declaration.start, -declaration.end))
        self._name_declarations(module)
        self._place_premises(module)
        _place_messages(module, self._messages)
        if self._end is None:
            module.status = "truncated"
            module.detail = "the trace has no last line: its module was not finished"
        elif self._end.get("steps", len(module.steps)) != len(module.steps):
            module.status = "truncated"
            module.detail = f"{self._end['steps']} steps announced, {len(module.steps)} there"
        elif module.errors:
            module.status = "errors"
        return module

    def _name_declarations(self, module: TracedModule) -> None:
        """Names from the environment: what has no name of its own in the source has one there."""
        for constant in self._constants:
            place = (constant.get("line", 0), constant.get("column", 0))
            if module.source is None or not place[0]:
                continue
            try:
                byte = module.source.byte(*place)
            except PositionError:
                continue
            found = _around(module, byte)
            # The first is the declaration itself; those that it generates follow it.
            if found is None or (found.name and found.statement_pp):
                continue
            found.name = found.name or constant["name"]
            if found.name == constant["name"]:
                found.statement_pp = constant.get("type", "")
                found.doc = found.doc or constant.get("doc", "")
                found.premises += [
                    Premise(name, "", "", (), (), NOWHERE, NOWHERE, "used")
                    for name in constant.get("uses", ())
                ]

    def _place_premises(self, module: TracedModule) -> None:
        """Each use to the innermost step around it, and to its declaration."""
        steps = sorted(module.steps, key=lambda step: (step.start, -step.end))
        for line in self._premises:
            premise = Premise(
                line["name"],
                line.get("module", ""),
                line.get("path", "") or _path(line.get("module", "")),
                tuple(line.get("def_start", ())),
                tuple(line.get("def_end", ())),
                line["start"],
                line["end"],
                "explicit",
            )
            around = [s for s in steps if s.start <= premise.use_start and premise.use_end <= s.end]
            for step in around:
                if premise not in step.premises:
                    step.premises.append(premise)
            declaration = _around(module, premise.use_start)
            if declaration is not None and premise not in declaration.premises:
                declaration.premises.append(premise)


def _path(module: str) -> str:
    """The file of a module, below its package's folder of sources."""
    return f"{module.replace('.', '/')}.lean" if module else ""


def _header(line: _Line, number: int) -> TracedModule:
    text = line.get("text")
    return TracedModule(
        system="lean4",
        module=line["module"],
        file_path=line.get("file", ""),
        system_version=_version(line),
        repo_url=line.get("repo", ""),
        commit=line.get("commit", ""),
        license_spdx=line.get("license", ""),
        package=line.get("package", ""),
        created=line.get("created", ""),
        imports=tuple(line.get("imports", ())),
        extractor=line.get("extractor", "proofmill-goal-states"),
        extractor_version=str(line.get("format", "")),
        source=SourceText(text) if text is not None else None,
        first_record=number,
    )


def _version(line: _Line) -> str:
    version, githash = line.get("lean", ""), line.get("githash", "")
    return f"{version} ({githash})" if githash else version


def _declaration(line: _Line) -> TracedDeclaration:
    return TracedDeclaration(
        name=line.get("name", ""),
        start=line["start"],
        end=line["end"],
        proof_start=line.get("proof_start", NOWHERE),
        namespace=line.get("namespace", ""),
        opened=tuple(line.get("open", ())),
    )


def _around(module: TracedModule, byte: int) -> TracedDeclaration | None:
    """The innermost declaration around a byte."""
    found = None
    for declaration in module.declarations:
        if declaration.start > byte:
            break
        if byte < declaration.end:
            found = declaration
    return found


def _place_messages(module: TracedModule, messages: Iterable[_Line]) -> None:
    """Errors and gaps that the prover reported, to the declaration that they lie in."""
    for message in messages:
        error = message.get("severity") == "error"
        module.errors += error
        text = message.get("text", "")
        gap = "declaration uses" in text and "sorry" in text
        if module.source is None or not (error or gap):
            continue
        try:
            byte = module.source.byte(message["line"], message["column"])
        except PositionError:
            continue
        declaration = _around(module, byte)
        if declaration is None:
            continue
        if error:
            declaration.errors.append(text)
        declaration.sorry = declaration.sorry or gap
