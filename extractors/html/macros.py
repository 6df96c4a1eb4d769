r"""Macros that a page defines: MathJax and KaTeX configuration, and ``\newcommand`` in the text.

A formula out of its page must still be read, so the page's macros are expanded in its formulas and
the definitions taken out. What can't be expanded safely (a macro that calls itself, an argument
that is missing) stays as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from extractors.html.js_literals import JS_STRING, literal_end, unescaped
from extractors.html.tex import group_end

__all__ = [
    "Macro",
    "expand_macros",
    "macros_are_elsewhere",
    "page_macros",
    "without_definitions",
    "without_stray_definitions",
]

# MathJax 2 loads further settings from what follows a standard configuration's name.
_OUTSIDE_SETTINGS = re.compile(
    r"MathJax\.js\?[^\"'<>\s]{0,300}?config=[^\"'<>\s]{0,300}?(?:,|%2C|=)(?:https?:|/|local/|\.)",
    re.IGNORECASE,
)
_MAX_LENGTH = 20_000
_MAX_ROUNDS = 12
_WINDOW = 20_000
_GROUP_WINDOW = 4000
_MAX_MACROS = 400
_MAX_CONFIGURATIONS = 24
_MAX_DEFINITIONS = 5 * _MAX_MACROS  # pages repeat theirs above each formula
_MAX_UNCLOSED = 10
"""Definitions whose braces don't close, each of which costs a look through a whole window."""

_CONFIG = re.compile(r"[Mm]acros[\"']?\s*[:=]\s*\{")
_ENTRY = re.compile(
    r"(?:[\"']?\\{0,2}([A-Za-z@]+)[\"']?)\s*:\s*(?:\[\s*"
    + JS_STRING
    + r"\s*(?:,\s*(\d))?(?:\s*,\s*"
    + JS_STRING
    + r")?\s*,?\s*\]|"
    + JS_STRING
    + r")"
)
_DEFINITION = re.compile(
    r"\\(?:re|provide)?newcommand\s*\*?\s*\{?\s*\\([A-Za-z@]+)\s*\}?\s*(?:\[(\d)\])?\s*(?:\[([^\]]*)\])?\s*(?=\{)"
    r"|\\g?def\s*\\([A-Za-z@]+)\s*((?:#\d)*)\s*(?=\{)"
    r"|\\DeclareMathOperator\s*(\*?)\s*\{?\s*\\([A-Za-z@]+)\s*\}?\s*(?=\{)"
)
_ANY_DEFINITION = re.compile(r"\\(?:newcommand|def|Declare|renew|gdef|provide)")
_COMMENT_AFTER = re.compile(r"\s*\\?%[^\\$]*\Z")
_PARAMETER = re.compile(r"#([1-9])")


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro's definition.

    Attributes:
        body: What it stands for, with ``#1`` for arguments.
        arguments: How many arguments it takes.
        default: The first argument where it's optional and not given; ``None`` where it isn't.
    """

    body: str
    arguments: int = 0
    default: str | None = None


def macros_are_elsewhere(page: str) -> bool:
    """Whether the page's MathJax reads settings from another address.

    Macros that are defined there can't be expanded; their formulas are kept as they are written.
    """
    return "athJax.js?" in page and _OUTSIDE_SETTINGS.search(page) is not None


def page_macros(page: str) -> dict[str, Macro]:
    """The macros that a page defines, by name without backslash.

    Args:
        page: The page's markup.
    """
    macros: dict[str, Macro] = {}
    configurations = 0
    for name in ("Macros", "macros"):
        position = page.find(name)
        while position >= 0 and len(macros) <= _MAX_MACROS and configurations < _MAX_CONFIGURATIONS:
            match = _CONFIG.match(page, position)
            if match is not None:
                configurations += 1
                _read_config(page, match.end() - 1, macros)
            position = page.find(name, position + len(name))
    if _ANY_DEFINITION.search(page):
        _read_definitions(
            page.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"), macros
        )
    return macros


def _read_config(page: str, start: int, macros: dict[str, Macro]) -> None:
    end = literal_end(page, start, brackets="{}", window=_WINDOW)
    for entry in _ENTRY.finditer(page, start + 1, end):
        groups = entry.groups()
        body = next((group for group in groups[1:4] if group is not None), None)
        default = next((group for group in groups[5:8] if group is not None), None)
        if body is None:
            body = next((group for group in groups[8:11] if group is not None), "")
        tex = unescaped(body)
        arguments = int(groups[4] or 0)
        if not arguments:
            # KaTeX counts the arguments from the body.
            arguments = max((int(n) for n in _PARAMETER.findall(tex)), default=0)
        macros[groups[0]] = Macro(
            tex, arguments, unescaped(default) if default is not None else None
        )


def _read_definitions(text: str, macros: dict[str, Macro]) -> None:
    for match, end in islice(_definitions(text), _MAX_DEFINITIONS):
        body = text[match.end() + 1 : end - 1]
        if "<" in body and ">" in body and re.search(r"</?[a-z]+[^<>]*>", body):
            continue  # markup inside: not a definition that renderers could read
        name, count, default, def_name, parameters, star, operator = match.groups()
        if name:
            macros[name] = Macro(body, int(count or 0), default)
        elif def_name:
            macros[def_name] = Macro(body, parameters.count("#"))
        elif operator:
            macros[operator] = Macro(f"\\operatorname{star}{{{body}}}")
        if len(macros) > _MAX_MACROS:
            return


def _definitions(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """The definitions in a text up to their bodies, and where the bodies end."""
    unclosed = 0
    for match in _DEFINITION.finditer(text):
        end = group_end(text, match.end(), _GROUP_WINDOW)
        if end >= 0:
            yield match, end
            continue
        unclosed += 1
        if unclosed > _MAX_UNCLOSED:
            return


def without_definitions(tex: str) -> str:
    """The formula without the definitions in it."""
    if (
        "\\newcommand" not in tex
        and "def" not in tex
        and "\\renewcommand" not in tex
        and "\\Declare" not in tex
        and "\\providecommand" not in tex
    ):
        return tex
    out: list[str] = []
    position = 0
    for match, end in _definitions(tex):
        if match.start() < position:
            continue
        out.append(tex[position : match.start()])
        position = end
    if position:
        # What follows the last definition on its line may be a comment on it.
        out.append(_COMMENT_AFTER.sub("", tex[position:]))
        return "".join(out).strip()
    return tex


def without_stray_definitions(text: str) -> str:
    """Text without the lines that hold nothing but definitions, their delimiters lost."""
    if "\\newcommand" not in text and "\\def" not in text and "\\DeclareMath" not in text:
        return text
    return "\n".join(
        line
        for line in text.split("\n")
        if "\\" not in line
        or (rest := without_definitions(line)) == line
        or any(character.isalnum() for character in rest)
    )


def expand_macros(tex: str, macros: dict[str, Macro]) -> str:
    """The formula with the page's macros expanded."""
    if not macros or "\\" not in tex:
        return tex
    pattern = _any_of(tuple(macros))
    original = tex
    for _ in range(_MAX_ROUNDS):
        expanded = _expand_once(tex, pattern, macros)
        if expanded == tex:
            return tex
        if len(expanded) > _MAX_LENGTH:
            return original
        tex = expanded
    # Still expanding: a macro calls itself.
    return original


