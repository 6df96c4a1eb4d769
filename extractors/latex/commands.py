r"""The commands that reading obeys: inputs, conditionals, definitions, what is read as it stands.

Each is a function of the reader, the text in which the command stands, and the match of the
command; ``HANDLERS`` says which belongs to which. ``frame.position`` is behind the name.
"""

from __future__ import annotations

import posixpath
import re

from extractors.latex.arguments import next_argument, optional_argument, skip_blanks
from extractors.latex.comments import verbatim_argument
from extractors.latex.conditionals import PRIMITIVE_TESTS, branch_end, constant_test
from extractors.latex.expansion import Expander, Frame, Handler
from extractors.latex.macros import (
    DEFINERS,
    NOT_GIVEN,
    STAR_TRUE,
    Definition,
    Environment,
    Macro,
    needs_tex,
    substituted,
)
from extractors.latex.vocabulary import vocabulary

__all__ = ["HANDLERS"]

_Match = re.Match[str]

# Drawings that a graphics program exports: pictures with labels, no text of the paper.
_DRAWINGS = (
    ".pdf_tex",
    ".pstex_t",
    ".eps_tex",
    ".ps_tex",
    ".pdftex_t",
    ".pgf",
    ".tikz",
    ".pspdftex",
)
_PLAIN_NAME = re.compile(r"[ \t]*=?[ \t]*([^\s{}\\%]+)")
_SCOPE = re.compile(r"\\(?:begin|end)\s*\{|\\.|[{}]", re.DOTALL)
_SCOPE_WINDOW = 20_000
_MOST_LOCAL = 500
"""Definitions within a document whose scope is looked for; more of them are made by machines."""
_BEGIN_DOCUMENT = re.compile(r"\\begin\s*\{document\}")
_KEY_NAME = re.compile(r"name\s*=\s*(\{[^{}]*\}|[^,\]]+)")


def _argument(frame: Frame) -> str | None:
    """The next mandatory argument of a command, read; None when there is none."""
    taken = next_argument(frame.text, frame.position)
    if taken is None:
        return None
    frame.position = taken[1]
    return taken[0]


def _arguments(frame: Frame, count: int) -> list[str] | None:
    """Mandatory arguments, read; None and nothing read when one is missing."""
    start = frame.position
    found: list[str] = []
    for _ in range(count):
        argument = _argument(frame)
        if argument is None:
            frame.position = start
            return None
        found.append(argument)
    return found


def _skip_option(frame: Frame) -> str | None:
    option, frame.position = optional_argument(frame.text, frame.position)
    return option


# ---- Inputs -------------------------------------------------------------------------------------


def _read_file(reader: Expander, frame: Frame, name: str, folder: str | None = None) -> bool:
    """Reads a file next, in its place; False when it isn't there."""
    if name.lower().endswith(_DRAWINGS):
        return True
    base = frame.folder if folder is None else folder
    found = reader.files.find(name, base)
    if found is None:
        reader.paper.missing.append(name.strip())
        return False
    if found.lower().endswith(_DRAWINGS):
        return True
    if any(other.file == found for other in reader.frames):
        reader.paper.cycles.append(found)
        return True
    reader.push_file(found, base)
    return True


def _input(reader: Expander, frame: Frame, match: _Match) -> None:
    start = skip_blanks(frame.text, frame.position)
    if frame.text[start : start + 1] == "{":
        name = _argument(frame)
    else:
        plain = _PLAIN_NAME.match(frame.text, frame.position)
        name = plain.group(1) if plain else None
        if plain is not None:
            frame.position = plain.end()
    if name is None:
        reader.literal(match.group())
        return
    _read_file(reader, frame, reader.now(name))


def _include(reader: Expander, frame: Frame, match: _Match) -> None:
    _skip_option(frame)
    name = _argument(frame)
    if name is None:
        reader.literal(match.group())
        return
    reader.literal("\n\n")
    _read_file(reader, frame, reader.now(name))


