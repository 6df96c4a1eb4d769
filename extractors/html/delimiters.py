r"""Formulas that stand in text between delimiters, as the page's renderer would find them.

What delimits is what the page declares (MathJax 2 and 3, KaTeX auto-render, ASCIIMathML), beside
what those renderers take unasked and the tags of forums. A lone dollar is the hard one: it's a
delimiter only where what it would enclose reads as a formula, because prices, shell variables and
template placeholders are written with it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from extractors.html.asciimath import reads_as_asciimath
from extractors.html.js_literals import JS_STRING, literal_end, unescaped
from extractors.html.name_sets import names

__all__ = ["Delimited", "Delimiter", "Delimiters", "Scanner", "page_delimiters"]


@dataclass(frozen=True, slots=True)
class Delimiter:
    """A pair of delimiters.

    Attributes:
        left: Opening delimiter.
        right: Closing delimiter.
        display: Whether it encloses displayed formulas.
        encoding: The encoding that its formulas count under.
    """

    left: str
    right: str
    display: bool
    encoding: str


@dataclass(frozen=True, slots=True)
class Delimited:
    """A formula found in text.

    Attributes:
        start: Where its opening delimiter begins.
        end: Where its closing delimiter ends.
        tex: What is between; with its environment when that is the delimiter.
        delimiter: The pair.
    """

    start: int
    end: int
    tex: str
    delimiter: Delimiter


_DOLLARS = Delimiter("$", "$", False, "dollars")
_ALWAYS = (
    Delimiter("$$", "$$", True, "double_dollars"),
    Delimiter("\\(", "\\)", False, "parentheses"),
    Delimiter("\\[", "\\]", True, "brackets"),
    # Forums. [tex] is displayed and the others inline on the sites that introduced them
    # (physicsforums, mathhelpforum); OpenWebMath reads them alike.
    Delimiter("[tex]", "[/tex]", True, "forum_tag"),
    Delimiter("[TEX]", "[/TEX]", True, "forum_tag"),
    Delimiter("[itex]", "[/itex]", False, "forum_tag"),
    Delimiter("[ITEX]", "[/ITEX]", False, "forum_tag"),
    Delimiter("[math]", "[/math]", False, "forum_tag"),
    Delimiter("[MATH]", "[/MATH]", False, "forum_tag"),
    Delimiter("[latex]", "[/latex]", False, "forum_tag"),
    Delimiter("[LATEX]", "[/LATEX]", False, "forum_tag"),
    Delimiter("[texx]", "[/texx]", False, "forum_tag"),
    Delimiter("[imath]", "[/imath]", False, "forum_tag"),
    Delimiter("[dmath]", "[/dmath]", True, "forum_tag"),
    Delimiter("[eqn]", "[/eqn]", True, "forum_tag"),
    Delimiter("[equation]", "[/equation]", True, "forum_tag"),
    Delimiter("[katex]", "[/katex]", False, "forum_tag"),
)
_ENVIRONMENT = Delimiter("\\begin", "\\end", True, "environment")

# Environments that MathJax's processEnvironments and KaTeX's auto-render take without dollars.
_ENVIRONMENTS = [
    "equation",
    "align",
    "alignat",
    "gather",
    "multline",
    "eqnarray",
    "flalign",
    "displaymath",
    "math",
    "CD",
    "aligned",
    "gathered",
    "split",
    "cases",
    "array",
    "matrix",
    "pmatrix",
    "bmatrix",
    "vmatrix",
    "Vmatrix",
    "subequations",
]
_BEGIN = r"\\begin\s*\{(?:" + "|".join(_ENVIRONMENTS) + r")\*?\}"
_BEGIN_NAME = re.compile(r"\\begin\s*\{(\w+\*?)\}")

_DECLARATION = re.compile(
    r"(?:inlineMath|displayMath|delimiters)[\"']?\s*[:=]\s*(?:\{\s*[\"']?\[\+\][\"']?\s*:\s*)?\[",
)
_PAIR = re.compile(r"\[\s*" + JS_STRING + r"\s*,\s*" + JS_STRING + r"\s*,?\s*\]")
_KATEX_ENTRY = re.compile(
    r"\{[^{}]*?\bleft\b[^{}]*?\bright\b[^{}]*?\}|\{[^{}]*?\bright\b[^{}]*?\bleft\b[^{}]*?\}"
)
_KATEX_FIELD = re.compile(
    r"[\"']?\b(left|right)[\"']?\s*:\s*"
    + JS_STRING
    + r"|[\"']?\b(display)[\"']?\s*:\s*(true|false|!0|!1)"
)
_ASCIIMATH_BLOCK = re.compile(r"asciimath(?:2jax)?[\"']?\s*:\s*\{", re.IGNORECASE)
# What a page in lower case holds when it loads a renderer, and when that reads AsciiMath.
_RENDERERS = (b"mathjax", b"katex", b"jsmath", b"asciimathml", b"latexmathml", b"mathquill",
              b"temml")  # fmt: skip
_ASCIIMATH_RENDERERS = re.compile(
    rb"asciimathml|asciimathteximg|asciimath\.js|asciimath2jax|input/asciimath"
    rb"|config=am[_-]|tex-(?:ams-)?mml-am"
)
_ASCIIMATH_STEMS = (b"asciimath", b"config=am", b"mml-am")
"""One of them is in whatever matches the expression above."""
# What displays $$..$$ without being told to: MathJax and KaTeX's auto-render.
_DISPLAYS_DOUBLE_DOLLARS = (b"mathjax", b"auto-render", b"rendermathinelement")
_CONFIG_WINDOW = 4000
_MAX_DECLARATIONS = 24
_MAX_PAIRS = 40
_FAILURE_BUDGET = 1_000_000
"""Characters that a page's scan may read in vain: unclosed delimiters would else cost squares."""

