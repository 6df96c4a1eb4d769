r"""Comments out of a file as TeX takes them.

A comment runs from ``%`` to the line's end and takes the line end and the next line's leading
blanks with it. ``\%`` is a percent sign; in verbatim text and in addresses ``%`` is one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = [
    "VERBATIM_ENVIRONMENTS",
    "verbatim_argument",
    "verbatim_environments",
    "without_comments",
]

VERBATIM_ENVIRONMENTS = frozenset(
    "verbatim verbatim* Verbatim Verbatim* BVerbatim LVerbatim SaveVerbatim lstlisting lstlisting*"
    " minted alltt sageblock pycode pyblock spverbatim listing* code* semiverbatim tcblisting"
    " filecontents filecontents* verbatimtab boxedverbatim luacode luacode*".split()
)
"""Environments whose content TeX, or the package behind them, reads character by character."""

# Definitions of further ones: listings, fancyvrb, minted, tcolorbox (each package's manual).
_NEW_VERBATIM = re.compile(
    r"\\(?:lstnewenvironment|(?:Custom|Define)VerbatimEnvironment|newtcblisting|DeclareTCBListing)"
    r"\s*(?:\[[^\]]*\]\s*)?\{([A-Za-z*]+)\}"
)
_NEW_MINTED = re.compile(r"\\newminted\s*(?:\[([A-Za-z*]+)\])?\s*\{([A-Za-z]+)\}")

_TOKEN = re.compile(
    r"%"
    r"|\\(?:verb\*?|lstinline|mintinline|url|nolinkurl|path|href|burl|doi)(?![A-Za-z@])"
    r"|\\begin\s*\{([^{}\n]*)\}"
    r"|\\[\\%]"
)
# What ends an address that a macro's argument holds: its brace, on the same line.
_ADDRESS = re.compile(r"\s*(?:\[[^\]\n]*\]\s*)?\{(?:[^{}\n]|\{[^{}\n]*\})*\}")
_OPTION = re.compile(r"(?:\[[^\]\n]*\])?")
_COMMENT = re.compile(r"%[^\n]*(?:\n[ \t]*)?")
_ENDS_IN_WORD = re.compile(r"\\[A-Za-z@]+\Z")
_WORD_WINDOW = 80


def verbatim_environments(texts: Iterable[str]) -> frozenset[str]:
    """The verbatim environments of a paper: the usual ones and those that its files define."""
    found: set[str] = set()
    for text in texts:
        found.update(_NEW_VERBATIM.findall(text))
        if "\\newminted" in text:
            for name, language in _NEW_MINTED.findall(text):
                found.add(name or f"{language}code")
    return VERBATIM_ENVIRONMENTS | found if found else VERBATIM_ENVIRONMENTS


def without_comments(text: str, verbatim: frozenset[str] = VERBATIM_ENVIRONMENTS) -> str:
    """The text as TeX sees it, its comments gone.

    Args:
        text: A file's text, line ends as newlines.
        verbatim: Names of environments in which ``%`` is no comment.
    """
    if "%" not in text:
        return text
    out: list[str] = []
    kept = 0  # what stands before is in ``out``
    position = 0
    search = _TOKEN.search
    while (match := search(text, position)) is not None:
        token = match.group()
        position = match.end()
        if token == "%":
            start = match.start()
            comment = _COMMENT.match(text, start)
            assert comment is not None
            end = comment.end()
            out.append(text[kept:start])
            kept = position = _after_comment(text, start, end, out)
        elif token.startswith("\\begin"):
            if match.group(1) in verbatim:
                close = text.find(f"\\end{{{match.group(1)}}}", position)
                position = close if close >= 0 else position
        elif token[1] in "\\%":
            continue
        else:
            position = verbatim_argument(text, token[1:], position)
    out.append(text[kept:])
    return "".join(out)


def _after_comment(text: str, start: int, end: int, out: list[str]) -> int:
    """Where the text goes on behind a comment."""
    line_start = text.rfind("\n", 0, start) + 1
    if text[line_start:start].strip(" \t") == "":
        # The whole line goes; what is left of its indentation is nothing to TeX.
        newline = text.find("\n", start)
        if newline < 0:
            return len(text)
        _drop_tail_blanks(out)
        return newline + 1
    if text[end : end + 1] == "\n":
        # An empty line follows: it is a paragraph, and it needs this line's end.
        return text.find("\n", start)
    before = out[-1][-_WORD_WINDOW:]
    if text[end : end + 1].isalpha() and _ENDS_IN_WORD.search(before):
        out.append(" ")  # the command ended with the line
    return end


def _drop_tail_blanks(out: list[str]) -> None:
    out[-1] = out[-1].rstrip(" \t")


def verbatim_argument(text: str, command: str, position: int) -> int:
    r"""Where the argument that ``\verb``, ``\url`` and their like take as it stands ends.

    Args:
        text: The text.
        command: The command's name, a star included.
        position: Behind it.
    """
    if command not in _DELIMITED_BY_ANY:
        address = _ADDRESS.match(text, position)
        return address.end() if address is not None else position
    if command.startswith("verb"):
        position += text.startswith("*", position)
    else:
        option = _OPTION.match(text, position)
        position = option.end() if option else position
    if command == "mintinline":
        language = _ADDRESS.match(text, position)
        position = language.end() if language else position
    delimiter = text[position : position + 1]
    if not delimiter or delimiter.isspace() or delimiter.isalnum():
        return position
    closing = "}" if delimiter == "{" and not command.startswith("verb") else delimiter
    line_end = text.find("\n", position)
    end = text.find(closing, position + 1, line_end if line_end >= 0 else len(text))
    return end + 1 if end >= 0 else position


_DELIMITED_BY_ANY = frozenset(("verb", "verb*", "lstinline", "mintinline"))
