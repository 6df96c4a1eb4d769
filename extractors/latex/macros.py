r"""Macros of a paper: how their definitions are read, and what a call stands for.

A definition is read where TeX would read it. One that can't be carried over without running TeX
(counters, boxes, category codes, tests that aren't the paper's own switches) defines nothing here:
calls of it stay in the text as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from extractors.latex.arguments import (
    control_word,
    group_end,
    next_argument,
    optional_argument,
    skip_blanks,
)

__all__ = [
    "DEFINERS",
    "NOT_GIVEN",
    "STAR_FALSE",
    "STAR_TRUE",
    "Definition",
    "Environment",
    "Macro",
    "Parameter",
    "needs_tex",
    "substituted",
]

NOT_GIVEN = "\\NoValue"
STAR_TRUE, STAR_FALSE = "\\BooleanTrue", "\\BooleanFalse"
_MOST_PARAMETERS = 9

# Commands whose effect depends on TeX's state; a body that has one is left to TeX.
_TEX_STATE = frozenset(
    "catcode lccode uccode mathcode delcode csname endcsname expandafter futurelet"
    " afterassignment aftergroup advance multiply divide count countdef dimen dimendef skip"
    " skipdef muskip toks toksdef newcount newdimen newskip newtoks newbox newif newread"
    " newwrite setbox box copy unhbox unhcopy unvbox wd ht dp vbox vtop halign valign noalign"
    " omit span cr crcr loop repeat romannumeral uppercase lowercase meaning string noexpand"
    " unexpanded detokenize write immediate openout openin closeout read special the number"
    " numexpr dimexpr glueexpr lastbox everypar everymath everydisplay output shipout insert"
    " mark stepcounter refstepcounter setcounter addtocounter arabic roman Roman alph Alph value"
    " newcounter newsavebox savebox sbox usebox settowidth settoheight settodepth newlength"
    " ifthenelse whiledo foreach pgfmathsetmacro ExplSyntaxOn makeatletter makeatother fi else"
    " or if ifx ifcat ifnum ifdim ifodd ifvmode ifhmode ifinner ifvoid ifhbox ifvbox ifeof"
    " ifcase ifdefined ifcsname newenvironment renewenvironment DeclareOption ProcessOptions"
    " usepackage RequirePackage scantokens obeylines obeyspaces mathchoice mathpalette"
    " begingroup endgroup bgroup egroup".split()
)
_CONTROL_WORD = re.compile(r"\\([A-Za-z@]+)")
_DEFINES = re.compile(r"\\(?:[gex]?def|let|(?:re)?newcommand\*?)\s*\{?\Z")
_PARAMETER = re.compile(r"##|#([1-9])")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a macro.

    Attributes:
        kind: ``m`` mandatory, ``o`` optional in brackets, ``s`` a star, ``d`` delimited by text.
        default: What an optional parameter stands for when it isn't given.
        delimiter: The text that ends a delimited parameter.
    """

    kind: str = "m"
    default: str = NOT_GIVEN
    delimiter: str = ""


@dataclass(slots=True)
class Macro:
    """What a command of the paper stands for.

    Attributes:
        body: Its replacement, ``#1`` to ``#9`` for the arguments.
        parameters: Its parameters.
        prefix: Text that a call must begin with, from a definition such as ``\\def\\x(#1){..}``.
        final: Whether the replacement is a command that this macro is another name of, which
            must not be looked up again.
        plain: Whether the replacement holds nothing to be expanded.
        usable: Whether it can be expanded without TeX's state.
        generation: For which state of the reader's definitions the two hold.
    """

    body: str
    parameters: tuple[Parameter, ...] = ()
    prefix: str = ""
    final: bool = False
    plain: bool = field(default=False, compare=False)
    usable: bool = field(default=False, compare=False)
    generation: int = field(default=-1, compare=False)