_MAX_CANDIDATES = 60_000
"""Opening delimiters that are looked at in a page; LMFDB's largest tables hold a tenth."""

_MAX_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class Delimiters:
    """What delimits formulas on one page.

    Attributes:
        pairs: The pairs, but for the lone dollar.
        dollars_declared: Whether the page declares the lone dollar as a delimiter.
        asciimath: Pairs that enclose AsciiMath.
        renderer: Whether the page loads a renderer of mathematics.
        loose: Opening delimiters of displayed formulas that enclose inline ones too, amid text:
            ``$$`` where an editor of Markdown calls KaTeX itself (Editor.md, kramdown), ``[tex]``
            on forums that drew images.
    """

    pairs: tuple[Delimiter, ...]
    dollars_declared: bool
    asciimath: tuple[Delimiter, ...]
    renderer: bool
    loose: frozenset[str] = frozenset()

    def common(self) -> Delimiters:
        """Only what delimits on any page, for text that the page's own renderer never saw."""
        return Delimiters(_ALWAYS, False, (), False, self.loose)

    def trigger(self) -> re.Pattern[str]:
        """Matches where a formula might begin."""
        lefts = {pair.left for pair in self.pairs} | {pair.left for pair in self.asciimath} | {"$"}
        ordered = sorted(lefts, key=lambda left: (-len(left), left))
        # An escaped backslash or dollar opens nothing, and \\[2pt] is a line break in a formula.
        return re.compile(
            r"\\\\(?!\(|\[)|\\[$`]|" + _BEGIN + "|" + "|".join(re.escape(left) for left in ordered)
        )


