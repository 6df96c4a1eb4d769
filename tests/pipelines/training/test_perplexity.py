"""Training the language model on a tiny corpus written here; needs kenlm's estimator."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.models import model_digest
from filters.web.perplexity import Perplexity
from filters.web.word_order import WordOrder
from pipelines.training import build_lmplz, language_model
from pipelines.training.build_lmplz import find_lmplz
from pipelines.training.language_model import (
    LanguageModelSettings,
    VerificationFailed,
    estimate,
    required_estimator,
    verify,
)
from tests.pipelines.training.running import run

needs_lmplz = pytest.mark.skipif(
    find_lmplz() is None, reason="kenlm's lmplz isn't built here: proofmill train lmplz"
)

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


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with four works as text files, and the same texts as documents."""
    folder, rng = tmp_path_factory.mktemp("works"), random.Random(3)
    rows = []
    for work in range(4):
        texts = [_text(rng) for _ in range(12)]
        (folder / f"work{work}.txt").write_text("\n\n".join(texts), "utf-8")
        rows += [
            {"document_id": f"{work}-{n}", "text": text, "url": f"https://work{work}.example/{n}"}
            for n, text in enumerate(texts)
        ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "documents.parquet")
    return folder


def train(*arguments: object) -> int:
    options = ("--folds", 2, "--fewest-occurrences", 1, "--workers", 1, "--progress", "quiet")
    return run("perplexity", *arguments, *options)


def _texts(works: Path) -> list[str]:
    return [item for n in range(4) for item in ("--text", str(works / f"work{n}.txt"))]


@needs_lmplz
def test_the_same_texts_give_the_same_bytes_and_tell_noise(works: Path, tmp_path: Path) -> None:
    texts = _texts(works)
    options = ("--order", "3", "--prune", "0")
    assert train(*texts, *options, "--output", tmp_path / "first") == 0
    backwards = [item for n in range(3, -1, -1) for item in texts[2 * n : 2 * n + 2]]
    assert train(*backwards, *options, "--output", tmp_path / "second") == 0
    models = [tmp_path / run / "perplexity-small.binary" for run in ("first", "second")]
    for suffix in (".binary", ".arpa", ".json", ".md", ".png"):
        first, second = (model.with_suffix(suffix).read_bytes() for model in models)
        assert first == second, suffix
    card = json.loads(models[0].with_suffix(".json").read_text("utf-8"))
    assert model_digest(str(models[0])) == card["sha256"]
    rows = {row["texts"]: row for row in card["measures"]["kinds"]}
    assert rows["shuffled words"]["auc"] > 0.95
    assert rows["random letters"]["auc"] > 0.99
    assert rows["shuffled words"]["dropped_by_either"] > 0.95
    assert card["thresholds"]["keeps_of_clean_prose"] >= 0.99
    score = Perplexity(model=str(models[0])).score
    assert score("The function is continuous.") < score("Continuous function the is.")
    order = WordOrder(model=str(models[0])).score
    assert order("The function is continuous.") > order("Continuous function the is.")


@needs_lmplz
def test_documents_are_learnt_like_texts(works: Path, tmp_path: Path) -> None:
    documents = ("--documents", works / "documents.parquet", "--no-arpa")
    assert train(*documents, "--output", tmp_path) == 0
    card = json.loads((tmp_path / "perplexity-small.json").read_text("utf-8"))
    assert card["counts"]["mathematical_texts"] == 48
    assert card["counts"]["origins_of_these"] == 4
    assert card["settings"]["order"] == 5
    assert card["measures"]["verified"]["largest_deviation"] <= 1e-5
    assert not (tmp_path / "perplexity-small.arpa").exists()


@needs_lmplz
@pytest.mark.parametrize(("order", "prune"), [(2, (0, 0)), (3, (0, 0, 1)), (5, (0, 1, 1, 1, 1))])
def test_what_lmplz_gives_is_a_probability(
    order: int, prune: tuple[int, ...], works: Path, tmp_path: Path
) -> None:
    lines = [line for n in range(4) for line in (works / f"work{n}.txt").read_text().splitlines()]
    lines = [line.lower() for line in lines if line]
    settings = LanguageModelSettings(order, prune, fewest_occurrences=2)
    binary, arpa = tmp_path / "m.binary", tmp_path / "m.arpa"
    estimator = required_estimator()
    estimate(lines, binary, settings, estimator, arpa)
    unknown = ["words that nobody ever heard of", "the function zzz is continuous"]
    found = verify(arpa, binary, unknown + lines, estimator)
    assert found["largest_deviation"] <= 1e-5
    assert found["contexts_that_sum_to_1"] == 8
    if estimator.query is not None:
        assert found["scores_equal_to_query"] == 40


@needs_lmplz
def test_a_model_that_is_no_probability_is_found(works: Path, tmp_path: Path) -> None:
    lines = [line.lower() for line in (works / "work0.txt").read_text().splitlines() if line]
    binary, arpa = tmp_path / "m.binary", tmp_path / "m.arpa"
    settings = LanguageModelSettings(2, (0, 0), fewest_occurrences=1)
    estimate(lines, binary, settings, required_estimator(), arpa)
    table = arpa.read_text("utf-8").splitlines(keepends=True)
    number = next(n for n, line in enumerate(table) if "\tfunction\t" in line)
    table[number] = "-0.1" + table[number][table[number].index("\t") :]
    arpa.write_text("".join(table), "utf-8")
    with pytest.raises(VerificationFailed, match="sum to 1"):
        verify(arpa, binary, lines, required_estimator())


@needs_lmplz
def test_too_few_works_are_refused(
    works: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train("--text", works / "work0.txt", "--output", tmp_path / "model") == 2
    assert "give more --documents or --text" in capfd.readouterr().err


def test_without_lmplz_the_command_says_how_to_get_it(
    works: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(language_model, "find_lmplz", lambda: None)
    assert train(*_texts(works), "--output", tmp_path / "model") == 2
    assert "proofmill train lmplz" in capfd.readouterr().err
    assert not (tmp_path / "model").exists()


def test_what_building_lmplz_needs_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("lmplz") == 2
    printed = capfd.readouterr().err
    assert "cmake is missing" in printed and "apt install" in printed
    assert build_lmplz.find_lmplz() is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --documents, --text or --sources"),
        (("--text", "x.txt", "--prune", "1 2"), "first count must be 0"),
        (("--text", "x.txt", "--prune", "0 2 1"), "none may fall"),
        (("--text", "x.txt", "--prune", "a"), "expected counts"),
        (("--documents", "nowhere"), "nowhere"),
    ],
)
def test_mistakes_are_named_before_any_work(
    arguments: tuple[str, ...], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(*arguments, "--output", tmp_path / "model") == 2
    assert message in capfd.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "model").exists()


def test_documents_without_texts_are_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(pa.table({"content": ["x"]}), tmp_path / "a.parquet")
    assert train("--documents", tmp_path, "--output", tmp_path / "model") == 2
    printed = capfd.readouterr().err.replace("\n", "")
    assert "document_id" in printed and "a.parquet" in printed
