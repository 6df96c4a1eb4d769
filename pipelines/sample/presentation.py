r"""TeX to presentation MathML, for the sample's pages: what KaTeX or MathJax would have put there.

Covers the TeX that the sample's pages use and refuses the rest, so that no page is built with a
formula that is silently wrong. It is a fixture's tool, not an extractor: the way back, MathML to
TeX, is what the extractors do and what the sample tests.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

__all__ = ["UnknownTexError", "mathml_of"]


class UnknownTexError(ValueError):
    """The formula uses TeX that this converter doesn't know."""


def _pairs(table: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in table.split())


def _names(table: str) -> frozenset[str]:
    return frozenset(table.split())


# Identifiers: the Greek letters and the rest that MathML writes as <mi>.
_IDENTIFIERS = _pairs(
    "alpha=α beta=β gamma=γ delta=δ epsilon=ϵ varepsilon=ε zeta=ζ eta=η theta=θ vartheta=ϑ "
    "kappa=κ lambda=λ mu=μ nu=ν xi=ξ pi=π rho=ρ sigma=σ tau=τ phi=ϕ varphi=φ chi=χ psi=ψ "
    "omega=ω Gamma=Γ Delta=Δ Theta=Θ Lambda=Λ Xi=Ξ Pi=Π Sigma=Σ Phi=Φ Psi=Ψ Omega=Ω "
    "infty=∞ ell=ℓ partial=∂ emptyset=∅ varnothing=∅ hbar=ℏ Re=ℜ Im=ℑ aleph=ℵ top=⊤ bot=⊥"
)
_OPERATORS = _pairs(
    "cdot=⋅ times=× div=÷ pm=± mp=∓ le=≤ leq=≤ ge=≥ geq=≥ ne=≠ neq=≠ approx=≈ equiv=≡ cong=≅ "
    "sim=∼ simeq=≃ propto=∝ ll=≪ gg=≫ in=∈ notin=∉ ni=∋ subset=⊂ subseteq=⊆ supset=⊃ "
    "supseteq=⊇ cup=∪ cap=∩ setminus=∖ to=→ rightarrow=→ longrightarrow=⟶ leftarrow=← "
    "mapsto=↦ hookrightarrow=↪ Rightarrow=⇒ implies=⟹ iff=⟺ Leftrightarrow=⇔ forall=∀ "
    "exists=∃ neg=¬ wedge=∧ vee=∨ land=∧ lor=∨ nabla=∇ circ=∘ ast=∗ star=⋆ otimes=⊗ oplus=⊕ "
    "ldots=… cdots=⋯ dots=… vdots=⋮ ddots=⋱ mid=∣ nmid=∤ parallel=∥ perp=⊥ langle=⟨ rangle=⟩ "
    "lfloor=⌊ rfloor=⌋ lceil=⌈ rceil=⌉ colon=: prime=′ bullet=∙ lVert=∥ rVert=∥ lvert=| "
    "rvert=| triangle=△ vert=| Vert=∥ int=∫ iint=∬ oint=∮ uparrow=↑ downarrow=↓ models=⊨ "
    "vdash=⊢ preceq=⪯ prec=≺ succeq=⪰ asymp=≍ lbrace={ rbrace=} dagger=† square=□ blacksquare=■"
)
_BIG = _pairs("sum=∑ prod=∏ bigcup=⋃ bigcap=⋂ bigoplus=⨁ coprod=∐ bigsqcup=⨆")
_FUNCTIONS = _names(
    "sin cos tan cot sec arcsin arccos arctan sinh cosh tanh log ln exp dim ker deg arg hom"
)
_LIMIT_FUNCTIONS = _names("lim max min sup inf limsup liminf det gcd Pr")
_VARIANTS = {
    "mathbb": "double-struck",
    "mathcal": "script",
    "mathscr": "script",
    "mathfrak": "fraktur",
    "mathbf": "bold",
    "boldsymbol": "bold-italic",
    "mathrm": "normal",
    "mathsf": "sans-serif",
    "mathit": "italic",
}
_ACCENTS = {
    "hat": "^",
    "widehat": "^",
    "bar": "¯",
    "overline": "‾",
    "tilde": "~",
    "widetilde": "~",
    "vec": "→",
    "dot": "˙",
    "ddot": "¨",
}
_SPACES = {
    "\\,": "0.1667em",
    "\\:": "0.2222em",
    "\\;": "0.2778em",
    "\\!": "-0.1667em",
    "\\quad": "1em",
    "\\qquad": "2em",
}
_FENCES = {
    "matrix": ("", ""),
    "pmatrix": ("(", ")"),
    "bmatrix": ("[", "]"),
    "vmatrix": ("|", "|"),
    "cases": ("{", ""),
}
_TABLES = frozenset(
    [*_FENCES, "aligned", "align", "align*", "gather", "gather*", "array", "split", "gathered"]
)
_IGNORED = _names(
    r"\displaystyle \textstyle \limits \nolimits \big \Big \bigl \bigr \Bigl \Bigr \bigg \nonumber"
    r" \notag"
)
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|[^\s]", re.DOTALL)