def page_delimiters(page: str) -> Delimiters:
    """Reads the page's declarations.

    Args:
        page: The page's markup.
    """
    pairs: dict[str, Delimiter] = {pair.left: pair for pair in _ALWAYS}
    asciimath: dict[str, Delimiter] = {}
    dollars = False
    declared: set[str] = set()
    # Bytes: lower case costs a fifth there, and the names are ASCII.
    lower = page.encode("utf-8", "replace").lower()
    renderer = any(name in lower for name in _RENDERERS)
    if renderer:
        for kind, left, right, display in _declared(page):
            if kind == "asciimath":
                asciimath[left] = Delimiter(left, right, False, "asciimath")
            elif left == "$" and right == "$":
                dollars = True
            elif left not in pairs:
                pairs[left] = Delimiter(left, right, display, "page_delimiter")
            elif pairs[left].right == right:
                pairs[left] = replace(pairs[left], display=display)
                declared.add(left)
        if (
            "`" not in asciimath
            and any(stem in lower for stem in _ASCIIMATH_STEMS)
            and _ASCIIMATH_RENDERERS.search(lower)
        ):
            asciimath["`"] = Delimiter("`", "`", False, "asciimath")
    loose = {"[tex]", "[TEX]"} - declared
    if (
        b"katex" in lower
        and "$$" not in declared
        and not any(name in lower for name in _DISPLAYS_DOUBLE_DOLLARS)
    ):
        loose.add("$$")
    return Delimiters(
        tuple(pairs.values()), dollars, tuple(asciimath.values()), renderer, frozenset(loose)
    )


def _declared(page: str) -> Iterator[tuple[str, str, str, bool]]:
    for name in ("inlineMath", "displayMath", "delimiters"):
        position = page.find(name)
        for _ in range(_MAX_DECLARATIONS):
            if position < 0:
                break
            declaration = _DECLARATION.match(page, position)
            if declaration is not None:
                start = declaration.end() - 1
                end = literal_end(page, start, brackets="[{]}", window=_CONFIG_WINDOW)
                window = page[start + 1 : end]
                if name == "delimiters" and not _is_of_asciimath(page, position):
                    yield from _katex_pairs(window)
                else:
                    kind = "asciimath" if name == "delimiters" else "tex"
                    for pair in islice(_PAIR.finditer(window), _MAX_PAIRS):
                        left, right = _js(pair.groups()[:3]), _js(pair.groups()[3:])
                        if _is_delimiter(left, right):
                            yield kind, left, right, name == "displayMath"
            position = page.find(name, position + len(name))


def _is_of_asciimath(page: str, position: int) -> bool:
    return _ASCIIMATH_BLOCK.search(page, max(0, position - 600), position) is not None


def _katex_pairs(window: str) -> Iterator[tuple[str, str, str, bool]]:
    for entry in islice(_KATEX_ENTRY.finditer(window), _MAX_PAIRS):
        fields: dict[str, str] = {}
        for field in _KATEX_FIELD.finditer(entry.group()):
            if field.group(1):
                fields[field.group(1)] = _js(field.groups()[1:4])
            else:
                fields["display"] = field.group(6)
        left, right = fields.get("left", ""), fields.get("right", "")
        if _is_delimiter(left, right):
            yield "tex", left, right, fields.get("display", "true") in {"true", "!0"}


def _is_delimiter(left: str, right: str) -> bool:
    # Plain brackets come from "\(" written with one backslash too few; environments are known.
    return (
        bool(left and right)
        and left not in {"(", "[", "{", "<"}
        and not left.startswith("\\begin")
        and len(left) <= 20
    )


def _js(groups: tuple[str | None, ...]) -> str:
    text = next((group for group in groups if group is not None), "")
    return unescaped(text)


