"""A recorded score judged again: the same verdict as the filter itself would give."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.code.handwriting import DataOnly
from filters.rejudging import Bound, Recorded, laws_of, rejudged, settings_unjudged
from filters.web.language import Language
from filters.web.manual_rules import AccentedCharacters, TextLength
from filters.web.math_prefilter import MathPrefilter
from filters.web.math_score import MathScore
from filters.web.perplexity import Perplexity
from filters.web.published_prefilter import PublishedPrefilter
from filters.web.word_order import WordOrder
from pipelines.stages import STAGES
from schemas import Decision, Document

_PROSE = (
    "Let f be a continuous function on the interval and let its integral be finite. Then the "
    "sequence of its averages converges, and the limit is the value that the theorem gives. We "
    "prove this by induction on the number of steps, and the proof needs only the mean value "
    "theorem for integrals, which every student of analysis has seen in the first year. "
)
_TEXTS = (
    "",
    "$x$",
    "Prices from 5 dollars, today only, add to basket.",
    _PROSE,
    " ".join(sorted(_PROSE.split())),
    "Die Summe der Winkel im Dreieck beträgt zwei rechte, wie der Satz im ersten Buch zeigt. " * 3,
    "aé ü ö ï è " * 30,
    "Sei f stetig. " + _PROSE,
    "1.5 2.5 3.5\n" * 20 + _PROSE,
    "1 2 3\n" * 60,
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt " * 3,
)
_PAGES = (
    b"",
    b"<p>nothing here</p>",
    b"<p>a \\frac{1}{2} and \\sum</p>",
    b"<script src=MathJax.js></script> \\int \\alpha" * 3,
    b"<html><body>" + _PROSE.encode() * 3 + b" \\zz </body></html>",
)


def _documents() -> list[Document]:
    return [
        Document("0" * 32, raw=raw, text=text, formulas_kept={"delimited": count})
        for raw in _PAGES
        for text in _TEXTS
        for count in (0, 2)
    ]


_unit = st.floats(0, 1)
_FILTERS: dict[str, Callable[..., Any]] = {
    "math_score": lambda draw: MathScore(
        threshold_with_math=draw(_unit), threshold_without_math=draw(_unit)
    ),
    "perplexity": lambda draw: Perplexity(threshold=draw(st.floats(1, 1e6))),
    "word_order": lambda draw: WordOrder(threshold=draw(st.floats(0, 20))),
    "language": lambda draw: Language(
        languages=tuple(draw(st.lists(st.sampled_from(("en", "de", "la")), max_size=3))),
        threshold=draw(_unit),
    ),
    "math_prefilter": lambda draw: MathPrefilter(threshold=draw(st.floats(0, 30))),
    "text_length": lambda draw: TextLength(minimum=draw(st.integers(0, 900))),
    "accented_characters": lambda draw: AccentedCharacters(maximum_share=draw(_unit)),
    "data_only": lambda draw: DataOnly(share=draw(_unit), fewest_chars=100),
    "published_prefilter": lambda draw: PublishedPrefilter(math_score_threshold=draw(_unit)),
}


@functools.cache
def _decision(filter_: Any, number: int) -> Decision:
    return filter_.judge(_documents()[number])  # type: ignore[no-any-return]


def _recorded(decisions: list[Decision]) -> Recorded:
    return Recorded(
        np.array([decision.keeps for decision in decisions]),
        np.array([np.nan if d.score is None else d.score for d in decisions]),
        np.array([decision.detail for decision in decisions], object),
        np.array([decision.reason.startswith("error:") for decision in decisions]),
    )


def test_every_filter_with_laws_is_tried() -> None:
    with_laws = {
        name for kinds in STAGES.values() for name, kind in kinds.items() if laws_of(kind.settings)
    }
    assert with_laws - {"educational"} == set(_FILTERS), "educational has no packaged model"


@pytest.mark.parametrize("name", _FILTERS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_recorded_score_judged_again_is_the_filters_own_verdict(
    name: str, data: st.DataObject
) -> None:
    before, after = (_FILTERS[name](data.draw) for _ in range(2))
    numbers = data.draw(
        st.lists(st.integers(0, len(_PAGES) * len(_TEXTS) * 2 - 1), min_size=1, max_size=12)
    )
    recorded = _recorded([_decision(before, number) for number in numbers])
    wanted = [_decision(after, number).keeps for number in numbers]
    assert rejudged(after, recorded).tolist() == wanted
    assert rejudged(before, recorded).tolist() == recorded.keep.tolist()


def test_errors_and_what_has_no_score_keep_their_verdict() -> None:
    recorded = _recorded(
        [
            Decision.drop("perplexity", "error:ValueError", score=1.0),
            Decision.drop("perplexity", "no_words"),
            Decision.keep("word_order", "too_short_to_tell"),
        ]
    )
    assert rejudged(Perplexity(threshold=1e9), recorded).tolist() == [False, False, True]


def test_settings_that_no_law_covers_are_named() -> None:
    before = MathScore()
    after = MathScore(model="other.ftz", threshold_with_math=0.5)
    assert settings_unjudged(before, after) == ["model"]


def test_laws_name_settings_that_exist_and_have_one_threshold_each() -> None:
    for kinds in STAGES.values():
        for kind in kinds.values():
            for law in laws_of(kind.settings):
                assert law.setting in set(kind.settings.__dataclass_fields__)
                assert not isinstance(law, Bound) or law.keeps in ("at_least", "above", "at_most")
