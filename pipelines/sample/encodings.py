r"""How sites put a formula into HTML: every encoding that the sample holds.

Pages are written with ``\(..\)`` and ``\[..\]``; a row of ``records.yaml`` names the encoding that
its page is served in. So one page can be had in any encoding, and what was in it is known exactly.
The markup is modelled on what MathJax 2.7, MathJax 3.2, KaTeX 0.16, MediaWiki, WordPress.com,
Stack Exchange, LaTeXML and the others named below put out.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from pipelines.sample.presentation import mathml_of

__all__ = ["ENCODINGS", "MODELESS", "Formula", "encode_formulas", "formulas_in"]

# Scripts are passed over: a page's MathJax configuration names the delimiters.
_FORMULA = re.compile(r"<script\b.*?</script>|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_XMLNS = 'xmlns="http://www.w3.org/1998/Math/MathML"'


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula of a page: its TeX without delimiters, and whether it is displayed."""

    tex: str
    display: bool

    @property
    def escaped(self) -> str:
        """The TeX as HTML text."""
        return html.escape(self.tex, quote=False)

    @property
    def attribute(self) -> str:
        """The TeX as a quoted attribute's value."""
        return html.escape(self.tex)

    @property
    def mathml(self) -> str:
        """The formula as an ``<mrow>``."""
        return mathml_of(self.tex, display=self.display)


def formulas_in(source: str) -> list[Formula]:
    r"""The formulas that a page's source writes as ``\(..\)`` and ``\[..\]``, in order."""
    return [_formula(match) for match in _FORMULA.finditer(source) if match.lastindex]


def encode_formulas(source: str, encoding: str) -> str:
    """A page's source with its formulas in an encoding of ``ENCODINGS``."""
    encode = ENCODINGS[encoding]
    return _FORMULA.sub(
        lambda match: encode(_formula(match)) if match.lastindex else match.group(), source
    )


def _formula(match: re.Match[str]) -> Formula:
    display = match.group(1) is None
    tex = html.unescape(match.group(2) if display else match.group(1))
    return Formula(" ".join(tex.split()), display)


def _between(inline: tuple[str, str], display: tuple[str, str]) -> Callable[[Formula], str]:
    def encode(formula: Formula) -> str:
        opening, closing = display if formula.display else inline
        return f"{opening}{formula.escaped}{closing}"

    return encode


def _math(
    formula: Formula,
    attributes: str = _XMLNS,
    *,
    annotation: bool = False,
    alttext: bool = False,
    prefix: str = "",
) -> str:
    display = ' display="block"' if formula.display else ""
    alt = f' alttext="{formula.attribute}"' if alttext else ""
    content = formula.mathml
    if annotation:
        note = f'<annotation encoding="application/x-tex">{formula.escaped}</annotation>'
        content = f"<semantics>{content}{note}</semantics>"
    space = " " if attributes else ""
    element = f"<math{space}{attributes}{display}{alt}>{content}</math>"
    return re.sub(r"(</?)(?=[a-z])", rf"\1{prefix}", element) if prefix else element


def _mathjax2_script(formula: Formula) -> str:
    kind = "math/tex; mode=display" if formula.display else "math/tex"
    preview = f'<span class="MathJax_Preview">{formula.escaped}</span>'
    # Script content isn't unescaped by parsers: TeX stands in it as it is.
    return f'{preview}<script type="{kind}">{formula.tex}</script>'


def _kramdown(formula: Formula) -> str:
    if not formula.display:
        return f'<script type="math/tex">{formula.tex}</script>'
    # kramdown hides "<" and "&" from XML parsers in a CDATA section that TeX takes for comments.
    return f'<script type="math/tex; mode=display">% <![CDATA[\n{formula.tex} %]]></script>'


def _mathjax2_rendered(formula: Formula) -> str:
    number = _number(formula.tex) % 900
    kind = "math/tex; mode=display" if formula.display else "math/tex"
    glyphs = "".join(
        f'<span class="{"mn" if token == "mn" else token}" style="font-family: MathJax_Main;">'
        f"{text}</span>"
        for token, text in _tokens(formula.mathml)
    )
    frame = (
        f'<span class="MathJax" id="MathJax-Element-{number}-Frame" tabindex="0">'
        f'<nobr><span class="math" style="width: 3em;">{glyphs}</span></nobr>'
        f'<span class="MJX_Assistive_MathML" role="presentation">{_math(formula)}</span></span>'
    )
    if formula.display:
        frame = f'<div class="MathJax_Display" style="text-align: center;">{frame}</div>'
    script = f'<script type="{kind}" id="MathJax-Element-{number}">{formula.tex}</script>'
    return f'<span class="MathJax_Preview" style="color: inherit;"></span>{frame}{script}'


