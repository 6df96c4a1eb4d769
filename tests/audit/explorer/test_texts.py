"""What becomes of texts on the way to the browser: pages made harmless, formulas found, differences
marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from audit.explorer.differences import difference_of
from audit.explorer.formulas import pieces_of
from audit.explorer.sanitising import TooEntangled, harmless_html
from audit.explorer.sources import source_of_bytes
from tests.audit.explorer.hostile import ATTACKS, hostile_page

_RUNS_OR_LOADS = (
    "script, style, link, meta, base, iframe, object, embed, applet, svg, form, input, button, img, "
    "video, audio, source, template, noscript, portal, frame, frameset, foreignObject, textarea"
)
_HARMLESS = {
    "title", "dir", "lang", "class", "alttext", "display", "encoding", "colspan", "rowspan",
    "align", "scope", "start", "type", "reversed", "value", "open", "close", "separators", "fence",
    "stretchy", "separator", "form", "displaystyle", "scriptlevel", "mathvariant", "linethickness",
    "columnalign", "width", "datetime",
}  # fmt: skip


def _dangers(html: str) -> list[str]:
    """What in a page could do anything, as a browser's parser reads it."""
    tree = LexborHTMLParser(f"<body>{html}</body>")
    found = [node.tag for node in tree.css(_RUNS_OR_LOADS)]
    for node in tree.css("body *"):
        found += [name for name in node.attributes if name not in _HARMLESS]
        found += [str(v) for v in node.attributes.values() if v and "javascript:" in v]
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_taken_out_and_what_follows_stays(attack: str) -> None:
    clean = harmless_html(f"<p>before</p>{attack.format(c='http://c.example')}<p>after</p>")
    assert _dangers(clean) == []
    assert "before" in clean


def test_a_page_of_all_attacks_keeps_its_words() -> None:
    clean = harmless_html(hostile_page("http://c.example").decode())
    assert _dangers(clean) == []
    assert clean.count("mean value theorem") == 8
    assert "fetch('http://c.example/spelled')" in clean, "what the page only speaks of is read"
    assert "fetch('http://c.example/onerror')" not in clean


_SNIPPETS = st.sampled_from(
    [
        "<script>", "</script>", "<style>", "<svg>", "<math>", "<mtext>", "<mglyph>", "<table>",
        "<img src=x onerror=a>", "<!--", "-->", "<![CDATA[", "]]>", "<p ", "title='", "\">", "<a href=",
        "javascript:x", "<noscript>", "<template>", "<foreignObject>", "<annotation-xml encoding=text/html>",
        "<title>", "</title>", "<textarea>", "<select>", "<form>", "<iframe srcdoc=", "\0", "&lt;", "x",
        "<mi>", "</mi>", "<desc>", "<xmp>", "<plaintext>", "<body onload=x>", "`", "<b", "/", ">",
    ]
)  # fmt: skip


@given(st.lists(_SNIPPETS, max_size=25).map("".join))
def test_no_mixture_of_markup_gets_through(page: str) -> None:
    clean = harmless_html(page)
    assert _dangers(clean) == []
    # Parsed once more, as browsers do: nothing new comes to life.
    assert _dangers(harmless_html(clean)) == []


def test_formulas_in_scripts_and_images_are_shown() -> None:
    clean = harmless_html(
        "<script type='math/tex; mode=display'>\\frac{a}{b}</script>"
        "<img class=latex src=f.png alt='\\alpha < 1'><img src=g.png>"
    )
    assert "<code>\\frac{a}{b}</code>" in clean
    assert '<span class="image">\\alpha &lt; 1</span>' in clean
    assert '<span class="image">image</span>' in clean


@pytest.mark.parametrize("page", ["<div>" * 20_000, "<b></x>" * 20_000, "<p>x" * 1_000_000])
def test_pages_that_would_take_minutes_are_not_drawn(page: str) -> None:
    with pytest.raises(TooEntangled):
        harmless_html(page)


def test_flat_pages_are_drawn_however_many_elements() -> None:
    assert harmless_html("<p>one<br><li>two" * 5_000).count("two") == 5_000


