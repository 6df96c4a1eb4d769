"""Media are found as the regular expressions find them, in time that grows with the text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.notebook.media import without_elements, without_pictures_published, without_tags

_PICTURE = re.compile(r"!\[[^\]]*\]\((?P<filename>.*?)(?=\"|\))(?P<optionalpart>\".*\")?\)")
_OPENING = re.compile("<(?:(?P<video>video)|(?P<script>script))")
_CLOSINGS = {"video": re.compile("</video>"), "script": re.compile("</script>")}


def pieces(*parts: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts), max_size=40).map("".join)


@given(pieces("![", "]", "](", "(", ")", '"', '")', "\n", "a", "!", "[", "![a](b)", "\r", "\x85"))
def test_pictures_are_those_of_the_published_expression(text: str) -> None:
    assert without_pictures_published(text) == _PICTURE.sub("", text)


@given(pieces("<img", ">", "<", "a", "\n", " src='x'"))
def test_tags_are_those_of_the_expression(text: str) -> None:
    assert without_tags(text, re.compile("<img")) == re.sub(r"<img[^>]*>", "", text)
    bounded = re.sub(r"<img\b[^>]{0,5}>", "", text)
    assert without_tags(text, re.compile(r"<img\b"), 5) == bounded


@given(pieces("<video", "</video>", "<script", "</script>", ">", "a", "\n"))
def test_elements_are_those_of_the_expression(text: str) -> None:
    expected = re.sub(r"(?s)<video.*?</video>|<script.*?</script>", "", text)
    assert without_elements(text, _OPENING, _CLOSINGS) == expected


@pytest.mark.parametrize("piece", ["![", "![](", '![](")', '![](" )', '![]("', "![]()"])
def test_hostile_markdown_ends(piece: str) -> None:
    # Searched anew from every opening, a text of this length would never end.
    text = piece * (2_000_000 // len(piece))
    kept = without_pictures_published(text)
    assert len(kept) in (0, len(text))


@pytest.mark.parametrize("piece", ["<img ", "<video", "<script>", "<video</script>"])
def test_hostile_markup_ends(piece: str) -> None:
    text = piece * (2_000_000 // len(piece))
    kept = without_elements(without_tags(text, re.compile("<img")), _OPENING, _CLOSINGS)
    assert kept == text