def mathml_of(tex: str, *, display: bool) -> str:
    """The formula as presentation MathML: the content of a ``<math>`` element, one ``<mrow>``.

    Args:
        tex: The formula without delimiters.
        display: Whether limits go above and below.

    Raises:
        UnknownTexError: The formula uses TeX that isn't covered.
    """
    return _Parser(tex, display).whole()


class _Parser:
    def __init__(self, tex: str, display: bool) -> None:
        self._tex = tex
        self._display = display
        self._tokens = [(match.group(), match.start()) for match in _TOKEN.finditer(tex)]
        self._at = 0

    def whole(self) -> str:
        row = self._row(frozenset())
        if self._at < len(self._tokens):
            raise self._unknown(self._tokens[self._at][0])
        return row

    def _unknown(self, what: str) -> UnknownTexError:
        return UnknownTexError(f"{what!r} in {self._tex!r}")

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise self._unknown("end of formula")
        self._at += 1
        return token

    def _row(self, stops: frozenset[str]) -> str:
        parts: list[str] = []
        while (token := self._peek()) and token not in stops and token != "}":
            parts.append(self._scripted())
        return f"<mrow>{''.join(parts)}</mrow>"

    def _scripted(self) -> str:
        token = self._peek()
        base = self._atom()
        if token.lstrip("\\") in _BIG or (
            token.lstrip("\\").rstrip("*") in _LIMIT_FUNCTIONS or token in _UNDER
        ):
            names = ("munder", "mover", "munderover") if self._display else _SCRIPTS
        else:
            names = _SCRIPTS
        lower = upper = ""
        primes = 0
        while True:
            match self._peek():
                case "_" if not lower:
                    self._next()
                    lower = self._argument()
                case "^" if not upper:
                    self._next()
                    upper = self._argument()
                case "'":
                    self._next()
                    primes += 1
                case "\\limits" | "\\nolimits":
                    self._next()
                case _:
                    break
        if primes:
            upper = f"<mrow><mo>{'′' * primes}</mo>{upper}</mrow>"
        if lower and upper:
            return f"<{names[2]}>{base}{lower}{upper}</{names[2]}>"
        if lower:
            return f"<{names[0]}>{base}{lower}</{names[0]}>"
        return f"<{names[1]}>{base}{upper}</{names[1]}>" if upper else base

    def _argument(self) -> str:
        if self._peek() == "{":
            return self._atom()
        token = self._peek()
        if token.isdigit() and len(token) > 1:
            # x^23 is x^2 3: TeX takes one character.
            name, start = self._tokens[self._at]
            self._tokens[self._at : self._at + 1] = [(c, start) for c in name]
        return self._atom()

    def _raw(self) -> str:
        """The characters of a braced argument, as they stand."""
        if self._next() != "{":
            raise self._unknown("missing brace")
        begin = self._tokens[self._at - 1][1] + 1
        depth = 1
        while depth:
            token = self._next()
            depth += (token == "{") - (token == "}")
        return self._tex[begin : self._tokens[self._at - 1][1]]

    def _atom(self) -> str:
        token = self._next()
        if token == "{":
            row = self._row(frozenset())
            if self._next() != "}":
                raise self._unknown("missing brace")
            return row
        if not token.startswith("\\"):
            return self._character(token)
        if token in _SPACES:
            return f'<mspace width="{_SPACES[token]}"></mspace>'
        if token in ("\\ ", "\\\n", "~"):
            return "<mtext>\u00a0</mtext>"
        if token in _IGNORED:
            return ""
        name = token[1:]
        if name in "{}|%#&_$":
            shown = "∥" if name == "|" else html.escape(name)
            return f'<mo stretchy="false">{shown}</mo>'
        return self._command(name)

    def _character(self, token: str) -> str:
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token == "~":
            return "<mtext>\u00a0</mtext>"
        if token in "()[]|":
            return f'<mo stretchy="false">{token}</mo>'
        shown = {"-": "−", "*": "∗", "'": "′"}.get(token, html.escape(token))
        return f"<mo>{shown}</mo>"

    def _command(self, name: str) -> str:
        if name in _IDENTIFIERS:
            return f"<mi>{_IDENTIFIERS[name]}</mi>"
        if name in _OPERATORS:
            return f"<mo>{_OPERATORS[name]}</mo>"
        if name in _BIG:
            return f"<mo>{_BIG[name]}</mo>"
        if name in _FUNCTIONS or name in _LIMIT_FUNCTIONS:
            return f"<mi>{name}</mi><mo>\u2061</mo>" if name in _FUNCTIONS else f"<mi>{name}</mi>"
        if name in _VARIANTS:
            letters = re.sub(r"\\[,;:! ]|\\(?=[A-Za-z])", "", self._raw_or_token())
            return f'<mi mathvariant="{_VARIANTS[name]}">{letters}</mi>'
        if name in _ACCENTS:
            return f'<mover accent="true">{self._argument()}<mo>{_ACCENTS[name]}</mo></mover>'
        reader = _READERS.get(name)
        if reader is None:
            raise self._unknown(f"\\{name}")
        return reader(self)

    def _raw_or_token(self) -> str:
        return self._raw() if self._peek() == "{" else self._next()

    def _frac(self) -> str:
        return f"<mfrac>{self._argument()}{self._argument()}</mfrac>"

    def _binom(self) -> str:
        fraction = f'<mfrac linethickness="0px">{self._argument()}{self._argument()}</mfrac>'
        return f'<mrow><mo fence="true">(</mo>{fraction}<mo fence="true">)</mo></mrow>'

    def _sqrt(self) -> str:
        if self._peek() == "[":
            self._next()
            index = self._row(frozenset("]"))
            self._next()
            return f"<mroot>{self._argument()}{index}</mroot>"
        return f"<msqrt>{self._argument()}</msqrt>"

    def _text(self) -> str:
        return f"<mtext>{html.escape(self._raw(), quote=False).replace(' ', chr(0xA0))}</mtext>"

    def _operatorname(self) -> str:
        return f"<mi>{self._raw()}</mi><mo>\u2061</mo>"

    def _pmod(self) -> str:
        modulus = self._argument()
        return f'<mspace width="1em"></mspace><mo>(</mo><mi>mod</mi>{modulus}<mo>)</mo>'

    def _stacked(self, tag: str, mark: str) -> str:
        return f"<{tag}>{self._argument()}<mo>{mark}</mo></{tag}>"

    def _over(self, tag: str) -> str:
        script, base = self._argument(), self._argument()
        return f"<{tag}>{base}{script}</{tag}>"

    def _not(self) -> str:
        # U+0338, the combining stroke, strikes what stands before it.
        return self._atom().replace("</mo>", "\u0338</mo>")

    def _skip_argument(self) -> str:
        self._raw()
        return ""

    def _delimiter(self) -> str:
        token = self._next()
        if token == ".":
            return ""
        return _OPERATORS.get(token.lstrip("\\"), "∥" if token == "\\|" else token.lstrip("\\"))

    def _left(self) -> str:
        opening = html.escape(self._delimiter())
        inner = self._row(frozenset(["\\right", "\\middle"]))
        while self._peek() == "\\middle":
            self._next()
            inner += f'<mo fence="true">{html.escape(self._delimiter())}</mo>'
            inner += self._row(frozenset(["\\right", "\\middle"]))
        if self._next() != "\\right":
            raise self._unknown("\\left without \\right")
        closing = html.escape(self._delimiter())
        fence = '<mo fence="true">{}</mo>'
        return f"<mrow>{fence.format(opening)}{inner}{fence.format(closing)}</mrow>"

    def _environment(self) -> str:
        name = self._raw()
        if name not in _TABLES:
            raise self._unknown(f"\\begin{{{name}}}")
        if name == "array":
            self._raw()
        rows: list[str] = []
        cells: list[str] = []
        while True:
            cells.append(f"<mtd>{self._row(frozenset(['&', chr(92) * 2, chr(92) + 'end']))}</mtd>")
            stop = self._next()
            if stop == "&":
                continue
            rows.append(f"<mtr>{''.join(cells)}</mtr>")
            cells = []
            if stop == "\\end":
                break
        if self._raw() != name:
            raise self._unknown(f"\\end of {name}")
        table = f"<mtable>{''.join(rows)}</mtable>"
        opening, closing = _FENCES.get(name, ("", ""))
        marks = [f'<mo fence="true">{mark}</mo>' if mark else "" for mark in (opening, closing)]
        return f"<mrow>{marks[0]}{table}{marks[1]}</mrow>"


_SCRIPTS = ("msub", "msup", "msubsup")
_UNDER = frozenset(["\\underbrace", "\\overbrace", "\\operatorname*"])

_READERS: dict[str, Callable[[_Parser], str]] = {
    "frac": _Parser._frac,
    "dfrac": _Parser._frac,
    "tfrac": _Parser._frac,
    "binom": _Parser._binom,
    "sqrt": _Parser._sqrt,
    "text": _Parser._text,
    "mbox": _Parser._text,
    "operatorname": _Parser._operatorname,
    "operatorname*": _Parser._operatorname,
    "pmod": _Parser._pmod,
    "bmod": lambda parser: "<mo>mod</mo>",
    "mod": lambda parser: "<mo>mod</mo>",
    "left": _Parser._left,
    "begin": _Parser._environment,
    "tag": _Parser._skip_argument,
    "label": _Parser._skip_argument,
    "not": _Parser._not,
    "underbrace": lambda parser: parser._stacked("munder", "⏟"),
    "overbrace": lambda parser: parser._stacked("mover", "⏞"),
    "overset": lambda parser: parser._over("mover"),
    "stackrel": lambda parser: parser._over("mover"),
    "underset": lambda parser: parser._over("munder"),
}
