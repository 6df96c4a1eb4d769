r"""LaTeX to text as RedPajama's arXiv cleaner did it, its defects included.

Proof-Pile-II took RedPajama's arXiv subset as it was. This is the cleaner's behaviour, written anew
from its description (spec section 3, steps 2 to 9), so that a team can hold our papers against data
that exists. What it loses is part of it:

- Title and abstract: everything before a file's first header is cut, and a file without a header
  is lost whole. ``\paragraph`` and ``\subparagraph`` count as a header only side by side, because
  an alternation's bar is missing.
- Appendices: everything from ``\appendix`` on.
- The character before an inline ``%``; what follows ``%20`` in an address. A bare ``%`` at a line's
  end stays.
- Macros other than ``\newcommand{\X}{..}`` and ``\def\X{..}`` without arguments, on one line that
  ends with the definition's brace.
- The order of ``\input``: files follow each other as they lie in the tar.
- A paper with one file that isn't UTF-8.

Where the description is silent: a macro's body is inserted as it stands, whatever signs it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["clean_redpajama", "redpajama_macros"]

_MACRO_DEFINITIONS = (
    re.compile(r"\\\bnewcommand\b\*?\{(\\[a-zA-Z0-9]+?)\}\{(.*?)\}$", re.MULTILINE),
    re.compile(r"\\def\s*(\\[a-zA-Z0-9]+?)\s*\{(.*?)\}$", re.MULTILINE),
)


def _header(word: str) -> str:
    return rf"\\\b{word}\b\*?(?:\[(?:.*?)\])?\{{(?:.*?)\}}"


# The last two words stand side by side, as in the original.
_FIRST_HEADER = re.compile(
    "|".join(map(_header, ("chapter", "part", "section", "subsection", "subsubsection")))
    + "|"
    + _header("paragraph")
    + _header("subparagraph"),
    re.DOTALL,
)
_COMMENT_LINE = re.compile(r"^%.*\n?", re.MULTILINE)
_INLINE_COMMENT = re.compile(r"[^\\]%.+$", re.MULTILINE)
_END = re.compile(
    r"\\appendix|\\begin\{references\}|\\begin\{REFERENCES\}|\\begin\{thebibliography\}"
    r"|\\bibliography\{.*\}",
    re.DOTALL,
)


def clean_redpajama(files: Sequence[str]) -> str:
    r"""The text of a paper.

    Args:
        files: The contents of its ``.tex`` files in the order of the tar.

    Returns:
        The cleaned files joined by newlines; ``"\n"`` for two files that have no header, which the
        original wrote as a document.
    """
    macros = redpajama_macros(files)
    expansions = [
        (re.compile(f"({re.escape(name)})([^a-zA-Z0-9])"), macros[name]) for name in macros
    ]
    return "\n".join(_clean_file(text, expansions) for text in files)


def redpajama_macros(files: Iterable[str]) -> dict[str, str]:
    """The macros without arguments of all files: one table, the last definition counts."""
    macros: dict[str, str] = {}
    for text in files:
        for pattern in _MACRO_DEFINITIONS:
            for match in pattern.finditer(text):
                macros[match.group(1)] = match.group(2)
    return macros


def _clean_file(text: str, expansions: Sequence[tuple[re.Pattern[str], str]]) -> str:
    header = _FIRST_HEADER.search(text)
    if header is None:
        return ""
    text = _COMMENT_LINE.sub("", text[header.start() :])
    text = _INLINE_COMMENT.sub("", text)
    end = _END.search(text)
    if end is not None:
        text = text[: end.start()]
    for pattern, body in expansions:
        text = pattern.sub(lambda match, body=body: body + match.group(2), text)  # type: ignore[misc]
    return text
