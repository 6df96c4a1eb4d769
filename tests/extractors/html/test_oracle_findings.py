r"""Kinds of formulas that pages' own libraries showed and the extractor once missed or got wrong."""

from __future__ import annotations

import pytest

from extractors.html import extract_html
from extractors.html.name_sets import names
from tests.extractors.html.test_encodings import formulas, page

_KATEX = '<script src="https://cdn.example/katex.min.js"></script>'


@pytest.mark.parametrize(
    ("address", "tex"),
    [
        ("https://latex.codecogs.com/gif.latex?a+b", "a+b"),
        ("https://latex.codecogs.com/gif.latex?a%2Bb+c", "a+b c"),
        ("https://latex.codecogs.com/gif.latex?a%20+%20b", "a + b"),
        ("/cgi-bin/mimetex.cgi?\\alpha(z)+k", r"\alpha(z)+k"),
        ("https://latex.codecogs.com/gif.latex?a&space;=&space;b", "a = b"),
    ],
)
def test_a_plus_in_an_address_is_a_plus(address: str, tex: str) -> None:
    assert formulas(f'<p>so <img src="{address}"> is</p>') == [f"${tex}$"]


def test_links_that_lead_nowhere_are_no_navigation() -> None:
    # The labels of such tables open explanations; each is an <a> without an address.
    rows = "".join(
        f'<tr><td><a title="what that is" data-note="n{i}">Name of invariant {i}</a>:</td>'
        f"<td>\\({i}\\)</td></tr>"
        for i in range(1, 7)
    )
    prose = "<p>" + "The form has a few invariants, which are listed here. " * 8 + "</p>"
    text = extract_html(page(f"<h2>Invariants</h2><table>{rows}</table>{prose}")).text
    assert "# Invariants" in text
    assert "| Name of invariant 6: | $6$ |" in text


def test_zhihu_formula_alone_in_its_paragraph_is_displayed() -> None:
    span = '<span class="ztext-math" data-eeimg="1" data-tex="x+1=0">x</span>'
    assert formulas(f"<p>{span}</p>") == ["$$x+1=0$$"]
    assert formulas(f"<p>so {span} holds</p>") == ["$x+1=0$"]


def test_a_heading_that_is_a_formula_of_several_lines_is_no_heading() -> None:
    tex = r"\begin{gathered} a=1 \\ b=2 \end{gathered}"
    span = f'<span class="ztext-math" data-eeimg="1" data-tex="{tex}">x</span>'
    text = extract_html(page(f"<h2>{span}</h2><h2>A {span}</h2><p>Here it is used.</p>")).text
    assert "\n$$" + tex + "$$" in text
    assert f"## A ${tex}$" in text


def test_mathquill_source() -> None:
    span = '<span class="mathquill-embedded-latex">f(x)=3</span>'
    assert formulas(f"<p>let {span} be</p>") == ["$f(x)=3$"]


def test_double_dollars_amid_a_sentence_where_an_editor_calls_katex() -> None:
    body = f"{_KATEX}<p>Substitute $$x$$ with $$t-1$$, so that</p><p>$$t^2=2$$</p>"
    assert formulas(body) == ["$x$", "$t-1$", "$$t^2=2$$"]


def test_double_dollars_amid_a_sentence_where_mathjax_displays_them() -> None:
    body = '<script src="https://cdn.example/MathJax.js"></script><p>Then $$x^2$$ follows</p>'
    assert formulas(body) == ["$$x^2$$"]


def test_a_page_may_declare_double_dollars_inline() -> None:
    script = (
        "<script>renderMathInElement(document.body, {delimiters: ["
        "{left: '$$', right: '$$', display: false}]})</script>"
    )
    assert formulas(f"{_KATEX}{script}<p>$$x^2$$</p>") == ["$x^2$"]


def test_a_tag_that_is_a_sign_is_text_in_tex() -> None:
    math = (
        '<math display="block"><mtable><mlabeledtr><mtd><mtext>(</mtext><mo>⋆</mo><mtext>)</mtext>'
        "</mtd><mtd><mi>a</mi><mo>=</mo><mi>b</mi></mtd></mlabeledtr></mtable></math>"
    )
    assert formulas(f"<p>{math}</p>") == [r"$$a=b \tag{\(\star\)}$$"]


def test_posts_of_vbulletin_are_no_quotations_but_what_they_quote_is() -> None:
    text = extract_html(
        page(
            '<ol><li><blockquote class="postcontent restore"><div class="bbcode_container">'
            '<div class="bbcode_quote"><div class="message">Is it prime?</div></div></div>'
            "No, it is divisible by seven.</blockquote></li></ol>"
        )
    ).text
    assert "> Is it prime?" in text
    assert "   No, it is divisible by seven." in text.splitlines()


def test_a_heading_among_facts_about_the_post_is_the_heading() -> None:
    body = (
        '<div class="entry"><div class="post-meta"><h1>On flows</h1><p>16 May, by someone</p></div>'
        '<div class="post-content">' + "<p>We fix a small number and define a flow.</p>" * 6
    )
    assert extract_html(page(body + "</div></div>")).text.count("# On flows") == 1


