"""What a stock ``lean --json -Dtrace.Elab.info=true FILE`` prints: info trees as text.

No metaprogram is needed. The option prints each command's tree in a message: a bullet a node, its
syntax, and for a tactic the goals before and after it. Columns are code points; goals are joined
by lines. The text is meant for people and may change: what can't be read is an error, no gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from extractors.formal.positions import PositionError, SourceText
from extractors.formal.traced import TracedDeclaration, TracedModule, TracedStep, TraceError
from extractors.lean.declarations import namespaces
from extractors.lean.goals import split_state
from extractors.lean.kinds import NOT_STEPS, full_kind

__all__ = ["info_trace_module"]

_MARK = "[Elab.info]"
# A node's first line. Later Leans print the kind in brackets, earlier ones without.
_NODE = re.compile(
    r"(?P<indent> *)• (?P<kind>\[[A-Za-z][^\]]*\]|[A-Z][A-Za-z]*(?=[ .@]))(?P<rest>.*)", re.DOTALL
)
_RANGE = re.compile(
    r"@ ⟨(?P<l1>\d+), (?P<c1>\d+)⟩(?P<s1>†?)!?-⟨(?P<l2>\d+), (?P<c2>\d+)⟩(?P<s2>†?)!?"
    r"(?: @ (?P<elaborator>\S+))?\s*$"
)
_KIND = re.compile(r"\((?P<kind>(?:«[^»]*»|[^\s()«\"])+)")
_GAP = re.compile(r"declaration uses .?sorry")


@dataclass(slots=True)
class _Node:
    """A node of the tree as it was printed."""

    indent: int
    kind: str
    rest: str
    body: list[str] = field(default_factory=list)
    syntax: str = ""
    span: tuple[int, int] | None = None
    shown: bool = False


def info_trace_module(
    messages: Iterable[tuple[int, dict[str, Any]]], source: SourceText, module: str, file_path: str
) -> TracedModule:
    """Reads the messages of one file.

    Args:
        messages: Number and content of each, as ``lean --json`` prints them.
        source: The file.
        module: Its module.
        file_path: Its path.

    Raises:
        TraceError: No info tree is among them although the file has commands, or a tree can't be
            read: another version of Lean prints it otherwise.
    """
    result = TracedModule(
        "lean4",
        module,
        file_path,
        source=source,
        extractor="trace.Elab.info",
        extractor_version="1",
    )
    plain: list[dict[str, Any]] = []
    trees = 0
    for number, message in messages:
        if "data" not in message:
            raise TraceError("not_a_message", f"line {number} has no data")
        if message["data"].lstrip().startswith(_MARK):
            trees += 1
            _read_tree(message["data"], source, result)
        else:
            plain.append(message)
    if not trees and result.source is not None and result.source.text.strip():
        detail = plain[0]["data"] if plain else "there are no messages"
        raise TraceError("no_info_trees", detail)
    result.declarations.sort(key=lambda declaration: (declaration.start, -declaration.end))
    texts = (source.slice(d.start, d.end) for d in result.declarations)
    for declaration, namespace in zip(result.declarations, namespaces(texts), strict=True):
        declaration.namespace = namespace
    _attach(plain, result)
    if result.errors:
        result.status = "errors"
    return result


def _read_tree(data: str, source: SourceText, result: TracedModule) -> None:
    stack: list[_Node] = []
    nodes = list(_nodes(data))
    if not nodes:
        raise TraceError("unreadable_tree", f"another version prints trees so: {data[:100]!r}")
    for node in nodes:
        while stack and stack[-1].indent >= node.indent:
            stack.pop()
        kind = node.kind.strip("[]")
        if kind.lower() == "command" and not any(
            other.kind.strip("[]").lower() == "command" for other in stack
        ):
            start, end = _span(node, source)
            result.declarations.append(TracedDeclaration(start=start, end=end))
        elif kind == "Tactic":
            _read_tactic(node, stack, source, result)
        stack.append(node)


def _nodes(data: str) -> Iterator[_Node]:
    node = None
    for line in data.split("\n"):
        found = _NODE.fullmatch(line)
        if found is not None and _is_node(found, node):
            if node is not None:
                yield node
            node = _Node(len(found.group("indent")), found.group("kind"), found.group("rest"))
        elif node is not None:
            node.body.append(line)
    if node is not None:
        yield node


def _is_node(found: re.Match[str], before: _Node | None) -> bool:
    """A bullet in a goal is no node: a node is at most one level deeper than the one before it."""
    indent = len(found.group("indent"))
    return before is None or (indent <= before.indent + 2 and indent % 2 == 0)


def _span(node: _Node, source: SourceText) -> tuple[int, int]:
    found = _RANGE.search(node.rest)
    if found is None:
        raise TraceError("unreadable_range", node.rest[:200])
    first, last = (
        (int(found.group(f"l{number}")), int(found.group(f"c{number}"))) for number in (1, 2)
    )
    try:
        return source.byte(*first), source.byte(*last)
    except PositionError as error:
        raise TraceError("other_source", str(error)) from error


def _read_tactic(node: _Node, stack: list[_Node], source: SourceText, result: TracedModule) -> None:
    found = _RANGE.search(node.rest)
    if found is None:
        # Syntax without a position: nothing of the file.
        return
    body = [line[node.indent + 2 :] if not line[: node.indent + 2].strip() else line
            for line in node.body]  # fmt: skip
    syntax, before, after = _parts(body, node)
    named = _KIND.match(syntax.lstrip())
    node.syntax = full_kind(named.group("kind")) if named is not None else ""
    # Atoms and lists of syntax are no tactics; pieces of tactics are no steps.
    if named is None or node.syntax in NOT_STEPS:
        return
    node.span = _span(node, source)
    node.shown = True
    outer = [other for other in stack if other.shown]
    result.steps.append(
        TracedStep(
            kind=node.syntax,
            goals_before=split_state(before),
            goals_after=split_state(after),
            start=node.span[0],
            end=node.span[1],
            elaborator=found.group("elaborator") or "",
            ancestors=tuple(other.syntax for other in outer),
            same_span=bool(outer) and outer[-1].span == node.span,
            synthetic=bool(found.group("s1") or found.group("s2")),
            head=_head(syntax),
        )
    )


def _parts(body: list[str], node: _Node) -> tuple[str, str, str]:
    """The syntax, the state before and the state after of a tactic's node."""
    before = next((n for n, line in enumerate(body) if _label(line, "before")), None)
    after = None
    if before is not None:
        # A hypothesis may be called "after"; its line has a colon, the label has none.
        places = [n for n in range(before + 1, len(body)) if _label(body[n], "after")]
        after = places[0] if places else None
    if before is None or after is None:
        raise TraceError("unreadable_tactic", f"{node.rest[:100]}: no states")
    return (
        "\n".join(body[:before]),
        _state(body[before:after], "before"),
        _state(body[after:], "after"),
    )


