"""Training MathScore on a tiny web written here, by the command that people run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from filters.models import ModelFile, check_model, model_digest
from filters.web.math_score import MathScore
from pipelines.training.math_score import _balanced
from pipelines.training.pages import Page
from pipelines.training.sources import Source
from tests.pipelines.training.running import run
from tests.pipelines.training.tiny_web import MATHEMATICS, ORDINARY, write_pages, write_warc

_SMALL = ("--folds", "3", "--dimension", "4", "--buckets", "500", "--features", "300", "--epochs", "25",
          "--fewest-words", "10", "--workers", "1", "--progress", "quiet")  # fmt: skip


def train(*arguments: object) -> int:
    return run("math-score", *arguments, *_SMALL)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a tiny web and a model of it."""
    folder = tmp_path_factory.mktemp("tiny")
    write_pages(folder / "pages")
    assert train("--pages", folder / "pages", "--output", folder / "model") == 0
    return folder


def test_the_same_pages_give_the_same_bytes(trained: Path, tmp_path: Path) -> None:
    pages = [str(trained / "pages" / f"{digit}-*.html") for digit in range(5, -1, -1)]
    arguments = [item for page in pages for item in ("--pages", page)]
    assert train(*arguments, "--output", tmp_path) == 0
    for name in ("math-score-small.ftz", "math-score-small.png"):
        assert (tmp_path / name).read_bytes() == (trained / "model" / name).read_bytes()
    cards = [
        json.loads((f / "math-score-small.json").read_text()) for f in (trained / "model", tmp_path)
    ]
    assert cards[0] == cards[1]


def test_an_archive_teaches_the_same_as_its_pages(trained: Path, tmp_path: Path) -> None:
    write_warc(tmp_path / "a.warc")
    assert train("--warc", tmp_path / "a.warc", "--output", tmp_path / "model") == 0
    model = tmp_path / "model" / "math-score-small.ftz"
    card = json.loads(model.with_suffix(".json").read_text("utf-8"))
    assert card["counts"]["positive_texts"] == card["counts"]["negative_texts"] == 12
    assert card["counts"]["origins"] == 6
    assert MathScore(model=str(model)).score(MATHEMATICS[0]) > 0.5


def test_the_model_tells_the_kinds_apart(trained: Path) -> None:
    score = MathScore(model=str(trained / "model" / "math-score-small.ftz")).score
    assert score(MATHEMATICS[0]) > score(ORDINARY[0])


def test_the_card_is_complete(trained: Path) -> None:
    model = trained / "model" / "math-score-small.ftz"
    card = json.loads(model.with_suffix(".json").read_text("utf-8"))
    check_model(ModelFile(str(model), card["sha256"]), made_by="")
    assert card["sha256"] == model_digest(str(model))
    assert len(card["data_sha256"]) == 64
    assert card["sources"][0]["texts"] == {"negative": 12, "positive": 12}
    assert len(card["sources"][0]["sha256"]) == 64
    assert set(card["thresholds"]) == {"threshold_with_math", "threshold_without_math"}
    measures = card["measures"]
    assert measures["auc"] > 0.9
    confusion = measures["confusion_at_recipe_thresholds"]
    assert [row["threshold"] for row in confusion] == [0.1, 0.9]
    for row in confusion:
        assert row["positives_that_pass"] + row["positives_dropped"] == 12
    assert measures["by_encoding"][0]["encoding"] == "parentheses"
    assert len(measures["by_origin"]) == 6
    assert len(measures["worst_errors"]) == 10
    assert all(row["misleading_words"] for row in measures["worst_errors"])
    written = model.with_suffix(".md").read_text("utf-8")
    assert "| pages | not stated |" in written
    assert "](math-score-small.png)" in written
    assert model.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    # A card travels with its model: no word of where it was made.
    assert str(trained) not in model.with_suffix(".json").read_text("utf-8")


def test_the_frequent_kind_is_thinned_to_the_other() -> None:
    def page(number: int, origin: str, label: str) -> Page:
        return Page(
            key=number.to_bytes(16), source=Source("s", ()), origin=origin, file="f", place="",
            sha256=f"{number}", encodings=(), english=True, label=label, words=9, prose_words=9,
            task=0, row=number,
        )  # fmt: skip

    few = [page(n, f"n{n % 2}", "negative") for n in range(6)]
    for many in (
        [page(100 + n, f"p{n}", "positive") for n in range(50)],  # a page of each site
        [page(100 + n, f"p{n % 3}", "positive") for n in range(50)],  # three large sites
    ):
        kept = _balanced([*few, *many])
        assert Counter(p.label for p in kept) == {"negative": 6, "positive": 6}
        assert kept == _balanced([*many[::-1], *few])
    sizes = Counter(p.origin for p in _balanced([*few, *many]) if p.label == "positive")
    assert set(sizes.values()) == {2}


def test_one_kind_alone_is_refused(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = train("--pages", trained / "pages" / "[024]-*.html", "--output", tmp_path)
    assert code == 2
    assert "give more --pages" in capfd.readouterr().err
    assert not list(tmp_path.glob("*.ftz"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --warc, --pages or --sources"),
        (("--pages", "nowhere/*.html"), "no file"),
        (("--warc", "nowhere.warc"), "nowhere.warc"),
        (("--sources", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_mistakes_are_named_before_any_work(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(*arguments, "--output", tmp_path / "model") == 2
    assert message in capfd.readouterr().err.replace("\n", "")
    assert not (tmp_path / "model").exists()
