"""Model files: found, checked, loaded once."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import psutil
import pytest

from filters import models
from filters.models import (
    PACKAGED_MODELS,
    ModelFile,
    ModelMismatch,
    ModelNotFound,
    check_model,
    load_fasttext,
    load_kenlm,
    model_card,
    model_digest,
    model_path,
)

_MADE_BY = "make one: a command"


@pytest.mark.parametrize("name", sorted(PACKAGED_MODELS))
def test_packaged_models_are_there_and_unchanged(name: str) -> None:
    check_model(name, made_by="")
    assert len(model_digest(name)) == 64


@pytest.mark.parametrize("name", ["math-score-small", "perplexity-small"])
def test_cards_state_the_digest_the_sources_and_the_thresholds(name: str) -> None:
    card = model_card(name)
    assert card["sha256"] == model_digest(name)
    assert card["bytes"] == model_path(name).stat().st_size
    assert card["sources"] and all(row["licence"] for row in card["sources"])
    assert card["thresholds"]
    assert model_path(name).with_suffix(".md").is_file()


def test_an_unknown_name_lists_the_known_ones_and_the_command() -> None:
    with pytest.raises(ModelNotFound) as raised:
        check_model("math-score-large", made_by=_MADE_BY)
    message = str(raised.value)
    assert "'math-score-large'" in message
    assert "math-score-small" in message
    assert _MADE_BY in message


def test_a_missing_file_is_named_with_the_command(tmp_path: Path) -> None:
    missing = tmp_path / "model.ftz"
    for spec in (str(missing), ModelFile(str(missing))):
        with pytest.raises(ModelNotFound, match=r"no file .*model\.ftz; make one: a command"):
            check_model(spec, made_by=_MADE_BY)
    with pytest.raises(ModelNotFound):
        model_digest(str(missing))
    with pytest.raises(ModelNotFound):
        load_fasttext(str(missing))


def test_a_digest_is_held_to(tmp_path: Path) -> None:
    file = tmp_path / "model.ftz"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert model_digest(str(file)) == digest
    check_model(ModelFile(str(file), digest.upper()), made_by="")
    check_model(ModelFile(str(file)), made_by="")
    with pytest.raises(ModelMismatch) as raised:
        check_model(ModelFile(str(file), "0" * 64), made_by=_MADE_BY)
    assert digest in str(raised.value)
    assert "0" * 64 in str(raised.value)


def test_a_replaced_file_has_another_digest(tmp_path: Path) -> None:
    file = tmp_path / "model.ftz"
    file.write_bytes(b"one")
    first = model_digest(str(file))
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert model_digest(str(file)) != first


def test_a_home_folder_is_understood() -> None:
    assert model_path("~/model.ftz") == Path("~/model.ftz").expanduser()


@pytest.mark.parametrize("load", [load_fasttext, load_kenlm])
def test_a_file_of_another_kind_is_named(load: object, tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_bytes(b"this is no model, whatever its name says" * 100)
    with pytest.raises(ModelMismatch, match="is no"):
        load(str(file))  # type: ignore[operator]


def test_a_model_is_read_once_whichever_thread_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(models, "_loaded", {})
    found: list[object] = []
    barrier = threading.Barrier(8)

    def load() -> None:
        barrier.wait()
        found.append(load_fasttext("lid.176"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(model) for model in found}) == 1


def test_loading_is_silent(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "_loaded", {})
    load_fasttext("lid.176").predict("a line of words", 1)
    load_kenlm("perplexity-small").score("a line of words")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_models_start_no_threads_that_could_fight_with_other_workers() -> None:
    before = psutil.Process().num_threads()
    for _ in range(3):
        load_fasttext("math-score-small").predict("a line of words", 1)
        load_kenlm("perplexity-small").score("a line of words")
    assert psutil.Process().num_threads() == before
