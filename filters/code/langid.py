"""langid.py's classifier, whole texts in NumPy.

The model counts byte sequences of at most four bytes with an automaton, whose state after a byte
follows from the last four bytes alone. So all states of a text are found at once, four steps from
the root each, instead of byte by byte: the same counts in a fraction of the time. Counts are whole;
py3langid, which brings the model as langid.py 1.1.6 has it, counts modulo 65,536.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

__all__ = ["classify_language", "langid_version"]

# The longest sequence that the model knows; ``_model`` makes sure of it.
_LONGEST = 4
# Bytes that are looked at together.
_BLOCK = 1 << 20


def langid_version() -> str:
    """What tells the model from another."""
    return f"py3langid {metadata.version('py3langid')}"


def classify_language(text: str) -> tuple[str, float]:
    """The most probable language of a text, ISO 639, and its log-probability up to a constant."""
    model = _model()
    raw = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    visits = np.zeros(model.states, np.int64)
    for start in range(0, len(raw), _BLOCK):
        # A block begins with the bytes that its first states follow from; they count once.
        before = min(start, _LONGEST - 1)
        states = model.states_of(raw[start - before : start + _BLOCK])
        visits += np.bincount(states[before:], minlength=model.states)
    counts = model.features @ visits
    found = np.flatnonzero(counts)
    scores = counts[found] @ model.weights[found] + model.priors
    best = int(np.argmax(scores))
    return model.languages[best], float(scores[best])


@dataclass(frozen=True)
class _Model:
    moves: npt.NDArray[np.int32]
    features: Any
    weights: npt.NDArray[np.float64]
    priors: npt.NDArray[np.float64]
    languages: list[str]

    @property
    def states(self) -> int:
        return len(self.moves) // 256

    def states_of(self, raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32]:
        """The automaton's state after each byte."""
        states = np.zeros(len(raw), np.int32)
        for back in range(_LONGEST - 1, -1, -1):
            if back < len(raw):
                letters = raw[: len(raw) - back]
                states[back:] = self.moves[(states[back:] << 8) + letters]
        return states


@functools.cache
def _model() -> _Model:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE)
    moves = np.asarray(identifier.tk_nextmove, np.int32)
    states = len(moves) // 256
    depth = _depths(moves)
    if int(depth.max()) > _LONGEST:
        raise ValueError(f"the model of langid knows sequences of {depth.max()} bytes")
    output = identifier.tk_output
    rows = [feature for state in sorted(output) for feature in output[state]]
    columns = [state for state in sorted(output) for _ in output[state]]
    features = csr_array(
        (np.ones(len(rows)), (rows, columns)), shape=(len(identifier.nb_ptc), states)
    )
    return _Model(
        moves,
        features,
        np.asarray(identifier.nb_ptc, np.float64),
        np.asarray(identifier.nb_pc, np.float64),
        list(identifier.nb_classes),
    )


def _depths(moves: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """How many bytes lead to each state at the least."""
    table = moves.reshape(-1, 256)
    depth = np.full(len(table), -1, np.int64)
    depth[0], reached, steps = 0, np.array([0]), 0
    while len(reached):
        steps += 1
        found = np.unique(table[reached])
        reached = found[depth[found] < 0]
        depth[reached] = steps
    return depth
