"""How text is written: blocks, lists, tables, code, scripts, characters."""

from __future__ import annotations

import pytest

from extractors.html import extract_html

FILLER = "<p>A paragraph of ordinary words stands here, so that the page has a main text.</p>"


def text_of(body: str) -> str:
    """The text of a page behind its filler."""
    text = extract_html(f"<html><body>{FILLER}{body}</body></html>".encode()).text
    return text.partition("main text.")[2].strip("\n")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<h2>A <b>heading</b></h2><p>text of it</p>", "## A heading\n\ntext of it"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<p>one<br>two</p>", "one\ntwo"),
        ("<p>one<br><br><br>two</p>", "one\n\ntwo"),
        ("<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "- a\n  - b\n- c"),
        ('<ol start="3"><li>a</li><li>b</li></ol>', "3. a\n4. b"),
        ("<ul><li><p>a</p><p>b</p></li></ul>", "- a\n\n  b"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ("<table><tr><th>n<th>f(n)<tr><td>1<td>2</table>", "| n | f(n) |\n| --- | --- |\n| 1 | 2 |"),
        ("<table><tr><td>a<td><tr><td>b<td></table>", "a\n\nb"),
        ("<figure><img src=a.png><figcaption>What it shows</figcaption></figure>", "What it shows"),
        ("<dl><dt>group</dt><dd>a set with an operation</dd></dl>", "group\na set with an operation"),
    ],
)  # fmt: skip
def test_blocks(body: str, expected: str) -> None:
    assert text_of(body).replace("\n\n\n", "\n\n") == expected or text_of(body).replace(
        "\n\n", "\n"
    ) == expected.replace("\n\n", "\n")


def test_code_keeps_its_indentation() -> None:
    body = '<pre class="language-python"><code>def f(x):\n    if x:\n\treturn x\n</code></pre>'
    assert text_of(body) == "```python\ndef f(x):\n    if x:\n        return x\n```"


def test_code_with_fences_gets_a_longer_fence() -> None:
    assert text_of("<pre>```\nx\n```</pre>").startswith("````\n```")


def test_line_numbers_are_no_code() -> None:
    body = '<pre><span class="lineno">1</span>x = 1\n<span class="lineno">2</span>y = 2</pre>'
    assert text_of(body) == "```\nx = 1\ny = 2\n```"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x<sub>1</sub>", "x_{1}"),
        ("<i>x</i><sup>2</sup> + y", "x^{2} + y"),
        ("10<sup>-3</sup> m<sup>2</sup>", "10^{-3} m^{2}"),
        ("the 1<sup>st</sup> and 22<sup>nd</sup>", "the 1st and 22nd"),
        ("Smith<sup>1</sup> said", "Smith[1] said"),
        ('known<sup><a href="#n">[3]</a></sup> since', "known[3] since"),
        ("Brand<sup>TM</sup>", "BrandTM"),
        ("e<sup>x</sup>", "e^{x}"),
        ("sin<sup>2</sup> x", "sin^{2} x"),
    ],
)
def test_scripts_are_mathematical_only_where_they_are(body: str, expected: str) -> None:
    assert text_of(f"<p>{body}</p>") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("soft&shy;hyphen zero&#8203;width", "softhyphen zerowidth"),
        ("a&nbsp;b&emsp;c", "a b c"),
        ("e&#769;t&#233;", "été"),
        ("&lt;tag&gt; &amp;amp;", "<tag> &amp;"),
        ("&#x645;&#x6cc;&#x200c;&#x62e;", "\u0645\u06cc\u200c\u062e"),
        ("x &#xE000;0&#xE001; y", "x 0 y"),
    ],
)
def test_characters(body: str, expected: str) -> None:
    assert text_of(f"<p>{body}</p>") == expected


def test_words_of_cells_and_blocks_never_fuse() -> None:
    body = "<table><tr><td>alpha</td><td>beta</td></tr></table><div>gamma<div>delta</div></div>"
    assert text_of(body).split() == ["alpha", "beta", "gamma", "delta"]


def test_headings_without_a_section_go() -> None:
    assert text_of("<h2>Share</h2><h2>Proof</h2><p>It follows.</p><h3>More</h3>") == (
        "## Proof\n\nIt follows."
    )


def test_code_has_no_invisible_characters_either() -> None:
    body = "<pre>e&#769;&#8203; x\n\n\n\ny&nbsp;= 1 </pre>"
    assert text_of(body) == "```\né x\n\ny = 1\n```"


def test_lines_of_a_listing_are_code() -> None:
    body = '<div class="fragment"><div class="line">if (x)</div><div class="line">  return;</div></div>'
    assert text_of(body) == "```\nif (x)\n  return;\n```"


def test_an_item_that_is_only_a_list_has_no_bullet() -> None:
    assert text_of("<ul><li><ul><li>inner item</li></ul></li></ul>") == "- inner item"


def test_the_margin_of_a_listing_goes() -> None:
    numbers = "".join(f"<div>{number}</div>" for number in range(1, 8))
    assert text_of(f"<div>{numbers}</div><pre>x = 1</pre>") == "```\nx = 1\n```"
    assert text_of("<p>1</p><p>2</p><p>4</p>") == "1\n\n2\n\n4"
