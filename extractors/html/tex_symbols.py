"""Unicode characters of mathematics as TeX commands.

The commands are those of LaTeX, amssymb and the KaTeX and MathJax cores; where several commands
draw one character the commonest in papers is taken. Styled letters (U+1D400 to U+1D7FF and the
letterlike symbols that fill the block's gaps) are read from their Unicode names.
"""

from __future__ import annotations

import re
import unicodedata

from extractors.html.name_sets import names

__all__ = [
    "FUNCTIONS",
    "LIMIT_FUNCTIONS",
    "SYMBOLS",
    "escape_text",
    "symbol_tex",
    "tex_with_backslashes",
]

SYMBOLS: dict[str, str] = {
    # Greek
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon",
    "ϵ": r"\epsilon", "ζ": r"\zeta", "η": r"\eta", "θ": r"\theta", "ϑ": r"\vartheta",
    "ι": r"\iota", "κ": r"\kappa", "ϰ": r"\varkappa", "λ": r"\lambda", "μ": r"\mu", "µ": r"\mu",
    "ν": r"\nu", "ξ": r"\xi", "π": r"\pi", "ϖ": r"\varpi", "ρ": r"\rho", "ϱ": r"\varrho",
    "σ": r"\sigma", "ς": r"\varsigma", "τ": r"\tau", "υ": r"\upsilon", "φ": r"\varphi",
    "ϕ": r"\phi", "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega", "ο": "o",
    "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda", "Ξ": r"\Xi", "Π": r"\Pi",
    "Σ": r"\Sigma", "Υ": r"\Upsilon", "Φ": r"\Phi", "Ψ": r"\Psi", "Ω": r"\Omega",
    "\u2126": r"\Omega",
    "ϝ": r"\digamma", "ℵ": r"\aleph", "ℶ": r"\beth", "ℷ": r"\gimel", "ℸ": r"\daleth",
    "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N",
    "Ο": "O", "Ρ": "P", "Τ": "T", "Χ": "X",
    # letterlike
    "ℏ": r"\hbar", "ħ": r"\hbar", "ℓ": r"\ell", "℘": r"\wp", "ı": r"\imath", "ȷ": r"\jmath",
    "ℑ": r"\Im", "ℜ": r"\Re", "∂": r"\partial", "∇": r"\nabla", "∞": r"\infty", "∅": r"\emptyset",
    "∀": r"\forall", "∃": r"\exists", "∄": r"\nexists", "¬": r"\neg", "⊤": r"\top", "⊥": r"\perp",
    "∠": r"\angle", "∡": r"\measuredangle", "△": r"\triangle", "▵": r"\triangle",
    "▽": r"\triangledown", "□": r"\square", "◻": r"\square", "■": r"\blacksquare",
    "◼": r"\blacksquare", "▪": r"\blacksquare", "◊": r"\lozenge", "⧫": r"\blacklozenge",
    "★": r"\bigstar", "♠": r"\spadesuit", "♡": r"\heartsuit", "♢": r"\diamondsuit",
    "♣": r"\clubsuit", "♭": r"\flat", "♮": r"\natural", "♯": r"\sharp", "✓": r"\checkmark",
    "ð": r"\eth", "Ⅎ": r"\Finv", "℧": r"\mho", "†": r"\dagger", "‡": r"\ddagger", "§": r"\S",
    "¶": r"\P", "°": r"^{\circ}", "′": r"\prime", "″": r"\prime\prime", "‴": r"\prime\prime\prime",
    "⁗": r"\prime\prime\prime\prime", "‵": r"\backprime",
    "∁": r"\complement", "Å": r"\mathring{A}",
    # big operators
    "∑": r"\sum", "∏": r"\prod", "∐": r"\coprod", "∫": r"\int", "∬": r"\iint", "∭": r"\iiint",
    "⨌": r"\iiiint", "∮": r"\oint", "∯": r"\oiint", "∰": r"\oiiint", "⋃": r"\bigcup",
    "⋂": r"\bigcap", "⨆": r"\bigsqcup", "⋁": r"\bigvee", "⋀": r"\bigwedge", "⨁": r"\bigoplus",
    "⨂": r"\bigotimes", "⨀": r"\bigodot", "⨄": r"\biguplus", "√": r"\surd",
    # binary
    "±": r"\pm", "∓": r"\mp", "×": r"\times", "÷": r"\div", "·": r"\cdot", "⋅": r"\cdot",
    "∙": r"\bullet", "•": r"\bullet", "∗": "*", "⁎": "*", "⋆": r"\star", "∘": r"\circ",
    "○": r"\bigcirc", "◯": r"\bigcirc", "∪": r"\cup", "∩": r"\cap", "⊎": r"\uplus",
    "⊓": r"\sqcap", "⊔": r"\sqcup", "∨": r"\vee", "∧": r"\wedge", "∖": r"\setminus",
    "⧵": r"\setminus", "≀": r"\wr", "⋄": r"\diamond", "⊕": r"\oplus", "⊖": r"\ominus",
    "⊗": r"\otimes", "⊘": r"\oslash", "⊙": r"\odot", "⊛": r"\circledast", "⊚": r"\circledcirc",
    "⊝": r"\circleddash", "⊞": r"\boxplus", "⊟": r"\boxminus", "⊠": r"\boxtimes", "⊡": r"\boxdot",
    "⨿": r"\amalg", "⊲": r"\triangleleft", "⊳": r"\triangleright", "◃": r"\triangleleft",
    "▹": r"\triangleright", "⋉": r"\ltimes", "⋊": r"\rtimes", "⋋": r"\leftthreetimes",
    "⋌": r"\rightthreetimes", "⋏": r"\curlywedge", "⋎": r"\curlyvee", "⊻": r"\veebar",
    "⊼": r"\barwedge", "⌅": r"\barwedge", "⌆": r"\doublebarwedge", "⋒": r"\Cap", "⋓": r"\Cup",
    "∔": r"\dotplus", "⊺": r"\intercal", "⋇": r"\divideontimes", "−": "-", "–": "-", "‐": "-",
    "‑": "-", "∕": "/", "⁄": "/",
    # relations
    "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≡": r"\equiv", "≢": r"\not\equiv",
    "≈": r"\approx", "≉": r"\not\approx", "≅": r"\cong", "≇": r"\ncong", "≃": r"\simeq",
    "≄": r"\not\simeq", "∼": r"\sim", "≁": r"\nsim", "∝": r"\propto", "≪": r"\ll", "≫": r"\gg",
    "⋘": r"\lll", "⋙": r"\ggg", "≺": r"\prec", "≻": r"\succ", "⪯": r"\preceq", "⪰": r"\succeq",
    "≼": r"\preccurlyeq", "≽": r"\succcurlyeq", "⊀": r"\nprec", "⊁": r"\nsucc", "⊂": r"\subset",
    "⊃": r"\supset", "⊆": r"\subseteq", "⊇": r"\supseteq", "⊄": r"\not\subset",
    "⊅": r"\not\supset", "⊈": r"\nsubseteq", "⊉": r"\nsupseteq", "⊊": r"\subsetneq",
    "⊋": r"\supsetneq", "⫅": r"\subseteqq", "⫆": r"\supseteqq", "⊏": r"\sqsubset",
    "⊐": r"\sqsupset", "⊑": r"\sqsubseteq", "⊒": r"\sqsupseteq", "∈": r"\in", "∉": r"\notin",
    "∋": r"\ni", "∌": r"\not\ni", "⊢": r"\vdash", "⊣": r"\dashv", "⊨": r"\models",
    "⊩": r"\Vdash", "⊪": r"\Vvdash", "⊬": r"\nvdash", "⊭": r"\nvDash", "∣": r"\mid",
    "∤": r"\nmid", "∥": r"\parallel", "∦": r"\nparallel", "≍": r"\asymp", "⋈": r"\bowtie",
    "⌣": r"\smile", "⌢": r"\frown", "≐": r"\doteq", "≑": r"\doteqdot", "≒": r"\fallingdotseq",
    "≓": r"\risingdotseq", "≔": r"\coloneqq", "≕": r"\eqqcolon", "≜": r"\triangleq",
    "≝": r"\overset{\mathrm{def}}{=}", "≟": r"\overset{?}{=}", "≲": r"\lesssim", "≳": r"\gtrsim",
    "⪅": r"\lessapprox", "⪆": r"\gtrapprox", "⩽": r"\leqslant", "⩾": r"\geqslant",
    "≦": r"\leqq", "≧": r"\geqq", "≨": r"\lneqq", "≩": r"\gneqq", "⪇": r"\lneq", "⪈": r"\gneq",
    "≮": r"\nless", "≯": r"\ngtr", "≰": r"\nleq", "≱": r"\ngeq", "≶": r"\lessgtr",
    "≷": r"\gtrless", "≬": r"\between", "⋔": r"\pitchfork", "⊴": r"\trianglelefteq",
    "⊵": r"\trianglerighteq", "⋪": r"\ntriangleleft", "⋫": r"\ntriangleright",
    "⋬": r"\ntrianglelefteq", "⋭": r"\ntrianglerighteq", "≏": r"\bumpeq", "≎": r"\Bumpeq",
    "≗": r"\circeq", "≖": r"\eqcirc", "≊": r"\approxeq", "∽": r"\backsim", "⋍": r"\backsimeq",
    "∴": r"\therefore", "∵": r"\because", "∷": "::",
    # arrows
    "→": r"\to", "⟶": r"\longrightarrow", "←": r"\leftarrow", "⟵": r"\longleftarrow",
    "↔": r"\leftrightarrow", "⟷": r"\longleftrightarrow", "⇒": r"\Rightarrow",
    "⟹": r"\Longrightarrow", "⇐": r"\Leftarrow", "⟸": r"\Longleftarrow",
    "⇔": r"\Leftrightarrow", "⟺": r"\Longleftrightarrow", "↦": r"\mapsto", "⟼": r"\longmapsto",
    "↑": r"\uparrow", "↓": r"\downarrow", "↕": r"\updownarrow", "⇑": r"\Uparrow",
    "⇓": r"\Downarrow", "⇕": r"\Updownarrow", "↗": r"\nearrow", "↘": r"\searrow",
    "↙": r"\swarrow", "↖": r"\nwarrow", "↪": r"\hookrightarrow", "↩": r"\hookleftarrow",
    "⇀": r"\rightharpoonup", "⇁": r"\rightharpoondown", "↼": r"\leftharpoonup",
    "↽": r"\leftharpoondown", "⇌": r"\rightleftharpoons", "⇋": r"\leftrightharpoons",
    "↠": r"\twoheadrightarrow", "↞": r"\twoheadleftarrow", "↣": r"\rightarrowtail",
    "↢": r"\leftarrowtail", "⇝": r"\rightsquigarrow", "↝": r"\leadsto", "⟿": r"\leadsto",
    "⇉": r"\rightrightarrows", "⇇": r"\leftleftarrows", "⇄": r"\rightleftarrows",
    "⇆": r"\leftrightarrows", "⇈": r"\upuparrows", "⇊": r"\downdownarrows",
    "↺": r"\circlearrowleft", "↻": r"\circlearrowright", "↛": r"\nrightarrow",
    "↚": r"\nleftarrow", "↮": r"\nleftrightarrow", "⇏": r"\nRightarrow", "⇍": r"\nLeftarrow",
    "⇎": r"\nLeftrightarrow", "⊸": r"\multimap", "⇛": r"\Rrightarrow", "⇚": r"\Lleftarrow",
    "↾": r"\upharpoonright", "↿": r"\upharpoonleft", "⇃": r"\downharpoonleft",
    "⇂": r"\downharpoonright", "⤳": r"\leadsto", "⇢": r"\dashrightarrow", "⇠": r"\dashleftarrow",
    "↶": r"\curvearrowleft", "↷": r"\curvearrowright", "↰": r"\Lsh", "↱": r"\Rsh",
    # dots
    "…": r"\ldots", "⋯": r"\cdots", "⋮": r"\vdots", "⋱": r"\ddots", "⋰": r"\iddots",
    # delimiters
    "⟨": r"\langle", "\u2329": r"\langle", "\u3008": r"\langle",
    "⟩": r"\rangle", "\u232a": r"\rangle", "\u3009": r"\rangle",
    "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "‖": r"\|",
    "⟦": r"\llbracket", "⟧": r"\rrbracket", "⟮": r"\lgroup", "⟯": r"\rgroup",
    "⎰": r"\lmoustache", "⎱": r"\rmoustache", "⌜": r"\ulcorner", "⌝": r"\urcorner",
    "⌞": r"\llcorner", "⌟": r"\lrcorner",
    # characters that TeX keeps for itself
    "{": r"\{", "}": r"\}", "\\": r"\backslash", "%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$",
    "_": r"\_", "~": r"\sim", "^": r"\hat{}",
    # spaces
    "\u00a0": "~", "\u2003": r"\quad", "\u2002": r"\enspace", "\u2004": r"\;", "\u2005": r"\:",
    "\u2006": r"\,", "\u2009": r"\,", "\u200a": "", "\u202f": r"\,",
    # invisible: function application, times, separator, plus
    "\u2061": "", "\u2062": "", "\u2063": "", "\u2064": "", "\u200b": "", "\ufeff": "",
    "\u200c": "", "\u200d": "", "\u2060": "", "\ufe00": "",
}  # fmt: skip