@lru_cache(maxsize=4)
def _any_of(macros: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(map(re.escape, macros), key=len, reverse=True)
    return re.compile(r"\\(" + "|".join(longest_first) + r")(?![A-Za-z@])")


def _expand_once(tex: str, pattern: re.Pattern[str], macros: dict[str, Macro]) -> str:
    out: list[str] = []
    position = 0
    for match in pattern.finditer(tex):
        if match.start() < position:
            continue
        if _is_escaped(tex, match.start()):
            continue
        macro = macros[match.group(1)]
        taken = _arguments(tex, match.end(), macro)
        if taken is None:
            continue
        arguments, end = taken
        body = _PARAMETER.sub(
            lambda m, a=arguments: a[int(m.group(1)) - 1] if int(m.group(1)) <= len(a) else "",  # type: ignore[misc]
            macro.body,
        )
        out.append(tex[position : match.start()])
        before = tex[max(0, match.start() - _ARGUMENT_WINDOW) : match.start()]
        if _TAKES_ARGUMENT.search(before) and not _ONE_TOKEN.fullmatch(body):
            body = f"{{{body}}}"  # TeX takes the macro for the argument, not what it begins with
        if _WORD_COMMAND.search(body) and tex[end : end + 1].isalpha():
            body += " "
        out.append(body)
        position = end
    out.append(tex[position:])
    return "".join(out)


_ARGUMENT_WINDOW = 80
# What takes the next token for its argument: scripts, accents, alphabets, fractions, roots.
_TAKES_ARGUMENT = re.compile(
    r"(?:[\^_]|\\(?:d?dot|dddot|hat|widehat|bar|vec|tilde|widetilde|acute|grave|breve|check|mathring"
    r"|over(?:line|brace|rightarrow|leftarrow)|under(?:line|brace)|boldsymbol|bm|pmb|sqrt"
    r"|math(?:bf|rm|it|sf|tt|cal|bb|frak|scr)|(?:[dtc]?frac|[dt]?binom)(?:\s*(?:\{[^{}]*\}|\\[A-Za-z]+))?"
    r"))\s*\Z"
)
_ONE_TOKEN = re.compile(r"\\[A-Za-z]+|\\?.|\{[^{}]*\}", re.DOTALL)
_WORD_COMMAND = re.compile(r"\\[A-Za-z]+\Z")


def _is_escaped(tex: str, position: int) -> bool:
    count = 0
    while position - count > 0 and tex[position - count - 1] == "\\":
        count += 1
    return count % 2 == 1


def _arguments(tex: str, position: int, macro: Macro) -> tuple[list[str], int] | None:
    arguments: list[str] = []
    if macro.default is not None:
        start = _skip_space(tex, position)
        if tex[start : start + 1] == "[":
            close = tex.find("]", start)
            if close < 0:
                return None
            arguments.append(tex[start + 1 : close])
            position = close + 1
        else:
            arguments.append(macro.default)
    while len(arguments) < macro.arguments:
        start = _skip_space(tex, position)
        if start >= len(tex):
            return None
        if tex[start] == "{":
            end = group_end(tex, start, _GROUP_WINDOW)
            if end < 0:
                return None
            arguments.append(tex[start + 1 : end - 1])
        elif tex[start] == "\\":
            command = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL).match(tex, start)
            if command is None:
                return None
            end = command.end()
            arguments.append(command.group())
        else:
            end = start + 1
            arguments.append(tex[start])
        position = end
    return arguments, position


def _skip_space(tex: str, position: int) -> int:
    while position < len(tex) and tex[position].isspace():
        position += 1
    return position