def test_known_names_of_operators_are_no_commands_where_backslashes_are_lost() -> None:
    math = "<math> operatorname{ker} f = alpha </math>"
    assert formulas(f"<p>so {math} is</p>") == [r"$\operatorname{ker} f = \alpha$"]


def test_auto_render_displays_double_dollars() -> None:
    script = '<script src="https://cdn.example/contrib/auto-render.min.js"></script>'
    assert formulas(f"{_KATEX}{script}<p>Here $$x^2$$ stands</p>") == ["$$x^2$$"]


@pytest.mark.parametrize(
    "text",
    [
        "<p>set $ANTI_ALIAS_TEXT and $NO_AUTO_LINK to 1</p>",
        '<p><img src="img7.png" alt="\\begin{figure}\\includegraphics{psfiles/a}\\end{figure}"></p>',
        '<p><img src="img8.png" alt="$\\includegraphics{psfiles/a}$"></p>',
        "<p><b>$HOME_DIR (G)</b> : 8.2 <b>$MAIN_DIR</b> : 8.3</p>",
    ],
)
def test_no_formulas(text: str) -> None:
    assert formulas(text) == []


@pytest.mark.parametrize(
    ("config", "elsewhere"),
    [
        ("TeX-AMS_HTML-full,/static/mathjaxconfig/site", True),
        ("TeX-AMS-MML_HTMLorMML,https://forum.example/settings.js", True),
        ("TeX-AMS_HTML,local/site", True),
        ("TeX-MML-AM_CHTML-full", False),
        ("TeX-AMS_HTML,Safe&amp;ver=2.7", False),
    ],
)
def test_macros_that_the_page_does_not_hold_are_on_record(config: str, elsewhere: bool) -> None:
    body = f'<script src="https://cdn.example/MathJax.js?config={config}"></script><p>\\(\\vc{{x}}\\)</p>'
    extraction = extract_html(page(body))
    assert "$\\vc{x}$" in extraction.text
    assert extraction.info.get("macros_elsewhere", False) is elsewhere


def test_sphinx_formula_images_are_inline_amid_text() -> None:
    images = (
        '<img class="math" src="m/1.png" alt="0"> or <img class="math" src="m/2.png" alt="\\pm 1">'
    )
    assert formulas(f"<p>branch points at {images} lie</p>") == ["$0$", r"$\pm 1$"]
    assert formulas('<div class="math"><p><img src="m/3.png" alt="x^2 = 2"></p></div>') in (
        ["$$x^2 = 2$$"],
        [],
    )


def test_tex_tags_of_forums_are_inline_amid_text_unless_the_page_displays_them() -> None:
    assert formulas("<p>so [tex]x^2[/tex] is</p>") == ["$x^2$"]
    script = "<script>MathJax.Hub.Config({tex2jax: {displayMath: [['[tex]', '[/tex]']]}})</script>"
    assert formulas(f"{script}<p>so [tex]x^2[/tex] is</p>") == ["$$x^2$$"]


def test_names_that_an_editor_cut_at_their_hyphens_are_refused() -> None:
    with pytest.raises(ValueError, match="hyphen"):
        names("one two- ", "three")


def test_sphinx_formula_images_that_read_as_words_are_in_the_text() -> None:
    image = '<img class="math" src="../_images/math/07c8cc2f44b7.png" alt="True">'
    assert formulas(f"<p>returns {image} if so</p>") == ["$True$"]


def test_a_question_stays_with_its_answers_where_there_are_no_formulas() -> None:
    answer = "<p>" + "A set is closed when it holds its limit points, as one shows. " * 12 + "</p>"
    body = (
        '<div id="mainbar"><div class="question js-question"><p>Is every closed set bounded?</p></div>'
        f'<div id="answers"><div class="answer">{answer}</div><div class="answer">{answer}</div></div>'
        "</div>"
    )
    raw = f"<html><body>{body}</body></html>".encode()
    assert "Is every closed set bounded?" in extract_html(raw).text


def test_a_long_post_is_content_whatever_its_element_is_called() -> None:
    post = "<p>The sequence converges, since it is bounded and monotone, as was shown before. </p>"
    body = "".join(f'<div class="edit-post-popup" id="m{i}">{post * 10}</div>' for i in range(4))
    assert extract_html(f"<html><body>{body}</body></html>".encode()).text.count("monotone") == 40


