"""What is done about problems in a document."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from filters.overlap.removal import FoundProblem, RemovalRule

TEXT = "Before it. What is the sum of all primes? After it."
START, END = TEXT.index("What"), TEXT.index("?")
FOUND = FoundProblem("normalised-13", "math", "42", "input", START, END, 3, 0.7)
DROP = RemovalRule("drop", editions=("normalised-13", "statement"))
CUT = replace(DROP, policy="cut")


def test_a_dropped_document_names_the_problems() -> None:
    removed = DROP.apply(TEXT, [FOUND, FOUND, replace(FOUND, item="7", side="output")])
    assert not removed.decision.keeps
    assert removed.decision.reason == "test_problem"
    assert removed.decision.detail == (
        "math 42 input (normalised-13); math 7 output (normalised-13)"
    )


def test_a_cut_goes_on_to_the_words_end_and_takes_the_margin() -> None:
    removed = CUT.apply(TEXT, [FOUND])
    assert removed.decision.keeps
    assert removed.decision.reason == "cut"
    assert "math 42" in removed.decision.detail
    assert removed.text == "Before it. \n After it."
    wider = replace(CUT, margin=3).apply(TEXT, [FOUND])
    assert wider.text == "Before \n it."


def test_overlapping_stretches_are_one_cut_and_what_is_left_empty_is_dropped() -> None:
    whole = [replace(FOUND, start=0, end=20), replace(FOUND, start=15, end=len(TEXT))]
    removed = CUT.apply(TEXT, whole)
    assert not removed.decision.keeps
    assert removed.decision.reason == "nothing_left"
    assert removed.cuts == ((0, len(TEXT)),)


def test_what_does_not_count_is_kept() -> None:
    for rule in (
        replace(DROP, editions=("published-30",)),
        replace(DROP, min_ngrams=4),
        replace(DROP, min_lcs=0.8),
    ):
        removed = rule.apply(TEXT, [FOUND])
        assert removed.decision.keeps
        assert removed.decision.reason == "pass"
        assert removed.text == TEXT
    statement = replace(FOUND, edition="statement", lcs_ratio=None)
    assert not replace(DROP, min_lcs=0.8).apply(TEXT, [statement]).decision.keeps


@given(
    st.text("ab \n", max_size=60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=4),
    st.integers(0, 5),
)
def test_what_is_left_is_the_text_without_its_cuts(
    text: str, spans: list[tuple[int, int]], margin: int
) -> None:
    found = [
        replace(FOUND, start=min(start, len(text)), end=min(start + length, len(text)))
        for start, length in spans
    ]
    removed = replace(CUT, margin=margin).apply(text, found)
    for start, end in spans:
        begin, stop = min(start, len(text)), min(start + end, len(text))
        assert any(a <= begin and stop <= b for a, b in removed.cuts)
    left = "".join(
        character
        for place, character in enumerate(text)
        if not any(a <= place < b for a, b in removed.cuts)
    )
    if removed.decision.keeps:
        assert removed.text.replace("\n", "") == left.replace("\n", "")
    else:
        assert not left.strip()