def _subfile(reader: Expander, frame: Frame, match: _Match) -> None:
    _skip_option(frame)
    name = _argument(frame)
    if name is None:
        reader.literal(match.group())
        return
    name = reader.now(name)
    # A subfile's own inputs are relative to it; the main file's folder is tried next.
    folder = posixpath.dirname(posixpath.normpath(posixpath.join(frame.folder, name)))
    found = reader.files.find(name, frame.folder)
    if found is not None:
        name, folder = found, posixpath.dirname(found)
    _read_file(reader, Frame("", folder=folder), name, folder)


def _import(relative: bool) -> Handler:
    def handle(reader: Expander, frame: Frame, match: _Match) -> None:
        if frame.text.startswith("*", frame.position):
            frame.position += 1
        names = _arguments(frame, 2)
        if names is None:
            reader.literal(match.group())
            return
        folder, name = map(reader.now, names)
        folder = posixpath.normpath(posixpath.join(frame.folder if relative else "", folder))
        _read_file(reader, frame, name, folder)

    return handle


def _input_if_exists(reader: Expander, frame: Frame, match: _Match) -> None:
    arguments = _arguments(frame, 3)
    if arguments is None:
        reader.literal(match.group())
        return
    name, there, missing = arguments
    exists = reader.files.find(reader.now(name), frame.folder) is not None
    if exists:
        _read_file(reader, frame, reader.now(name))
    reader.push(there if exists else missing, frame)


def _if_exists(reader: Expander, frame: Frame, match: _Match) -> None:
    arguments = _arguments(frame, 3)
    if arguments is None:
        reader.literal(match.group())
        return
    name, there, missing = arguments
    exists = reader.files.find(reader.now(name), frame.folder) is not None
    reader.push(there if exists else missing, frame)


def _bibliography(reader: Expander, frame: Frame, match: _Match) -> None:
    if not reader.bibliography:
        reader.literal(match.group())
        return
    names = _argument(frame) or ""
    main = next(other.file for other in reader.frames if other.file)
    own = posixpath.splitext(main)[0] + ".bbl"
    candidates = [own, *(f"{name.strip()}.bbl" for name in names.split(","))]
    candidates += [name for name in reader.files.names() if name.endswith(".bbl")]
    for name in candidates:
        if name in reader.files:
            reader.push_file(name, frame.folder)
            return
    reader.paper.missing.append(own)


def _style(ending: str) -> Handler:
    def handle(reader: Expander, frame: Frame, match: _Match) -> None:
        option = _skip_option(frame)
        name = _argument(frame)
        if name is None:
            reader.literal(match.group())
            return
        if ending == ".cls" and sum(1 for other in reader.frames if other.file) > 1:
            # A subfile with a preamble of its own, which counts only where it's the main file.
            document = _BEGIN_DOCUMENT.search(frame.text, frame.position)
            frame.position = document.start() if document else frame.position
            return
        for item in name.split(","):
            _read_style(reader, item, ending)
        if match.group(1) == "documentstyle":
            for item in (option or "").split(","):
                _read_style(reader, item, ".sty")

    return handle


# Signs that a style puts together from boxes (a dot above a prime, say): their names are known to
# readers of other papers in that style, what they're made of says nothing.
_DRAWN = re.compile(
    r"\\(?:[mh]box|m?kern|raise|lower|[rl]lap|ooalign|hskip|hspace|smash|makebox|raisebox|rule"
    r"|scalebox|resizebox)(?![A-Za-z])"
)
_STYLE_ITEM = re.compile(
    r"\\("
    + "|".join(sorted((*DEFINERS, "RequirePackage", "LoadClass"), key=len, reverse=True))
    + r")(?![A-Za-z@])"
)


def _read_style(reader: Expander, name: str, ending: str) -> None:
    """Takes the definitions of a style or class file that comes with the paper."""
    found = reader.files.find_style(name, ending)
    if found is None or found in reader.paper.files:
        return
    reader.paper.files.append(found)
    text = reader.files.text(found)
    position = 0
    while (match := _STYLE_ITEM.search(text, position)) is not None:
        position = match.end()
        command = match.group(1)
        if command in ("RequirePackage", "LoadClass"):
            _, at = optional_argument(text, position)
            names = next_argument(text, at)
            for item in names[0].split(",") if names else ():
                _read_style(reader, item, ".sty" if command == "RequirePackage" else ".cls")
            continue
        definition = DEFINERS[command](text, position)
        if definition is None:
            continue
        position = definition.end
        value = _resolved(reader, definition)
        # A class's replacement that needs TeX stands for nothing; the command's name says more.
        if (
            isinstance(value, Macro)
            and definition.name not in vocabulary().layout
            and not needs_tex(value.body, lambda _: False)
            and _DRAWN.search(value.body) is None
        ):
            reader.define(definition.name, value, weak=definition.weak)