def test_a_section_of_a_pretext_book() -> None:
    text = extract_html(
        rb"""<html><head><script>window.MathJax = {"tex": {"inlineMath": [["\\(","\\)"]]},
        "options": {"ignoreHtmlClass": "tex2jax_ignore|ignore-math",
                    "processHtmlClass": "process-math"}};</script>
        <script src="https://cdn.example/npm/mathjax@3/es5/tex-chtml.js"></script></head>
        <body class="pretext book ignore-math">
        <div id="latex-macros" class="hidden-content process-math" style="display:none">
        <span class="process-math">\(\newcommand{\N}{\mathbb N}
        \newcommand{\lt}{<}\newcommand{\amp}{&amp;}\)</span></div>
        <main class="ptx-main"><div id="ptx-content"><section class="section">
        <h2 class="heading"><span class="type">Section</span> <span class="codenumber">1.1</span>
        <span class="title">Limits</span></h2>
        <div class="para">Costs of $5 for each <span class="process-math">\(n \in \N\)</span>.</div>
        <article class="theorem"><h4 class="heading"><span class="type">Theorem</span>
        <span class="codenumber">1.1.1</span><span class="period">.</span></h4>
        <div class="displaymath process-math">\begin{align*}
        a \amp \lt b\\
        c \amp = d
        \end{align*}</div></article></section></div></main></body></html>"""
    ).text
    assert text.splitlines()[0] == "## Section 1.1 Limits"
    assert r"Costs of \$5 for each $n \in \mathbb N$." in text
    assert r"$$\begin{align*} a & < b\\ c & = d \end{align*}$$" in text
    assert "newcommand" not in text


def test_rows_of_sphinx_formula_images_are_aligned() -> None:
    image = r'<img src="_images/math/7.png" alt="f &= 0\\ g &= \begin{bmatrix} 1 & 2\\ 3 & 4 \end{bmatrix}">'
    assert formulas(f'<div class="math"><p>{image}</p></div>') == [
        r"$$\begin{split}f &= 0\\ g &= \begin{bmatrix} 1 & 2\\ 3 & 4 \end{bmatrix}\end{split}$$"
    ]
    alone = r'<img src="_images/math/8.png" alt="A = \begin{bmatrix} 1 & 2\\ 3 & 4 \end{bmatrix}">'
    assert "split" not in formulas(f"<p>{alone}</p>")[0]


def test_mathml_that_is_never_closed_ends_where_prose_begins() -> None:
    text = extract_html(
        page("<p>let</p><math><mi>x</mi><mo>=</mo><mn>1</mn><p>Then the next one holds: it is")
    ).text
    assert "$x=1$" in text
    assert "Then the next one holds: it is" in text.splitlines()


def test_a_short_definition_beside_a_long_paragraph_stays_without_its_permalink() -> None:
    link = '<div class="autopermalink"><a href="a.html" title="Copy permalink">🔗</a></div>'
    long = "We framed the definition in terms of multiplication as opposed to division. " * 6
    text = extract_html(
        f"""<html><body><nav><a href="i.html">Index</a></nav><main><section><h2>Integers</h2>
        <article class="definition"><h3>Definition 2.1.</h3><div class="para">Zero is even.{link}</div>
        </article><div class="para">{long}{link}</div></section></main></body></html>""".encode()
    ).text
    assert "### Definition 2.1.\n\nZero is even." in text
    assert "## Integers" in text
    assert "🔗" not in text


def test_a_notebook_has_neither_prompts_nor_marks_behind_its_headings() -> None:
    text = extract_html(
        page(
            '<h2 id="l">Limits<a class="anchor-link" href="#l">&#182;</a></h2><p>We compute one.</p>'
            '<div class="cell"><div class="prompt input_prompt">In&nbsp;[4]:</div>'
            '<div class="highlight"><pre>limit(f)</pre></div></div>'
            '<div class="output"><div class="prompt output_prompt">Out[4]:</div><pre>2</pre></div>'
        )
    ).text
    assert "## Limits\n\nWe compute one.\n\n```\nlimit(f)\n```\n\n```\n2\n```" in text


def test_an_article_keeps_its_title_above_headings_of_the_first_level() -> None:
    body = (
        "<p>We write the density as a product of conditional ones, one for each variable. </p>" * 8
    )
    text = extract_html(
        f"""<html><body><header><h1>A blog</h1></header><article class="post-single">
        <header class="post-header"><h1>Flow models</h1><div>October 13</div></header>
        <div class="post-content"><h1>Kinds of models</h1>{body}</div></article></body></html>""".encode()
    ).text
    assert text.splitlines()[0] == "# Flow models"
    assert "# Kinds of models" in text
    assert "A blog" not in text


def test_footnotes_of_distill_do_not_fuse_with_the_word_before() -> None:
    body = "<p>an unknown land<d-footnote>As Krige did.</d-footnote>. We <d-footnote></d-footnote>go</p>"
    assert "an unknown land (As Krige did.). We go" in extract_html(page(body)).text


def test_a_navigation_bar_of_links_with_formulas_is_no_content() -> None:
    links = "".join(
        f'<li><a href="c{i}.html">Choice of <span class="math">\\(u_{i}\\)</span></a></li>'
        for i in range(8)
    )
    prose = (
        "<p>The scale \\(u_c\\) is chosen so that \\(u\\) is about \\(1\\), and no more.</p>" * 9
    )
    text = extract_html(
        page(f'<div class="navbar"><ul>{links}</ul></div><h1>Scales</h1>{prose}')
    ).text
    assert "Choice of" not in text
    assert "# Scales" in text