FUNCTIONS = names(
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim "
    "liminf limsup ln log max min Pr sec sin sinh sup tan tanh"
)
"""Function names that are LaTeX commands."""

LIMIT_FUNCTIONS = names("det gcd inf lim liminf limsup max min Pr sup")
"""Those of them that take limits below."""

_STYLES = (
    ("BOLD ITALIC", r"\boldsymbol"),
    ("BOLD SCRIPT", r"\boldsymbol"),
    ("BOLD FRAKTUR", r"\mathfrak"),
    ("SANS-SERIF BOLD ITALIC", r"\mathsf"),
    ("SANS-SERIF BOLD", r"\mathsf"),
    ("SANS-SERIF ITALIC", r"\mathsf"),
    ("SANS-SERIF", r"\mathsf"),
    ("DOUBLE-STRUCK", r"\mathbb"),
    ("MONOSPACE", r"\mathtt"),
    ("FRAKTUR", r"\mathfrak"),
    ("BLACK-LETTER", r"\mathfrak"),
    ("SCRIPT", r"\mathcal"),
    ("ITALIC", ""),
    ("BOLD", r"\mathbf"),
)

_SPECIAL = re.compile(r"[\\{}$%#&_^~]")
_SPECIAL_IN_TEXT = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "%": r"\%",
    "#": r"\#",
    "&": r"\&",
    "_": r"\_",
    "^": r"\char`\^",
    "~": r"\textasciitilde{}",
}


