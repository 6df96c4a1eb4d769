"""Quality rules: prose with mathematics stays, whatever else goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.web.quality import QualityRules
from schemas import Decision, Document

PROSE = (
    "Let $f$ be continuous on $[a,b]$. By the mean value theorem there is a point $c$ in the "
    "interval such that the integral of $f$ equals $f(c)(b-a)$, and this is what we wanted to "
    "prove. The converse is false, as the reader can see from the example of a step function, "
    "which takes each of its values but not their mean."
)


def judge(text: str) -> Decision:
    return QualityRules().judge(Document("0", text=text))


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        PROSE + "\n\n" + "\n\n".join(f"$$\\sum_{{i=1}}^{{{n}}} a_i = {n}$$" for n in range(200)),
        PROSE + "\n\n```\n" + "x = x + 1\n" * 300 + "```",
        "\n\n".join(f"**Exercise {n}.** Find the limit of $a_n = {n}/n$ and prove it, if there is one, "
                    f"with the definition that was given in section {n} of these notes." for n in range(30)),
        PROSE + "\n| n | p(n) |\n|---|---|\n" + "\n".join(f"| {n} | {n * n} |" for n in range(12)),
    ],
)  # fmt: skip
def test_mathematical_prose_is_kept(text: str) -> None:
    decision = judge(text)
    assert decision.keeps, decision


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "too_short"),
        ("The root of two is no fraction, since the square of a fraction in lowest terms that equals "
         "two has an even numerator and then an even denominator as well, which it cannot have. " * 40,
         "duplicate_passages"),
        ("$$x$$ " * 100, "too_few_words"),
        ("Please log in to continue. " + PROSE, "error_page"),
        ("integral derivative calculus algebra tutor homework solver equation matrix " * 30,
         "few_stop_words"),
        ("of the in a to and " * 3 + "\n".join(f"{n} {n * 7919} {n ** 3}" for n in range(300))
         + " we see that the table is as it was and it has all of the values that one can want to "
           "have in it", "few_letters"),
        ("\n".join([PROSE.replace("$", "")] * 6), "duplicate_lines"),
        ("a b c d e f g h i j k l m n o p q r s t u v w x y z of it as in " * 8, "odd_word_length"),
        ("\n".join(f"of the {w * 5}" for w in "abcdefghijklmnopqrstuvwxyz" * 3) + "\nit is all of it",
         "link_list"),
        (" ".join(f"buy the cheapest solution {word} now" for word in
                  ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"]) * 3,
         "repeated_phrase"),
    ],
)  # fmt: skip
def test_what_is_no_prose_is_dropped_with_its_reason(text: str, reason: str) -> None:
    decision = judge(text)
    assert decision.reason == reason, decision
    assert decision.score is not None and decision.threshold is not None


def test_an_error_phrase_in_a_long_page_is_no_error_page() -> None:
    assert judge("If you enable JavaScript the plot moves. " + PROSE * 6).reason != "error_page"


@given(st.text(max_size=2000))
def test_any_text_gets_a_decision(text: str) -> None:
    assert judge(text).filter == "quality"