class Scanner:
    """Finds the delimited formulas in a page's text, run by run.

    Args:
        delimiters: What delimits on this page.
    """

    def __init__(self, delimiters: Delimiters) -> None:
        self._trigger = delimiters.trigger()
        lefts = "$" + "".join(pair.left[0] for pair in (*delimiters.pairs, *delimiters.asciimath))
        self._first_characters = tuple(dict.fromkeys(lefts))
        self._by_left = {pair.left: pair for pair in (*delimiters.pairs, *delimiters.asciimath)}
        self._dollars_declared = delimiters.dollars_declared
        self._renderer = delimiters.renderer
        self._loose = delimiters.loose
        self._closers: dict[str, re.Pattern[str]] = {}
        self._budget = _FAILURE_BUDGET
        self._candidates = _MAX_CANDIDATES

    def might_hold_formulas(self, text: str) -> bool:
        """Whether an opening delimiter occurs at all."""
        if self._candidates <= 0:
            return False
        for character in self._first_characters:
            if character in text:
                return self._trigger.search(text) is not None
        return False

    def find(self, text: str) -> list[Delimited]:
        """The formulas in a run of text, in order, none overlapping another."""
        found: list[Delimited] = []
        position = 0
        dead: set[str] = set()
        while True:
            match = self._trigger.search(text, position)
            self._candidates -= 1
            if match is None or self._candidates <= 0:
                return found
            token = match.group()
            position = match.end()
            if token in {"\\\\", "\\$", "\\`"}:
                continue
            formula = self._formula_at(text, match, dead)
            if formula is not None:
                found.append(formula)
                position = formula.end

    def _formula_at(self, text: str, match: re.Match[str], dead: set[str]) -> Delimited | None:
        token = match.group()
        if token.startswith("\\begin"):
            return self._environment_at(text, match, dead)
        if token == "$":
            return self._dollars_at(text, match.start())
        pair = self._by_left[token]
        if pair.right in dead:
            return None
        close = self._close(text, match.end(), pair.right)
        if close < 0:
            if text.find(pair.right, match.end()) < 0:
                dead.add(pair.right)
            if token == "$$":
                return None
            return None
        tex = text[match.end() : close]
        if not self._accepts(pair, tex):
            return None
        end = close + len(pair.right)
        if token in self._loose and _is_amid(text, match.start(), end):
            pair = replace(pair, display=False)
        return Delimited(match.start(), end, tex, pair)

    def _accepts(self, pair: Delimiter, tex: str) -> bool:
        if not tex.strip():
            return False
        if pair.encoding == "double_dollars":
            return self._dollars_declared or self._renderer or _looks_like_tex(tex)
        if pair.encoding == "page_delimiter":
            return "\n\n" not in tex and len(tex) < 3000
        if pair.encoding == "asciimath":
            return reads_as_asciimath(tex)
        return True

    def _close(self, text: str, start: int, right: str) -> int:
        """Where the closing delimiter stands, outside any braces; -1 without one."""
        if self._budget <= 0:
            return -1
        pattern = self._closers.get(right)
        if pattern is None:
            pattern = re.compile(re.escape(right) + r"|\\.|[{}]|[\ue000\ue002\ue003]", re.DOTALL)
            self._closers[right] = pattern
        depth = 0
        fallback = -1
        end = min(len(text), start + _MAX_LENGTH)
        for token in pattern.finditer(text, start, end):
            found = token.group()
            if found == right:
                if depth <= 0:
                    return token.start()
                if fallback < 0:
                    fallback = token.start()
            elif found == "{":
                depth += 1
            elif found == "}":
                depth -= 1
            elif found in "\ue000\ue002\ue003":  # another formula, another element, code
                end = token.start()
                break
        self._budget -= end - start
        return fallback

    def _environment_at(self, text: str, match: re.Match[str], dead: set[str]) -> Delimited | None:
        name_match = _BEGIN_NAME.match(match.group())
        if name_match is None or self._budget <= 0:
            return None
        name = name_match.group(1)
        begin, end = "\\begin{" + name + "}", "\\end{" + name + "}"
        if end in dead:
            return None
        depth = 1
        position = match.end()
        limit = min(len(text), match.start() + _MAX_LENGTH)
        while depth:
            close = text.find(end, position, limit)
            if close < 0:
                self._budget -= limit - match.start()
                if limit == len(text):
                    dead.add(end)
                return None
            depth += text.count(begin, position, close) - 1
            position = close + len(end)
        tex = text[match.start() : position]
        if any(mark in tex for mark in "\ue000\ue002\ue003"):
            return None
        return Delimited(match.start(), position, tex, _ENVIRONMENT)

    def _dollars_at(self, text: str, start: int) -> Delimited | None:
        # Chinese and Japanese put no space before a formula.
        last = text[start - 1 : start]
        before = last.isascii() and (last.isalnum() or last == "$")
        close = self._close(text, start + 1, "$")
        if close < 0:
            return None
        tex = text[start + 1 : close]
        following = text[close + 1 : close + 2]
        if not self._is_formula(tex, before, following):
            return None
        return Delimited(start, close + 1, tex, _DOLLARS)

    def _is_formula(self, tex: str, after_word: bool, following: str) -> bool:
        body = tex.strip()
        if not body or "\n\n" in tex or len(tex) > 3000:
            return False
        if body.startswith("latex "):  # WordPress source: $latex x^2$
            return True
        evidence = _looks_like_tex(_IDENTIFIER.sub("", body) if "_" in body else body)
        prose = _prose(body)
        if prose > (6 if evidence else 0):
            return False
        declared = self._dollars_declared
        if evidence and prose <= 2:
            return True
        if following.isdigit() or (after_word and not declared):
            return False
        if tex[0].isspace() != tex[-1].isspace() and not declared:
            return False
        if tex[-1].isspace() and (not declared or _PRICE.match(body)):
            return False
        if _PRICE.match(body) and not _ARITHMETIC.search(body):
            # "$5$" is a formula where dollars are declared or a renderer is there.
            return (declared or self._renderer) and body[-1].isalnum() and " " not in body
        return declared or self._renderer or _SHORT.fullmatch(body) is not None


