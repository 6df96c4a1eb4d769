from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from filters.web import math_prefilter, published_prefilter
from filters.web.byte_patterns import compile_matcher, compile_plain_matcher

PIECES = [
    b"\\in", b"\\frac", b"\\alphabet", b"mathjax", b"MATHJAX", b"MathJax", b"<math", b"&sum;",
    b"tex.cgi", b"tex\ncgi", b"katex-min-css", b"latex.ph", b"class='tex'", b"\\a", b"\\AB", b"x",
    b" ", b"\n",
]  # fmt: skip
pages = st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=12).map(b"".join)


@given(pages)
def test_both_engines_find_the_same_evidence(page: bytes) -> None:
    rows = math_prefilter._evidence()
    patterns, caseless = [row.pattern for row in rows], [row.nocase for row in rows]
    plain = compile_plain_matcher(patterns, caseless=caseless)
    assert set(plain(page)) == set(math_prefilter._matcher()(page))


@given(pages)
def test_both_engines_find_keywords_in_the_same_place(page: bytes) -> None:
    plain = compile_plain_matcher(
        [*published_prefilter._KEYWORDS, published_prefilter._BACKSLASH_COMMAND]
    )
    assert plain(page) == published_prefilter._matcher()(page)


def test_where_the_first_match_ends() -> None:
    for compiled in (compile_matcher, compile_plain_matcher):
        match = compiled([b"a.c", b"x", b"B"], caseless=[False, False, True])
        assert match(b"..abc.b.abc") == {0: 5, 2: 4}
        assert match(memoryview(b"nothing but z")) == {2: 9}
        assert match(b"") == {}
