r"""AsciiMath to LaTeX in the spelling of the published corpus.

The original ran py_asciimath. This converter was written from what version 0.3.0 answers to inputs
of one to a few symbols, and gives the same for 99.9 % of random formulas (not for commas in
brackets within a matrix, nor for ``>>`` where no bracket is open). Its spelling: every symbol set
apart by a space, scripts on braced bases, names that it doesn't know letter by letter, ``or`` as
``\mathmr{and}``. A script binds one symbol, so that ``x^-1`` is ``{x}^{-} 1``; an item takes either
a fraction or scripts, so that ``a^2/b`` is ``{a}^{2} / b``. Many formulas were beyond it (``n!``,
``5%``, an open bracket, any letter that isn't ASCII): these fail here too, and what becomes of
them is the caller's to say.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["NotAsciiMath", "asciimath_as_published"]


class NotAsciiMath(ValueError):
    """The published conversion can't read the formula."""


# Symbols that are the LaTeX command of their own name.
_COMMANDS = """
    Delta Gamma Lambda Leftarrow Leftrightarrow Omega Phi Pi Psi Sigma Theta Xi aleph alpha angle
    approx arccos arcsin arctan ast because beta bigcap bigcup bigvee bigwedge bot bowtie cap cdot
    cdots chi circ cong cos cosh cot coth csc csch cup ddots delta det diamond dim div downarrow
    emptyset epsilon equiv eta exists exp forall frown gamma gcd ge glb iff implies in infty int
    iota kappa lambda lcm ldots le leftarrow leftrightarrow lfloor lim ln log ltimes lub mapsto max
    min mod models mu nabla ne neg notin nu odot oint omega oplus otimes partial phi pi pm prec
    preceq prod propto psi quad rfloor rho rightarrow rightarrowtail rtimes sec sech setminus sigma
    sin sinh square star subset subseteq succ succeq sum supset supseteq tan tanh tau therefore
    theta times to top triangle twoheadrightarrow twoheadrightarrowtail uparrow upsilon varepsilon
    varphi vartheta vdash vdots vee wedge xi zeta
""".split()
_SYMBOLS = {
    **{name: "\\" + name for name in _COMMANDS},
    # A variable after d is a differential.
    **{f"d{letter}": f"\\mathrm{{d{letter}}}" for letter in string.ascii_letters},
    **{sign: sign for sign in "+-=<>,.:'|/_^"},
    "*": r"\cdot", "**": r"\ast", "***": r"\star", "//": "/", "\\": r"\setminus", "@": r"\circ",
    "!=": r"\ne", "!in": r"\notin", "+-": r"\pm", "-:": r"\div", "-<": r"\prec", "-<=": r"\preceq",
    "-=": r"\equiv", "->": r"\to", "->>": r"\twoheadrightarrow", "...": r"\ldots", "/_": r"\angle",
    "/_\\": r"\triangle", ":'": r"\because", ":.": r"\therefore", "<=": r"\le", "<=>": r"\iff",
    "=>": r"\implies", ">-": r"\succ", ">-=": r"\succeq", ">->": r"\rightarrowtail",
    ">->>": r"\twoheadrightarrowtail", "><|": r"\rtimes", ">=": r"\ge", "AA": r"\forall",
    "CC": r"\mathbb{C}", "EE": r"\exists", "NN": r"\mathbb{N}", "O/": r"\emptyset",
    "QQ": r"\mathbb{Q}", "RR": r"\mathbb{R}", "TT": r"\top", "ZZ": r"\mathbb{Z}",
    "^^": r"\wedge", "^^^": r"\bigwedge", "_|_": r"\bot", "and": r"\mathmr{and}",
    "darr": r"\downarrow", "del": r"\partial", "grad": r"\nabla", "gt": ">",
    "hArr": r"\Leftrightarrow", "harr": r"\leftrightarrow", "if": r"\mathmr{if}",
    "lArr": r"\Leftarrow", "larr": r"\leftarrow", "lt": "<", "nn": r"\cap", "nnn": r"\bigcap",
    "not": r"\neg", "o+": r"\oplus", "o.": r"\odot", "oo": r"\infty", "or": r"\mathmr{and}",
    "ox": r"\otimes", "prop": r"\propto", "rArr": r"\Rightarrow", "rarr": r"\rightarrow",
    "red": "red", "sub": r"\subset", "sube": r"\subseteq", "sup": r"\supset", "supe": r"\supseteq",
    "uarr": r"\uparrow", "uu": r"\cup", "uuu": r"\bigcup", "vv": r"\vee", "vvv": r"\bigvee",
    "xx": r"\times", "|--": r"\vdash", "|->": r"\mapsto", "|==": r"\models", "|><": r"\ltimes",
    "|><|": r"\bowtie", "|__": r"\lfloor", "__|": r"\rfloor", "|~": r"\lceiling",
    "~|": r"\rceiling", "~=": r"\cong", "~~": r"\approx",
}  # fmt: skip
_UNARY = {
    "abs": (r"\left\mid ", r" \right\mid"), "norm": (r"\left\lVert ", r" \right\rVert"),
    "floor": (r"\left\lfloor ", r" \right\rfloor"), "ceil": (r"\left\lceil ", r" \right\rceil"),
    "sqrt": (r"\sqrt{", "}"), "text": (r"\textrm{", "}"), "bb": (r"\boldsymbol{", "}"),
    "bbb": (r"\mathbb{", "}"), "cc": (r"\mathcal{", "}"), "tt": (r"\texttt{", "}"),
    "fr": (r"\mathfrak{", "}"), "sf": (r"\textsf{", "}"), "hat": (r"\hat{", "}"),
    "bar": (r"\overline{", "}"), "overline": (r"\overline{", "}"), "vec": (r"\vec{", "}"),
    "dot": (r"\dot{", "}"), "ddot": (r"\ddot{", "}"), "ul": (r"\underline{", "}"),
    "underline": (r"\underline{", "}"), "ubrace": (r"\underbrace{", "}"),
    "underbrace": (r"\underbrace{", "}"), "obrace": (r"\overbrace{", "}"),
    "overbrace": (r"\overbrace{", "}"), "cancel": (r"\cancel{", "}"),
}  # fmt: skip
_BINARY = {
    "frac": (r"\frac{", "}{"), "root": (r"\sqrt[", "]{"), "stackrel": (r"\stackrel{", "}{"),
    "overset": (r"\overset{", "}{"), "underset": (r"\underset{", "}{"),
    "color": (r"\textcolor{", "}{"),
}  # fmt: skip
_LEFT = {
    "(": "(", "[": "[", "{": r"\{", "(:": r"\langle", "<<": r"\langle", "{:": ".",
    "langle": r"\langle ", "|:": r"\vert", "||:": r"\lVert",
}  # fmt: skip
_RIGHT = {
    ")": ")", "]": "]", "}": r"\}", ":)": r"\rangle", ">>": r"\rangle", ":}": ".",
    ":|": r"\vert", ":||": r"\rVert", "rangle": r"\rangle",
}  # fmt: skip

