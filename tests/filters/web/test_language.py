"""Language identification on prose alone."""

from __future__ import annotations

import pytest

from filters.models import ModelMismatch, ModelNotFound
from filters.web.language import Language
from schemas import Document, Verdict

_ENGLISH = (
    "Let $f$ be a function that is continuous on the interval $[a, b]$.\n"
    "Then $f$ takes every value between $f(a)$ and $f(b)$, and it has a largest value."
)
_FRENCH = (
    "Soit $f$ une fonction continue sur l'intervalle $[a, b]$.\n"
    "Alors $f$ prend toutes les valeurs entre $f(a)$ et $f(b)$, et elle a un maximum."
)
_GERMAN = (
    "Sei $G$ eine endliche Gruppe und $H$ eine Untergruppe von $G$.\n"
    "Dann ist die Ordnung von $H$ ein Teiler der Ordnung von $G$, wie man leicht sieht."
)
_CHINESE = "设函数 $f$ 在闭区间 $[a,b]$ 上连续，则它在该区间上有界，并且能取得最大值和最小值。" * 2


def _document(text: str) -> Document:
    return Document("0" * 32, text=text)


@pytest.mark.parametrize("edition", ["ours", "published"])
@pytest.mark.parametrize(
    ("text", "language"),
    [(_ENGLISH, "en"), (_FRENCH, "fr"), (_GERMAN, "de"), (_CHINESE, "zh")],
)
def test_languages(text: str, language: str, edition: str) -> None:
    document = _document(text)
    decision = Language(edition=edition).judge(document)  # type: ignore[arg-type]
    assert document.language == language
    assert decision.keeps == (language == "en")
    assert decision.score == document.language_score
    assert decision.threshold == 0.5
    if not decision.keeps:
        assert decision.reason == "other_language"
        assert decision.detail == language


def test_formulas_do_not_hide_english() -> None:
    formulas = "$\\sum_{i=1}^n x_i^2 \\le \\left(\\sum_i |x_i|\\right)^2 \\in \\mathbb{R}_{+}$"
    text = f"Let {formulas} hold. Then {formulas} follows, and so {formulas} by induction. Hence\n"
    text += (
        f"$$\n{formulas.strip('$')}\n$$\nis finite whenever {formulas} is, as we wanted to show."
    )
    ours = Language().judge(_document(text))
    assert ours.keeps
    assert ours.score is not None and ours.score > 0.8


def test_code_and_links_do_not_count() -> None:
    text = (
        f"{_FRENCH}\n```python\nfor the_value in of_the_list: print('this is English text')\n```\n"
    )
    text += "https://www.example.org/this/is/the/english/name/of/the/page/that/you/want " * 5
    document = _document(text)
    assert not Language().judge(document).keeps
    assert document.language == "fr"


@pytest.mark.parametrize(
    "text", ["", "$x^2$", "Ok.", "$$a$$ $$b$$ `code` https://a.example", "\n\n"]
)
def test_too_little_prose_stays(text: str) -> None:
    document = _document(text)
    decision = Language().judge(document)
    assert decision.verdict is Verdict.KEEP
    assert decision.reason == "too_short_to_tell"
    assert (document.language, document.language_score) == ("und", 0.0)


def test_other_languages_can_be_wanted() -> None:
    assert Language(languages=("en", "fr")).judge(_document(_FRENCH)).keeps


def test_the_threshold_itself_passes() -> None:
    document = _document(_ENGLISH)
    score = Language().judge(document).score
    assert score is not None
    assert Language(threshold=score).judge(document).keeps
    dropped = Language(threshold=min(score + 1e-6, 1.1)).judge(document)
    assert (dropped.verdict, dropped.reason) == (Verdict.DROP, "unsure")


def test_a_long_text_is_sampled_at_head_middle_and_tail() -> None:
    # French everywhere but at the very head: a filter that reads the head alone is fooled.
    text = _ENGLISH + "\n" + (_FRENCH + "\n") * 400
    document = _document(text)
    Language().judge(document)
    assert document.language == "fr"


def test_published_judges_fused_words() -> None:
    words = ["the", "value", "of", "this", "function", "is", "not", "known", "to", "us"] * 3
    document = _document("\n".join(words))
    Language(edition="published").judge(document)
    fused = document.language_score
    Language().judge(document)
    assert document.language == "en"
    assert document.language_score > fused


def test_a_missing_or_changed_model_is_found_before_any_work() -> None:
    Language().check()
    with pytest.raises(ModelNotFound, match=r"lid\.176"):
        Language(model="lid.177").check()
    with pytest.raises(ModelMismatch):
        from filters.models import ModelFile, model_path

        Language(model=ModelFile(str(model_path("lid.176")), "f" * 64)).check()