def _end_input(reader: Expander, frame: Frame, match: _Match) -> None:
    reader.end_file()


def _end_document(reader: Expander, frame: Frame, match: _Match) -> None:
    reader.end_document()


# ---- Environments -------------------------------------------------------------------------------


def _begin(reader: Expander, frame: Frame, match: _Match) -> None:
    name = next_argument(frame.text, frame.position)
    if name is None:
        reader.literal(match.group())
        return
    environment = name[0].strip()
    if environment == "document":
        frame.position = name[1]
        reader.begin_document()
    elif environment in reader.skipped:
        frame.position = _after_environment(frame.text, name[1], environment)
    elif environment in reader.files.verbatim:
        end = _after_environment(frame.text, name[1], environment)
        reader.literal(frame.text[match.start() : end])
        frame.position = end
    elif environment in reader.environments:
        _begin_defined(reader, frame, match, environment, name[1])
    else:
        reader.literal(match.group())


def _begin_defined(reader: Expander, frame: Frame, match: _Match, name: str, position: int) -> None:
    environment = reader.environments[name]
    usable = reader.is_usable(environment.begin) and reader.is_usable(environment.end)
    if not usable or frame.depth >= reader.limits.depth:
        reader.leave(match.group(), f"begin{{{name}}}", "needs_tex")
        return
    frame.position = position
    arguments = reader.arguments(environment.begin)
    if arguments is None:
        frame.position = match.end()
        reader.leave(match.group(), f"begin{{{name}}}", "arguments")
        return
    reader.paper.expansions += 1
    reader.push(substituted(environment.begin.body, arguments), frame)


def _end(reader: Expander, frame: Frame, match: _Match) -> None:
    name = next_argument(frame.text, frame.position)
    start = skip_blanks(frame.text, frame.position)
    if name is None or frame.text[start] != "{":
        if frame.position >= len(frame.text.rstrip()) or name is None:
            reader.literal(match.group())
        else:
            reader.end_document()  # plain TeX's end
        return
    environment = reader.environments.get(name[0].strip())
    if name[0].strip() == "document":
        reader.end_document()
    elif (
        environment is None
        or not (reader.is_usable(environment.begin) and reader.is_usable(environment.end))
        or frame.depth >= reader.limits.depth
    ):
        reader.literal(match.group())
    else:
        frame.position = name[1]
        reader.push(environment.end.body, frame)


def _after_environment(text: str, position: int, name: str) -> int:
    """Behind the end of an environment that is read character by character."""
    close = text.find(f"\\end{{{name}}}", position)
    return close + len(name) + 6 if close >= 0 else len(text)


def _exclude(reader: Expander, frame: Frame, match: _Match) -> None:
    name = _argument(frame)
    if name is not None:
        reader.skipped.add(name.strip())


def _include_comment(reader: Expander, frame: Frame, match: _Match) -> None:
    name = _argument(frame)
    if name is not None:
        reader.skipped.discard(name.strip())


def _verbatim_argument(reader: Expander, frame: Frame, match: _Match) -> None:
    end = verbatim_argument(frame.text, match.group(1), frame.position)
    reader.literal(frame.text[match.start() : end])
    frame.position = end


# ---- Conditionals -------------------------------------------------------------------------------


def _new_switch(reader: Expander, frame: Frame, match: _Match) -> None:
    named = re.compile(r"\s*\{?\s*\\if([A-Za-z@]+)\s*\}?").match(frame.text, frame.position)
    if named is None:
        return
    frame.position = named.end()
    switch = f"if{named.group(1)}"
    reader.branches.switches[switch] = False
    reader.switch(switch, _test)
    reader.switch(f"{named.group(1)}true", _setter(switch, True))
    reader.switch(f"{named.group(1)}false", _setter(switch, False))


