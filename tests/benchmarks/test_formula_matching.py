"""What the extraction benchmark calls the same formula."""

from __future__ import annotations

import pytest

from benchmarks.formula_matching import Found, Rendering, delimited, exact_key, match, skeleton
from benchmarks.oracle import TrueFormula


def _true(text: str, *, display: bool = False, wanted: bool = True) -> TrueFormula:
    return TrueFormula("mathjax2", "tex", display, text, "", wanted, False, False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"a $x$ b $$y$$ c \(z\) d \[w\]", [("x", False), ("y", True), ("z", False), ("w", True)]),
        (r"costs \$5 or \$6", []),
        (r"$x = \text{if $y$ holds}$ and $z$", [(r"x = \text{if $y$ holds}", False), ("z", False)]),
        (
            r"\begin{align}a\end{align}$x$",
            [(r"\begin{align}a\end{align}", True), ("x", False)],
        ),
        (r"\\(not a formula\\)", []),
    ],
)
def test_formulas_of_a_text(text: str, found: list[tuple[str, bool]]) -> None:
    assert [(one.tex, one.display) for one in delimited(text)] == found


@pytest.mark.parametrize(
    ("left", "right"),
    [("x^{2}", "x ^ 2"), (r"{\displaystyle x}", "x"), (r"a\label{eq:1}", "a"), (r"$x$", "x")],
)
def test_tex_that_is_the_same(left: str, right: str) -> None:
    assert exact_key(left) == exact_key(right)


def test_tex_that_differs() -> None:
    assert exact_key("ab") != exact_key("ba")
    assert exact_key("x^{12}") != exact_key("x^12")


def test_renderers_write_the_same_formula_differently() -> None:
    one = "<math><msup><mi>f</mi><mo>′</mo></msup><mo>&#x2061;</mo><mo>(</mo><mi>x</mi><mo>)</mo></math>"
    other = "<math><mrow><msup><mi>f</mi><mo>'</mo></msup><mo stretchy='false'>(</mo><mi>x</mi><mo>)</mo></mrow></math>"
    assert skeleton(one) == skeleton(other) == "f'(x)"


def test_structure_counts() -> None:
    over = "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"
    under = "<math><mfrac><mi>b</mi><mi>a</mi></mfrac></math>"
    assert skeleton(over) != skeleton(under)
    assert skeleton("<math><msub><mi>x</mi><mn>1</mn></msub></math>") != skeleton(
        "<math><mi>x</mi><mn>1</mn></math>"
    )


def test_a_formula_counts_once_each_time() -> None:
    true = [_true("x"), _true("y"), _true("x", display=True)]
    found = [Found("x", True), Found("x", False), Found("x", False), Found("q", False)]
    result = match(true, found, {}, [frozenset()] * 3)
    assert sorted(index for index, _, _ in result.pairs) == [0, 2]
    assert (result.missed, result.repeated, result.false) == ([1], [2], [3])
    assert all(true[a].display == found[b].display for a, b, _ in result.pairs)


def test_expanded_macros_are_the_same_formula() -> None:
    looks = frozenset({"ℝ^(n)"})
    rendering = Rendering(parses=True, error="", skeletons=looks)
    result = match(
        [_true(r"\R^n")], [Found(r"\mathbb{R}^n", False)], {r"\mathbb{R}^n": rendering}, [looks]
    )
    assert result.pairs == [(0, 0, False)]


def test_hidden_formulas_are_neither_missed_nor_false() -> None:
    true = [_true("x", wanted=False)]
    assert match(true, [], {}, [frozenset()]).missed == []
    assert match(true, [Found("x", False)], {}, [frozenset()]).false == []


def test_a_wanted_formula_is_served_before_a_hidden_one_with_the_same_tex() -> None:
    looks = frozenset({"x^(2)"})
    rendering = Rendering(parses=True, error="", skeletons=looks)
    shown = TrueFormula("static:mjx", "mathml", False, "<math/>", "", True, False, False)
    result = match(
        [_true("x^2", wanted=False), shown], [Found("x^2", False)], {"x^2": rendering}, [looks] * 2
    )
    assert result.missed == []
    assert [index for index, _, _ in result.pairs] == [1]
