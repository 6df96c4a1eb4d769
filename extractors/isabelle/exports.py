"""What a stock ``isabelle build -o show_states`` leaves of a theory.

``isabelle export`` and ``isabelle dump`` write two files of each theory: ``PIDE/markup``, its text
with the spans of its commands, and ``PIDE/messages``, what the prover said, the state after every
command included. Positions count Isabelle symbols from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from extractors.formal.positions import SourceText
from extractors.formal.traced import TracedModule, TraceError
from extractors.isabelle.commands import Command, add_commands
from extractors.isabelle.yxml import yxml_events

__all__ = ["export_module"]

# Isabelle's Markup: names of messages and of the span of a command.
_STATE, _ERROR, _SPAN = "state_message", "error_message", "command_span"
_MESSAGES = frozenset({_STATE, _ERROR, "writeln_message", "warning_message", "legacy_message"})


@dataclass(frozen=True, slots=True)
class _Message:
    kind: str
    offset: int
    text: str


def export_module(markup: str, messages: str, theory: str) -> TracedModule:
    """Reads a theory's two exports.

    Args:
        markup: ``PIDE/markup``.
        messages: ``PIDE/messages``.
        theory: The theory's long name, ``Session.Theory``.

    Raises:
        TraceError: The exports aren't YXML, hold no commands, or hold no states although there are
            proofs: the build wasn't made with ``show_states``.
    """
    text, spans = _spans(markup)
    if not spans:
        raise TraceError("no_commands", f"{theory}: PIDE/markup has no command spans")
    source = SourceText(text)
    said = _messages(messages)
    session, _, _ = theory.partition(".")
    module = TracedModule(
        "isabelle",
        theory,
        _file(said) or f"{PurePosixPath(theory.replace('.', '/'))}.thy",
        package=session,
        source=source,
        extractor="isabelle-export",
        extractor_version="1",
    )
    states, errors = _by_command(said, source, spans)
    commands = []
    before = ""
    for number, (start, end, keyword) in enumerate(spans):
        after = states.get(number, "")
        commands.append(
            Command(
                source.slice(start, end).strip(),
                before,
                after,
                keyword,
                start=start,
                end=start + len(source.slice(start, end).rstrip().encode()),
                errors=tuple(errors.get(number, ())),
            )
        )
        # Comments and diagnostic commands leave the state as it was and print none.
        before = after or (before if keyword in _SILENT else "")
        if keyword in _SILENT:
            commands[-1].after = before
    if not states and any(keyword in ("by", "proof", "apply") for _, _, keyword in spans):
        raise TraceError(
            "no_states", f"{theory}: no state in PIDE/messages; build with show_states"
        )
    add_commands(module, commands)
    return module


_SILENT = frozenset("text txt text_raw thm term value ML_prf ML_val print_state".split())


def _spans(markup: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The theory's text, and first and last byte and keyword of each command."""
    parts: list[str] = []
    byte = 0
    open_spans: list[tuple[int, str] | None] = []
    spans: list[tuple[int, int, str]] = []
    for kind, text, attributes in yxml_events(markup):
        if kind == "text":
            parts.append(text)
            byte += len(text.encode())
        elif kind == "start":
            named = attributes.get("name", "") if text == _SPAN else ""
            open_spans.append((byte, named) if named else None)
        else:
            opened = open_spans.pop()
            if opened is not None:
                spans.append((opened[0], byte, opened[1]))
    return "".join(parts), sorted(spans)


def _messages(document: str) -> list[tuple[_Message, dict[str, str]]]:
    """Messages in order; markup inside them is dropped, its text stays."""
    found: list[tuple[_Message, dict[str, str]]] = []
    depth, inside = 0, 0
    parts: list[str] = []
    attributes: dict[str, str] = {}
    for kind, text, given in yxml_events(document):
        if kind == "text":
            if inside:
                parts.append(text)
            continue
        if kind == "start":
            depth += 1
            if not inside and text in _MESSAGES:
                inside, attributes, parts = depth, given, []
            continue
        if depth == inside:
            offset = int(attributes.get("offset", "0") or 0)
            found.append((_Message(text, offset, "".join(parts).strip("\n")), attributes))
            inside = 0
        depth -= 1
    return found


def _file(said: list[tuple[_Message, dict[str, str]]]) -> str:
    return next((attributes["file"] for _, attributes in said if attributes.get("file")), "")


def _by_command(
    said: list[tuple[_Message, dict[str, str]]],
    source: SourceText,
    spans: list[tuple[int, int, str]],
) -> tuple[dict[int, str], dict[int, list[str]]]:
    """The state after each command, and the errors in it, by the command's number."""
    states: dict[int, str] = {}
    errors: dict[int, list[str]] = {}
    for message, _ in said:
        if message.offset < 1 or message.kind not in (_STATE, _ERROR):
            continue
        byte = source.byte_of_symbol(message.offset)
        number = next((n for n, (start, end, _) in enumerate(spans) if start <= byte < end), None)
        if number is None:
            continue
        if message.kind == _STATE:
            # Of several the last is the state that the next command finds.
            states[number] = message.text
        else:
            errors.setdefault(number, []).append(message.text)
    return states, errors
