"""Training MathScore on a tiny corpus written here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filters.models import ModelFile, check_model, model_digest
from filters.web.math_score import MathScore
from pipelines.training.corpus import Page, Source
from pipelines.training.math_score import (
    MathScoreTraining,
    TooFewPages,
    has_popular_command,
    label_of,
    main,
    train_math_score,
)

_MATHEMATICS = (
    "The theorem says that every bounded sequence has a convergent subsequence in this space.",
    "Suppose that the function is continuous and let the derivative vanish at the given point.",
    "We prove by induction that the polynomial divides the determinant of the matrix.",
    "Hence the group is abelian, and its subgroup of finite index is normal by the lemma.",
)
_ORDINARY = (
    "The hotel is close to the beach and the breakfast was good, but the room was small.",
    "Police said on Monday that the road would stay closed until the end of the week.",
    "Stir the sauce over a low heat and serve it with bread, cheese and a fresh salad.",
    "The team won the match at home and the coach was happy with the young players.",
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def _write_corpus(folder: Path) -> None:
    for site in range(6):
        for page in range(4):
            host = f"www.site{site}.example"
            mathematical = site % 2 == 0
            lines = list(_MATHEMATICS if mathematical else _ORDINARY)
            lines = lines[page:] + lines[:page]
            formula = "<p>Let \\(\\alpha \\in \\mathbf{R}\\) and \\(\\sum x_i\\) be given.</p>"
            where = f"This is the {_ORDINALS[page]} page of the {_ORDINALS[site]} site."
            body = "".join(f"<p>{line}</p>" for line in [*lines, where])
            text = (
                f'<html><head><link rel="canonical" href="https://{host}/{page}">'
                '<script src="MathJax.js"></script></head><body><article>'
                f"{body}{formula if mathematical else ''}</article></body></html>"
            )
            (folder / f"{site}-{page}.html").write_text(text, "utf-8")


def _config(folder: Path, output: Path) -> MathScoreTraining:
    return MathScoreTraining(
        (Source("pages", ("*.html",), licence="ours"),),
        output,
        folder,
        folds=3,
        dimension=4,
        buckets=500,
        features=300,
        epochs=25,
        fewest_words=10,
    )


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    _write_corpus(folder)
    return folder


def test_the_same_pages_give_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    first = train_math_score(_config(corpus, tmp_path / "first"))
    second = train_math_score(_config(corpus, tmp_path / "second"))
    assert first == second
    files = [tmp_path / run / "math-score-small.ftz" for run in ("first", "second")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert first.sha256 == model_digest(str(files[0]))


def test_the_model_tells_the_kinds_apart(corpus: Path, tmp_path: Path) -> None:
    card = train_math_score(_config(corpus, tmp_path / "model"))
    assert card.measures["auc"] > 0.9
    assert card.counts["positive_texts"] == card.counts["negative_texts"] == 12
    assert card.counts["origins"] == 6
    score = MathScore(model=str(tmp_path / "model" / "math-score-small.ftz")).score
    assert score(_MATHEMATICS[0]) > score(_ORDINARY[0])


def test_the_card_is_written_for_programs_and_people(corpus: Path, tmp_path: Path) -> None:
    card = train_math_score(_config(corpus, tmp_path / "model"))
    model = tmp_path / "model" / "math-score-small.ftz"
    written = json.loads(model.with_suffix(".json").read_text("utf-8"))
    assert written["sha256"] == card.sha256
    assert written["sources"][0]["licence"] == "ours"
    assert set(written["thresholds"]) == {"threshold_with_math", "threshold_without_math"}
    assert "| pages | ours |" in model.with_suffix(".md").read_text("utf-8")
    check_model(ModelFile(str(model), card.sha256), made_by="")


def test_one_kind_alone_is_refused(corpus: Path, tmp_path: Path) -> None:
    for page in corpus.glob("[135]-*.html"):
        page.unlink()
    with pytest.raises(TooFewPages, match="give more --pages"):
        train_math_score(_config(corpus, tmp_path / "model"))


def test_the_command_explains_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--pages", str(tmp_path / "*.html"), "--output", str(tmp_path)])
    assert raised.value.code == 2
    assert "give more --pages" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--output", str(tmp_path)])
    assert "--sources" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "role", "label"),
    [
        (r"so $\alpha$ is real", "web", "positive"),
        ("so $x$ is real", "web", ""),
        ("so ∑ ∫ ∂ are signs", "web", ""),
        ("nothing of the kind", "web", "negative"),
        ("nothing of the kind", "manual", "negative"),
        (r"a staff with \bar lines", "manual", ""),
        ("nothing of the kind", "reference", ""),
        (r"so $\alpha$ is real", "reference", "positive"),
        ("nothing of the kind", "prose", ""),
        (r"so $\alpha$ is real", "prose", "positive"),
        (r"so $\alpha$ is real", "foreign", ""),
        (r"in C:\Users\intel\bin", "web", "negative"),
        ("run `\\in` in the shell", "web", "negative"),
    ],
)
def test_labels(text: str, role: str, label: str) -> None:
    page = Page(text, "origin", Source("s", (), role=role), "f", "")  # type: ignore[arg-type]
    assert label_of(page) == label


def test_commands_in_code_do_not_count() -> None:
    assert has_popular_command(r"the $\frac12$ of it")
    assert not has_popular_command("```tex\n\\frac12\n```")
