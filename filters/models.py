"""Model files: which one is meant, whether it is there and unchanged, and loading it once.

A filter names its model as a packaged name (``math-score-small``), as a path, as a path with the
sha256 that the file must have, or as a URL with it. ``check_model`` looks, and fetches, before any
work; the loaders read a file once a process, whichever thread comes first, and print nothing.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, TypeVar

from filters.model_downloads import DownloadFailed, cached_path, download

__all__ = [
    "PACKAGED_MODELS",
    "LanguageModel",
    "ModelError",
    "ModelFile",
    "ModelMismatch",
    "ModelNotFound",
    "ModelSpec",
    "ModelUrl",
    "check_model",
    "load_fasttext",
    "load_kenlm",
    "model_card",
    "model_digest",
    "model_path",
]


class ModelError(Exception):
    """A model can't be used; the message says why and what to do."""


class ModelNotFound(ModelError):
    """No file is where the model should be."""


class ModelMismatch(ModelError):
    """The file isn't the one that was asked for, or is no model of this kind."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model outside the package.

    Attributes:
        path: The file.
        sha256: The digest that it must have, 64 hex digits; empty for any.
    """

    path: str
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class ModelUrl:
    """A model that is fetched once, into the user's cache.

    Attributes:
        url: Its ``http://`` or ``https://`` address.
        sha256: The digest that it must have, 64 hex digits.
    """

    url: str
    sha256: str


ModelSpec = str | ModelFile | ModelUrl


@dataclass(frozen=True, slots=True)
class _Packaged:
    """A model that the package brings: its file in ``filters/data``, its digest, its origin."""

    file: str
    sha256: str
    origin: str


_TRAIN_MATH_SCORE = "proofmill train math-score --pages GLOB --output DIR"
_TRAIN_PERPLEXITY = "proofmill train perplexity --documents DIR --output DIR"

# A digest is in the card beside the model where we trained it; lid.176's is that of the file as
# fastText distributes it (filters/data/README.md).
PACKAGED_MODELS: Mapping[str, _Packaged] = {
    "lid.176": _Packaged(
        "lid.176.ftz",
        "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83",
        "reinstall proofmill; the file is fastText's lid.176.ftz",
    ),
    "math-score-small": _Packaged(
        "math-score-small.ftz", "", f"reinstall proofmill, or make one: {_TRAIN_MATH_SCORE}"
    ),
    "perplexity-small": _Packaged(
        "perplexity-small.binary", "", f"reinstall proofmill, or make one: {_TRAIN_PERPLEXITY}"
    ),
}


def model_path(spec: ModelSpec) -> Path:
    """Where a model lies, whether or not it is there."""
    if isinstance(spec, ModelUrl):
        return cached_path(spec.url, spec.sha256)
    if isinstance(spec, ModelFile):
        return Path(spec.path).expanduser()
    packaged = PACKAGED_MODELS.get(spec)
    if packaged is not None:
        return Path(str(resources.files("filters") / "data" / packaged.file))
    return Path(spec).expanduser()


def model_card(spec: ModelSpec) -> dict[str, Any]:
    """The card beside a model (same name, ``.json``); empty when it has none."""
    card = model_path(spec).with_suffix(".json")
    if not card.is_file():
        return {}
    loaded: dict[str, Any] = json.loads(card.read_text("utf-8"))
    return loaded


def model_digest(spec: ModelSpec) -> str:
    """The sha256 of a model's file, 64 hex digits, for manifests.

    Raises:
        ModelNotFound: There is no such file.
    """
    path = _existing(spec, _origin(spec, ""))
    return _file_digest(path, _stamp(path))


def check_model(spec: ModelSpec, *, made_by: str) -> None:
    """Raises unless the model is there and is the one that was asked for.

    Args:
        spec: The model.
        made_by: The command that makes such a model, or where one is had; for the message.

    Raises:
        ModelNotFound: No file there, or it can't be fetched.
        ModelMismatch: Its sha256 isn't the given one, or not the one that its card states.
    """
    origin = _origin(spec, made_by)
    path = _existing(spec, origin)
    expected, stated_by = _expected_digest(spec)
    if not expected:
        return
    actual = model_digest(spec)
    if actual != expected.lower():
        raise ModelMismatch(
            f"model {path} has sha256 {actual}, but {stated_by} {expected}; "
            f"give the file that has it, or change the digest. To get one: {origin}"
        )


def _origin(spec: ModelSpec, made_by: str) -> str:
    packaged = PACKAGED_MODELS.get(spec) if isinstance(spec, str) else None
    return packaged.origin if packaged else made_by


