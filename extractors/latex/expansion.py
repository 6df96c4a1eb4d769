r"""Reads a paper's files as TeX would: in order of input, macros expanded, branches chosen.

A stack of texts stands for TeX's input stack. ``\input`` puts a file on it, a macro its
replacement, and reading goes on where the topmost text is. Text between commands that mean nothing
here is taken over as it stands, so that what isn't understood isn't harmed. What the commands do
that reading itself obeys is in ``commands``.

Bounds: a call that nests too deep, or grows too much, is undone and stays as written; the macro
that caused it is never expanded again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from extractors.latex.arguments import group_end, next_argument, optional_argument, skip_blanks
from extractors.latex.conditionals import Branches
from extractors.latex.files import PaperFiles
from extractors.latex.macros import (
    STAR_FALSE,
    STAR_TRUE,
    Environment,
    Macro,
    Parameter,
    needs_tex,
    substituted,
)

__all__ = ["ExpandedPaper", "Expander", "ExpansionLimits", "Frame", "Handler", "Stop"]


@dataclass(frozen=True, slots=True)
class ExpansionLimits:
    """Bounds on what one paper may become.

    Attributes:
        characters: What all files together may amount to once they are read and expanded.
        call_characters: What one call of a macro may become.
        call_expansions: How many expansions one call may lead to.
        depth: How deep expansions may nest.
        inputs: How many files may be read, a file counted as often as it is read.
    """

    characters: int = 40_000_000
    call_characters: int = 400_000
    call_expansions: int = 5_000
    depth: int = 60
    inputs: int = 2_000


@dataclass(slots=True)
class ExpandedPaper:
    """A paper as one text.

    Attributes:
        preamble: What stands before the document, definitions read and gone.
        body: The document.
        files: The files that were read, in order.
        missing: Files that an input names and the source doesn't have.
        cycles: Files that are part of their own input; each is read once.
        expansions: Calls of macros that were expanded.
        left: Macros that were called and left alone, and why: ``needs_tex``, ``arguments``,
            ``recursive``, ``grows``.
        truncated: Whether the paper's bounds ended the reading.
        theorems: What is printed for theorem environments, by name.
    """

    preamble: str = ""
    body: str = ""
    files: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    cycles: list[str] = field(default_factory=list)
    expansions: int = 0
    left: dict[str, str] = field(default_factory=dict)
    truncated: bool = False
    theorems: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Frame:
    """One text of the input stack.

    Attributes:
        text: The text.
        position: Where reading goes on in it.
        depth: How many expansions led to it.
        file: The file that it is, empty for a replacement.
        folder: Where the names of its inputs are looked for first.
        undo: Definitions of a group, to be undone where it ends: position, name, former meaning.
    """

    text: str
    position: int = 0
    depth: int = 0
    file: str = ""
    folder: str = ""
    undo: list[tuple[int, str, object]] = field(default_factory=list)


@dataclass(slots=True)
class _Call:
    """The outermost macro call that is being expanded, so that it can be undone."""

    name: str
    frame: Frame
    start: int
    end: int
    pieces: int  # length of the output before it
    expansions: int = 0
    characters: int = 0


_COMMAND = re.compile(r"\\(?:([A-Za-z]+)|.)", re.DOTALL)
_COMMAND_AT = re.compile(r"\\(?:([A-Za-z@]+)|.)", re.DOTALL)
# What takes the next token for its argument; a macro there stands for all that it becomes.
_TAKES_ARGUMENT = re.compile(
    r"(?:\\(?:d?dot|ddot|dddot|hat|widehat|bar|vec|tilde|widetilde|acute|grave|breve|check"
    r"|mathring|over(?:line|brace|rightarrow|leftarrow)|under(?:line|brace)|boldsymbol|bm|pmb|sqrt"
    r"|math(?:bf|rm|it|sf|tt|cal|bb|frak|scr|sfit)|operatorname"
    r"|(?:[dtc]?frac|[dt]?binom|overset|underset|stackrel)"
    r"(?:\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|[A-Za-z0-9]))?"
    r"))\Z"
)
_ARGUMENT_WINDOW, _ARGUMENT_PIECES = 80, 4
_ONE_TOKEN = re.compile(r"\\[A-Za-z]+|\\?.", re.DOTALL)
_WORD_AT_END = re.compile(r"\\[A-Za-z@]+\Z")


class Stop(Exception):
    """The paper's bounds are reached, or its end."""


