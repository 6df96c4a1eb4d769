"""Training the language model on a tiny corpus written here; needs kenlm's estimator."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from filters.models import model_digest
from filters.web.perplexity import Perplexity
from pipelines.training.build_lmplz import find_lmplz
from pipelines.training.corpus import Source
from pipelines.training.perplexity import PerplexityTraining, TooFewTexts, main, train_perplexity

_NO_LMPLZ = "kenlm's lmplz isn't built here: python -m pipelines.training.build_lmplz"

_SUBJECTS = ("the function", "a sequence", "every matrix", "this group", "the integral", "a graph")
_VERBS = ("is", "is not", "can be", "must be", "is said to be", "was shown to be")
_ADJECTIVES = ("continuous", "finite", "bounded", "closed", "regular", "connected", "smooth")


def _text(rng: random.Random) -> str:
    sentences = []
    for _ in range(30):
        words = (rng.choice(_SUBJECTS), rng.choice(_VERBS), rng.choice(_ADJECTIVES))
        sentences.append(
            " ".join(words).capitalize() + rng.choice((".", " since $x$ is.", ", too."))
        )
    return " ".join(sentences)


def _config(folder: Path, output: Path) -> PerplexityTraining:
    rng = random.Random(3)
    sources = []
    for work in range(4):
        name = f"work{work}"
        (folder / f"{name}.txt").write_text("\n\n".join(_text(rng) for _ in range(12)), "utf-8")
        sources.append(Source(name, (f"{name}.txt",), "ours", origin="source", role="prose"))
    return PerplexityTraining(
        tuple(sources), output, folder, folds=2, fewest_occurrences=1, prune=(0, 0, 0)
    )


@pytest.mark.skipif(find_lmplz() is None, reason=_NO_LMPLZ)
def test_the_same_texts_give_the_same_bytes_and_tell_noise(tmp_path: Path) -> None:
    config = _config(tmp_path, tmp_path / "first")
    card = train_perplexity(config)
    again = train_perplexity(_config(tmp_path, tmp_path / "second"))
    assert card == again
    model = tmp_path / "first" / "perplexity-small.binary"
    assert model_digest(str(model)) == card.sha256
    rows = {row["texts"]: row for row in card.measures["perplexity"]}
    assert rows["shuffled words"]["auc"] > 0.95
    assert rows["random letters"]["auc"] > 0.99
    assert card.thresholds["keeps_of_clean_prose"] > 0.9
    score = Perplexity(model=str(model)).score
    assert score("The function is continuous.") < score("Continuous function the is.")


@pytest.mark.skipif(find_lmplz() is None, reason=_NO_LMPLZ)
def test_too_few_works_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = _config(tmp_path, tmp_path / "model")
    with pytest.raises(TooFewTexts, match="give more --text"):
        train_perplexity(
            PerplexityTraining(config.sources[:1], config.output, config.data, folds=2)
        )
    with pytest.raises(SystemExit) as raised:
        main(["--text", str(tmp_path / "work0.txt"), "--output", str(tmp_path / "model")])
    assert raised.value.code == 2
    assert "give more --text" in capsys.readouterr().err
