"""What is content and what is furniture of the site."""

from __future__ import annotations

from extractors.html import extract_html

SENTENCES = "Every bounded sequence of real numbers has a convergent subsequence. " * 4
ARTICLE = f"<h1>Bolzano</h1><p>{SENTENCES}</p><p>{SENTENCES}</p>"


def text_of(body: str) -> str:
    return extract_html(f"<html><body>{body}</body></html>".encode()).text


def test_furniture_goes() -> None:
    text = text_of(
        '<nav><a href="/">Home</a></nav><div class="cookie-banner">We use cookies.</div>'
        '<div id="sidebar"><ul><li><a href="a">A popular post about series</a></li></ul></div>'
        f'<main><article>{ARTICLE}<div class="share-buttons"><a>Tweet this</a></div></article>'
        '<form id="login"><label>User name</label><input></form></main>'
        "<footer>Copyright 2020 of the site</footer>"
    )
    assert text.startswith("# Bolzano")
    assert "convergent subsequence" in text
    for furniture in ("Home", "cookies", "popular", "Tweet", "Copyright"):
        assert furniture not in text


def test_question_answers_and_comments_stay() -> None:
    post = '<div class="post-text"><p>{}</p></div><div class="post-menu">share cite</div>'
    half = r"Or by $\frac{1}{2}$. "
    page = (
        '<script src="MathJax.js"></script><div id="content"><h1>Is $x^2$ convex?</h1><div id="main">'
        f'<div class="question">{post.format("Let $f(x)=x^2$. " + SENTENCES)}</div>'
        f'<div class="answer">{post.format("Yes, since $f&quot; = 2$. " + SENTENCES * 3)}'
        '<ul class="comments"><li>Note that $f$ is even.</li></ul></div>'
        f'<div class="answer">{post.format(half + SENTENCES)}</div></div>'
        '<div id="sidebar"><a href="q">Linked questions of others here</a></div></div>'
    )
    text = text_of(page)
    for kept in ("Is $x^2$ convex", "Let $f(x)=x^2$", "Yes, since", "is even", r"$\frac{1}{2}$"):
        assert kept in text
    assert "share cite" not in text
    assert "Linked" not in text


def test_the_title_beside_the_article_is_kept() -> None:
    page = f"<div><h1>Bolzano and Weierstrass</h1></div><div><p>{SENTENCES}</p><p>{SENTENCES}</p></div>"
    assert text_of(page).startswith("# Bolzano and Weierstrass")


def test_formulas_outside_the_bulk_are_kept() -> None:
    page = (
        '<script src="MathJax.js"></script>'
        f"<div><p>Abstract with $\\alpha^2$ in it.</p></div><div>{ARTICLE * 5}</div>"
    )
    assert r"$\alpha^2$" in text_of(page)


def test_hidden_content_goes_unless_it_is_the_page() -> None:
    hidden = '<div style="display: none"><p>Secret text of a dialog.</p></div>'
    assert "Secret" not in text_of(ARTICLE + hidden)
    assert "subsequence" in text_of(f'<div style="display:none">{ARTICLE}</div>')


def test_comments_without_formulas_go_from_pages_without_formulas() -> None:
    comments = (
        '<div class="comments"><p>Great post, thanks for sharing this with all of us!</p></div>'
    )
    assert "Great post" not in text_of(ARTICLE + comments)


def test_links_in_running_text_stay() -> None:
    assert "compact spaces" in text_of(
        f'<p>{SENTENCES} It holds in <a href="c">compact spaces</a> too.</p>'
    )
