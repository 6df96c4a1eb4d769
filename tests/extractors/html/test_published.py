r"""The published edition: what OpenWebMath did, its defects included (numbers as in the spec)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from extractors.html.published import (
    TooDeep,
    TooManyLinks,
    drop_newcommand_lines,
    extract_published,
)
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


def test_a_less_than_sign_before_a_letter_cuts_the_formula() -> None:
    """The original puts the formula into the page as HTML; its second dollar sign goes as well."""
    cut = text('<p>So <span class="math-container">a&lt;b</span> holds.</p><p>Next one.</p>')
    assert re.search(r"\$\$a\b(?!<)", cut) and "b$$" not in cut and "Next one." in cut
    whole = text('<p>So <span class="math-container">a &lt; b</span> holds here.</p>')
    assert "$$a < b$$" in whole


def test_other_encodings_than_utf_8_are_read_as_windows_1252() -> None:
    """The call that should have failed, so that the encoding is detected, falls back by itself."""
    extraction = extract_published(
        page("<p>Привет, мир: это предложение.</p>".encode().decode()).decode().encode("cp1251")
    )
    assert extraction.encoding == "cp1252"
    assert "Привет" not in extraction.text and "Ïðèâåò" in extraction.text
    assert extract_published(page("<p>Это предложение.</p>")).encoding == "utf-8"


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ("<tr><td>a<td>b</tr><tr><td>c<td>d</tr>", "a b c d"),
        ("<tr><td>x<td>1.50</tr><tr><td>y<td>2.25</tr>", "x 1.5 y 2.25"),
        ("<tr><td>a<td><td>b</tr><tr><td>c<td><td>d</tr>", "a b c d"),
        ("<tr><td>1<td><script>s</script>2</tr>", "1 2"),
    ],
)
def test_tables_become_one_line_and_their_numbers_are_rewritten(rows: str, found: str) -> None:
    lines = text(f"<table>{rows}</table>").split("\n")
    assert found in [line.strip() for line in lines]


def test_tables_with_a_row_of_headers_or_another_table_are_left_as_they_are() -> None:
    numbers = "<tr><td>x<td>1.50</tr>"
    assert "1.50" in text(f"<table><tr><th>a<th>b</tr>{numbers}</table>")
    assert "1.50" in text(f"<table><tr><td><table>{numbers}</table></td></tr>{numbers}</table>")


def test_headings_get_signs_and_go_when_nothing_follows() -> None:
    found = text("<h2>Kept <b>title</b></h2><p>With a paragraph of its own below it.</p><h3> </h3>")
    assert "## Kept title" in found.split("\n")
    assert "Gone" not in text(f"<h3>Gone</h3><p>Short.</p><h2>Next</h2><p>{PROSE}</p>")


def test_code_gets_backticks_at_each_level_of_markup() -> None:
    assert "`f(x)`" in text("<p>Call <code>f(x)</code> with care and then go on.</p>")
    assert "```" in text("<p>Run this:</p><pre>a = 1\nb = 2</pre>")


def test_blocks_of_links_navigation_and_buttons_go() -> None:
    links = "".join(f"<a href='/{n}'>Chapter number {n}</a> " for n in range(5))
    found = text(
        f"<div>{links}</div><nav>Way out</nav><p>See <a href='/'>this</a> for the proof.</p>"
        "<button>Press</button><span class='btn'>Push</span>"
    )
    assert "Chapter" not in found and "Way out" not in found
    assert "Press" not in found and "Push" not in found
    assert "See this for the proof." in found


def test_only_display_none_without_a_space_is_hidden() -> None:
    found = text(
        '<p style="display:none">Hidden words.</p><p style="display: none">Shown words.</p>'
    )
    assert "Hidden" not in found


def test_wikipedia_ends_at_its_external_links() -> None:
    found = text(f"<h2><span id='External_links'>External links</span></h2><p>{PROSE} Outside.</p>")
    assert "Outside" not in found


def test_figures_go_by_the_exact_class() -> None:
    image = "<img src='x.png'><p>Caption of the picture.</p>"
    assert "Caption" not in text(f"<div class='figure'>{image}</div>")
    assert "Caption" in text(f"<div class='figure wide'>{image}</div>")


def test_chinese_lines_and_edit_marks_go() -> None:
    found = text("<p>数学 is mathematics.</p><p>So is 数学 in a line.</p><p>Proof[edit] of it.</p>")
    assert "is mathematics" not in found and "So is 数学" in found and "Proof of it." in found


def test_dollars_of_formulas_and_prices_are_told_apart() -> None:
    found = text('<p>For $5 one gets <img class="latex" alt="x^2"> of it in the shop.</p>')
    assert r"For \$5 one gets $x^2$ of it" in found


def test_dollar_signs_inside_a_formula_are_deleted_defect_11() -> None:
    found = text('<p>Here <script type="math/tex">x\\text{ if $y$}</script> is a formula.</p>')
    assert "$x\\text{ if y}$" in found


def test_delimiters_are_read_only_where_the_page_speaks_of_formulas() -> None:
    body = "<p>Here [tex]a+b[/tex] and [itex]c[/itex] and `d` are in a sentence.</p>"
    assert "$$a+b$$ and $c$ and d are" in text(body, MATHJAX)
    assert "[tex]a+b[/tex]" in text(body)


def test_the_pages_own_delimiters_are_added() -> None:
    head = "<script>MathJax.Hub.Config({tex2jax: {inlineMath: [['@@', '@@']]}});</script>"
    assert "So $a+b$ is" in text("<p>So @@a+b@@ is a sum of two things.</p>", head)
    katex = "<script>katex; x = {delimiters: [{left: '%%', right: '%%', display: true}]}</script>"
    assert "So $$a+b$$ is" in text("<p>So %%a+b%% is a sum of two things.</p>", katex)


def test_formulas_that_the_main_content_leaves_out_are_found_and_not_kept() -> None:
    footer = '<div id="footer"><img class="latex" alt="z^9"></div>'
    extraction = extract_published(page('<p>Here <img class="latex" alt="x^2"> is.</p>' + footer))
    assert extraction.formulas_found == {"img_math": 2}
    assert extraction.formulas_kept == {"img_math": 1}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0\0",
        b"no markup",
        b"<p>mathjax " + b"\\[ a " * 20_000,
        b"<p>" + b"\\begin{equation}x\\end{equation}" * 40,
        b"<ul><li>x" * 500,
        b"<table>" + b"<tr><td>1.50<td>b" * 3_000,
    ],
    ids=["empty", "nul", "plain", "openers", "equal equations", "nested lists", "table"],
)
def test_odd_pages_are_extracted_in_no_time(raw: bytes) -> None:
    extract_published(raw)


def test_pages_too_deep_are_refused() -> None:
    with pytest.raises(TooDeep):
        extract_published(page("<div>" * 2500))


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