def _setter(switch: str, value: bool) -> Handler:
    def handle(reader: Expander, frame: Frame, match: _Match) -> None:
        reader.branches.switches[switch] = value

    return handle


def _test(reader: Expander, frame: Frame, match: _Match) -> None:
    name = match.group(1)
    branches = reader.branches
    outcome: bool | None
    if name in ("iftrue", "iffalse"):
        outcome = name == "iftrue"
    elif name in branches.switches:
        outcome = branches.switches[name]
    else:
        constant = _definedness(reader, name, frame) or constant_test(
            name, frame.text, frame.position
        )
        outcome = None
        if constant is not None:
            outcome, frame.position = constant
    if outcome is None:
        branches.open.append(False)
        reader.literal(match.group())
    elif outcome:
        branches.open.append(True)
    else:
        frame.position, ended_by = branch_end(frame.text, frame.position, branches)
        if ended_by == "else":
            branches.open.append(True)


_UNDEFINED = re.compile(
    r"\s*(?:\\([A-Za-z@]+)\s*\\@?undefined|\\@?undefined\s*\\([A-Za-z@]+))(?![A-Za-z@])\s?"
)
_WORD = re.compile(r"\s*\\([A-Za-z@]+)\s?")
# Commands of the engine that arXiv runs, of which papers ask whether there are such.
_OF_PDFTEX = frozenset(("pdfoutput", "pdfversion", "pdftexversion", "pdfcompresslevel", "pdfinfo"))


def _definedness(reader: Expander, name: str, frame: Frame) -> tuple[bool, int] | None:
    r"""The outcome of ``\ifx\x\undefined`` and ``\ifdefined\x``; None for other tests."""
    pattern = {"ifx": _UNDEFINED, "ifdefined": _WORD}.get(name)
    asked = pattern.match(frame.text, frame.position) if pattern is not None else None
    if asked is None:
        return None
    command = next(group for group in asked.groups() if group)
    known = reader.meaning(command) is not None or command in _OF_PDFTEX
    return known == (name == "ifdefined"), asked.end()


def _else(reader: Expander, frame: Frame, match: _Match) -> None:
    branches = reader.branches
    if not branches.open or not branches.open[-1]:
        reader.literal(match.group())
        return
    branches.open.pop()
    frame.position, ended_by = branch_end(frame.text, frame.position, branches)
    if ended_by == "else":
        branches.open.append(True)


def _fi(reader: Expander, frame: Frame, match: _Match) -> None:
    branches = reader.branches
    if not branches.open or not branches.open.pop():
        reader.literal(match.group())


def _new_toggle(reader: Expander, frame: Frame, match: _Match) -> None:
    name = _argument(frame)
    if name is not None:
        reader.branches.switches.setdefault(f"toggle {name.strip()}", False)


def _set_toggle(value: bool) -> Handler:
    def handle(reader: Expander, frame: Frame, match: _Match) -> None:
        name = _argument(frame)
        if name is not None:
            reader.branches.switches[f"toggle {name.strip()}"] = value

    return handle


def _set_boolean(reader: Expander, frame: Frame, match: _Match) -> None:
    arguments = _arguments(frame, 2)
    if arguments is not None:
        reader.branches.switches[f"toggle {arguments[0].strip()}"] = (
            arguments[1].strip().lower() == "true"
        )


def _if_toggle(reader: Expander, frame: Frame, match: _Match) -> None:
    start = frame.position
    arguments = _arguments(frame, 3)
    value = reader.branches.switches.get(f"toggle {arguments[0].strip()}") if arguments else None
    if arguments is None or value is None:
        frame.position = start
        reader.literal(match.group())
        return
    reader.push(arguments[1] if value else arguments[2], frame)


_BOOLEAN = re.compile(r"\s*(\\not|\\NOT)?\s*\\boolean\s*\{([^{}]*)\}\s*")


def _if_then_else(reader: Expander, frame: Frame, match: _Match) -> None:
    start = frame.position
    arguments = _arguments(frame, 3)
    boolean = _BOOLEAN.fullmatch(arguments[0]) if arguments else None
    value = reader.branches.switches.get(f"toggle {boolean.group(2).strip()}") if boolean else None
    if arguments is None or boolean is None or value is None:
        frame.position = start
        reader.literal(match.group())
        return
    reader.push(arguments[1] if value != bool(boolean.group(1)) else arguments[2], frame)


