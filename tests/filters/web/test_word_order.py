"""Word order: what stands in an order and what doesn't, whatever the words are."""

from __future__ import annotations

import random

import pytest

from filters.models import ModelFile, ModelMismatch, ModelNotFound, load_kenlm, model_path
from filters.web.perplexity import Perplexity
from filters.web.word_order import WordOrder
from schemas import Document
from tests.filters.web.test_perplexity import CLEAN

# Written here: prose of words that a model of mathematics knows hardly.
_RARE = """
The harbour pilot climbed aboard at dawn and the tug took our hawser. Fog lay over the estuary, thick
as fleece, and we could hear the bell buoy long before we saw it. By noon the stevedores had lifted
out the first of the hides and the wine casks, and the mate was quarrelling with the customs officer
about the seal on a crate of lanterns. I went ashore to find a chandler who would sell me tarred rope.
"""


def _shuffled(text: str, seed: int) -> str:
    words = text.split()
    random.Random(seed).shuffle(words)
    return " ".join(words)


def _document(text: str) -> Document:
    return Document("0" * 32, text=text)


def test_the_same_words_in_another_order_are_dropped() -> None:
    decisions = [WordOrder().judge(_document(_shuffled(CLEAN, seed))) for seed in range(40)]
    # Where dollar signs fall so that nearly all is a formula, few words are left to judge.
    judged = [decision for decision in decisions if decision.reason != "too_short_to_tell"]
    assert len(judged) >= 30
    assert sum(decision.reason == "no_order" for decision in judged) >= 0.95 * len(judged)


def test_prose_is_kept_even_of_rare_words() -> None:
    assert WordOrder().judge(_document(CLEAN)).keeps
    assert WordOrder().judge(_document(_RARE)).keeps
    # Perplexity has it the other way round: rare words in order, common ones in none.
    assert Perplexity().score(_RARE) > Perplexity().score(_shuffled(CLEAN, 1))


def test_keyword_lists_are_dropped() -> None:
    words = "algebra tutor calculus help cheap homework geometry answers online statistics expert "
    assert not WordOrder().judge(_document(words * 8)).keeps


def test_disorder_in_a_part_does_not_condemn_a_page() -> None:
    assert WordOrder().judge(_document(CLEAN * 3 + _shuffled(CLEAN, 2))).keeps
    assert not WordOrder().judge(_document(CLEAN + _shuffled(CLEAN * 3, 2))).keeps


def test_the_gain_is_what_the_words_before_bring() -> None:
    line = "let [EQUATION] be a real number ."
    model = load_kenlm("perplexity-small")
    alone = sum(model.words_score([word]) for word in line.split())
    expected = 10 ** ((model.score(line) - alone) / 7)
    assert WordOrder().score("Let $x$ be a real number.") == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "\n", "$x$", "Let $x$ be given.", _shuffled(CLEAN, 1)[:200]])
def test_a_few_words_say_too_little(text: str) -> None:
    decision = WordOrder().judge(_document(text))
    assert (decision.keeps, decision.reason) == (True, "too_short_to_tell")


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "\x00", "设函数" * 1000, "$x$ " * 50_000, "<s> </s>"]
)
def test_any_text_has_a_score(text: str) -> None:
    assert WordOrder().score(text) > 0


def test_the_threshold_itself_passes() -> None:
    score = WordOrder().score(CLEAN)
    assert WordOrder(threshold=score).judge(_document(CLEAN)).keeps
    assert not WordOrder(threshold=score * 1.001).judge(_document(CLEAN)).keeps


def test_unknown_words_are_not_remembered() -> None:
    model = load_kenlm("perplexity-small")
    assert model.words_score(["zqvexor", "blimpftrundle"]) == pytest.approx(-14.0)
    assert not {"zqvexor", "blimpftrundle"} & model._words.keys()
    assert model.words_score(["theorem"]) > -5


def test_a_missing_or_changed_model_names_the_command() -> None:
    WordOrder().check()
    assert WordOrder().model_digest() == Perplexity().model_digest()
    with pytest.raises(ModelNotFound, match="proofmill train perplexity"):
        WordOrder(model="/nowhere/model.binary").check()
    path = str(model_path("perplexity-small"))
    with pytest.raises(ModelMismatch, match="sha256"):
        WordOrder(model=ModelFile(path, "0" * 64)).check()
