"""A page of too many elements for a tree: its text without tags, and on record as such."""

from __future__ import annotations

from extractors.html import extract_html


def test_a_page_of_a_million_tags_is_read_without_them_and_says_so() -> None:
    page = b"<html><body><p>Let it be small.</p>" + b"<b>x</b> " * 210_000 + b"</body></html>"
    extraction = extract_html(page)
    assert extraction.method == "untagged"
    assert extraction.text.startswith("Let it be small.")


def test_an_ordinary_page_keeps_its_method() -> None:
    page = b"<html><body><article><p>Let $x$ be small.</p></article></body></html>"
    assert extract_html(page).method in ("main", "full")