class Expander:
    """Reads one main file to its end.

    Args:
        files: The paper's files.
        handlers: The commands that reading itself obeys, see ``commands``.
        protected: Commands that no definition may change: structure that the cleaner relies on.
        protected_environments: Environments of which the same is true.
        limits: Bounds.

    Attributes:
        paper: What came of it so far.
        branches: Switches and open tests.
        environments: Environments that the paper defines.
        frames: The input stack.
        at_letter: Whether ``@`` belongs to names, as in style files.
        skipped: Environments whose content is a comment.
        bibliography: Whether bibliographies are read.
        local_definitions: Definitions within the document so far.
    """

    def __init__(
        self,
        files: PaperFiles,
        handlers: Mapping[str | None, Handler],
        protected: Iterable[str] = (),
        protected_environments: Iterable[str] = (),
        limits: ExpansionLimits | None = None,
        *,
        bibliography: bool = False,
    ) -> None:
        self.files = files
        self.limits = limits or ExpansionLimits()
        self.paper = ExpandedPaper()
        self.branches = Branches()
        self.environments: dict[str, Environment] = {}
        self.frames: list[Frame] = []
        self.at_letter = False
        self.skipped = {"comment"}
        self.bibliography = bibliography
        self.local_definitions = 0
        self._protected = frozenset(protected)
        self._protected_environments = frozenset(protected_environments)
        self._handlers = handlers
        self._active: dict[str | None, Macro | Handler] = dict(handlers)
        self._out: list[str] = []
        self._written = 0
        self._call: _Call | None = None
        self._preamble: str | None = None
        self._generation = 0

    def read(self, main: str) -> ExpandedPaper:
        """The paper whose main file is ``main``."""
        self.push_file(main)
        self._run()
        body = "".join(self._out)
        self.paper.preamble = self._preamble or ""
        self.paper.body = body
        return self.paper

    def expand(self, text: str) -> str:
        """A piece of text with the macros that are defined expanded."""
        self.frames = [Frame(text)]
        self._run()
        return "".join(self._out)

    def _run(self) -> None:
        try:
            while self.frames:
                self._scan()
        except Stop:
            self.frames.clear()

    def _scan(self) -> None:
        """Reads the topmost text up to the first command that changes the input stack."""
        frame = self.frames[-1]
        if self._call is not None and frame is self._call.frame:
            self._call = None
        text, position = frame.text, frame.position
        stop = frame.undo[0][0] if frame.undo else len(text)
        active, out = self._active, self._out
        command = _COMMAND_AT if self.at_letter else _COMMAND
        for match in command.finditer(text, position, stop):
            action = active.get(match[1])
            if action is None:
                continue
            start = match.start()
            if start < position:
                continue
            if start > position:
                out.append(text[position:start])
                self._written += start - position
            position = frame.position = match.end()
            if isinstance(action, Macro):
                if action.generation != self._generation:
                    self._look(action)
                if action.plain and not action.parameters and not action.prefix:
                    # Most calls by far: a constant.
                    self.paper.expansions += 1
                    self._replace(frame, action.body, final=True)
                    position = frame.position
                    continue
                self._expand(frame, match, match[1], action)
            else:
                action(self, frame, match)
            self._check_growth()
            return
        if stop > position:
            out.append(text[position:stop])
            self._written += stop - position
            self._check_growth()
        frame.position = stop
        if stop < len(text) and frame.undo:
            _, name, meaning = frame.undo.pop(0)
            self._restore(name, meaning)
            return
        while frame.undo:
            _, name, meaning = frame.undo.pop(0)
            self._restore(name, meaning)
        self.frames.pop()

    def _check_growth(self) -> None:
        if self._written > self.limits.characters:
            self.paper.truncated = True
            raise Stop

    # ---- Output and input -----------------------------------------------------------------------

    def literal(self, text: str) -> None:
        """Writes text that isn't read again."""
        self._out.append(text)
        self._written += len(text)

    def push(self, text: str, frame: Frame) -> None:
        """Reads a text next, as one that came from ``frame``."""
        if frame.depth >= self.limits.depth:
            self.literal(text)
            return
        self.frames.append(Frame(text, depth=frame.depth + 1, folder=frame.folder))

    def push_file(self, name: str, folder: str = "") -> None:
        """Reads a file next."""
        if len(self.paper.files) >= self.limits.inputs:
            self.paper.truncated = True
            raise Stop
        self.paper.files.append(name)
        self.frames.append(Frame(self.files.text(name), file=name, folder=folder))

    @property
    def in_document(self) -> bool:
        """Whether the document has begun."""
        return self._preamble is not None

    def begin_document(self) -> None:
        """What was read so far is the preamble."""
        if self._preamble is None:
            self._preamble = "".join(self._out)
            self._out.clear()

    def end_file(self) -> None:
        """Leaves the file that is being read."""
        while self.frames and not self.frames[-1].file:
            self.frames.pop()
        if self.frames:
            self.frames.pop()

    def end_document(self) -> None:
        """Ends the document; one that another document reads ends only itself."""
        files = sum(1 for frame in self.frames if frame.file)
        if files <= 1:
            raise Stop
        self.end_file()

    def now(self, text: str) -> str:
        """A file's name with the macros without arguments in it expanded."""
        for _ in range(self.limits.depth):
            if "\\" not in text:
                break
            text = _COMMAND_AT.sub(self._constant, text)
        return text.strip()

    def _constant(self, match: re.Match[str]) -> str:
        macro = self._active.get(match[1])
        if isinstance(macro, Macro) and not macro.parameters and len(macro.body) < 200:
            return macro.body
        return ""

    # ---- Macros ---------------------------------------------------------------------------------

    def meaning(self, name: str) -> Macro | Handler | None:
        """What a command means here; None for one that is left alone."""
        return self._active.get(name)

    def define(self, name: str, value: Macro | Environment, *, weak: bool = False) -> None:
        """Gives a command or an environment a meaning.

        Args:
            name: Its name without backslash.
            value: What it stands for.
            weak: Whether a meaning that it has goes first.
        """
        if isinstance(value, Environment):
            if name not in self._protected_environments and name not in self.files.verbatim:
                self.environments[name] = value
            return
        if name in self._protected or not name.replace("@", "").isalpha() or name in self._handlers:
            return
        if (weak and name in self._active) or value.body.strip() == f"\\{name}":
            return
        self._active[name] = value
        self._changed()

    def switch(self, name: str, handler: Handler) -> None:
        """Makes a command one that reading obeys."""
        self._active[name] = handler

    def restore_at(self, frame: Frame, position: int, name: str) -> None:
        """Gives a command the meaning that it has now back where ``frame`` reaches a position."""
        frame.undo.append((position, name, self._active.get(name)))
        frame.undo.sort(key=lambda item: item[0])

    def is_usable(self, macro: Macro) -> bool:
        """Whether a macro can be expanded without TeX's state."""
        if macro.generation != self._generation:
            self._look(macro)
        return macro.usable

    def _restore(self, name: str, meaning: object) -> None:
        if isinstance(meaning, Macro):
            self._active[name] = meaning
        else:
            self._active.pop(name, None)
        self._changed()

    def _changed(self) -> None:
        """What was found of replacements holds no longer: names in them may mean something else."""
        self._generation += 1

    def _look(self, macro: Macro) -> None:
        """Finds out anew what a replacement holds, when a definition has changed since."""
        macro.generation = self._generation
        if macro.final:
            macro.plain = macro.usable = True
            return
        macro.usable = not needs_tex(macro.body, self._usable_word)
        macro.plain = macro.usable and all(
            found[1] not in self._active for found in _COMMAND_AT.finditer(macro.body)
        )

    def _usable_word(self, name: str) -> bool:
        if self.branches.is_test(name):
            return name in self.branches.switches or name in ("iftrue", "iffalse")
        action = self._active.get(name)
        if isinstance(action, Macro):
            # A macro that calls itself is found out when it is expanded.
            return action.usable or action.generation != self._generation
        return action is not None

    def _expand(self, frame: Frame, match: re.Match[str], name: str, macro: Macro) -> None:
        if not self.is_usable(macro):
            self.leave(match.group(), name, "needs_tex")
            return
        arguments = self.arguments(macro)
        if arguments is None:
            self.leave(match.group(), name, "arguments")
            return
        body = substituted(macro.body, arguments)
        if self._call is None:
            end = frame.position
            self._call = _Call(name, frame, match.start(), end, len(self._out))
        call = self._call
        call.expansions += 1
        call.characters += len(body)
        self.paper.expansions += 1
        if frame.depth >= self.limits.depth:
            self._undo(name, "recursive")
        elif (
            call.expansions > self.limits.call_expansions
            or call.characters > self.limits.call_characters
        ):
            self._undo(call.name, "grows")
        else:
            final = macro.final or (macro.plain and not arguments)
            self._replace(self.frames[-1], body, final=final, depth=frame.depth + 1)

    def _replace(self, frame: Frame, body: str, *, final: bool, depth: int = 0) -> None:
        """Puts what a call stands for in its place; ``frame`` is read on behind the call."""
        position = frame.position
        text = frame.text
        if text.startswith("{}", position) and text[position + 2 : position + 3] not in (
            "^",
            "_",
            "'",
        ):
            # The empty group that ends a command's name has done its work.
            position = frame.position = position + 2
        if self._is_argument() and not _ONE_TOKEN.fullmatch(body):
            body = f"{{{body}}}"
        if text[position : position + 1].isalpha() and _WORD_AT_END.search(
            body[-_ARGUMENT_WINDOW:]
        ):
            body += " "
        if final:
            self.literal(body)
        else:
            self.frames.append(Frame(body, depth=depth, folder=frame.folder))

    def _is_argument(self) -> bool:
        """Whether what was written last takes what comes next for its argument."""
        tail = "".join(self._out[-_ARGUMENT_PIECES:])[-_ARGUMENT_WINDOW:].rstrip()
        if not tail:
            return False
        if tail[-1] in "^_":
            return tail[-2:-1] != "\\"
        if "\\" not in tail or not (tail[-1].isalnum() or tail[-1] == "}"):
            return False
        return _TAKES_ARGUMENT.search(tail) is not None

    def leave(self, written: str, name: str, why: str) -> None:
        """Writes a call as it stands."""
        self.paper.left.setdefault(name, why)
        self.literal(written)

    def _undo(self, culprit: str, why: str) -> None:
        """Takes the outermost call back; its culprit is never expanded again."""
        call = self._call
        assert call is not None
        self._call = None
        self.paper.left[culprit] = why
        self._active.pop(culprit, None)
        self._changed()
        while self.frames and self.frames[-1] is not call.frame:
            self.frames.pop()
        if not self.frames:
            # A file ended within the call; what was written of it stays.
            return
        del self._out[call.pieces :]
        frame = call.frame
        if call.name == culprit:
            self.literal(frame.text[call.start : call.end])
            frame.position = call.end
        else:
            frame.position = call.start

    # ---- Arguments ------------------------------------------------------------------------------

    def arguments(self, macro: Macro) -> list[str] | None:
        """The arguments of a call, read from the input stack; None, and nothing read, when they
        aren't there."""
        if not macro.parameters and not macro.prefix:
            return []
        frames = list(self.frames)
        positions = [frame.position for frame in frames]
        arguments = self._read_arguments(macro)
        if arguments is None:
            self.frames[:] = frames
            for frame, position in zip(frames, positions, strict=True):
                frame.position = position
        return arguments

    def _read_arguments(self, macro: Macro) -> list[str] | None:
        frame = self._reading()
        if frame is not None and (macro.prefix or macro.parameters[0].kind == "d"):
            # TeX reads no blanks behind a command's name.
            frame.position = skip_blanks(frame.text, frame.position)
        if macro.prefix:
            if frame is None or not frame.text.startswith(macro.prefix, frame.position):
                return None
            frame.position += len(macro.prefix)
        arguments: list[str] = []
        for parameter in macro.parameters:
            argument = self._argument(parameter)
            if argument is None:
                return None
            arguments.append(argument)
        return arguments

    def _argument(self, parameter: Parameter) -> str | None:
        frame = self._reading()
        if parameter.kind == "s":
            if frame is not None and frame.text.startswith("*", frame.position):
                frame.position += 1
                return STAR_TRUE
            return STAR_FALSE
        if parameter.kind == "o":
            if frame is None:
                return parameter.default
            found, frame.position = optional_argument(frame.text, frame.position)
            return parameter.default if found is None else found
        if frame is None:
            return None
        if parameter.kind == "d":
            return _delimited(frame, parameter.delimiter)
        taken = next_argument(frame.text, frame.position)
        if taken is None:
            return None
        argument, frame.position = taken
        # A dollar ends a formula before it's an argument.
        return None if argument == "$" else argument

    def _reading(self) -> Frame | None:
        """The text from which the next argument comes: replacements that are read to their end
        are left behind, files aren't."""
        while True:
            frame = self.frames[-1]
            if skip_blanks(frame.text, frame.position) < len(frame.text):
                return frame
            if frame.file or len(self.frames) == 1:
                return None
            self.frames.pop()


Handler = Callable[[Expander, Frame, "re.Match[str]"], None]
_DELIMITED_WINDOW = 5_000


def _delimited(frame: Frame, delimiter: str) -> str | None:
    """The text up to a delimiter outside braces, the braces around all of it taken off."""
    text, start = frame.text, frame.position
    wanted = delimiter if delimiter.strip() else " "
    depth = 0
    index = start
    end = min(len(text), start + _DELIMITED_WINDOW)
    if text.find(wanted, start, end) < 0:
        return None
    while index < end:
        if depth == 0 and text.startswith(wanted, index):
            argument = text[start:index]
            frame.position = index + len(wanted)
            if argument.startswith("{") and group_end(argument, 0) == len(argument):
                argument = argument[1:-1]
            return argument
        character = text[index]
        if character == "\\":
            index += 2
            continue
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth < 0:
                return None
        elif text.startswith("\n\n", index):
            return None
        index += 1
    return None
