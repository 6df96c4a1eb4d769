"""Rules on addresses: ours by parts, the published ones anywhere."""

from __future__ import annotations

import pytest

from filters.web.url_rules import UrlRules
from schemas import Decision, Document


def judge(url: str, table: str = "open-web-math") -> Decision:
    return UrlRules(table).judge(Document("0", url=url))


@pytest.mark.parametrize(
    ("url", "reason", "detail"),
    [
        ("https://www.scribd.com/doc/1", "bad_host", "scribd.com"),
        ("https://SCRIBD.com/doc/1", "bad_host", "scribd.com"),
        ("https://math.stackexchange.com/users/17/gauss", "user_page", "/users/"),
        ("https://blog.example/author/emmy/", "listing_page", "/author/"),
        ("https://code.example/repo/commit/abc", "listing_page", "/commit/"),
        ("https://site.example/search?q=integral", "search_page", "/search/"),
        ("https://www.arxiv-vanity.com/papers/1", "arxiv_copy", "arxiv-vanity.com"),
    ],
)
def test_our_rules_name_what_fired(url: str, reason: str, detail: str) -> None:
    decision = judge(url)
    assert (decision.keeps, decision.reason, decision.detail) == (False, reason, detail)


@pytest.mark.parametrize(
    "url",
    [
        "https://math.example/committee/lecture",
        "https://www.ncbi.nlm.nih.gov/statistics",
        "https://notscribd.com/doc",
        "https://forum.example/users/17",
        "https://site.example/research/integrals",
        "https://math.example/a?next=https://scribd.com/",
        "http://[broken",
        "",
        "no address at all",
    ],
)
def test_our_rules_leave_lookalikes_alone(url: str) -> None:
    assert judge(url).keeps


@pytest.mark.parametrize(
    ("url", "keeps"),
    [
        ("https://math.example/committee/lecture", False),  # defect 16
        ("https://www.ncbi.nlm.nih.gov/statistics", False),  # defect 16
        ("https://a.example/search/x", False),
        ("https://a.example//search/x", True),
        ("https://read.dukeupress.edu/x", True),  # defect 15
        ("https://a.example/authors/x", True),  # defect 15
        ("https://mathoverflow.net/users/3", False),
        ("https://a.example/bibtex", False),
        ("https://math.example/lecture", True),
    ],
)
def test_the_published_table_does_what_the_original_did(url: str, keeps: bool) -> None:
    assert judge(url, "published").keeps is keeps


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(ValueError, match="open-web-math"):
        UrlRules("none")