def _if_argument(marker: str, wanted: bool, branches: str) -> Handler:
    """Tests of xparse on an argument, which has been put in its place."""

    def handle(reader: Expander, frame: Frame, match: _Match) -> None:
        arguments = _arguments(frame, 1 + len(branches))
        if arguments is None:
            reader.literal(match.group())
            return
        chosen = "T" if (arguments[0].strip() == marker) == wanted else "F"
        if chosen in branches:
            reader.push(arguments[1 + branches.index(chosen)], frame)

    return handle


def _if_star(reader: Expander, frame: Frame, match: _Match) -> None:
    arguments = _arguments(frame, 2)
    if arguments is None:
        reader.literal(match.group())
        return
    behind = _behind(reader, frame)
    star = behind is not None and behind.text.startswith("*", behind.position)
    if behind is not None and star:
        behind.position += 1
    reader.push(arguments[0] if star else arguments[1], frame)


def _if_next(reader: Expander, frame: Frame, match: _Match) -> None:
    arguments = _arguments(frame, 3)
    if arguments is None:
        reader.literal(match.group())
        return
    behind = _behind(reader, frame)
    at = skip_blanks(behind.text, behind.position) if behind is not None else 0
    found = behind is not None and behind.text.startswith(arguments[0], at)
    reader.push(arguments[1] if found else arguments[2], frame)


def _behind(reader: Expander, frame: Frame) -> Frame | None:
    """The text in which what follows a replacement's end stands."""
    for other in reversed(reader.frames):
        if other.position < len(other.text):
            return other
        if other.file:
            return None
    return None


# ---- Definitions --------------------------------------------------------------------------------


def _define(reader: Expander, frame: Frame, match: _Match) -> None:
    command = match.group(1)
    definition = DEFINERS[command](frame.text, frame.position)
    if definition is None:
        reader.literal(match.group())
        return
    start, frame.position = frame.position, definition.end
    value = _resolved(reader, definition)
    if value is None:
        return
    reader.local_definitions += reader.in_document
    if (
        reader.in_document
        and reader.local_definitions <= _MOST_LOCAL
        and command not in ("gdef", "xdef")
        and isinstance(value, Macro)
    ):
        end = _scope_end(frame.text, start)
        if end is not None and end >= definition.end:
            reader.restore_at(frame, end, definition.name)
    reader.define(definition.name, value, weak=definition.weak)


def _resolved(reader: Expander, definition: Definition) -> Macro | Environment | None:
    r"""What a definition gives, ``\let`` followed to what it copies."""
    value = definition.value
    if not isinstance(value, str):
        return value
    target = value[1:]
    known = reader.meaning(target)
    if isinstance(known, Macro):
        return Macro(known.body, known.parameters, known.prefix, known.final)
    if known is not None or not target.isalpha() or target.startswith("if"):
        return None
    return Macro(value, final=True)


def _scope_end(text: str, start: int) -> int | None:
    """Where the group or environment ends in which a position lies; None when it lies in none."""
    depth = environments = 0
    for match in _SCOPE.finditer(text, start, min(len(text), start + _SCOPE_WINDOW)):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth < 0:
                return match.start()
        elif token.startswith("\\begin"):
            environments += 1
            depth += 1
        elif token.startswith("\\end") and len(token) > 4:
            environments -= 1
            depth += 1
            if environments < 0:
                document = text.startswith("document}", match.end())
                return None if document else match.start()
    return None


def _prefix(reader: Expander, frame: Frame, match: _Match) -> None:
    r"""``\global``, ``\long`` and their like say how a definition is made, not what it makes."""
    rest = frame.text[skip_blanks(frame.text, frame.position) :][:12]
    if not re.match(r"\\(?:[gex]?def|let|long|global|outer|protected)(?![A-Za-z@])", rest):
        reader.literal(match.group())


