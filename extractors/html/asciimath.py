"""AsciiMath to LaTeX.

The grammar is that of http://asciimath.org/#syntax: an expression is a row of intermediate
expressions, each a simple expression with scripts, two of them joined by a slash a fraction. A
simple expression is a constant, a bracketed expression, or a unary or binary symbol with its
arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from extractors.html.name_sets import names
from extractors.html.tex import join_tex
from extractors.html.tex_symbols import escape_text, symbol_tex

__all__ = ["asciimath_to_tex", "reads_as_asciimath"]

_MAX_DEPTH = 60
_MAX_BAR_ATTEMPTS = 64
"""A bar without its pair is read twice, so nested ones would double the work each."""

_LATEX_NAMES = names(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda "
    "mu nu xi pi rho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda "
    "Xi Pi Sigma Upsilon Phi Psi Omega sin cos tan sec csc cot arcsin arccos arctan sinh "
    "cosh tanh coth exp log ln det dim lim max min gcd deg ker sup inf arg aleph nabla "
    "partial forall exists bot top vdash models cdot times div circ oplus otimes odot "
    "wedge vee cap cup subset supset subseteq supseteq equiv cong approx propto prec succ "
    "neg implies iff angle triangle ldots cdots vdots ddots quad qquad diamond square "
    "langle rangle to mapsto uparrow downarrow rightarrow leftarrow leftrightarrow "
    "Rightarrow Leftarrow Leftrightarrow pm mp in notin star ast setminus bowtie ltimes "
    "rtimes sum prod int oint bigcup bigcap bigwedge bigvee infty emptyset prime mod "
    "therefore because lfloor rfloor lceil rceil frown gt lt ge le ne"
)
"""Constants that LaTeX calls by the same name."""

# Constants: what is written, and its LaTeX (http://asciimath.org/#syntax).
_CONSTANTS: dict[str, str] = {
    **{name: "\\" + name for name in _LATEX_NAMES},
    "*": r"\cdot", "**": "*", "***": r"\star", "//": "/", "\\\\": r"\backslash", "xx": r"\times",
    "-:": r"\div", "|><": r"\ltimes", "><|": r"\rtimes", "|><|": r"\bowtie", "@": r"\circ",
    "o+": r"\oplus", "ox": r"\otimes", "o.": r"\odot", "^^": r"\wedge", "^^^": r"\bigwedge",
    "vv": r"\vee", "vvv": r"\bigvee", "nn": r"\cap", "nnn": r"\bigcap", "uu": r"\cup",
    "uuu": r"\bigcup", "!=": r"\ne", ":=": ":=", "<=": r"\le", ">=": r"\ge", "-<": r"\prec",
    ">-": r"\succ", "-<=": r"\preceq", ">-=": r"\succeq", "!in": r"\notin", "sub": r"\subset",
    "sup": r"\supset", "sube": r"\subseteq", "supe": r"\supseteq", "-=": r"\equiv", "~=": r"\cong",
    "~~": r"\approx", "~": r"\sim", "prop": r"\propto", "and": r"\text{ and }",
    "or": r"\text{ or }", "not": r"\neg", "=>": r"\implies", "if": r"\text{ if }", "<=>": r"\iff",
    "AA": r"\forall", "EE": r"\exists", "_|_": r"\bot", "TT": r"\top", "|--": r"\vdash",
    "|==": r"\models", "del": r"\partial", "grad": r"\nabla", "+-": r"\pm", "-+": r"\mp",
    "O/": r"\emptyset", "oo": r"\infty", "...": r"\ldots", ":.": r"\therefore",
    ":'": r"\because", "/_": r"\angle", "/_\\": r"\triangle", "\\ ": r"\ ", "'": "'",
    "->": r"\to", ">->": r"\rightarrowtail", "->>": r"\twoheadrightarrow", "|->": r"\mapsto",
    "rarr": r"\rightarrow", "larr": r"\leftarrow", "harr": r"\leftrightarrow",
    "rArr": r"\Rightarrow", "lArr": r"\Leftarrow", "hArr": r"\Leftrightarrow",
    "uarr": r"\uparrow", "darr": r"\downarrow", "CC": r"\mathbb{C}", "NN": r"\mathbb{N}",
    "QQ": r"\mathbb{Q}", "RR": r"\mathbb{R}", "ZZ": r"\mathbb{Z}", "lcm": r"\operatorname{lcm}",
    "Sin": r"\sin", "Cos": r"\cos", "Tan": r"\tan", "Log": r"\log", "Ln": r"\ln",
    "sech": r"\operatorname{sech}", "csch": r"\operatorname{csch}", "lub": r"\operatorname{lub}",
    "glb": r"\operatorname{glb}", "dx": "dx", "dy": "dy", "dz": "dz", "dt": "dt",
    "diamond": r"\diamond", "square": r"\square", "mod": r"\bmod", "%": r"\%", "#": r"\#",
    "&": r"\&", "$": r"\$",
    "varphi": r"\varphi", "phi": r"\phi", "epsi": r"\epsilon", "infty": r"\infty",
    "setminus": r"\setminus", "backslash": r"\backslash", "_": r"\_", "^": r"\hat{}",
}  # fmt: skip
_UNARY: dict[str, str] = {
    "sqrt": r"\sqrt", "hat": r"\hat", "bar": r"\overline", "overline": r"\overline",
    "vec": r"\vec", "dot": r"\dot", "ddot": r"\ddot", "tilde": r"\tilde", "ul": r"\underline",
    "underline": r"\underline", "ubrace": r"\underbrace", "underbrace": r"\underbrace",
    "obrace": r"\overbrace", "overbrace": r"\overbrace", "overarc": r"\overparen",
    "cancel": r"\cancel", "bb": r"\mathbf", "mathbf": r"\mathbf", "bbb": r"\mathbb",
    "mathbb": r"\mathbb", "cc": r"\mathcal", "mathcal": r"\mathcal", "fr": r"\mathfrak",
    "mathfrak": r"\mathfrak", "sf": r"\mathsf", "mathsf": r"\mathsf", "tt": r"\mathtt",
    "mathtt": r"\mathtt", "rm": r"\mathrm", "mathrm": r"\mathrm", "it": r"\mathit",
    "bold": r"\mathbf",
}  # fmt: skip
_WRAPPING: dict[str, tuple[str, str]] = {
    "abs": (r"\left|", r"\right|"), "Abs": (r"\left|", r"\right|"),
    "norm": (r"\left\|", r"\right\|"), "floor": (r"\left\lfloor", r"\right\rfloor"),
    "ceil": (r"\left\lceil", r"\right\rceil"),
}  # fmt: skip
_FUNCTIONS_OF_ONE = names(
    "sin cos tan sec csc cot arcsin arccos arctan sinh cosh tanh coth exp log ln det f g"
)
_BINARY = names("frac root stackrel overset underset color class id")
_TEXT = frozenset({"text", "mbox"})
_LEFT: dict[str, str] = {
    "(": "(", "[": "[", "{": r"\{", "(:": r"\langle", "{:": ".", "<<": r"\langle",
    "langle": r"\langle", "lfloor": r"\lfloor", "lceil": r"\lceil",
}  # fmt: skip
_RIGHT: dict[str, str] = {
    ")": ")", "]": "]", "}": r"\}", ":)": r"\rangle", ":}": ".", ">>": r"\rangle",
    "rangle": r"\rangle", "rfloor": r"\rfloor", "rceil": r"\rceil",
}  # fmt: skip
_NAMES = sorted(
    {*_CONSTANTS, *_UNARY, *_WRAPPING, *_BINARY, *_TEXT, *_LEFT, *_RIGHT, "/", "_", "^", "|", ","},
    key=lambda name: (-len(name), name),
)
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<quoted>\"[^\"]*\")|(?P<number>\d+(?:\.\d+)?|\.\d+)|(?:\\(?=[A-Za-z]))?(?P<name>"
    + "|".join(re.escape(name) for name in _NAMES)
    + r")|(?P<other>.)",
    re.DOTALL,
)
_TEXT_CALL = re.compile(r"(?:text|mbox)\s*(?:\(([^()]*)\)|\{([^{}]*)\}|\[([^\[\]]*)\])")
_TALL = re.compile(r"\\(?:frac|sum|prod|int|begin|sqrt|binom)")
_MATRICES = {
    ("(", ")"): "pmatrix",
    ("[", "]"): "bmatrix",
    (r"\{", r"\}"): "Bmatrix",
    ("|", "|"): "vmatrix",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@dataclass(slots=True)
class _Node:
    """LaTeX of a simple expression; ``inner`` is what it is without its own brackets."""

    tex: str
    inner: str


def asciimath_to_tex(source: str) -> str:
    """The LaTeX of an AsciiMath expression."""
    return _Parser(source).expression(0, closing=False).strip()


def reads_as_asciimath(source: str) -> bool:
    """Whether text between backticks is a formula rather than code or prose."""
    if not source.strip() or len(source) > 2000 or "\n\n" in source:
        return False
    bare = _TEXT_CALL.sub(" ", _QUOTED.sub(" ", source))
    words = [word for word in _WORD.findall(bare) if not _is_made_of_names(word)]
    return not words or (len(words) == 1 and _OPERATOR.search(bare) is not None)


_QUOTED = re.compile(r'"[^"]*"')
_WORD = re.compile(r"[A-Za-z]{3,}")
_OPERATOR = re.compile(r"[=^_/+<>]")


def _is_made_of_names(word: str) -> bool:
    """Whether the letters read as symbol names run together (``sinx``, ``alphabeta``)."""
    position = 0
    loose = 0
    while position < len(word):
        match = _TOKEN.match(word, position)
        if match is None or match.lastgroup != "name" or match.end() - position < 2:
            loose += 1
            position += 1
        else:
            position = match.end()
    return loose <= max(1, len(word) // 4)


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens = list(_tokens(source))
        self._position = 0
        self._bar_attempts = 0

    def _peek(self) -> _Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _next(self) -> _Token | None:
        token = self._peek()
        self._position += 1
        return token

    def expression(self, depth: int, *, closing: bool, bar: bool = False) -> str:
        """A row of intermediate expressions, up to a closing bracket."""
        parts: list[str] = []
        while True:
            token = self._peek()
            if token is None:
                break
            if token.kind == "name" and token.text in _RIGHT:
                if closing:
                    break
                self._position += 1
                right = _RIGHT[token.text]
                parts.append("" if right == "." else right)
                continue
            if bar and token.text == "|":
                break
            parts.append(self._intermediate(depth))
        return join_tex(parts)

    def _intermediate(self, depth: int) -> str:
        numerator = self._scripted(depth)
        token = self._peek()
        if token is not None and token.text == "/" and token.kind == "name":
            self._position += 1
            if self._peek() is None:
                return numerator.tex + "/"
            denominator = self._scripted(depth)
            return f"\\frac{{{numerator.inner}}}{{{denominator.inner}}}"
        return numerator.tex

    def _scripted(self, depth: int) -> _Node:
        base = self._simple(depth)
        tex = base.tex
        has_script = False
        for mark in ("_", "^"):
            token = self._peek()
            if token is not None and token.text == mark and token.kind == "name":
                self._position += 1
                if self._peek() is None:
                    break
                body = self._script(depth)
                tex += mark + (body if len(body) == 1 else "{" + body + "}")
                has_script = True
        return _Node(tex, tex if has_script else base.inner)

    def _script(self, depth: int) -> str:
        token = self._peek()
        if token is not None and token.text in {"-", "+"}:  # x^-1
            self._position += 1
            return token.text + self._simple(depth).inner
        return self._simple(depth).inner

    def _function(self, name: str, depth: int) -> _Node:
        """A function takes what follows it, unless that is a script or an operator."""
        tex = _CONSTANTS.get(name, name)
        token = self._peek()
        if token is None or token.text in {"^", "_", "/", "|", ",", "=", "+", "-"}:
            return _plain(tex)
        if token.kind == "name" and token.text in _RIGHT:
            return _plain(tex)
        if name in {"f", "g"} and token.text not in _LEFT:
            return _plain(tex)
        return _plain(join_tex([tex, self._scripted(depth + 1).tex]))

    def _simple(self, depth: int) -> _Node:
        token = self._next()
        if token is None:
            return _Node("", "")
        text = token.text
        if token.kind == "quoted":
            return _plain(f"\\text{{{escape_text(text)}}}" if text else "")
        if text in _FUNCTIONS_OF_ONE and depth <= _MAX_DEPTH:
            return self._function(text, depth)
        if token.kind in {"number", "other"}:
            return _plain(text if token.kind == "number" else symbol_tex(text))
        if depth > _MAX_DEPTH:
            return _plain(_CONSTANTS.get(text, escape_text(text)))
        if text in _LEFT:
            return self._bracketed(_LEFT[text], depth)
        if text == "|":
            return self._bars(depth)
        if text in _UNARY:
            argument = self._simple(depth + 1)
            if text == "sqrt":
                return _plain(f"\\sqrt{{{argument.inner}}}")
            return _plain(f"{_UNARY[text]}{{{argument.inner}}}")
        if text in _WRAPPING:
            left, right = _WRAPPING[text]
            return _plain(join_tex([left, self._simple(depth + 1).inner, right]))
        if text in _BINARY:
            return self._binary(text, depth)
        if text in _CONSTANTS:
            return _plain(_CONSTANTS[text])
        if text in _RIGHT:
            right = _RIGHT[text]
            return _plain("" if right == "." else right)
        return _plain(text)

    def _binary(self, name: str, depth: int) -> _Node:
        first = self._simple(depth + 1).inner
        second = self._simple(depth + 1).inner
        if name == "frac":
            return _plain(f"\\frac{{{first}}}{{{second}}}")
        if name == "root":
            return _plain(f"\\sqrt[{first}]{{{second}}}")
        if name in {"stackrel", "overset"}:
            return _plain(f"\\overset{{{first}}}{{{second}}}")
        if name == "underset":
            return _plain(f"\\underset{{{first}}}{{{second}}}")
        return _plain(second)

    def _bars(self, depth: int) -> _Node:
        """``|x|``: bars pair when a second one follows; else the bar is an operator."""
        start = self._position
        self._bar_attempts += 1
        if self._bar_attempts > _MAX_BAR_ATTEMPTS:
            return _plain("|")
        body = self.expression(depth + 1, closing=True, bar=True)
        token = self._peek()
        if token is not None and token.text == "|" and body.strip():
            self._position += 1
            matrix = _matrix("|", "|", body)
            tex = matrix or join_tex([r"\left|", body, r"\right|"])
            return _plain(tex)
        self._position = start
        return _plain(r"\mid" if start > 1 else "|")

    def _bracketed(self, left: str, depth: int) -> _Node:
        body = self.expression(depth + 1, closing=True)
        token = self._next()
        right = _RIGHT.get(token.text, ".") if token is not None else ""
        matrix = _matrix(left, right, body)
        if matrix:
            return _plain(matrix)
        if left == "." and right in {".", ""}:
            return _Node(body, body)
        if token is None:
            return _Node(join_tex(["" if left == "." else left, body]), body)
        if _TALL.search(body) or "." in {left, right}:
            return _Node(join_tex([r"\left" + left, body, r"\right" + right]), body)
        return _Node(join_tex([left, body, right]), body)


def _plain(tex: str) -> _Node:
    return _Node(tex, tex)


def _tokens(source: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(source):
        call = _TEXT_CALL.match(source, position)
        if call:
            tokens.append(_Token("quoted", next(g for g in call.groups() if g is not None)))
            position = call.end()
            continue
        match = _TOKEN.match(source, position)
        if match is None:
            break
        position = match.end()
        kind = str(match.lastgroup)
        text = match.group(kind)
        if kind == "space":
            continue
        if kind == "quoted":
            text = text[1:-1]
        tokens.append(_Token(kind, text))
    return tokens


_ROW = re.compile(r"(?:\\left)?[\[(](.*?)(?:\\right)?[\])]\Z", re.DOTALL)


def _matrix(left: str, right: str, body: str) -> str:
    """``[[a,b],[c,d]]``: rows in brackets inside brackets, one comma apart."""
    rows = _split(body)
    if len(rows) < 2 and not (
        rows and body[:1] in "([" and left in "([|" and len(_split(body[1:-1])) > 1
    ):
        return ""
    cells: list[list[str]] = []
    for row in rows:
        match = _ROW.fullmatch(row.strip())
        if not match or row.strip()[0:1] not in "([\\":
            return ""
        cells.append([cell.strip() for cell in _split(match.group(1))])
    if len({len(row) for row in cells}) != 1:
        return ""
    if len(cells) == 1 or (len(cells[0]) == 1 and left == "(" and len(rows) < 2):
        return ""
    content = r" \\ ".join(" & ".join(row) for row in cells)
    if left == r"\{" and right == ".":
        return f"\\begin{{cases}} {content} \\end{{cases}}"
    name = _MATRICES.get((left, right))
    if name is None:
        inner = f"\\begin{{matrix}} {content} \\end{{matrix}}"
        return inner if (left, right) == (".", ".") else f"\\left{left}{inner}\\right{right or '.'}"
    # (a,b),(c,d) in parentheses is a list of points, not a matrix.
    if name == "pmatrix" and all(row.strip().startswith("(") for row in rows) and len(rows) > 1:
        return f"\\begin{{pmatrix}} {content} \\end{{pmatrix}}"
    return f"\\begin{{{name}}} {content} \\end{{{name}}}"


def _split(body: str) -> list[str]:
    """Parts between the commas that stand outside brackets."""
    parts: list[str] = []
    depth = 0
    start = 0
    for index, character in enumerate(body):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(body[start:index])
            start = index + 1
    parts.append(body[start:])
    return parts
