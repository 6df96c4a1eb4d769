"""The ways in which a page can hold a formula: one table of names, for counters and readers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENCODINGS", "Encoding", "open_web_math_info"]


@dataclass(frozen=True, slots=True)
class Encoding:
    """One way to hold a formula.

    Attributes:
        name: Stable name, the key of ``formulas_found`` and ``formulas_kept``.
        what: What it looks like in a page.
        open_web_math: The counter that OpenWebMath's ``extraction_info`` would give it.
    """

    name: str
    what: str
    open_web_math: str


_TABLE = (
    Encoding("mathjax_script", '<script type="math/tex[; mode=display]">', "script_math_tex"),
    Encoding("mathml_script", '<script type="math/mml">', "mathml"),
    Encoding("asciimath_script", '<script type="math/asciimath">', "script_math_asciimath"),
    Encoding("mathjax_mathml", "MathJax output with assistive MathML or data-mathml", "mathml"),
    Encoding("mathjax_glyphs", "MathJax output of which only the glyphs are left", "mathml"),
    Encoding("katex", "KaTeX output with its TeX annotation", "katex"),
    Encoding("katex_stripped", "KaTeX output whose MathML tags were stripped (CSDN)", "katex"),
    Encoding("katex_glyphs", "KaTeX output of which only .katex-html is left", "katex"),
    Encoding("mathml_annotation", "<math> with a TeX annotation", "math_annotations"),
    Encoding("mathml_alttext", "<math alttext>", "math_alttext"),
    Encoding("mathml", "<math> without TeX, converted", "mathml"),
    Encoding("mathml_tex", "<math> around raw TeX", "mathml"),
    Encoding("latexml", "LaTeXML's ltx_Math (ar5iv, arXiv HTML, DLMF)", "math_alttext"),
    Encoding("wikipedia", "Wikipedia's mwe-math-element: MathML and image", "math_annotations"),
    Encoding("wikipedia_image", "Wikipedia's formula image alone", "img_math"),
    Encoding("wordpress_image", "latex.php image (WordPress and copies)", "wp_latex"),
    Encoding("codecogs_image", "image of latex.codecogs.com", "codecogs_latex"),
    Encoding("mimetex_image", "image of mimetex.cgi", "mimetex.cgi"),
    Encoding("mathtex_image", "image of mathtex.cgi", "mathtex.cgi"),
    Encoding("google_chart_image", "image of chart.googleapis.com with cht=tx", "img_math"),
    Encoding("service_image", "image of another TeX service", "img_math"),
    Encoding("zhihu_image", "Zhihu's equation image", "img_math"),
    Encoding("latex_image", "image whose class or alt text says that it is TeX", "img_math"),
    Encoding("tex_attribute", "element with data-tex, data-latex, data-expr, ...", "katex"),
    Encoding("tex_element", "<dt-math>, <d-math>, <tex-math>, <la-tex>, ...", "mathjax_inline_tex"),
    Encoding("math_container", "StackExchange's .math-container", "math-container"),
    Encoding("math_class", "element of class math, tex, latex, ... (Pandoc, Sphinx)", "katex"),
    Encoding("wordpress_katex", "WordPress KaTeX plugins: .wp-katex-eq", "wp-katex-eq"),
    Encoding("tex_error", ".texerror: TeX that the site could not draw", "texerror"),
    Encoding("forum_tag", "[tex], [itex], [latex], [math] and their like", "mathjax_inline_tex"),
    Encoding("dollars", "$..$ in text", "mathjax_inline_tex"),
    Encoding("double_dollars", "$$..$$ in text", "mathjax_display_tex"),
    Encoding("parentheses", r"\(..\) in text", "mathjax_inline_tex"),
    Encoding("brackets", r"\[..\] in text", "mathjax_display_tex"),
    Encoding("environment", r"\begin{align}..\end{align} and the like in text", "align"),
    Encoding("page_delimiter", "delimiters that only this page declares", "mathjax_inline_tex"),
    Encoding("asciimath", "AsciiMath between the page's delimiters", "mathjax_asciimath"),
)

ENCODINGS: dict[str, Encoding] = {encoding.name: encoding for encoding in _TABLE}
"""Every encoding by name."""


def open_web_math_info(found: dict[str, int]) -> dict[str, int | bool]:
    """The counters of ``formulas_found`` under OpenWebMath's names."""
    info: dict[str, int | bool] = {"found_math": any(found.values())}
    for name, count in found.items():
        key = ENCODINGS[name].open_web_math
        info[key] = info.get(key, 0) + count
    return info
