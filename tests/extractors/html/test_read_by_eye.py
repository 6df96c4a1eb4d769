"""What readers of real pages stumbled over, each on a page of its own."""

from __future__ import annotations

import pytest

from extractors.html import extract_html

FILLER = "<p>A paragraph of ordinary words stands here, so that the page has a main text.</p>"


def text_of(body: str) -> str:
    """The text of a page behind its filler."""
    text = extract_html(f"<html><body>{FILLER}{body}</body></html>".encode()).text
    return text.partition("main text.")[2].strip("\n")


def test_a_notes_way_back_is_no_text() -> None:
    body = (
        '<ol><li>Proved by Noether.<a href="#fnref1">↩</a></li>'
        '<li>See above. <a href="#fnref2">↩︎</a></li></ol>'
    )
    assert text_of(body) == "1. Proved by Noether.\n2. See above."


def test_an_arrow_between_words_stays() -> None:
    assert text_of("<p>the map A ↩ B that embeds</p>") == "the map A ↩ B that embeds"


def test_punctuation_stays_with_the_displayed_formula() -> None:
    body = (
        "<script type='math/tex; mode=display'>a = b</script>.<p>It follows that</p>"
        "<blockquote><div><script type='math/tex; mode=display'>c</script>,<br>where c is 1"
        "</div></blockquote>"
    )
    assert text_of(body) == "$$a = b$$.\n\nIt follows that\n\n> $$c$$,\n> where c is 1"


def test_punctuation_of_its_own_is_a_line() -> None:
    assert text_of("<pre>x</pre><p>.</p>") == "```\nx\n```\n\n."


_WHOLE = r"\lim_{n\to\infty}\left(1+\frac{1}{n}\right)^{n}=e\rightarrow\infty"


@pytest.mark.parametrize(
    "image",
    [
        '<img src="http://forum.example/a.png" class="latex" alt="{tex}">',
        '<img src="http://latex.codecogs.com/png.latex?{tex}">',
    ],
)
def test_words_that_vbulletin_broke_are_whole_again(image: str) -> None:
    broken = f"{_WHOLE[:50]}  {_WHOLE[50:]}"
    assert text_of(f"<p>so {image.replace('{tex}', broken)}</p>") == f"so ${_WHOLE}$"


def test_spaces_elsewhere_in_an_images_tex_stay() -> None:
    tex = _WHOLE[:49] + "  " + _WHOLE[49:]
    body = f'<p>so <img src="http://forum.example/a.png" class="latex" alt="{tex}"></p>'
    assert f"{_WHOLE[:49]} {_WHOLE[49:]}" in " ".join(text_of(body).split())


def test_dates_and_licences_under_a_title_are_dropped() -> None:
    body = (
        '<div class="article-info-box"><div class="up-time">2025-04-29</div>'
        "<span>2k views</span></div><p>A second paragraph of words that one wants to read.</p>"
        '<div class="message-lastEdit">Last edited: <time>Mar 25, 2024</time></div>'
    )
    assert text_of(body) == "A second paragraph of words that one wants to read."


def test_a_caption_that_follows_itself_stands_once() -> None:
    body = (
        "<div>Table 2. Values of zeta.</div><div><table><caption>Table 2. Values of zeta.</caption>"
        "<tr><th>s</th><th>value</th></tr><tr><td>2</td><td>1.64</td></tr></table></div>"
        "<p>Again.</p><p>Again.</p>"
    )
    text = text_of(body)
    assert text.count("Table 2. Values of zeta.") == 1
    assert text.endswith("| 2 | 1.64 |\n\nAgain.\n\nAgain.")


def test_a_title_that_is_a_link_stays_in_its_heading() -> None:
    title = "Difficult problems of distance, speed and time"
    page = f'<h1>Maths forum - <span class="name"><a href="/7">{title}</a></span></h1>{FILLER}'
    text = extract_html(f"<html><body>{page}</body></html>".encode()).text
    assert text.startswith(f"# Maths forum - {title}\n")
