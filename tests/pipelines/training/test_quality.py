"""The educational score: learnt from labels written here, and used by a recipe."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.web.educational import Educational, expected_score
from pipelines.engine import Engine
from pipelines.errors import RecipeError
from pipelines.inputs import resolve_inputs
from pipelines.recipe import load_recipe
from pipelines.runs import Run
from pipelines.sample import sample_warc_path
from schemas import Document
from tests.pipelines.training.running import run

# By score: what lessons, notes and pages without any use sound like.
_SENTENCES = {
    5: ("We explain each step of the proof with care.", "Here is a worked example for students.",
        "Try the exercise before you read the solution.", "The lesson begins with a definition."),
    3: ("The theorem follows from the lemma.", "Let the function be continuous on the interval.",
        "The matrix has a nonzero determinant.", "The sequence converges to a limit."),
    0: ("Click here for the best price today.", "Sign up for our newsletter and win.",
        "The match ended in a draw on Sunday.", "Add the onions and stir the soup."),
}  # fmt: skip


def _rows() -> list[dict[str, object]]:
    rng = random.Random(5)
    return [
        {"document_id": f"{score}-{n}", "url": f"https://site{n % 6}.example/{score}/{n}",
         "score": score, "text": " ".join(rng.choices(sentences, k=12))}
        for score, sentences in _SENTENCES.items()
        for n in range(24)
    ]  # fmt: skip


def train(*arguments: object) -> int:
    small = ("--folds", 3, "--dimension", 4, "--buckets", 500, "--features", 300)
    return run("quality", *arguments, *small, "--progress", "quiet")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quality")
    pq.write_table(pa.Table.from_pylist(_rows()), folder / "labels.parquet")
    assert train("--labels", folder / "labels.parquet", "--output", folder / "model") == 0
    return folder


def test_the_score_follows_the_labels(trained: Path) -> None:
    score = Educational(model=str(trained / "model" / "educational.ftz")).score
    means = [score(" ".join(_SENTENCES[label] * 3)) for label in (0, 3, 5)]
    assert means == sorted(means)
    assert means[0] < 1.5 and means[2] > 3.5
    assert all(0 <= mean <= 5 for mean in means)
    assert score("") == score("$x$ 12 !") == 0.0


def test_the_card_says_how_it_does(trained: Path) -> None:
    card = json.loads((trained / "model" / "educational.json").read_text("utf-8"))
    assert card["measures"]["auc"] > 0.95
    assert card["measures"]["mean_absolute_error"] < 1.5
    assert card["measures"]["calibration"][-1]["mean_label"] > 3
    assert card["sources"][0]["texts"] == {"label 0": 24, "label 3": 24, "label 5": 24}
    assert card["measures"]["confusion_at_recipe_thresholds"][0]["threshold"] == 3.0
    assert (trained / "model" / "educational.png").stat().st_size > 1000


def test_labels_and_texts_may_lie_apart_and_in_any_order(trained: Path, tmp_path: Path) -> None:
    rows = _rows()
    documents = [{k: row[k] for k in ("document_id", "url", "text")} for row in rows]
    pq.write_table(pa.Table.from_pylist(documents[::-1]), tmp_path / "d.parquet")
    lines = [f"{row['document_id']}\t{row['score']}\n" for row in rows[::-1]]
    (tmp_path / "labels.tsv").write_text("document_id\tscore\n" + "".join(lines), "utf-8")
    arguments = ("--labels", tmp_path / "labels.tsv", "--documents", tmp_path / "d.parquet")
    assert train(*arguments, "--output", tmp_path / "model") == 0
    models = [f / "model" / "educational.ftz" for f in (trained, tmp_path)]
    assert models[0].read_bytes() == models[1].read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\tscore\nabc def\t7\n", "isn't from 0 to 5"),
        ("text\tscore\nabc def\thigh\n", "is no number"),
        ("text\tscore\nabc def\t4\n", "label more"),
        ("document_id\tscore\nabc\t4\n", "--documents"),
        ("score\n4\n", "neither a text nor"),
        ("text\tmark\nabc\t4\n", "no column score"),
        ("text\tscore\n12\t4\n", "has a text with words"),
    ],
)
def test_bad_labels_are_named(
    content: str, message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "l.tsv").write_text(content, "utf-8")
    assert train("--labels", tmp_path / "l.tsv", "--output", tmp_path / "model") == 2
    assert message in capfd.readouterr().err.replace("\n", " ")


def test_the_expected_score_is_a_mean() -> None:
    assert expected_score({"0": 0.5, "5": 0.5}) == 2.5
    assert expected_score({"4": 0.25}) == 4.0
    assert expected_score({}) == 0.0


def test_the_threshold_itself_passes(trained: Path) -> None:
    model = str(trained / "model" / "educational.ftz")
    document = Document("0" * 32, text=_SENTENCES[3][0])
    score = Educational(model=model).score(document.text)
    assert Educational(model=model, threshold=score).judge(document).keeps
    dropped = Educational(model=model, threshold=score + 1e-9).judge(document)
    assert (dropped.keeps, dropped.reason, dropped.score) == (False, "below_threshold", score)


def test_a_recipe_may_have_the_filter(trained: Path, tmp_path: Path) -> None:
    text = (
        "name: taught\nsubset: web\nedition: ours\nsummary: s\nstages:\n- responses: {}\n"
        "- extract: {}\n- educational: {%s}\n"
    )
    path = tmp_path / "recipe.yaml"
    path.write_text(text % "", "utf-8")
    with pytest.raises(RecipeError, match=r"educational\.model"):
        load_recipe(str(path))
    path.write_text(text % f"model: {trained / 'model' / 'educational.ftz'}", "utf-8")
    recipe = load_recipe(str(path))
    inputs = resolve_inputs([str(sample_warc_path())])
    manifest = Run(recipe, inputs, tmp_path / "run", Engine(1), display="quiet").execute().manifest
    assert manifest["drops"]["educational"]["below_threshold"] > 10
    assert manifest["counts"]["kept"] > 0
    assert set(manifest["models"]) == {"educational"}
