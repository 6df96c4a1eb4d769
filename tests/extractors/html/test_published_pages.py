"""Whole pages in the published edition: what running the original showed beyond the spec's list."""

from __future__ import annotations

from extractors.html.published import extract_published
from extractors.html.published.selectors import any_case

PROSE = (
    "The function is continuous, and its integral over the whole interval is finite for every such "
    "sequence that converges."
)


def text(body: str, attributes: str = "") -> str:
    page = (
        f"<!doctype html><html><body {attributes}><main><p>{PROSE}</p>{body}</main></body></html>"
    )
    return extract_published(page.encode()).text


def test_a_hidden_body_is_read_but_not_edited() -> None:
    body = "<h2>Theorem</h2><p>Below it there is one sentence with <code>x</code> in it.</p>"
    assert "## Theorem" in text(body) and "`x`" in text(body)
    hidden = text(body, 'style="display:none"')
    assert PROSE in hidden and "Theorem" in hidden
    assert "##" not in hidden and "`" not in hidden


def test_names_of_classes_and_ids_match_in_any_case() -> None:
    assert "$$n+1$$" in text('<p>Let <i class="Math-Container">n+1</i> be given here.</p>')
    assert "Push" not in text('<p>Here is a thing <span class="BTN">Push</span> to see.</p>')
    assert "Way out" not in text('<div id="Menu">Way out</div><div class="FOOTER">Way out</div>')
    assert "Outside" not in text(
        f"<h2><b id='external_links'>Links</b></h2><p>{PROSE} Outside.</p>"
    )


def test_selectors_in_any_case() -> None:
    assert any_case("span.katex .x-y, #a") == (
        'span[class~="katex" i] [class~="x-y" i], [id="a" i]'
    )
    assert any_case('[class*="promo"]') == '[class*="promo"]'
    assert any_case('script[type="math/tex"]') == 'script[type="math/tex"]'