@dataclass(slots=True)
class Environment:
    """What an environment of the paper stands for."""

    begin: Macro
    end: Macro


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition as it was read.

    Attributes:
        name: The command without backslash, or the environment.
        value: What it stands for.
        end: Where the definition ends in the text.
        weak: Whether it gives way to a definition that exists.
    """

    name: str
    value: Macro | Environment | str
    end: int
    weak: bool = False


def needs_tex(body: str, usable_word: Callable[[str], bool]) -> bool:
    """Whether a body does something that only TeX can carry out.

    Args:
        body: The replacement.
        usable_word: Says of a command with ``@`` or a test whether it's known and can be expanded.
    """
    for match in _CONTROL_WORD.finditer(body):
        name = match.group(1)
        if name in _TEX_STATE or "@" in name or name.startswith("if"):
            if name == "ifmmode" or usable_word(name):
                continue
            if "@" in name and _DEFINES.search(body, max(0, match.start() - 30), match.start()):
                continue
            if name in ("else", "fi") and _owns_branch(body, usable_word):
                continue
            return True
    return False


def _owns_branch(body: str, usable_word: Callable[[str], bool]) -> bool:
    """Whether the tests in a body are all of a kind that is resolved without TeX."""
    tests = [name for name in _CONTROL_WORD.findall(body) if name.startswith("if")]
    return bool(tests) and all(name == "ifmmode" or usable_word(name) for name in tests)


def substituted(body: str, arguments: list[str]) -> str:
    """A body with its arguments in their places."""
    if "#" not in body:
        return body
    out: list[str] = []
    position = 0
    for match in _PARAMETER.finditer(body):
        piece = body[position : match.start()]
        out.append(piece)
        position = match.end()
        number = match.group(1)
        if number is None:
            out.append("#")
            continue
        index = int(number) - 1
        argument = arguments[index] if index < len(arguments) else ""
        if argument[:1].isalpha() and _ends_in_word(piece):
            out.append(" ")
        out.append(argument)
        if body[position : position + 1].isalpha() and _ends_in_word(argument):
            out.append(" ")
    out.append(body[position:])
    return "".join(out)


_WORD_AT_END = re.compile(r"\\[A-Za-z@]+\Z")


def _ends_in_word(text: str) -> bool:
    return text[-1:].isalpha() and _WORD_AT_END.search(text[-80:]) is not None


# ---- Definitions --------------------------------------------------------------------------------


def _defined_name(text: str, position: int) -> tuple[str, int] | None:
    r"""The command that is defined, ``{\x}`` or ``\x``."""
    start = skip_blanks(text, position)
    if text[start : start + 1] == "*":
        start = skip_blanks(text, start + 1)
    braced = text[start : start + 1] == "{"
    if braced:
        start = skip_blanks(text, start + 1)
    if text[start : start + 1] != "\\":
        return None
    control = control_word(text, start)
    if control is None:
        return None
    end = control.end()
    if braced:
        end = skip_blanks(text, end)
        if text[end : end + 1] != "}":
            return None
        end += 1
    return control.group()[1:], end


def _count_and_default(text: str, position: int) -> tuple[tuple[Parameter, ...], int] | None:
    count, position = optional_argument(text, position)
    if count is None:
        return (), position
    if not count.strip().isdigit() or int(count) > _MOST_PARAMETERS:
        return None
    default, position = optional_argument(text, position)
    parameters = [Parameter()] * int(count)
    if default is not None and parameters:
        parameters[0] = Parameter("o", default)
    return tuple(parameters), position


def _newcommand(text: str, position: int, *, weak: bool = False) -> Definition | None:
    named = _defined_name(text, position)
    if named is None:
        return None
    counted = _count_and_default(text, named[1])
    if counted is None:
        return None
    body = next_argument(text, counted[1])
    if body is None:
        return None
    return Definition(named[0], Macro(body[0], counted[0]), body[1], weak)


def _providecommand(text: str, position: int) -> Definition | None:
    return _newcommand(text, position, weak=True)


_DEF_PARAMETER = re.compile(r"#([1-9])")


def _def(text: str, position: int) -> Definition | None:
    start = skip_blanks(text, position)
    control = control_word(text, start)
    if control is None or text[start] != "\\":
        return None
    opening = text.find("{", control.end())
    if opening < 0 or opening - control.end() > 200:
        return None
    pattern = text[control.end() : opening]
    end = group_end(text, opening)
    if end < 0 or "}" in pattern:
        return None
    parts = _DEF_PARAMETER.split(pattern)
    prefix = parts[0].lstrip() if len(parts) == 1 else parts[0].lstrip(" \t\n")
    if len(parts) == 1:
        prefix = prefix.strip()
    if "#" in pattern.replace("#", "", len(parts) // 2):
        return None  # a bare # before the brace
    delimiters = parts[2::2]
    parameters = tuple(
        Parameter("d", delimiter=delimiter) if delimiter.strip() else Parameter()
        for delimiter in delimiters
    )
    body = text[opening + 1 : end - 1]
    return Definition(control.group()[1:], Macro(body, parameters, prefix), end)


def _let(text: str, position: int) -> Definition | None:
    start = skip_blanks(text, position)
    if text[start : start + 1] != "\\":
        return None
    control = control_word(text, start)
    if control is None:
        return None
    at = skip_blanks(text, control.end())
    if text[at : at + 1] == "=":
        at = skip_blanks(text, at + 1)
    if at >= len(text) or text[at] in "{}":
        return None
    if text[at] != "\\":
        return Definition(control.group()[1:], Macro(text[at], final=True), at + 1)
    target = control_word(text, at)
    if target is None:
        return None
    return Definition(control.group()[1:], target.group(), target.end())


def _math_operator(text: str, position: int) -> Definition | None:
    star = "*" if text[skip_blanks(text, position) :][:1] == "*" else ""
    named = _defined_name(text, position)
    if named is None:
        return None
    body = next_argument(text, named[1])
    if body is None:
        return None
    return Definition(named[0], Macro(f"\\operatorname{star}{{{body[0]}}}"), body[1])


def _paired_delimiter(text: str, position: int) -> Definition | None:
    r"""``\DeclarePairedDelimiter\x{left}{right}`` of mathtools."""
    named = _defined_name(text, position)
    if named is None:
        return None
    left = next_argument(text, named[1])
    right = next_argument(text, left[1]) if left is not None else None
    if left is None or right is None:
        return None
    opening, closing = left[0].strip(), right[0].strip()
    body = (
        f"\\IfBooleanTF{{#1}}{{\\left{opening} #3 \\right{closing}}}"
        f"{{\\IfNoValueTF{{#2}}{{{opening} #3 {closing}}}"
        f"{{\\mathopen{{#2{opening}}} #3 \\mathclose{{#2{closing}}}}}}}"
    )
    macro = Macro(body, (Parameter("s"), Parameter("o"), Parameter()))
    return Definition(named[0], macro, right[1])


def _argument_specification(specification: str) -> tuple[Parameter, ...] | None:
    """The parameters of an xparse specification; None where one isn't followed."""
    parameters: list[Parameter] = []
    position = 0
    while position < len(specification):
        letter = specification[position]
        position += 1
        if letter.isspace() or letter in "+!":
            continue
        if letter in "ms":
            parameters.append(Parameter(letter))
        elif letter == "o":
            parameters.append(Parameter("o"))
        elif letter == "O":
            default = next_argument(specification, position)
            if default is None:
                return None
            parameters.append(Parameter("o", default[0]))
            position = default[1]
        else:
            return None
    return tuple(parameters) if len(parameters) <= _MOST_PARAMETERS else None


