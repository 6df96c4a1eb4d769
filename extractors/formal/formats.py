"""Which format a trace file is in, and its modules one after another.

A format is told by content, never by name. JSON lines are read module by module, so that a range of
a large file can be read on its own; the other formats are read as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from extractors.formal.positions import SourceText
from extractors.formal.traced import TracedModule, TraceError
from extractors.isabelle.exports import export_module
from extractors.isabelle.tools import gym_module, pisa_module, qisabelle_module
from extractors.lean.info_trace import info_trace_module
from extractors.lean.leandojo import ast_module, benchmark_module, search_module
from extractors.lean.ntp import ntp_module, ntp_module_name
from extractors.lean.own_trace import begins_module, own_module
from extractors.lean.recorded import recorded_module
from extractors.lean.repl import info_tree_module, repl_module

__all__ = ["Beside", "LineFormat", "line_format", "modules_of_document", "modules_of_lines"]

_Json = dict[str, Any]
_Numbered = tuple[int, _Json]

# The text of a file beside the trace, by its suffix in place of the trace's; None for no file.
Beside = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class LineFormat:
    """A format of JSON lines.

    Attributes:
        name: Its name.
        key: What the lines of one module share; None when only its first line tells.
        read: Makes a module of its lines.
        whole: Whether all lines of the file are one module.
    """

    name: str
    key: Callable[[_Json], str] | None
    read: Callable[[Iterable[_Numbered], Beside, str], TracedModule | None]
    whole: bool = False

    def begins(self, line: _Json, before: _Json | None) -> bool:
        """Whether a line begins a module, given the line before it."""
        if self.whole:
            return before is None
        if self.key is None:
            return begins_module(line)
        return before is None or self.key(line) != self.key(before)


def line_format(line: _Json) -> LineFormat | None:
    """The format of JSON lines that a file's first line tells; None for another document."""
    for name, fields in _FIELDS.items():
        if fields <= line.keys():
            return _LINES[name]
    return None


def modules_of_lines(
    lines: Iterable[_Numbered], form: LineFormat, beside: Beside, name: str
) -> Iterator[TracedModule | tuple[int, TraceError]]:
    """The modules of some lines; in place of one that can't be read, its number and why."""
    group: list[_Numbered] = []
    for number, line in lines:
        if group and form.begins(line, group[-1][1]):
            yield from _read(group, form, beside, name)
            group = []
        group.append((number, line))
    if group:
        yield from _read(group, form, beside, name)


def _read(
    group: list[_Numbered], form: LineFormat, beside: Beside, name: str
) -> Iterator[TracedModule | tuple[int, TraceError]]:
    try:
        module = form.read(group, beside, name)
    except TraceError as error:
        yield group[0][0], error
    except (KeyError, TypeError, AttributeError, IndexError, AssertionError, ValueError) as error:
        yield group[0][0], TraceError("malformed", f"{type(error).__name__}: {error}")
    else:
        if module is not None:
            yield module


def modules_of_document(
    text: str, beside: Beside, name: str
) -> Iterator[TracedModule | tuple[int, TraceError]]:
    """The modules of a document that is no JSON lines.

    Args:
        text: The document.
        beside: Finds files beside it.
        name: Its name.

    Raises:
        TraceError: It's in no known format.
    """
    if text.startswith("\x05\x06"):
        yield _export(text, beside, name)
        return
    known = False
    for number, value in enumerate(_values(text)):
        reader = _document_reader(value)
        if reader is None:
            continue
        known = True
        try:
            module = reader(value, beside, name, number)
        except TraceError as error:
            yield number, error
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            yield number, TraceError("malformed", f"{type(error).__name__}: {error}")
        else:
            if module is not None:
                module.first_record = module.first_record or number
                yield module
    if not known:
        raise TraceError("unknown_format", f"{name} is no trace of a format that is known")


# ---- JSON lines ---------------------------------------------------------------------------------


def _source(beside: Beside) -> SourceText | None:
    text = beside(".lean")
    return SourceText(text) if text is not None else None


def _stem(name: str) -> str:
    return PurePosixPath(name).name.partition(".")[0]


def _info_trace(lines: Iterable[_Numbered], beside: Beside, name: str) -> TracedModule:
    source = _source(beside)
    if source is None:
        raise TraceError("no_source", f"{name}: no .lean file beside it")
    return info_trace_module(lines, source, _stem(name), f"{_stem(name)}.lean")