_DEEPEST = 100


def _pattern(*tables: Mapping[str, object]) -> re.Pattern[str]:
    names = sorted(
        {name for table in tables for name in table}, key=lambda name: (-len(name), name)
    )
    return re.compile("|".join(map(re.escape, names)))


_INNER = (_SYMBOLS, _UNARY, _BINARY, _LEFT)
# A closing bracket is looked for only where one can stand: elsewhere ">>" is two signs.
_OPEN_NAME = _pattern(*_INNER)
_ANY_NAME = _pattern(*_INNER, _RIGHT)
_LITERAL = re.compile(r"\d+(?:\.\d*)?|\.\d+|[A-Za-z]")
# To the last quotation mark of the line: "H"_2"O" is one text.
_QUOTED = re.compile(r'"(.+)"')
_BLANK = re.compile(r"\s*")


@dataclass(slots=True)
class _Simple:
    """The smallest unit.

    Attributes:
        tex: As it is written alone.
        inner: Its content without its brackets, as it is written in an argument.
        left: Its opening bracket, when it has brackets.
        items: What is in the brackets.
    """

    tex: str
    inner: str
    left: str = ""
    items: list[_Item] | None = None


@dataclass(slots=True)
class _Item:
    """A symbol, a fraction, or something with scripts; ``bare`` is set for the first."""

    tex: str
    bare: _Simple | None = None


def asciimath_as_published(source: str) -> str:
    """The LaTeX of a formula, without dollar signs.

    Raises:
        NotAsciiMath: The published conversion can't read it.
    """
    reader = _Reader(source)
    items = reader.items(0)
    if not items or not reader.at_end:
        raise NotAsciiMath(source[:100])
    return _joined(items)


