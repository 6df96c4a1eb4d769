r"""Where formulas begin and end in LaTeX text.

A dollar that nothing closes before its paragraph ends is a dollar sign: TeX would stop there, and
what follows must not be taken for a formula.
"""

from __future__ import annotations

import re

from extractors.latex.arguments import group_end

__all__ = ["display_end", "environment_end", "inline_end", "resolve_modes"]

_INLINE = re.compile(r"(?:[^$\\]++|\\.)*+\$", re.DOTALL)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_TOKEN = re.compile(r"\\.|[{}]|\$\$?", re.DOTALL)
_INLINE_WINDOW, _DISPLAY_WINDOW = 4_000, 50_000
"""Characters in which a formula with unequal braces must end; longer ones are none."""
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_MODES = re.compile(r"\\(ensuremath|ifmmode|else|fi)(?![A-Za-z@])\s*")


def inline_end(text: str, start: int) -> int:
    """Where the formula ends that the dollar at ``start`` opens; -1 when nothing closes it."""
    match = _INLINE.match(text, start + 1)
    if match is None:
        return -1
    end = match.end()
    body = text[start + 1 : end - 1]
    if "{" in body or "}" in body:
        plain = _ESCAPE.sub("", body) if "\\{" in body or "\\}" in body else body
        if plain.count("{") != plain.count("}"):
            # A dollar in \text or \mbox: the closing one is outside the braces.
            end = _closing_dollar(text, start + 1, 1)
            if end < 0:
                return -1
            body = text[start + 1 : end - 1]
    if "\n" in body and _PARAGRAPH.search(body):
        return -1
    return end


def display_end(text: str, start: int) -> int:
    """Where the formula ends that the two dollars at ``start`` open; -1 when nothing does."""
    match = _INLINE.match(text, start + 2)
    if match is None:
        return -1
    end = match.end()
    if text.startswith("$", end):
        body = text[start + 2 : end - 1]
        if body.count("{") == body.count("}") or "\\" in body:
            return end + 1 if not _crosses(body) else -1
    end = _closing_dollar(text, start + 2, 2)
    if end < 0 or _crosses(text[start + 2 : end - 2]):
        return -1
    return end


def _crosses(body: str) -> bool:
    """Whether a formula would run over an end of a paragraph and a heading with it."""
    return "\\section" in body or "\\end{document}" in body


def _closing_dollar(text: str, start: int, length: int) -> int:
    """Behind the next dollars outside braces; -1 when a brace closes first or none comes."""
    depth = 0
    window = _INLINE_WINDOW if length == 1 else _DISPLAY_WINDOW
    for match in _TOKEN.finditer(text, start, min(len(text), start + window)):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth < 0:
                return -1
        elif token[0] == "$" and depth == 0:
            return match.start() + length if len(token) >= length else -1
    return -1


def environment_end(text: str, position: int, name: str) -> int:
    r"""Behind the ``\end`` of an environment whose ``\begin`` was read; -1 where it has none."""
    end_tag, begin_tag = f"\\end{{{name}}}", f"\\begin{{{name}}}"
    depth = 1
    while depth:
        close = text.find(end_tag, position)
        if close < 0:
            return _spaced_end(text, position, name, depth)
        depth += text.count(begin_tag, position, close) - 1
        position = close + len(end_tag)
    return position


def _spaced_end(text: str, position: int, name: str, depth: int) -> int:
    """The same for tags that are written with blanks in them."""
    pattern = re.compile(rf"\\(begin|end)\s*\{{\s*{re.escape(name)}\s*\}}")
    for match in pattern.finditer(text, position):
        depth += 1 if match.group(1) == "begin" else -1
        if depth == 0:
            return match.end()
    return -1


def resolve_modes(tex: str) -> str:
    r"""A formula in which ``\ensuremath`` and ``\ifmmode`` are decided, for mathematics."""
    if "\\ensuremath" not in tex and "\\ifmmode" not in tex:
        return tex
    out: list[str] = []
    position = 0
    keep: list[bool] = []  # for each open \ifmmode whether its branch at hand stays
    while (match := _MODES.search(tex, position)) is not None:
        if all(keep):
            out.append(tex[position : match.start()])
        position = match.end()
        name = match.group(1)
        if name == "ifmmode":
            keep.append(True)
        elif name == "else" and keep:
            keep[-1] = False
        elif name == "fi" and keep:
            keep.pop()
        elif name == "ensuremath":
            end = group_end(tex, position) if tex.startswith("{", position) else -1
            if end < 0 or not all(keep):
                continue
            out.append(f"{{{resolve_modes(tex[position + 1 : end - 1])}}}")
            position = end
        elif all(keep):
            out.append(match.group())
    if all(keep):
        out.append(tex[position:])
    return "".join(out)