@pytest.mark.parametrize(
    ("body", "media_type", "kind", "text"),
    [
        (b"<!DOCTYPE html><p>x", "", "html", "<!DOCTYPE html><p>x"),
        ("<p>größer".encode("latin-1"), "text/html", "html", "<p>größer"),
        (b"plain <b>", "text/plain", "text", "plain <b>"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "image/png", "binary", ""),
        (b"", "text/html", "html", ""),
    ],
)
def test_sources_are_told_apart(body: bytes, media_type: str, kind: str, text: str) -> None:
    found = source_of_bytes(body, media_type, "", "here")
    assert (found.kind, found.text, found.size) == (kind, text, len(body))


def _kinds(text: str) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in pieces_of(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cost \\$5 and $x$", [("prose", "cost $5 and "), ("inline", "x")]),
        ("$$a\n\nb$$", [("display", "a\n\nb")]),
        ("$a\n\nb$", [("prose", "$a\n\nb$")]),
        ("a \\(x\\) \\[y\\]", [("prose", "a "), ("inline", "x"), ("prose", " "), ("display", "y")]),
        ("`$x$` $y$", [("code", "$x$"), ("prose", " "), ("inline", "y")]),
        ("```py\n$x$\n```\n$y$", [("code", "$x$"), ("prose", "\n"), ("inline", "y")]),
        ("```\nopen $x$", [("code", "open $x$")]),
        ("# On $x$", [("prose", "# On "), ("inline", "x")]),
        ("## Limits\ntext", [("heading", "Limits"), ("prose", "\ntext")]),
        (
            "\\begin{align*}a&=b\\\\\\end{align*}",
            [("display", "\\begin{align*}a&=b\\\\\\end{align*}")],
        ),
        ("\\begin{align}a", [("prose", "\\begin{align}a")]),
        ("$\\text{5\\$}$", [("inline", "\\text{5\\$}")]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_pieces(text: str, expected: list[tuple[str, str]]) -> None:
    assert _kinds(text) == expected


@given(st.text(alphabet="a $\\`~#\n()[]{}b", max_size=60))
def test_pieces_lose_nothing_that_is_read(text: str) -> None:
    """Whatever is cut: the letters stay, in their order."""
    kept = "".join(piece.text for piece in pieces_of(text))
    fences = [line for line in text.split("\n") if line.lstrip(" ").startswith(("```", "~~~"))]
    if not fences:
        assert [c for c in kept if c in "ab"] == [c for c in text if c in "ab"]


@pytest.mark.parametrize(
    "text", ["\\[" * 50_000, "\\begin{align}" * 20_000, "\\(" * 50_000, "$" * 99_999, "`a" * 50_000]
)
def test_unclosed_marks_are_prose(text: str) -> None:
    assert sum(len(piece.text) for piece in pieces_of(text)) >= len(text) // 2


_LINES = st.lists(st.sampled_from(["a b c", "a b d", "", "e", "long line of words"]), max_size=6)


@given(_LINES.map("\n".join), _LINES.map("\n".join))
def test_differences_give_both_texts_back(first: str, second: str) -> None:
    found = difference_of(first, second)
    if any(change.kind == "skipped" for change in found.changes):
        return
    assert "".join(c.text for c in found.changes if c.kind != "added") == first
    assert "".join(c.text for c in found.changes if c.kind != "removed") == second
    assert found.equal == (first == second)


def test_a_changed_word_is_marked_alone() -> None:
    first = "Let $x$ be real.\nThen f is continuous.\n" + "same\n" * 30
    found = difference_of(first, first.replace("continuous", "bounded"))
    marked = [(c.kind, c.text) for c in found.changes if c.kind in ("removed", "added")]
    assert marked == [("removed", "continuous"), ("added", "bounded")]
    assert any(change.kind == "skipped" for change in found.changes)


def test_huge_texts_are_compared_in_part() -> None:
    first = "word " * 200_000
    found = difference_of(first, "other " * 200_000)
    assert found.cut and not found.equal