def _is_amid(text: str, start: int, end: int) -> bool:
    """Whether other words stand on the formula's line."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    line_end = text.find("\n", end)
    after = text[end : line_end if line_end >= 0 else len(text)]
    return before.strip() != "" or after.strip(" \t\r.,;:。，") != ""


_TEX_SIGN = re.compile(
    r"\\[a-zA-Z]+|\\[,;:!{}|]|[A-Za-z0-9)\]}'][_^][A-Za-z0-9{\\*+(-]|[_^]\{|[∑∫∏√≤≥∈∞±×÷≠≈→αβγδεθλμπσφω]"
)
# Variables of shells and of Perl: $HOME_DIR ... $
_IDENTIFIER = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}(?:_[A-Za-z0-9]{2,})+")
_WORD = re.compile(r"(?<![\\A-Za-z{_^])[A-Za-z]{3,}")
_TEXT_GROUP = re.compile(
    r"\\(?:text(?:rm|bf|it|sf|tt|normal)?|mbox|hbox|math[a-z]+|operatorname\*?|begin|end|label|tag|ref|eqref"
    r"|rm|bf|it|sf|cal|href|mathop|ce|unit|SI|si|color|textcolor|style|class|cssId)\s*\*?\s*\{[^{}]*\}"
)
_GROUP = re.compile(r"\{[^{}]*\}")
_PRICE = re.compile(r"\d")
_ARITHMETIC = re.compile(r"[=<>+*/]|\d\s*-\s*\d")
_SHORT = re.compile(
    r"[A-Za-z]|[A-Za-z]?\([A-Za-z0-9,]+\)|[A-Za-z0-9+\-*/=<>(),. ]*[=<>][A-Za-z0-9+\-*/=<>(),. ]*"
)
_FUNCTION_WORDS = names(
    "sin cos tan log exp lim max min det dim ker gcd lcm mod deg arg sup inf cot sec csc "
    "sinh cosh tanh arcsin arccos arctan var cov pmod bmod rank tr diag span"
)


def _looks_like_tex(text: str) -> bool:
    return _TEX_SIGN.search(text) is not None


def _prose(text: str) -> int:
    """How many words of prose a would-be formula holds, outside the arguments that hold text."""
    bare = _TEXT_GROUP.sub(" ", text)
    return sum(1 for word in _WORD.findall(bare) if word.lower() not in _FUNCTION_WORDS)