def _joined(items: list[_Item]) -> str:
    return " ".join(item.tex for item in items)


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._place = 0
        self._skip()

    @property
    def at_end(self) -> bool:
        return self._place >= len(self._source)

    def items(self, depth: int) -> list[_Item]:
        """Items up to a closing bracket or the end."""
        items: list[_Item] = []
        while not self.at_end and not (self._closes(items, depth)):
            items.append(self._item(depth))
        return items

    def _closes(self, items: list[_Item], depth: int) -> bool:
        if not (items or depth):
            return False
        name = _ANY_NAME.match(self._source, self._place)
        return name is not None and name[0] in _RIGHT

    def _item(self, depth: int) -> _Item:
        first = self._simple(depth)
        operator = self._operator("/", "_", "^")
        if operator == "/":
            below = self._simple(depth)
            return _Item(f"\\frac{{{first.inner}}}{{{below.inner}}}")
        if not operator:
            return _Item(first.tex, first)
        tex = f"{{{first.tex}}}{operator}{{{self._simple(depth).inner}}}"
        if operator == "_" and self._operator("^"):
            tex += f"^{{{self._simple(depth).inner}}}"
        return _Item(tex)

    def _operator(self, *signs: str) -> str:
        name = _ANY_NAME.match(self._source, self._place)
        if name is None or name[0] not in signs:
            return ""
        self._take(name)
        return name[0]

    def _simple(self, depth: int) -> _Simple:
        if depth > _DEEPEST:
            raise NotAsciiMath("nested too deep")
        quoted = _QUOTED.match(self._source, self._place)
        if quoted is not None:
            self._take(quoted)
            return _plain(r"\text{" + quoted[0].strip('"') + "}")
        name = _OPEN_NAME.match(self._source, self._place)
        literal = _LITERAL.match(self._source, self._place)
        if literal is not None and (name is None or literal.end() >= name.end()):
            self._take(literal)
            return _plain(literal[0])
        if name is None:
            raise NotAsciiMath(self._source[self._place : self._place + 20])
        self._take(name)
        if name[0] in _LEFT:
            return self._bracketed(name[0], depth)
        if name[0] in _UNARY:
            before, after = _UNARY[name[0]]
            return _plain(before + self._simple(depth + 1).inner + after)
        if name[0] in _BINARY:
            before, between = _BINARY[name[0]]
            first, second = self._simple(depth + 1).inner, self._simple(depth + 1).inner
            return _plain(f"{before}{first}{between}{second}}}")
        return _plain(_SYMBOLS[name[0]])

    def _bracketed(self, left: str, depth: int) -> _Simple:
        items = self.items(depth + 1)
        name = _ANY_NAME.match(self._source, self._place)
        if name is None or name[0] not in _RIGHT:
            raise NotAsciiMath("a bracket is open")
        self._take(name)
        inside = _matrix(items) or _joined(items)
        tex = f"\\left{_LEFT[left]}{inside}\\right{_RIGHT[name[0]]}"
        strips = left in "([{" and name[0] in ")]}"
        return _Simple(tex, inside if strips else tex, left, items)

    def _take(self, match: re.Match[str]) -> None:
        self._place = match.end()
        self._skip()

    def _skip(self) -> None:
        blank = _BLANK.match(self._source, self._place)
        if blank is not None:
            self._place = blank.end()


def _plain(tex: str) -> _Simple:
    return _Simple(tex, tex)


def _matrix(items: list[_Item]) -> str:
    """Rows in brackets between commas, of equal length, as a matrix; empty when it's none."""
    rows = [item.bare for item in items[::2]]
    lefts = {"" if row is None else row.left for row in rows}
    commas = all(item.tex == "," for item in items[1::2])
    if len(items) < 3 or len(items) % 2 == 0 or not commas or lefts not in ({"("}, {"["}):
        return ""
    # Commas are counted in the text, those within scripts and quotations too.
    if len({row.inner.count(",") for row in rows if row is not None}) != 1:
        return ""
    written = [_cells(row.items or []) for row in rows if row is not None]
    return r"\begin{matrix}" + r"  \\  ".join(written) + r"\end{matrix}"


def _cells(items: list[_Item]) -> str:
    cells: list[list[str]] = [[]]
    for item in items:
        if item.tex == ",":
            cells.append([])
        else:
            cells[-1].append(item.tex)
    if len(cells) > 1 and not cells[0]:
        return r"\null &  " + "  &  ".join(" ".join(cell) for cell in cells[1:])
    if len(cells) > 1 and not cells[-1]:
        return "  &  ".join(" ".join(cell) for cell in cells[:-1]) + r"  & \null"
    return "  &  ".join(" ".join(cell) for cell in cells)