_LINES: Mapping[str, LineFormat] = {
    form.name: form
    for form in (
        LineFormat("proofmill", None, lambda lines, beside, name: own_module(lines)),
        LineFormat(
            "recorded",
            lambda line: f"{line.get('file', '')}\0{line['module']}",
            lambda lines, beside, name: recorded_module(lines, _source(beside)),
        ),
        LineFormat("ntp-toolkit", ntp_module_name, lambda lines, beside, name: ntp_module(lines)),
        LineFormat(
            "isabellegym",
            lambda line: str(line["theory"]),
            lambda lines, beside, name: gym_module(lines),
        ),
        LineFormat("lean-messages", None, _info_trace, whole=True),
    )
}
# The fields that tell a format by a line.
_FIELDS: Mapping[str, frozenset[str]] = {
    "recorded": frozenset({"module", "tactic", "goals_before", "goals_after", "start", "end"}),
    "ntp-toolkit": frozenset({"state", "nextTactic", "srcUpToTactic", "declId"}),
    "isabellegym": frozenset({"theory", "command", "subgoals_before", "subgoals_after"}),
    "lean-messages": frozenset({"data", "severity", "pos"}),
    "proofmill": frozenset({"kind", "module"}),
}


# ---- documents ----------------------------------------------------------------------------------

_Reader = Callable[[Any, Beside, str, int], TracedModule | None]


def _document_reader(value: object) -> _Reader | None:
    """What reads a JSON value, told by its fields."""
    if not isinstance(value, dict):
        return None
    fields = value.keys()
    for needed, reader in _DOCUMENTS:
        if needed <= fields:
            return reader
    return None


def _repl_source(beside: Beside, number: int) -> SourceText | None:
    """The text of a REPL's command, from the ``.in`` file beside its answers."""
    given = beside(".in")
    if given is None:
        return _source(beside)
    commands = [value for value in _values(given) if isinstance(value, dict)]
    command = commands[number] if number < len(commands) else {}
    if "cmd" in command:
        return SourceText(command["cmd"])
    return _source(beside)


_DOCUMENTS: tuple[tuple[frozenset[str], _Reader], ...] = (
    (
        frozenset({"translations"}),
        lambda value, beside, name, number: pisa_module(value, _stem(name)),
    ),
    (
        frozenset({"theory", "extractions"}),
        lambda value, beside, name, number: qisabelle_module(value),
    ),
    (
        frozenset({"traced_tactics", "full_name"}),
        lambda value, beside, name, number: benchmark_module(value, number),
    ),
    (
        frozenset({"attempt_results", "example"}),
        lambda value, beside, name, number: search_module(value, number),
    ),
    (
        frozenset({"commandASTs", "tactics"}),
        lambda value, beside, name, number: ast_module(value, _stem(name), _source(beside)),
    ),
    (
        frozenset({"infotree"}),
        lambda value, beside, name, number: info_tree_module(
            value["infotree"], _stem(name), _repl_source(beside, number)
        ),
    ),
    (
        frozenset({"trees"}),
        lambda value, beside, name, number: info_tree_module(
            value["trees"], _stem(name), _source(beside)
        ),
    ),
    (
        frozenset({"tactics"}),
        lambda value, beside, name, number: repl_module(
            value, _stem(name), _repl_source(beside, number)
        ),
    ),
)


def _values(text: str) -> Iterator[object]:
    """JSON values one after another; of a list, and of a search's ``results``, the items.

    Raises:
        TraceError: It's no JSON.
    """
    decoder = json.JSONDecoder()
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise TraceError("not_json", str(error)) from error
        if isinstance(value, list):
            yield from value
        elif isinstance(value, dict) and isinstance(value.get("results"), list):
            yield from value["results"]
        else:
            yield value


# ---- Isabelle's exports -------------------------------------------------------------------------


def _export(messages: str, beside: Beside, name: str) -> TracedModule:
    """``Session.Theory/PIDE/messages`` with the ``markup`` beside it."""
    markup = beside("markup")
    if markup is None:
        raise TraceError("no_markup", f"{name}: no PIDE/markup beside it")
    return export_module(markup, messages, PurePosixPath(name).parent.parent.name)
