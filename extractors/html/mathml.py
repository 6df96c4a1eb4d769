"""MathML to LaTeX.

One walk, children before parents, without recursion: each element's LaTeX is made from its
children's. What needs a look around (fences, scripts on operators, tables inside brackets) is
decided where the children meet, in the row or the script that holds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from extractors.html.name_sets import names
from extractors.html.tex import join_tex
from extractors.html.tex_symbols import (
    FUNCTIONS,
    LIMIT_FUNCTIONS,
    SYMBOLS,
    escape_text,
    symbol_tex,
)
from extractors.html.tree import Element

__all__ = ["mathml_annotation", "mathml_is_display", "mathml_to_tex"]

_TEX_ANNOTATION = re.compile(r"(?:la)?tex", re.IGNORECASE)

_BIG = frozenset("∑∏∐∫∬∭⨌∮∯∰⋃⋂⨆⋁⋀⨁⨂⨀⨄")
_OVER_ACCENTS = {
    "^": (r"\hat", r"\widehat"), "ˆ": (r"\hat", r"\widehat"), "̂": (r"\hat", r"\widehat"),
    "~": (r"\tilde", r"\widetilde"), "˜": (r"\tilde", r"\widetilde"),
    "∼": (r"\tilde", r"\widetilde"), "̃": (r"\tilde", r"\widetilde"),
    "¯": (r"\bar", r"\overline"), "ˉ": (r"\bar", r"\overline"), "̄": (r"\bar", r"\overline"),
    "‾": (r"\overline", r"\overline"), "―": (r"\overline", r"\overline"),
    "_": (r"\overline", r"\overline"), "−": (r"\bar", r"\overline"),
    "̅": (r"\overline", r"\overline"), "—": (r"\overline", r"\overline"),
    "→": (r"\vec", r"\overrightarrow"), "⃗": (r"\vec", r"\overrightarrow"),
    "⇀": (r"\vec", r"\overrightarrow"), "←": (r"\overleftarrow", r"\overleftarrow"),
    "↔": (r"\overleftrightarrow", r"\overleftrightarrow"),
    "˙": (r"\dot", r"\dot"), ".": (r"\dot", r"\dot"), "̇": (r"\dot", r"\dot"),
    "¨": (r"\ddot", r"\ddot"), "..": (r"\ddot", r"\ddot"), "̈": (r"\ddot", r"\ddot"),
    "⃛": (r"\dddot", r"\dddot"), "...": (r"\dddot", r"\dddot"), "…": (r"\dddot", r"\dddot"),
    "ˇ": (r"\check", r"\check"), "˘": (r"\breve", r"\breve"), "´": (r"\acute", r"\acute"),
    "`": (r"\grave", r"\grave"), "ˊ": (r"\acute", r"\acute"), "ˋ": (r"\grave", r"\grave"),
    "́": (r"\acute", r"\acute"), "̀": (r"\grave", r"\grave"), "˚": (r"\mathring", r"\mathring"),
    "°": (r"\mathring", r"\mathring"), "⏞": (r"\overbrace", r"\overbrace"),
    "︷": (r"\overbrace", r"\overbrace"), "⏜": (r"\overparen", r"\overparen"),
}  # fmt: skip
_UNDER_ACCENTS = {
    "_": r"\underline", "―": r"\underline", "‾": r"\underline", "¯": r"\underline",
    "̲": r"\underline", "̱": r"\underline", "ˍ": r"\underline", "—": r"\underline",
    "⏟": r"\underbrace", "︸": r"\underbrace", "→": r"\underrightarrow",
    "←": r"\underleftarrow", "~": r"\utilde", "˜": r"\utilde",
}  # fmt: skip
_X_ARROWS = {
    "→": r"\xrightarrow", "⟶": r"\xrightarrow", "←": r"\xleftarrow", "⟵": r"\xleftarrow",
    "↔": r"\xleftrightarrow", "⇒": r"\xRightarrow", "⟹": r"\xRightarrow", "⇐": r"\xLeftarrow",
    "⇔": r"\xLeftrightarrow", "↦": r"\xmapsto", "↪": r"\xhookrightarrow", "=": r"\xlongequal",
}  # fmt: skip
_VARIANTS = {
    "bold": r"\mathbf", "double-struck": r"\mathbb", "script": r"\mathcal",
    "bold-script": r"\boldsymbol", "fraktur": r"\mathfrak", "bold-fraktur": r"\mathfrak",
    "sans-serif": r"\mathsf", "bold-sans-serif": r"\mathsf", "sans-serif-italic": r"\mathsf",
    "sans-serif-bold-italic": r"\mathsf", "monospace": r"\mathtt", "bold-italic": r"\boldsymbol",
    "normal": r"\mathrm", "-tex-calligraphic": r"\mathcal", "-tex-bold-calligraphic": r"\mathcal",
    "-tex-oldstyle": r"\mathrm",
}  # fmt: skip
_MATRICES = {
    ("(", ")"): "pmatrix", ("[", "]"): "bmatrix", (r"\{", r"\}"): "Bmatrix",
    ("|", "|"): "vmatrix", (r"\|", r"\|"): "Vmatrix", (r"\parallel", r"\parallel"): "Vmatrix",
    (r"\mid", r"\mid"): "vmatrix",
}  # fmt: skip
_SPACES = (
    (-0.5, r"\!\!\!"),
    (-0.01, r"\!"),
    (0.08, ""),
    (0.19, r"\,"),
    (0.25, r"\:"),
    (0.4, r"\;"),
    (0.75, r"\enspace"),
    (1.5, r"\quad"),
)  # upper bounds in em
_NAMED_SPACES = {
    "veryverythinmathspace": 0.055, "verythinmathspace": 0.11, "thinmathspace": 0.167,
    "mediummathspace": 0.222, "thickmathspace": 0.278, "verythickmathspace": 0.333,
    "veryverythickmathspace": 0.389,
}  # fmt: skip
_LENGTH = re.compile(r"\s*([+-]?\d*\.?\d+)\s*(em|ex|px|pt|mu|cm|mm|in|pc|%)?")
_EM = {"em": 1.0, "ex": 0.43, "px": 1 / 16, "pt": 1 / 12, "mu": 1 / 18, "cm": 2.36, "mm": 0.236}
_OPENERS = names(
    r"( [ \{ \langle \lfloor \lceil | \| \mid \parallel ] ) . \llbracket < \vert \Vert"
)
_CLOSERS = names(
    r") ] \} \rangle \rfloor \rceil | \| \mid \parallel [ ( . \rrbracket > \vert \Vert"
)
_FENCE_NAMES = {r"\mid": "|", r"\parallel": r"\|", "<": r"\langle", ">": r"\rangle"}
_TALL = re.compile(r"\\(?:[dt]?frac|sum|prod|int|binom|begin|sqrt|over|under|big)")
_ONE_TOKEN = re.compile(r"(?:[A-Za-z0-9*+=<>!/|,.:;?-]|\\[A-Za-z]+|\\[^A-Za-z])\Z")
_ATOM = re.compile(
    r"(?:[A-Za-z]|\d+(?:[.,]\d+)*|\\[A-Za-z]+|\\[^A-Za-z]|[()\[\]|.]|\\(?:math[a-z]+|operatorname\*?"
    r"|hat|bar|vec|tilde|dot|ddot|text[a-z]*|boldsymbol|left|right|check|breve|acute|grave)\{[^{}]*\})\Z"
)
_UNRULED = r"\genfrac{}{}{0pt}{}"
_BARS = {"∣": "|", "∥": r"\|", "|": "|", "‖": r"\|"}
_SIZES = ((1.1, ""), (1.5, r"\big"), (1.95, r"\Big"), (2.43, r"\bigg"), (4.0, r"\Bigg"))
"""Commands by upper bound of ``minsize`` in em: KaTeX has 1.2, 1.8, 2.4, 3; MathJax 1.2 to 2.47."""
# KaTeX writes spaces as these characters; U+2063 after one makes it negative.
_SPACE_CHARACTERS = {
    "\u200a": "", "\u2009": r"\,", "\u2005": r"\:", "\u2005\u200a": r"\;", "\u205f": r"\:",
    "\u2004": r"\;", "\u2002": r"\enspace", "\u2003": r"\quad", "\u2003\u2003": r"\qquad",
    "\u2009\u2063": r"\!", "\u205f\u2063": r"\!", "\u2005\u2063": r"\!", "\u200a\u2063": "",
}  # fmt: skip
_SPACE = re.compile(r"\s+")
_EDGE_SPACE = " \t\r\n\f"

_MAX_ELEMENTS = 20_000
"""Each counts twice but tokens; the largest formulas of real pages have a tenth."""

_Convert = Callable[[Element, list[Element], list[str]], str]


def mathml_annotation(math: Element) -> str:
    """The TeX that the element carries as annotation, empty when there is none."""
    for element in math.walk():
        if _local(element.tag) in {"annotation", "annotation-xml"}:
            encoding = element.get("encoding")
            if _TEX_ANNOTATION.search(encoding):
                return element.text()
    return ""


def mathml_is_display(math: Element) -> bool:
    """Whether the element says that it stands on its own line."""
    return (
        math.get("display").lower() == "block"
        or math.get("mode").lower() == "display"
        or (math.get("displaystyle").lower() == "true" and math.get("display") == "")
    )


def mathml_to_tex(math: Element) -> str:
    """The LaTeX of a MathML element, with or without namespace prefix.

    What has more elements than any formula is no formula; its bare text is given.
    """
    done: dict[int, str] = {}
    stack: list[tuple[Element, bool]] = [(math, False)]
    left = _MAX_ELEMENTS
    while stack:
        element, ready = stack.pop()
        tag = _local(element.tag)
        left -= 1
        if left < 0:
            return escape_text(" ".join(math.text().split()))
        if not ready:
            if tag in _TOKENS:
                done[id(element)] = _TOKENS[tag](element)
                continue
            if tag in _SKIPPED:
                done[id(element)] = ""
                continue
            stack.append((element, True))
            children = element.elements()
            if tag in _FIRST_CHILD_ONLY:
                children = children[:1]
            stack.extend((child, False) for child in reversed(children))
            continue
        children = element.elements()
        if tag in _FIRST_CHILD_ONLY:
            children = children[:1]
        texts = [done.pop(id(child), "") for child in children]
        convert = _CONVERTERS.get(tag, _row)
        if not children and tag not in _CONVERTERS:
            done[id(element)] = escape_text(element.text().strip()) if _stray(element) else ""
        else:
            done[id(element)] = convert(element, children, texts)
    return done[id(math)].strip()


def _stray(element: Element) -> bool:
    return bool(element.text().strip())


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _braced(tex: str) -> str:
    return tex if len(tex) == 1 and tex.isalnum() else "{" + tex + "}"


def _argument(tex: str) -> str:
    return "{" + tex + "}"


def _base(tex: str) -> str:
    """A base that scripts bind to as a whole."""
    if not tex:
        return "{}"
    if _ATOM.match(tex):
        return tex
    return "{" + tex + "}"


# Tokens


def _text_of(element: Element) -> str:
    return _SPACE.sub(" ", element.text().strip(_EDGE_SPACE))


def _characters(text: str) -> str:
    return join_tex([symbol_tex(character) for character in text])


def _mi(element: Element) -> str:
    text = _text_of(element)
    variant = element.get("mathvariant")
    if text in _BARS:
        return _BARS[text]  # KaTeX's way to write | and \\| where they are no relations
    if len(text) > 1 and not _is_styled(text):
        if text in FUNCTIONS:
            return "\\" + text
        if text == "lim inf":
            return r"\liminf"
        if text == "lim sup":
            return r"\limsup"
        if all(character.isalnum() or character in " -" for character in text):
            if not text.isascii() and not any(c.isascii() and c.isalpha() for c in text):
                return (
                    _styled(variant, _characters(text))
                    if variant != "normal"
                    else _characters(text)
                )
            command = _VARIANTS.get(variant, r"\mathrm")
            if variant == "italic":
                command = r"\mathit"
            if " " in text:
                return f"\\text{{{escape_text(text)}}}"
            return f"{command}{{{_characters(text)}}}"
        return _characters(text)
    tex = _characters(text)
    if variant and text:
        return _styled(variant, tex)
    return tex


def _is_styled(text: str) -> bool:
    return text[0] >= "\U0001d400" and len(text) == 1


def _styled(variant: str, tex: str) -> str:
    command = _VARIANTS.get(variant, "")
    if not command:
        return tex
    if tex.startswith("\\"):
        # Greek and symbols: an upright alphabet doesn't reach them.
        command = r"\boldsymbol" if "bold" in variant else ""
    elif not tex.isalnum():
        command = r"\boldsymbol" if "bold" in variant else ""
    return f"{command}{{{tex}}}" if command else tex


def _mn(element: Element) -> str:
    tex = _characters(_text_of(element))
    variant = element.get("mathvariant")
    return _styled(variant, tex) if variant not in {"", "normal"} else tex


def _mo(element: Element) -> str:
    text = _text_of(element)
    if not text.strip():
        return "~" if "\u00a0" in element.text() else ""
    if text in FUNCTIONS:
        return "\\" + text
    if text == "mod":
        return r"\bmod"
    if text in {"lim sup", "lim inf"}:
        return "\\" + text.replace(" ", "")
    if text == "|":
        return _sized(element, "|")
    if text in _BARS and (element.get("stretchy") or element.get("fence") == "true"):
        return _sized(element, _BARS[text])
    if element.get("minsize"):
        return _sized(element, _characters(text))
    if len(text) > 1 and text.isalpha() and text.isascii():
        return f"\\operatorname{{{text}}}"
    if text == "\u0338":
        return r"\not"
    if len(text) == 2 and text[1] == "\u0338":
        return r"\not" + symbol_tex(text[0])
    return _characters(text)


def _sized(element: Element, tex: str) -> str:
    r"""A delimiter of a fixed size: ``\\big(`` and its like."""
    match = _LENGTH.fullmatch(element.get("minsize").strip())
    if match is None or match.group(2) not in {None, "em"}:
        return tex
    size = float(match.group(1))
    command = next((command for bound, command in _SIZES if size < bound), "")
    return join_tex([command, tex]) if command else tex


def _mtext(element: Element) -> str:
    raw = element.text()
    if raw in _SPACE_CHARACTERS:
        return _SPACE_CHARACTERS[raw]
    text = _SPACE.sub(" ", raw.replace("\u00a0", " ")).strip("\u200b\u2061\u2062\u2063")
    if not text:
        return ""
    if not text.strip():
        return "~" * min(raw.count("\u00a0"), 4)
    mark = text.strip()
    if len(mark) == 1 and not mark.isascii() and not mark.isalnum() and mark in SYMBOLS:
        return symbol_tex(mark)
    variant = element.get("mathvariant")
    command = {"bold": r"\textbf", "italic": r"\textit", "monospace": r"\texttt"}.get(
        variant, r"\text"
    )
    return f"{command}{{{escape_text(text)}}}"


def _ms(element: Element) -> str:
    return f'\\text{{"{escape_text(_text_of(element))}"}}'


def _mspace(element: Element) -> str:
    if element.get("linebreak") == "newline":
        return r"\\ "
    width = element.get("width")
    ems = _NAMED_SPACES.get(width)
    if ems is None:
        match = _LENGTH.match(width)
        if not match:
            return ""
        ems = float(match.group(1)) * _EM.get(match.group(2) or "em", 1.0)
    if abs(ems) < 0.01:
        return ""
    for bound, command in _SPACES:
        if ems < bound:
            return command
    return r"\qquad"


_TOKENS: dict[str, Callable[[Element], str]] = {
    "mi": _mi,
    "mn": _mn,
    "mo": _mo,
    "mtext": _mtext,
    "ms": _ms,
    "mspace": _mspace,
    "ci": _mi,
    "cn": _mn,
    "csymbol": _mi,
}
_SKIPPED = names("annotation annotation-xml none mprescripts maligngroup malignmark mglyph")
_FIRST_CHILD_ONLY = frozenset({"semantics", "maction"})


# Rows and fences


def _row(element: Element, children: list[Element], texts: list[str]) -> str:
    if len(texts) >= 2:
        fenced = _fenced_row(children, texts)
        if fenced is not None:
            return fenced
    named = [_operator_name(children, texts, index) for index in range(len(children))]
    return join_tex(_merged_alphabets(_with_open_cases(children, _with_ties(named))))


def _operator_name(children: list[Element], texts: list[str], index: int) -> str:
    r"""A multi-letter name applied as a function (U+2061 follows) is ``\operatorname``."""
    text = texts[index]
    if (
        text.startswith(r"\mathrm{")
        and _local(children[index].tag) == "mi"
        and index + 1 < len(children)
        and _applies_function(children[index + 1])
    ):
        return r"\operatorname{" + text[len(r"\mathrm{") :]
    return text


def _fenced_row(children: list[Element], texts: list[str]) -> str | None:
    first, last = _core(children[0]), _core(children[-1])
    if first is None or last is None or _local(first.tag) != "mo" or _local(last.tag) != "mo":
        return _half_open_row(children, texts)
    # A period is a mark of punctuation; an empty operator is the delimiter that isn't drawn.
    open_tex = _DRAWN_SIZE.sub("", texts[0]) or "."
    close_tex = _DRAWN_SIZE.sub("", texts[-1]) or "."
    if "." in {texts[0], texts[-1]} or open_tex not in _OPENERS or close_tex not in _CLOSERS:
        return _half_open_row(children, texts)
    middle = texts[1:-1]
    if len(middle) == 1:
        inner = children[1]
        while _local(inner.tag) in {"mrow", "mstyle", "mpadded"} and len(inner.elements()) == 1:
            inner = inner.elements()[0]
        if _local(inner.tag) == "mtable":
            table = _as_matrix(open_tex, close_tex, middle[0])
            if table is not None:
                return table
        if (
            _local(inner.tag) == "mfrac"
            and inner.get("linethickness").strip() in {"0", "0px", "0em", "0pt", "0ex"}
            and (open_tex, close_tex) == ("(", ")")
            and middle[0].startswith(_UNRULED)
        ):
            return r"\binom" + middle[0][len(_UNRULED) :]
    body = join_tex(middle)
    stretchy = first.get("stretchy") != "false" and last.get("stretchy") != "false"
    explicit = first.get("fence") == "true" and last.get("fence") == "true"
    missing = "." in {open_tex, close_tex}
    if not explicit and not missing and not _is_balanced(middle):
        return None
    if (stretchy and (explicit or missing or _TALL.search(body))) or missing:
        left = _FENCE_NAMES.get(open_tex, open_tex)
        right = _FENCE_NAMES.get(close_tex, close_tex)
        middles = [
            r"\middle" + text
            if _local(child.tag) == "mo" and child.get("fence") == "true" and text in {"|", r"\|"}
            else text
            for child, text in zip(children[1:-1], middle, strict=True)
        ]
        return join_tex([r"\left" + left, join_tex(middles), r"\right" + right])
    return None


_DRAWN_SIZE = re.compile(r"^\\[bB]igg?")


def _half_open_row(children: list[Element], texts: list[str]) -> str | None:
    r"""KaTeX leaves nothing of ``\\left.``: a row that only ends in a fence began with one."""
    first, last = _core(children[0]), _core(children[-1])
    ends = last is not None and _local(last.tag) == "mo" and last.get("fence") == "true"
    begins = first is not None and _local(first.tag) == "mo" and first.get("fence") == "true"
    if ends and not begins and texts[-1] in _CLOSERS:
        right = _FENCE_NAMES.get(texts[-1], texts[-1])
        return join_tex([r"\left.", *texts[:-1], r"\right" + right])
    if begins and not ends and texts[0] in _OPENERS:
        if len(texts) == 2 and _split_environment(texts[1])[0]:
            return None  # an open brace before a table
        left = _FENCE_NAMES.get(texts[0], texts[0])
        return join_tex([r"\left" + left, *texts[1:], r"\right."])
    return None


def _is_balanced(texts: list[str]) -> bool:
    """Whether no bracket in the row closes one that stands outside it."""
    depth = 0
    for text in texts:
        if text in {"(", "[", r"\{"}:
            depth += 1
        elif text in {")", "]", r"\}"}:
            depth -= 1
            if depth < 0:
                return False
    return depth == 0


def _as_matrix(open_tex: str, close_tex: str, table: str) -> str | None:
    name, body = _split_environment(table)
    if name not in {"matrix", "array", "aligned"} or r"\hline" in body:
        return None
    if name == "array" and "|" in table[: table.find("}", 14) + 1]:
        return None
    if (open_tex, close_tex) in _MATRICES:
        return _environment(_MATRICES[open_tex, close_tex], body)
    if open_tex == r"\{" and close_tex == ".":
        return _environment("cases", body)
    if open_tex == "." and close_tex == r"\}":
        return _environment("rcases", body)
    return None


def _with_open_cases(children: list[Element], texts: list[str]) -> list[str]:
    r"""A brace before a table with nothing that closes it is ``cases``."""
    out = list(texts)
    for index in range(len(texts) - 1):
        if texts[index] == r"\{" and _local(children[index].tag) == "mo":
            name, body = _split_environment(texts[index + 1])
            rest_closes = any(text == r"\}" for text in texts[index + 2 : index + 3])
            if name in {"matrix", "array", "aligned"} and not rest_closes:
                out[index] = ""
                out[index + 1] = _environment("cases", body)
            elif name == "matrix" and rest_closes:
                out[index] = ""
                out[index + 1] = _environment("Bmatrix", body)
                out[index + 2] = ""
        elif (
            index + 2 < len(texts)
            and texts[index + 1].startswith(_UNRULED)
            and _DRAWN_SIZE.sub("", texts[index]) == "("
            and _DRAWN_SIZE.sub("", texts[index + 2]) == ")"
        ):
            out[index] = out[index + 2] = ""
            out[index + 1] = r"\binom" + texts[index + 1][len(_UNRULED) :]
        elif texts[index] in {"(", "[", "|"} and index + 2 < len(texts):
            name, body = _split_environment(texts[index + 1])
            pair = (texts[index], texts[index + 2])
            if name == "matrix" and pair in _MATRICES:
                out[index] = out[index + 2] = ""
                out[index + 1] = _environment(_MATRICES[pair], body)
    return out


def _with_ties(texts: list[str]) -> list[str]:
    r"""``1.75\\text{ bits}`` is ``1.75~\\text{bits}``, and the spaces around a bar are its own.

    KaTeX writes a tie beside words and a space inside ``\\text`` alike.
    """
    out = list(texts)
    for index, text in enumerate(texts):
        before = texts[index - 1] if index else ""
        if _WORD_AFTER_SPACE.fullmatch(text) and (before == "|" or before[-1:].isdigit()):
            out[index] = "~\\text{" + text[len("\\text{ ") :]
        if _WORD_BEFORE_SPACE.fullmatch(text) and texts[index + 1 : index + 2] == ["|"]:
            out[index] = text[:-2] + "}~"
    return out


_WORD_AFTER_SPACE = re.compile(r"\\text\{ [^ {}]+\}")
_WORD_BEFORE_SPACE = re.compile(r"\\text\{[^ {}]+ \}")


def _merged_alphabets(texts: list[str]) -> list[str]:
    r"""``\\mathbf{a}\\mathbf{b}`` is ``\\mathbf{ab}``."""
    out: list[str] = []
    for text in texts:
        match = _ALPHABET.fullmatch(text)
        if match and out and out[-1].startswith(match.group(1) + "{"):
            previous = _ALPHABET.fullmatch(out[-1])
            if previous:
                out[-1] = f"{match.group(1)}{{{previous.group(2)}{match.group(2)}}}"
                continue
        out.append(text)
    return out


_ALPHABET = re.compile(r"(\\math(?:bf|rm|sf|tt|bb|it|frak|cal))\{([A-Za-z0-9]+)\}")


def _split_environment(tex: str) -> tuple[str, str]:
    match = _ENVIRONMENT.fullmatch(tex)
    return (match.group(1), match.group(2)) if match else ("", "")


_ENVIRONMENT = re.compile(
    r"\\begin\{(matrix|aligned|array)\}(?:\{[lcr|]*\})?(.*)\\end\{\1\}", re.DOTALL
)


def _environment(name: str, body: str, columns: str = "") -> str:
    argument = f"{{{columns}}}" if columns else ""
    space = "" if body.startswith(" ") else " "
    end = "" if body.endswith(" ") else " "
    return f"\\begin{{{name}}}{argument}{space}{body}{end}\\end{{{name}}}"


def _mfenced(element: Element, children: list[Element], texts: list[str]) -> str:
    attributes = element.attributes
    opening = attributes.get("open", "(").strip()
    closing = attributes.get("close", ")").strip()
    separators = [c for c in attributes.get("separators", ",") if not c.isspace()]
    parts: list[str] = []
    for index, text in enumerate(texts):
        if index and separators:
            parts.append(symbol_tex(separators[min(index - 1, len(separators) - 1)]))
        parts.append(text)
    body = join_tex(parts)
    open_tex = _characters(opening) or "."
    close_tex = _characters(closing) or "."
    if len(texts) == 1:
        table = _as_matrix(open_tex, close_tex, texts[0])
        if table is not None:
            return table
        if texts[0].startswith(_UNRULED) and (open_tex, close_tex) == ("(", ")"):
            return r"\binom" + texts[0][len(_UNRULED) :]
    if "." in {open_tex, close_tex} and open_tex == close_tex:
        return body
    if _TALL.search(body) or "." in {open_tex, close_tex}:
        left = _FENCE_NAMES.get(open_tex, open_tex)
        right = _FENCE_NAMES.get(close_tex, close_tex)
        return join_tex([r"\left" + left, body, r"\right" + right])
    return join_tex([open_tex, body, close_tex])


# Fractions, roots, scripts


def _pair(texts: list[str]) -> tuple[str, str]:
    return (texts[0] if texts else "", texts[1] if len(texts) > 1 else "")


def _mfrac(element: Element, children: list[Element], texts: list[str]) -> str:
    top, bottom = _pair(texts)
    if element.get("linethickness").strip() in {"0", "0px", "0em", "0pt", "0ex"}:
        return _UNRULED + _argument(top) + _argument(bottom)
    if element.get("bevelled") == "true":
        return f"{_base(top)}/{_base(bottom)}"
    return r"\frac" + _argument(top) + _argument(bottom)


def _msqrt(element: Element, children: list[Element], texts: list[str]) -> str:
    return r"\sqrt" + _argument(_row(element, children, texts))


def _mroot(element: Element, children: list[Element], texts: list[str]) -> str:
    radicand, index = _pair(texts)
    return f"\\sqrt[{index}]{{{radicand}}}" if index else f"\\sqrt{{{radicand}}}"


def _script_base(children: list[Element], texts: list[str]) -> str:
    base = texts[0] if texts else ""
    if children and _local(children[0].tag) in {"mrow", "mstyle"}:
        inner = _core(children[0])
        if inner is not None and _local(inner.tag) in {"mi", "mo", "mn"}:
            return base if _ATOM.match(base) else _base(base)
        if base.startswith((r"\left", r"\begin", r"\overbrace", r"\underbrace")):
            return base
    if base.startswith((r"\left", r"\operatorname", r"\begin{", r"\text", r"\mathrm")) and (
        "}" not in base[:-1] or base.startswith((r"\left", r"\begin{"))
    ):
        return base
    if base.startswith((r"\overbrace{", r"\underbrace{")):
        return base
    return _base(base)


def _applies_function(element: Element) -> bool:
    """Whether the element holds nothing but the invisible operator U+2061."""
    while True:
        filled = [c for c in element.children if not isinstance(c, str) or c.strip()]
        if len(filled) != 1:
            return False
        (only,) = filled
        if isinstance(only, str):
            return only.strip() == "\u2061"
        element = only


def _core(element: Element) -> Element | None:
    """The one element inside nested single-child rows."""
    while _local(element.tag) in {"mrow", "mstyle", "mpadded", "semantics"}:
        children = [child for child in element.elements() if not _applies_function(child)]
        if len(children) != 1:
            return None
        element = children[0]
    return element


_PRIMES = re.compile(r"(?:\\prime ?)+")


def _superscript(tex: str) -> str:
    if _PRIMES.fullmatch(tex):
        return "'" * tex.count(r"\prime")
    if tex == r"^{\circ}":
        return tex
    return "^" + _braced(tex)


def _msub(element: Element, children: list[Element], texts: list[str]) -> str:
    _, sub = _pair(texts)
    base = _script_base(children, texts)
    return f"{base}_{_braced(sub)}" if sub else base


def _msup(element: Element, children: list[Element], texts: list[str]) -> str:
    _, sup = _pair(texts)
    base = _script_base(children, texts)
    return base + _superscript(sup) if sup else base


def _msubsup(element: Element, children: list[Element], texts: list[str]) -> str:
    base = _script_base(children, texts)
    sub = texts[1] if len(texts) > 1 else ""
    sup = texts[2] if len(texts) > 2 else ""
    if _PRIMES.fullmatch(sup):
        return base + _superscript(sup) + (f"_{_braced(sub)}" if sub else "")
    return base + (f"_{_braced(sub)}" if sub else "") + (_superscript(sup) if sup else "")


def _takes_limits(child: Element, tex: str) -> bool:
    core = _core(child)
    if core is None:
        return tex.startswith((r"\overbrace", r"\underbrace", r"\operatorname"))
    text = core.text().strip()
    name = text.replace(" ", "")
    if text in _BIG or name in LIMIT_FUNCTIONS:
        return True
    if tex.startswith((r"\underbrace", r"\overbrace")):
        return True
    if tex.startswith((r"\mathrm{", r"\operatorname{")) and len(name) > 2:
        return _local(core.tag) in {"mi", "mo"}
    return core.get("movablelimits") == "true"


def _limits_base(child: Element, tex: str) -> str:
    core = _core(child)
    if core is not None and core.text().strip() in "∫∬∭∮" and core.text().strip():
        return tex + r"\limits"
    if tex.startswith((r"\mathrm{", r"\operatorname{")):
        return r"\operatorname*{" + tex.partition("{")[2]
    return tex


def _mark_of(child: Element) -> str:
    core = _core(child)
    if core is None or _local(core.tag) not in {"mo", "mi", "mtext"}:
        return ""
    return core.text().strip()


def _over(children: list[Element], texts: list[str], element: Element) -> str:
    base, over = _pair(texts)
    mark = _mark_of(children[1]) if len(children) > 1 else ""
    accent = _OVER_ACCENTS.get(mark)
    if accent is not None:
        core = _core(children[1])
        stretchy = core.get("stretchy") if core is not None else ""
        narrow, wide = accent
        single = _ATOM.match(base) is not None and len(_core_text(children[0])) <= 1
        is_wide = not single or stretchy == "true"
        if stretchy == "false":
            is_wide = False
        return (wide if is_wide else narrow) + _argument(base)
    if not over:
        return base
    if _takes_limits(children[0], base):
        return f"{_limits_base(children[0], base)}^{_braced(over)}"
    arrow = _X_ARROWS.get(_mark_of(children[0]))
    if arrow is not None and arrow != r"\xlongequal":
        return arrow + _argument(over)
    return rf"\overset{{{over}}}{{{base}}}"


def _core_text(element: Element) -> str:
    return element.text().strip()


def _mover(element: Element, children: list[Element], texts: list[str]) -> str:
    return _over(children, texts, element)


def _munder(element: Element, children: list[Element], texts: list[str]) -> str:
    base, under = _pair(texts)
    mark = _mark_of(children[1]) if len(children) > 1 else ""
    accent = _UNDER_ACCENTS.get(mark)
    if accent is not None:
        return accent + _argument(base)
    if not under:
        return base
    if _takes_limits(children[0], base):
        return f"{_limits_base(children[0], base)}_{_braced(under)}"
    arrow = _X_ARROWS.get(_mark_of(children[0]))
    if arrow is not None and arrow != r"\xlongequal":
        return f"{arrow}[{under}]{{}}"
    return rf"\underset{{{under}}}{{{base}}}"


def _munderover(element: Element, children: list[Element], texts: list[str]) -> str:
    base = texts[0] if texts else ""
    under = texts[1] if len(texts) > 1 else ""
    over = texts[2] if len(texts) > 2 else ""
    if children and _takes_limits(children[0], base):
        tex = _limits_base(children[0], base)
        tex += f"_{_braced(under)}" if under else ""
        return tex + (f"^{_braced(over)}" if over else "")
    arrow = _X_ARROWS.get(_mark_of(children[0])) if children else None
    if arrow is not None:
        return f"{arrow}[{under}]{{{over}}}"
    tex = base
    accent = _OVER_ACCENTS.get(_mark_of(children[2])) if len(children) > 2 else None
    if accent is not None:
        tex = accent[0] + _argument(tex)
    elif over:
        tex = rf"\overset{{{over}}}{{{tex}}}"
    return rf"\underset{{{under}}}{{{tex}}}" if under else tex


def _mmultiscripts(element: Element, children: list[Element], texts: list[str]) -> str:
    if not children:
        return ""
    post: list[str] = []
    pre: list[str] = []
    target = post
    for child, text in zip(children[1:], texts[1:], strict=True):
        if _local(child.tag) == "mprescripts":
            target = pre
        else:
            target.append(text)
    return (
        ("{}" + _scripts(pre) if any(pre) else "") + _script_base(children, texts) + _scripts(post)
    )


def _scripts(texts: list[str]) -> str:
    out: list[str] = []
    for index in range(0, len(texts), 2):
        sub = texts[index]
        sup = texts[index + 1] if index + 1 < len(texts) else ""
        if index:
            out.append("{}")
        out.append((f"_{_braced(sub)}" if sub else "") + (f"^{_braced(sup)}" if sup else ""))
    return "".join(out)


# Tables


_PADDING = re.compile(r"mtr-glue|mml-eqn-num")


def _mtable(element: Element, children: list[Element], texts: list[str]) -> str:
    rows = [text for text in texts if text != ""]
    body = r" \\ ".join(rows)
    if r"\tag{" in body:
        # Only the outermost environment can hold a tag.
        return rows[0] if len(rows) == 1 else _environment("align", body)
    alignment = element.get("columnalign").split()
    columns = max((row.count(" & ") for row in rows), default=0) + 1
    lines = element.get("columnlines").split()
    if any(line not in {"none"} for line in lines):
        letters = [(alignment[i] if i < len(alignment) else "center")[0] for i in range(columns)]
        spec = letters[0]
        for index, letter in enumerate(letters[1:]):
            line = lines[min(index, len(lines) - 1)]
            spec += ("|" if line != "none" else "") + letter
        return _environment("array", body, spec)
    if len(alignment) >= 2 and alignment[:2] == ["right", "left"] and columns >= 2:
        return _environment("aligned", body)
    if columns == 1 and alignment[:1] == ["right"]:
        return _environment("aligned", body)
    if columns == 2 and element.get("class") == "cases":
        return _environment("cases", body)
    if alignment and any(a in {"left", "right"} for a in alignment):
        letters = [(alignment[min(i, len(alignment) - 1)])[0] for i in range(columns)]
        return _environment("array", body, "".join(letters))
    return _environment("matrix", body)


def _mtr(element: Element, children: list[Element], texts: list[str]) -> str:
    # KaTeX pads the rows of align with glue and the place of the equation's number.
    cells = [
        text
        for child, text in zip(children, texts, strict=True)
        if not _PADDING.search(child.get("class"))
    ]
    return " & ".join(cells) or " "


_MATHS = re.compile(r"[\\^_]")


def _mlabeledtr(element: Element, children: list[Element], texts: list[str]) -> str:
    if not texts:
        return ""
    label = _LABEL_PARENTHESES.sub("", texts[0]).strip().removeprefix("(").removesuffix(")")
    text_only = _ONLY_TEXT.fullmatch(label)
    if text_only:
        label = text_only.group(1).strip().removeprefix("(").removesuffix(")")
    if _MATHS.search(label):
        label = rf"\({label}\)"  # a tag is text
    return " & ".join(texts[1:]) + (f" \\tag{{{label}}}" if label else "")


_LABEL_PARENTHESES = re.compile(r"\\text\{\s*[()]?\s*\}")
_ONLY_TEXT = re.compile(r"\\text\{([^{}]*)\}")


# The rest


def _mstyle(element: Element, children: list[Element], texts: list[str]) -> str:
    tex = _row(element, children, texts)
    display = element.get("displaystyle")
    if len(children) == 1 and tex.startswith(r"\frac{"):
        if display == "true" and not _in_display(element):
            return r"\dfrac" + tex[5:]
        if display == "false":
            return r"\tfrac" + tex[5:]
    return tex


def _in_display(element: Element) -> bool:
    """Whether a ``displaystyle`` says nothing new here: it is around the whole formula."""
    parent = element.parent
    while parent is not None and _local(parent.tag) in {"mrow", "semantics", "mstyle"}:
        if len(parent.elements()) > 1 and _local(parent.tag) != "semantics":
            return False
        parent = parent.parent
    return parent is not None and _local(parent.tag) == "math"


def _menclose(element: Element, children: list[Element], texts: list[str]) -> str:
    tex = _row(element, children, texts)
    notation = element.get("notation").split() or ["longdiv"]
    if "radical" in notation:
        return r"\sqrt" + _argument(tex)
    if {"box", "roundedbox"} & set(notation):
        return r"\boxed" + _argument(tex)
    if {"updiagonalstrike", "downdiagonalstrike"} <= set(notation):
        return r"\xcancel" + _argument(tex)
    if "updiagonalstrike" in notation:
        return r"\cancel" + _argument(tex)
    if "downdiagonalstrike" in notation:
        return r"\bcancel" + _argument(tex)
    if "top" in notation:
        return r"\overline" + _argument(tex)
    if "bottom" in notation:
        return r"\underline" + _argument(tex)
    return tex


def _mphantom(element: Element, children: list[Element], texts: list[str]) -> str:
    tex = _row(element, children, texts)
    return r"\phantom" + _argument(tex) if tex else ""


_CONVERTERS: dict[str, _Convert] = {
    "mfrac": _mfrac,
    "msqrt": _msqrt,
    "mroot": _mroot,
    "msub": _msub,
    "msup": _msup,
    "msubsup": _msubsup,
    "mover": _mover,
    "munder": _munder,
    "munderover": _munderover,
    "mmultiscripts": _mmultiscripts,
    "mfenced": _mfenced,
    "mtable": _mtable,
    "mtr": _mtr,
    "mlabeledtr": _mlabeledtr,
    "mstyle": _mstyle,
    "menclose": _menclose,
    "mphantom": _mphantom,
}
