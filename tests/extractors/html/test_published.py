r"""The published edition: what OpenWebMath did, its defects included (numbers as in the spec)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from extractors.html.published import TooManyLinks, drop_newcommand_lines, extract_published
from schemas.open_web_math import COUNTERS

PROSE = (
    "The function is continuous and its integral over the whole interval is finite, which is what "
    "the theorem says about every sequence of such functions that converges."
)


def page(body: str, head: str = "") -> bytes:
    filler = f"<p>{PROSE}</p>"
    return (
        f"<html><head>{head}</head><body><main>{filler}{body}{filler}</main></body></html>".encode()
    )


def text(body: str, head: str = "") -> str:
    return extract_published(page(body, head)).text


MATHJAX = '<script src="mathjax.js"></script>'


def test_round_brackets_are_display_and_square_ones_inline_defect_1() -> None:
    found = text(r"<p>Let \(a+b\) and \[c+d\] be given here.</p>", MATHJAX)
    assert "$$a+b$$" in found
    assert re.search(r"(?<!\$)\$c\+d\$(?!\$)", found)


def test_display_scripts_are_lost_defect_2() -> None:
    found = text(
        '<p>Here <script type="math/tex">x_1</script> and '
        '<script type="math/tex; mode=display">y_2</script> stand side by side.</p>'
    )
    assert "$x_1$" in found and "y_2" not in found


def test_display_mathml_is_inline_defect_3() -> None:
    math = (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><semantics><mi>x</mi>'
        '<annotation encoding="application/x-tex">x^9</annotation></semantics></math>'
    )
    assert re.search(r"(?<!\$)\$x\^9\$(?!\$)", text(f"<p>Look at {math} in the line.</p>"))


def test_stack_exchange_formulas_are_display_defect_4() -> None:
    found = text('<p>Let <span class="math-container">n+1</span> be a number of things.</p>')
    assert "$$n+1$$" in found


def test_mathml_with_attributes_and_no_namespace_loses_its_structure_defect_5() -> None:
    math = '<math display="inline"><mfrac><mi>S</mi><mi>P</mi></mfrac></math>'
    found = text(f"<p>The share {math} of the whole amount.</p>")
    assert "frac" not in found and re.search(r"\$S\s*P\$", found)


def test_mathml_with_a_named_entity_is_deleted_defect_6() -> None:
    math = "<math><mi>q</mi><mo>&nbsp;</mo><mi>r</mi></math>"
    extraction = extract_published(page(f"<p>Then {math} is gone from the page.</p>"))
    assert "$" not in extraction.text
    assert extraction.formulas_found == {"mathml": 1} and not extraction.formulas_kept


def test_align_anywhere_takes_the_dollars_away_defect_7() -> None:
    found = text(
        r"<p>So $$\begin{aligned}a&=b\end{aligned}$$ and \begin{align}c&=d\end{align}.</p>", MATHJAX
    )
    assert r"\begin{aligned}a&=b\end{aligned}" in found and "$" not in found


def test_backticks_and_indentation_of_code_are_lost_on_maths_pages_defect_8() -> None:
    found = text("<pre>def f(x):\n    return x</pre>", MATHJAX)
    assert "return x" in found
    assert "    return x" not in found and "```" not in found


def test_distill_formulas_are_not_recognised_defect_9() -> None:
    extraction = extract_published(page("<p>Take <dt-math>w^k</dt-math> as it is written.</p>"))
    assert "w^k" in extraction.text and "$" not in extraction.text
    assert extraction.info["found_math"] is False


def test_prices_on_a_maths_page_are_a_formula_defect_10() -> None:
    found = text("<p>It costs $5 and then later it is $6 for all the same.</p>", MATHJAX)
    assert "$5 and then later it is$" in found


def test_dollars_elsewhere_are_escaped() -> None:
    assert "\\$5" in text("<p>It costs $5 in the shop around the corner.</p>")


def test_boilerplate_phrases_are_substrings_defect_13() -> None:
    found = text("<div>gradient radius add ask link</div>")
    assert "gradient" not in found


def test_too_many_links_are_refused() -> None:
    with pytest.raises(TooManyLinks):
        extract_published(page("<a href='/'>x</a>" * 3001))


def test_newcommand_lines_go() -> None:
    lines = "a\n\\newcommand{\\x}{y}\\newcommand{\\z}{w}\n\\newcommand{\\v}{u}"
    assert drop_newcommand_lines(lines) == "a\n\\newcommand{\\v}{u}"


def test_counters_and_settings_are_the_originals() -> None:
    extraction = extract_published(
        page('<p>See <img src="https://s0.wp.com/latex.php?latex=x" alt="x^2"> here.</p>')
    )
    assert set(extraction.info) == {"found_math", *COUNTERS}
    assert extraction.info["wp_latex"] == 1 and extraction.info["found_math"] is True
    assert extraction.config["ratio_threshold"] == 0.18


def test_sampled_settings_follow_the_key() -> None:
    def config(key: str) -> dict[str, object]:
        return dict(extract_published(page("<p>x</p>"), sample_key=key).config)

    assert config("a") == config("a")
    drawn = [config(str(n))["markdown_headings"] for n in range(300)]
    assert 10 <= drawn.count(False) <= 60, "one in ten"


def test_real_pages_keep_as_many_formulas_as_was_measured_of_the_original(
    shared_data: Path,
) -> None:
    """Spec section 5, formula survival, of pages where our stand-ins play no part."""
    expected = {
        "ccprocessor__math_img_1.html": {"img_math": 186},
        "ccprocessor__math_img_3.html": {"mimetex.cgi": 42},
        "ccprocessor__math_none_mathml_1.html": {"math_annotations": 207},
        "mozilla__wikipedia-3.html": {"math_annotations": 64},
        "ccprocessor__math_katex_latex_3.html": {
            "mathjax_inline_tex": 9,
            "mathjax_display_tex": 1389,
        },
        "colah__2015-09-Visual-Information.html": {
            "mathjax_inline_tex": 13,
            "mathjax_display_tex": 137,
        },
    }
    for name, counts in expected.items():
        kept = extract_published((shared_data / "html_math" / name).read_bytes()).formulas_kept
        assert {source: kept.get(source, 0) for source in counts} == counts, name