def _new_theorem(reader: Expander, frame: Frame, match: _Match) -> None:
    if frame.text.startswith("*", frame.position):
        frame.position += 1
    name = _argument(frame)
    _skip_option(frame)
    printed = _argument(frame)
    _skip_option(frame)
    if match.group(1) == "spnewtheorem":
        _arguments(frame, 2)
    if name is not None and printed is not None:
        reader.paper.theorems[name.strip()] = printed.strip()


def _declare_theorem(reader: Expander, frame: Frame, match: _Match) -> None:
    options = _skip_option(frame) or ""
    names = _argument(frame) or ""
    more = _skip_option(frame) or ""
    printed = _KEY_NAME.search(options or more)
    for name in names.split(","):
        if name.strip():
            reader.paper.theorems[name.strip()] = (
                printed.group(1).strip("{} ") if printed else name.strip().capitalize()
            )


def _at_letter(value: bool) -> Handler:
    def handle(reader: Expander, frame: Frame, match: _Match) -> None:
        reader.at_letter = value

    return handle


def _xspace(reader: Expander, frame: Frame, match: _Match) -> None:
    """A space is kept where one is written, so that there's nothing to add."""


_TEXT_COPIES: tuple[str, ...] = (
    "verb",
    "lstinline",
    "mintinline",
    "url",
    "nolinkurl",
    "path",
    "href",
    "burl",
)

HANDLERS: dict[str | None, Handler] = {
    "input": _input,
    "@input": _input,
    "include": _include,
    "subfile": _subfile,
    "subfileinclude": _subfile,
    "import": _import(False),
    "inputfrom": _import(False),
    "includefrom": _import(False),
    "subimport": _import(True),
    "subinputfrom": _import(True),
    "subincludefrom": _import(True),
    "InputIfFileExists": _input_if_exists,
    "IfFileExists": _if_exists,
    "bibliography": _bibliography,
    "usepackage": _style(".sty"),
    "RequirePackage": _style(".sty"),
    "documentclass": _style(".cls"),
    "documentstyle": _style(".sty"),
    "endinput": _end_input,
    "bye": _end_document,
    "enddocument": _end_document,
    "begin": _begin,
    "end": _end,
    "excludecomment": _exclude,
    "includecomment": _include_comment,
    **dict.fromkeys(_TEXT_COPIES, _verbatim_argument),
    "newif": _new_switch,
    **dict.fromkeys(PRIMITIVE_TESTS, _test),
    "else": _else,
    "fi": _fi,
    "newtoggle": _new_toggle,
    "newbool": _new_toggle,
    "providetoggle": _new_toggle,
    "newboolean": _new_toggle,
    "toggletrue": _set_toggle(True),
    "togglefalse": _set_toggle(False),
    "booltrue": _set_toggle(True),
    "boolfalse": _set_toggle(False),
    "settoggle": _set_boolean,
    "setbool": _set_boolean,
    "setboolean": _set_boolean,
    "iftoggle": _if_toggle,
    "ifbool": _if_toggle,
    "ifthenelse": _if_then_else,
    "IfBooleanTF": _if_argument(STAR_TRUE, True, "TF"),
    "IfBooleanT": _if_argument(STAR_TRUE, True, "T"),
    "IfBooleanF": _if_argument(STAR_TRUE, True, "F"),
    "IfNoValueTF": _if_argument(NOT_GIVEN, True, "TF"),
    "IfNoValueT": _if_argument(NOT_GIVEN, True, "T"),
    "IfNoValueF": _if_argument(NOT_GIVEN, True, "F"),
    "IfValueTF": _if_argument(NOT_GIVEN, False, "TF"),
    "IfValueT": _if_argument(NOT_GIVEN, False, "T"),
    "IfValueF": _if_argument(NOT_GIVEN, False, "F"),
    "@ifstar": _if_star,
    "@ifnextchar": _if_next,
    **dict.fromkeys(DEFINERS, _define),
    "global": _prefix,
    "long": _prefix,
    "protected": _prefix,
    "outer": _prefix,
    "newtheorem": _new_theorem,
    "spnewtheorem": _new_theorem,
    "declaretheorem": _declare_theorem,
    "makeatletter": _at_letter(True),
    "makeatother": _at_letter(False),
    "xspace": _xspace,
}
