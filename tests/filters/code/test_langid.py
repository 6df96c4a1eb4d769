"""langid.py's classifier, held against the library that brings its model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from filters.code.langid import classify_language

REFERENCE = LanguageIdentifier.from_pickled_model(MODEL_FILE)


def reference(text: str) -> tuple[str, float]:
    scores = REFERENCE.nb_classprobs(REFERENCE.instance2fv(text, np.uint32))
    best = int(np.argmax(scores))
    return REFERENCE.nb_classes[best], float(scores[best])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    language, score = classify_language(text)
    expected, its = reference(text)
    assert score == pytest.approx(its, rel=1e-5, abs=1e-3)
    assert language == expected


@pytest.mark.parametrize(
    "words", ["The proof of the theorem. ", "Die Menge ist offen. ", "集合は開である。"]
)
def test_texts_longer_than_a_block(words: str) -> None:
    text = words * (2_300_000 // len(words.encode()))
    assert classify_language(text)[0] == reference(text)[0]
    assert classify_language(text)[1] == pytest.approx(reference(text)[1], rel=1e-5)