def _document_command(text: str, position: int) -> Definition | None:
    named = _defined_name(text, position)
    specification = next_argument(text, named[1]) if named is not None else None
    if named is None or specification is None:
        return None
    parameters = _argument_specification(specification[0])
    body = next_argument(text, specification[1])
    if parameters is None or body is None:
        return None
    return Definition(named[0], Macro(body[0], parameters), body[1])


def _newenvironment(text: str, position: int) -> Definition | None:
    if text[position : position + 1] == "*":
        position += 1
    name = next_argument(text, position)
    counted = _count_and_default(text, name[1]) if name is not None else None
    begin = next_argument(text, counted[1]) if counted is not None else None
    end = next_argument(text, begin[1]) if begin is not None else None
    if name is None or counted is None or begin is None or end is None:
        return None
    value = Environment(Macro(begin[0], counted[0]), Macro(end[0]))
    return Definition(name[0].strip(), value, end[1])


# What defines, by command. A definition whose value is a string makes one name stand for another.
DEFINERS: dict[str, Callable[[str, int], Definition | None]] = {
    "newcommand": _newcommand,
    "renewcommand": _newcommand,
    "providecommand": _providecommand,
    "DeclareRobustCommand": _newcommand,
    "newrobustcmd": _newcommand,
    "renewrobustcmd": _newcommand,
    "def": _def,
    "gdef": _def,
    "edef": _def,
    "xdef": _def,
    "let": _let,
    "DeclareMathOperator": _math_operator,
    "DeclarePairedDelimiter": _paired_delimiter,
    "NewDocumentCommand": _document_command,
    "RenewDocumentCommand": _document_command,
    "DeclareDocumentCommand": _document_command,
    "ProvideDocumentCommand": _document_command,
    "newenvironment": _newenvironment,
    "renewenvironment": _newenvironment,
}
