"""Is a notebook mathematics? Judged on its Markdown, where formulas and code are told apart."""

from __future__ import annotations

import re
from bisect import bisect_right

from filters.code.imports import first_import

__all__ = ["notebook_mathematics"]

_CODE_BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ENVIRONMENT = re.compile(
    r"\\begin\{(equation|align|alignat|gather|multline|eqnarray|flalign|aligned|[bpvBV]?matrix|"
    r"cases|array|split)\*?\}"
)
_DOLLARS = re.compile(r"\$\$[^$]{3,5000}\$\$")
_BRACKET = re.compile(r"\\[\[\]]")
# Characters between the brackets of a displayed formula, as between its dollars.
_LEAST_DISPLAYED, _MOST_DISPLAYED = 3, 5000
# A formula of a line has a command, a script or a relation; a price has none.
_INLINE = re.compile(r"(?<![\\$\w])\$(?=[^$\n]*[\\^_=<>+])[^$\n]{1,300}\$(?!\d)")
_FEWEST_INLINE = 2
_JULIA = re.compile(r"^[ \t]*(?:using|import)\s+(\w+)", re.MULTILINE)


def notebook_mathematics(markdown: str, modules: frozenset[str]) -> str:
    """What makes a notebook mathematics; empty when nothing does.

    Args:
        markdown: The converted notebook.
        modules: Packages whose import says that it is.
    """
    code = "\n".join(match.group(2) for match in _CODE_BLOCK.finditer(markdown))
    prose = _CODE_BLOCK.sub("", markdown)
    environment = _ENVIRONMENT.search(prose)
    if environment:
        return environment.group()
    if _DOLLARS.search(prose) or _in_brackets(prose):
        return "displayed formula"
    if len(_INLINE.findall(prose)) >= _FEWEST_INLINE:
        return "formulas"
    # A cell with a magic command breaks no more than its own statement.
    return first_import(code, "python", modules) or next(
        (name for name in _JULIA.findall(code) if name in modules), ""
    )


def _in_brackets(prose: str) -> bool:
    r"""Whether a formula stands between ``\[`` and ``\]``, told in one pass."""
    openings: list[int] = []
    for match in _BRACKET.finditer(prose):
        place = match.start()
        if match.group() == r"\[":
            openings.append(place + 2)
            continue
        before = bisect_right(openings, place - _LEAST_DISPLAYED)
        if before and openings[before - 1] >= place - _MOST_DISPLAYED:
            return True
    return False