def _label(line: str, label: str) -> bool:
    rest = line.removeprefix(label)
    return rest != line and (not rest.strip() or rest.strip() == "no goals")


def _state(lines: list[str], label: str) -> str:
    first = lines[0].removeprefix(label).strip()
    return "\n".join(([first] if first else []) + lines[1:]).rstrip("\n ")


def _head(syntax: str) -> str:
    """The first atom or identifier of printed syntax."""
    found = re.search(
        r"\"(?P<atom>(?:[^\"\\]|\\.)*)\"|`(?P<ident>(?:«[^»]*»|[^\s()\[\]])+)", syntax
    )
    if found is None:
        return ""
    return (found.group("atom") or found.group("ident") or "").strip()


def _attach(messages: list[dict[str, Any]], result: TracedModule) -> None:
    assert result.source is not None
    for message in messages:
        error = message.get("severity") == "error"
        gap = _GAP.search(message["data"]) is not None
        result.errors += error
        if not (error or gap) or "pos" not in message:
            continue
        try:
            byte = result.source.byte(message["pos"]["line"], message["pos"]["column"])
        except PositionError:
            continue
        for declaration in result.declarations:
            if declaration.start <= byte < max(declaration.end, declaration.start + 1):
                if error:
                    declaration.errors.append(message["data"])
                declaration.sorry = declaration.sorry or gap