def _mathml_script(formula: Formula) -> str:
    return f'<script type="math/mml">{_math(formula)}</script>'


def _mathjax3(*, assistive: bool, jax: str = "CHTML") -> Callable[[Formula], str]:
    def encode(formula: Formula) -> str:
        if jax == "SVG":
            paths = "".join(
                f'<use data-c="{ord(text[0]):X}" xlink:href="#MJX-1-TEX-I-{ord(text[0]):X}"></use>'
                for _, text in _tokens(formula.mathml)
            )
            drawn = (
                '<svg style="vertical-align: -0.339ex;" xmlns="http://www.w3.org/2000/svg" '
                f'role="img" focusable="false"><g stroke="currentColor">{paths}</g></svg>'
            )
        else:
            drawn = "".join(
                f'<mjx-{token} class="mjx-{"i" if token == "mi" else "n"}">'
                + "".join(f'<mjx-c class="mjx-c{ord(c):X}"></mjx-c>' for c in text)
                + f"</mjx-{token}>"
                for token, text in _tokens(formula.mathml)
            )
            drawn = f'<mjx-math class="MJX-TEX" aria-hidden="true">{drawn}</mjx-math>'
        display = ' display="true"' if formula.display else ""
        unit = "block" if formula.display else "inline"
        hidden = (
            f'<mjx-assistive-mml unselectable="on" display="{unit}">{_math(formula)}'
            "</mjx-assistive-mml>"
            if assistive
            else ""
        )
        return (
            f'<mjx-container class="MathJax CtxtMenu_Attached_0" jax="{jax}" tabindex="0"'
            f'{display} style="position: relative;">{drawn}{hidden}</mjx-container>'
        )

    return encode


def _katex_html(formula: Formula) -> str:
    classes = {"mi": "mord mathnormal", "mn": "mord", "mo": "mrel", "mtext": "mord text"}
    glyphs = "".join(
        f'<span class="{classes[token]}">{text}</span>' for token, text in _tokens(formula.mathml)
    )
    strut = '<span class="strut" style="height:0.6944em;"></span>'
    return (
        '<span class="katex-html" aria-hidden="true">'
        f'<span class="base">{strut}{glyphs}</span></span>'
    )


def _katex(*, mathml: bool = True, drawn: bool = True) -> Callable[[Formula], str]:
    def encode(formula: Formula) -> str:
        hidden = (
            f'<span class="katex-mathml">{_math(formula, annotation=True)}</span>' if mathml else ""
        )
        inner = f'<span class="katex">{hidden}{_katex_html(formula) if drawn else ""}</span>'
        return f'<span class="katex-display">{inner}</span>' if formula.display else inner

    return encode


def _katex_flattened(formula: Formula) -> str:
    """KaTeX whose <math> a sanitiser has unwrapped: symbols, then TeX, as bare text."""
    symbols = html.escape("".join(text for _, text in _tokens(formula.mathml)), quote=False)
    kind = "display" if formula.display else "inline"
    return (
        f'<span class="katex--{kind}"><span class="katex">'
        f'<span class="katex-mathml"> {symbols} {formula.escaped} </span>'
        f"{_katex_html(formula)}</span></span>"
    )


def _mediawiki(formula: Formula) -> str:
    styled = html.escape("{\\displaystyle " + formula.tex + "}")
    kind = "display" if formula.display else "inline"
    block = ' display="block"' if formula.display else ""
    math = (
        f'<math {_XMLNS}{block} alttext="{styled}"><semantics><mrow class="MJX-TeXAtom-ORD">'
        f'<mstyle displaystyle="true" scriptlevel="0">{formula.mathml}</mstyle></mrow>'
        f'<annotation encoding="application/x-tex">{styled}</annotation></semantics></math>'
    )
    digest = hashlib.sha1(formula.tex.encode()).hexdigest()
    image = (
        f'<img src="https://wikimedia.invalid/api/rest_v1/media/math/render/svg/{digest}" '
        f'class="mwe-math-fallback-image-{kind}" aria-hidden="true" '
        f'style="vertical-align: -0.838ex; width:9.2ex; height:2.8ex;" alt="{styled}">'
    )
    return (
        f'<span class="mwe-math-element"><span class="mwe-math-mathml-{kind} mwe-math-mathml-a11y"'
        f' style="display: none;">{math}</span>{image}</span>'
    )