def _expected_digest(spec: ModelSpec) -> tuple[str, str]:
    if isinstance(spec, ModelFile | ModelUrl):
        return spec.sha256, "the recipe asks for"
    packaged = PACKAGED_MODELS.get(spec)
    if packaged is None:
        return "", ""
    if packaged.sha256:
        return packaged.sha256, "the package brings"
    return str(model_card(spec).get("sha256", "")), "its card states"


def _existing(spec: ModelSpec, origin: str) -> Path:
    if isinstance(spec, ModelUrl):
        try:
            return download(spec.url, spec.sha256)
        except DownloadFailed as error:
            raise ModelNotFound(f"model {error}") from error
    path = model_path(spec)
    if path.is_file():
        return path
    if isinstance(spec, str) and spec not in PACKAGED_MODELS and os.sep not in spec:
        missing = f"no packaged model is called {spec!r} ({', '.join(PACKAGED_MODELS)}), and"
    else:
        missing = f"model {spec if isinstance(spec, str) else spec.path}:"
    hint = f"; {origin}" if origin else ""
    raise ModelNotFound(f"{missing} there is no file {path}{hint}")


# A file is known by its place, size and time, so that a test or a long-lived process that replaces
# a model gets the new one.
_Stamp = tuple[int, int]


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=64)
def _file_digest(path: Path, stamp: _Stamp) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FastTextModel(Protocol):
    """What a fastText model offers here."""

    def predict(self, text: str, k: int) -> list[tuple[float, str]]:
        """The k most probable labels of one line, each with its probability."""


class _FastText:
    """A loaded fastText classifier, by its inner object: the package's own ``predict`` builds NumPy
    arrays, which costs more than the prediction of a short text."""

    def __init__(self, path: Path) -> None:
        import fasttext

        self._model = fasttext.load_model(str(path)).f

    def predict(self, text: str, k: int) -> list[tuple[float, str]]:
        found: list[tuple[float, str]] = self._model.predict(text, k, 0.0, "strict")
        return found


class LanguageModel:
    """A loaded kenlm model."""

    def __init__(self, path: Path) -> None:
        import kenlm

        config = kenlm.Config()
        config.show_progress = False
        config.arpa_complain = kenlm.ARPALoadComplain.NONE
        self._model = kenlm.Model(str(path), config)
        self._unknown = self._word("<unk>")
        self._words: dict[str, float] = {}

    def score(self, sentence: str) -> float:
        """log10 of a sentence's probability, its begin and end included."""
        found: float = self._model.score(sentence)
        return found

    def words_score(self, words: Iterable[str]) -> float:
        """log10 of the probability of words each by itself, whatever stands around it."""
        known = self._words
        return sum(
            [found if (found := known.get(word)) is not None else self._looked_up(word)
             for word in words]
        )  # fmt: skip

    def _looked_up(self, word: str) -> float:
        # Only known words are remembered: as many as the model has, however long the process lives.
        if word not in self._model:
            return self._unknown
        found = self._words[word] = self._word(word)
        return found

    def _word(self, word: str) -> float:
        found: float = self._model.score(word, bos=False, eos=False)
        return found


_Model = TypeVar("_Model")
_loaded: dict[tuple[str, Path, _Stamp], Any] = {}
_loading = threading.Lock()


def _load_once(kind: str, spec: ModelSpec, read: Callable[[Path], _Model]) -> _Model:
    path = _existing(spec, _origin(spec, ""))
    key = (kind, path, _stamp(path))
    model: _Model | None = _loaded.get(key)
    if model is not None:
        return model
    with _loading:
        if key not in _loaded:
            try:
                _loaded[key] = read(path)
            except (OSError, ValueError, RuntimeError) as error:
                raise ModelMismatch(f"{path} is no {kind} model: {error}") from error
    loaded: _Model = _loaded[key]
    return loaded


def load_fasttext(spec: ModelSpec) -> FastTextModel:
    """A fastText classifier, read once a process.

    Raises:
        ModelNotFound: There is no such file.
        ModelMismatch: The file is no fastText model.
    """
    return _load_once("fastText", spec, _FastText)


def load_kenlm(spec: ModelSpec) -> LanguageModel:
    """A kenlm language model (binary or ARPA), read once a process.

    Raises:
        ModelNotFound: There is no such file.
        ModelMismatch: The file is no kenlm model.
    """
    return _load_once("kenlm", spec, LanguageModel)
