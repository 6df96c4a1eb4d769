r"""TeX of a formula as it is written into the text.

The result stands between dollars, so it never holds a bare dollar: inside ``\text`` and its like,
where TeX lets a dollar open a formula, ``$x$`` becomes ``\(x\)`` (KaTeX and MathJax both read it
there); any other bare dollar becomes ``\$``. Whitespace collapses to single spaces, which TeX can't
tell apart, after comments are out, which end at the line's end.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from extractors.html.normal_form import nfc

__all__ = ["clean_tex", "group_end", "is_blank_tex", "join_tex"]

_ENTITY = re.compile(r"&(?:lt|gt|amp|nbsp|quot|apos|space|#\d{1,6}|#[xX][0-9a-fA-F]{1,5});")
_BREAK_TAG = re.compile(r"</?(?:br|p)\s*/?>", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*\n\s*")
_PERCENT = re.compile(r"(?<!\\)((?:\\\\)*)%")
_SPACE = re.compile(r"[ \t\r\n\f\v\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_DELIMITED = re.compile(
    r"\s*(?:\$\$(?P<a>.*)\$\$|\$(?P<b>[^$]*)\$|\\\((?P<c>.*)\\\)|\\\[(?P<d>.*)\\\])\s*", re.DOTALL
)
_DOCUMENT = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.DOTALL)
_STYLE_GROUP = re.compile(r"\{\s*\\(?:display|text)style(?![a-zA-Z])\s*")
_STYLE = re.compile(r"\\(?:display|text)style(?![a-zA-Z])\s*")
_BARE_BODY = re.compile(
    r"\s*\\begin\{(equation\*?|displaymath|math)\}(.*)\\end\{\1\}\s*", re.DOTALL
)
_TEXT_COMMAND = re.compile(
    r"\\(?:text(?:rm|bf|it|sf|tt|sc|normal|up|md|sl)?|mbox|hbox|fbox|intertext|shortintertext|tag\*?)"
    r"\s*\{"
)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_TOKEN = re.compile(r"\\.|[{}$]", re.DOTALL)
_BLANKS = re.compile(
    r"\\(?:[hv]space\*?|h?phantom|vphantom|label|hskip|kern|mspace|vskip)\s*(?:\{[^{}]*\}|-?[\d.]+\s*[a-z]{2})"
    r"|\\(?:quad|qquad|enspace|thinspace|displaystyle|textstyle|limits|nonumber|notag"
    r"|begingroup|endgroup|relax|left\.|right\.)(?![a-zA-Z])"
    r"|\\definecolor\s*\{[^{}]*\}\s*\{[^{}]*\}\s*\{[^{}]*\}"
    r"|\\[,;:!> ]|\\\\(?:\[[^\]]*\])?"
)
_TRAILING_BREAK = re.compile(r"(?<!\\)(?:\s*\\\\)+\s*\Z")
_INK = re.compile(r"[^\s{}$&~]")


_OPEN_ENDED = re.compile(r"\\[A-Za-z]+\Z|[_^][A-Za-z0-9]\Z")


def join_tex(parts: Iterable[str]) -> str:
    """The parts of a row, a space where two would else read as one command or one script."""
    out: list[str] = []
    open_ended = False
    for part in parts:
        if not part:
            continue
        if open_ended and (part[0].isalnum()):
            out.append(" ")
        out.append(part)
        open_ended = _OPEN_ENDED.search(part) is not None
    return "".join(out)


def group_end(text: str, start: int, window: int) -> int:
    """Where the braced group that opens at ``start`` ends; -1 when it doesn't within the window."""
    depth = 0
    for match in _BRACE.finditer(text, start, start + window):
        token = match.group()
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth == 0:
                return match.end()
    return -1


def is_blank_tex(tex: str) -> bool:
    """Whether the formula would show nothing."""
    if _INK.search(tex) is None:
        return True
    if len(tex) > 200 or "\\" not in tex:
        return False
    return _INK.search(_BLANKS.sub("", tex)) is None


def clean_tex(tex: str) -> str:
    """The formula ready to stand between dollars; empty when it would show nothing."""
    if "&" in tex and _ENTITY.search(tex):
        tex = html.unescape(tex.replace("&space;", " "))
    if "<" in tex:
        tex = _BREAK_TAG.sub("\n", tex)
    if "%" in tex:
        tex = _COMMENT.sub(r"\1", tex)
        tex = _PERCENT.sub(r"\1\\%", tex)
    if "\\begin{document}" in tex:
        document = _DOCUMENT.search(tex)
        if document:  # journals keep a whole LaTeX file for each formula
            tex = document.group(1)
    tex = _strip_delimiters(tex)
    if "style" in tex:
        tex = _strip_outer_style(tex)
    if "\\begin" in tex:
        body = _BARE_BODY.fullmatch(tex)
        if body and body.group(2).count("\\begin{" + body.group(1)) == 0:
            tex = body.group(2)
    if not tex.isascii():
        tex = nfc(_INVISIBLE.sub("", tex))
    if "$" in tex:
        tex = _without_bare_dollars(tex)
    tex = _trim(_CONTROLS.sub("", _SPACE.sub(" ", tex)))
    return "" if is_blank_tex(tex) else tex


def _trim(tex: str) -> str:
    tex = _TRAILING_BREAK.sub("", tex.strip())
    if tex.endswith("\\") and (len(tex) - len(tex.rstrip("\\"))) % 2:
        tex += " "  # a control space at the end, which would else swallow the delimiter
    return tex


def _strip_delimiters(tex: str) -> str:
    if "$" not in tex and "\\(" not in tex and "\\[" not in tex:
        return tex
    match = _DELIMITED.fullmatch(tex)
    if not match:
        return tex
    body = next(group for group in match.groups() if group is not None)
    # \(a\) and \(b\) is two formulas, not one.
    if "$$" in body or "\\)" in body or "\\]" in body:
        return tex
    return body


def _strip_outer_style(tex: str) -> str:
    r"""``{\displaystyle x}`` is ``x``: Wikipedia and LaTeXML write it around every formula."""
    tex = tex.strip()
    match = _STYLE_GROUP.match(tex)
    if match and tex.endswith("}") and group_end(tex, 0, len(tex)) == len(tex):
        return tex[match.end() : -1]
    match = _STYLE.match(tex)
    if match:
        return tex[match.end() :]
    return tex


def _without_bare_dollars(tex: str) -> str:
    out: list[str] = []
    position = 0
    text_depths: list[int] = []
    depth = 0
    opened = -1  # index in out of the dollar that opened a formula inside \text
    text_starts = {match.end() - 1 for match in _TEXT_COMMAND.finditer(tex)}
    for match in _TOKEN.finditer(tex):
        token = match.group()
        if token == "{":
            depth += 1
            if match.start() in text_starts:
                text_depths.append(depth)
        elif token == "}":
            if text_depths and text_depths[-1] == depth:
                text_depths.pop()
                if opened >= 0:
                    out[opened] = "\\$"
                    opened = -1
            depth -= 1
        elif token == "$":
            out.append(tex[position : match.start()])
            position = match.end()
            if not text_depths:
                out.append("\\$")
            elif opened < 0:
                opened = len(out)
                out.append("\\(")
            else:
                out.append("\\)")
                opened = -1
    if opened >= 0:
        out[opened] = "\\$"
    out.append(tex[position:])
    return "".join(out)