def _image(
    source: str, *, image_class: str = "", alt: str = "{tex}", quoted_alt: bool = False
) -> Callable[[Formula], str]:
    def encode(formula: Formula) -> str:
        tex = quote(formula.tex, safe="") if quoted_alt else formula.tex
        shown = html.escape(alt.format(tex=tex))
        src = html.escape(source.format(tex=quote(formula.tex, safe=""), key=_key(formula)))
        named = f' class="{image_class}"' if image_class else ""
        image = f'<img src="{src}" alt="{shown}" title="{shown}"{named} />'
        return f'<p align="center">{image}</p>' if formula.display else image

    return encode


def _zhihu(formula: Formula) -> str:
    text = formula.escaped + (r"\\" if formula.display else "")
    return f'<span class="ztext-math" data-eeimg="1" data-tex="{formula.attribute}">{text}</span>'


def _wp_katex(formula: Formula) -> str:
    display = "true" if formula.display else "false"
    return f'<span class="wp-katex-eq" data-display="{display}">{formula.escaped}</span>'


def _latexml(formula: Formula) -> str:
    number = _number(formula.tex) % 400
    attributes = f'id="S1.p{number}.m1" class="ltx_Math"'
    math = _math(formula, attributes, annotation=True, alttext=True)
    if not formula.display:
        return math
    return (
        f'<table id="S1.E{number}" class="ltx_equation ltx_eqn_table"><tbody>'
        '<tr class="ltx_equation ltx_eqn_row ltx_align_baseline">'
        '<td class="ltx_eqn_cell ltx_eqn_center_padleft"></td>'
        f'<td class="ltx_eqn_cell ltx_align_center">{math}</td>'
        '<td class="ltx_eqn_cell ltx_eqn_center_padright"></td></tr></tbody></table>'
    )


def _pandoc(formula: Formula) -> str:
    if formula.display:
        return f'<span class="math display">\\[{formula.escaped}\\]</span>'
    return f'<span class="math inline">\\({formula.escaped}\\)</span>'


def _data_expr(formula: Formula) -> str:
    return f'<span class="tex" data-expr="{formula.attribute}">{formula.escaped}</span>'


def _texerror(formula: Formula) -> str:
    return f'<span class="texerror">Formula not rendered: {{{formula.escaped}}}</span>'


def _escaped_tag(formula: Formula) -> str:
    return f"&lt;math&gt;{formula.escaped}&lt;/math&gt;"


def _with_entities(formula: Formula) -> str:
    """MathML as hand-written pages have it: named entities, which XML parsers don't know."""
    names = {
        "\u00a0": "&nbsp;",
        "∑": "&sum;",
        "∫": "&int;",
        "≤": "&le;",
        "≥": "&ge;",
        "∞": "&infin;",
        "π": "&pi;",
        "−": "&minus;",
        "→": "&rarr;",
        "\u2061": "&ApplyFunction;",
        "λ": "&lambda;",
        "μ": "&mu;",
        "σ": "&sigma;",
    }
    math = _math(formula)
    for character, name in names.items():
        math = math.replace(character, name)
    return math


_TOKENS = re.compile(r"<(m[ino]|mtext)\b[^>]*>([^<]*)</\1>")


def _tokens(mathml: str) -> list[tuple[str, str]]:
    return [(tag, html.unescape(text)) for tag, text in _TOKENS.findall(mathml) if text]


def _number(tex: str) -> int:
    return int.from_bytes(hashlib.sha1(tex.encode()).digest()[:4], "big")


def _key(formula: Formula) -> str:
    return hashlib.md5(formula.tex.encode(), usedforsecurity=False).hexdigest()