def escape_text(text: str) -> str:
    r"""Text as it stands inside ``\text{}``."""
    return _SPECIAL.sub(lambda match: _SPECIAL_IN_TEXT[match.group()], text)


def symbol_tex(character: str) -> str:
    """One character as TeX; itself where TeX has no name for it."""
    known = SYMBOLS.get(character)
    if known is not None:
        return known
    if character.isascii():
        return character
    if "\U0001d400" <= character <= "\U0001d7ff" or "\u2100" <= character <= "\u214f":
        return _styled_letter(character)
    return character


def _styled_letter(character: str) -> str:
    # One step of decomposition: normalisation would go on from \N{GREEK LUNATE EPSILON SYMBOL}
    # to epsilon, which are \\epsilon and \\varepsilon.
    kind, _, code = unicodedata.decomposition(character).partition(" ")
    if kind != "<font>" or " " in code:
        return character
    plain = chr(int(code, 16))
    name = unicodedata.name(character, "")
    for style, command in _STYLES:
        if style in name:
            letter = SYMBOLS.get(plain, plain)
            if not command:
                return letter
            if letter.startswith("\\"):
                command = r"\boldsymbol" if "BOLD" in name else ""
            return f"{command}{{{letter}}}" if command else letter
    return plain


_COMMAND_WORDS = (
    frozenset(
        command[1:]
        for command in SYMBOLS.values()
        if re.fullmatch(r"\\[A-Za-z]{2,}", command) and command not in {r"\in", r"\to", r"\top"}
    )
    | FUNCTIONS
    | names(
        "frac dfrac tfrac sqrt hat bar vec tilde dot ddot overline underline mathbf mathbb mathcal"
        " mathrm mathfrak text left right begin end quad qquad ldots cdots le ge ne lang rang"
        " operatorname binom limits displaystyle rightarrow leftarrow Rightarrow Leftrightarrow iff"
    )
)
_WORDS = re.compile(r"[A-Za-z]+")


_OPERATOR_NAME = re.compile(r"(\\operatorname\*?\{)\\(\w+(?=\}))")


def tex_with_backslashes(tex: str) -> str:
    """TeX whose backslashes a site has lost, with those of the known commands put back."""
    if "\\" in tex:
        return tex
    words = _WORDS.findall(tex)
    if not any(len(word) > 2 and word in _COMMAND_WORDS for word in words):
        return tex
    restored = _WORDS.sub(
        lambda match: "\\" + match.group() if match.group() in _COMMAND_WORDS else match.group(),
        tex,
    )
    return _OPERATOR_NAME.sub(r"\1\2", restored)