ENCODINGS: dict[str, Callable[[Formula], str]] = {
    # TeX in the text, typeset in the reader's browser.
    "brackets": _between(("\\(", "\\)"), ("\\[", "\\]")),
    "dollars": _between(("$", "$"), ("$$", "$$")),
    "parentheses_dollars": _between(("\\(", "\\)"), ("$$", "$$")),
    "dollar_brackets": _between(("$", "$"), ("\\[", "\\]")),
    "double_dollars": _between(("$$", "$$"), ("<p>$$", "$$</p>")),
    "environments": _between(("$", "$"), ("\\begin{equation}", "\\end{equation}")),
    "starred_environments": _between(("\\(", "\\)"), ("\\begin{align*}", "\\end{align*}")),
    "stackexchange": _between(
        ('<span class="math-container">$', "$</span>"),
        ('<span class="math-container">$$', "$$</span>"),
    ),
    "sphinx": _between(
        ('<span class="math notranslate nohighlight">\\(', "\\)</span>"),
        ('<div class="math notranslate nohighlight">\n\\[', "\\]</div>"),
    ),
    "pandoc": _pandoc,
    "pretext": _between(
        ('<span class="process-math">\\(', "\\)</span>"),
        ('<div class="displaymath process-math" data-contains-math-knowls="">\\[', "\\]</div>"),
    ),
    "distill": _between(("<dt-math>", "</dt-math>"), ("<dt-math block>", "</dt-math>")),
    "forum_itex": _between(("[itex]", "[/itex]"), ("[tex]", "[/tex]")),
    "forum_latex": _between(("[latex]", "[/latex]"), ("[latex]", "[/latex]")),
    "forum_math": _between(("[math]", "[/math]"), ("<br />[math]", "[/math]<br />")),
    "escaped_tag": _escaped_tag,
    "kramdown": _kramdown,
    # MathJax.
    "mathjax2_script": _mathjax2_script,
    "mathjax2_rendered": _mathjax2_rendered,
    "mathml_script": _mathml_script,
    "mathjax3_chtml": _mathjax3(assistive=True),
    "mathjax3_svg": _mathjax3(assistive=True, jax="SVG"),
    "mathjax3_bare": _mathjax3(assistive=False),
    # KaTeX.
    "katex": _katex(),
    "katex_html_only": _katex(mathml=False),
    "katex_mathml_only": _katex(drawn=False),
    "katex_flattened": _katex_flattened,
    "wp_katex": _wp_katex,
    # MathML.
    "mathml": lambda formula: _math(formula),
    "mathml_annotated": lambda formula: _math(formula, annotation=True),
    "mathml_alttext": lambda formula: _math(formula, alttext=True),
    "mathml_no_xmlns": lambda formula: _math(formula, 'class="formula"'),
    "mathml_prefixed": lambda formula: _math(
        formula, 'xmlns:mml="http://www.w3.org/1998/Math/MathML"', prefix="mml:"
    ),
    "mathml_entities": _with_entities,
    "mediawiki": _mediawiki,
    "latexml": _latexml,
    # Images.
    "wordpress": _image(
        "https://s0.wp.invalid/latex.php?latex={tex}&bg=ffffff&fg=333333&s=0&c=20201002",
        image_class="latex",
    ),
    "codecogs": _image("https://latex.codecogs.com/svg.latex?{tex}", alt=""),
    "codecogs_inline": _image("https://latex.codecogs.com/gif.latex?%5Cinline%20{tex}"),
    "mimetex": _image("/cgi-bin/mimetex.cgi?{tex}", alt=""),
    "mathtex": _image("/cgi-bin/mathtex.cgi?{tex}", alt="formula"),
    "image_tex": _image("/images/tex/{key}.png", image_class="tex", alt="${tex}$"),
    "image_latex": _image("/latexrender/pictures/{key}.gif", image_class="latex"),
    "image_codecogs": _image("/images/math/codecogs/{key}.png"),
    "ck12": _image("/flx/math/inline/{tex}", image_class="x-ck12-math", quoted_alt=True),
    "quicklatex": _image("/wp-content/ql-cache/quicklatex.com-{key}_l3.png", image_class="ql-img"),
    "google_chart": _image("https://chart.apis.invalid/chart?cht=tx&chl={tex}", alt=""),
    # Sites with marks of their own.
    "zhihu": _zhihu,
    "data_expr": _data_expr,
    "texerror": _texerror,
}

# Encodings that don't say whether a formula is displayed.
MODELESS = frozenset(["data_expr", "double_dollars", "escaped_tag", "forum_latex", "forum_math"])
