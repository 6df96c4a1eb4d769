"""Estimates n-gram models with kenlm's programs, and proves what they gave.

Interpolated modified Kneser-Ney smoothing (``lmplz``), pruned, as ARPA and as a trie whose
probabilities have 8 bits.
"""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pipelines.errors import InputError, ProofmillError
from pipelines.training.build_lmplz import BuildFailed, Estimator, find_lmplz

__all__ = [
    "LanguageModelSettings",
    "VerificationFailed",
    "estimate",
    "required_estimator",
    "verify",
]


class VerificationFailed(ProofmillError):
    """The model isn't what it must be; the message says which check failed."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class LanguageModelSettings:
    """How a model is estimated.

    Attributes:
        order: Words in the longest n-gram.
        prune: n-grams seen at most so often are left out, by length; kenlm's ``--prune``.
        fewest_occurrences: Rarer words are unknown words.
        unknown_word: log10 probability of an unknown word in the binary model; the ARPA file keeps
            what was estimated. That (about -5) is too kind to misread and fused words, which the
            filter is there to find.
        memory: Of the estimator's sort; what doesn't fit goes to the disk.
    """

    order: int = 5
    prune: tuple[int, ...] = (0, 1, 2, 2, 2)
    fewest_occurrences: int = 5
    unknown_word: float = -7.0
    memory: str = "1G"

    @classmethod
    def of(cls, order: int, prune: str, fewest_occurrences: int, memory: str) -> Self:
        """From what a person wrote: the counts of ``prune`` with spaces or commas between them.

        Raises:
            InputError: The counts aren't such as lmplz takes.
        """
        try:
            counts = tuple(int(part) for part in re.split(r"[ ,]+", prune.strip()))
        except ValueError as error:
            raise InputError(f"--prune {prune!r}: expected counts like '0 1 2'") from error
        if counts[0] != 0 or list(counts) != sorted(counts):
            raise InputError(f"--prune {prune!r}: the first count must be 0, and none may fall")
        # As lmplz does: the last count stands for longer n-grams.
        counts = (*counts, *[counts[-1]] * order)[:order]
        return cls(order, counts, fewest_occurrences, memory=memory)


def required_estimator() -> Estimator:
    """kenlm's programs.

    Raises:
        BuildFailed: They aren't there; the message says how to get them.
    """
    found = find_lmplz()
    if found is None:
        raise BuildFailed(
            "kenlm's lmplz is neither built nor on the PATH, and no package has it. "
            "Get it with: proofmill train lmplz"
        )
    return found


def estimate(
    lines: Sequence[str],
    binary: Path,
    settings: LanguageModelSettings,
    estimator: Estimator,
    arpa: Path | None = None,
) -> None:
    """Estimates a model of texts, each of them one line, in whatever order.

    Args:
        lines: The texts, normalised.
        binary: The binary model's file.
        settings: How.
        estimator: kenlm's programs.
        arpa: Where the ARPA file goes, if it's wanted.

    Raises:
        BuildFailed: A program failed.
    """
    lines = sorted(lines)
    counts = Counter(word for line in lines for word in line.split())
    known = sorted(w for w, count in counts.items() if count >= settings.fewest_occurrences)
    # Beside the model: what is sorted on disk may be too much for the system's temporary folder.
    with tempfile.TemporaryDirectory(dir=binary.parent) as name:
        folder = Path(name)
        text, estimated, vocabulary = folder / "text", folder / "arpa", folder / "vocabulary"
        with text.open("w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        vocabulary.write_text(" ".join(known) + "\n", "utf-8")
        _run(
            [estimator.lmplz, "-o", settings.order, "--prune", *settings.prune,
             "--limit_vocab_file", vocabulary, "--discount_fallback", "--memory", settings.memory,
             "--temp_prefix", f"{folder}/", "--text", text, "--arpa", estimated]
        )  # fmt: skip
        adjusted = folder / "adjusted"
        _set_unknown_word(estimated, adjusted, settings.unknown_word)
        # A trie whose probabilities and back-offs have 8 bits, its pointers compressed.
        _run(
            [estimator.build_binary, "-q", "8", "-b", "8", "-a", "22", "-T", f"{folder}/",
             "trie", adjusted, binary]
        )  # fmt: skip
        if arpa is not None:
            shutil.move(estimated, arpa)


_UNKNOWN_WORD = re.compile(r"-[0-9.e+-]+(?=\t<unk>)")


def _set_unknown_word(arpa: Path, changed: Path, log10: float) -> None:
    replaced = 0
    with arpa.open(encoding="utf-8") as read, changed.open("w", encoding="utf-8") as written:
        for line in read:
            shown, found = _UNKNOWN_WORD.subn(str(log10), line) if not replaced else (line, 0)
            replaced += found
            written.write(shown)
    if not replaced:
        raise BuildFailed(f"{arpa} has no <unk>: lmplz wrote something else than expected")


_SHOWN = 2000


def _run(command: Sequence[Any], given: str = "") -> str:
    done = subprocess.run(
        list(map(str, command)), input=given, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildFailed(f"{' '.join(map(str, command))} failed:\n{done.stderr[-_SHOWN:]}")
    return done.stdout


# A context's probabilities must sum to 1 within this.
_SUM_TOLERANCE = 1e-5
# Of the same line by the Python module and by the program ``query``, which prints so many digits.
_SCORE_TOLERANCE = 1e-3
_CONTEXTS = 8
_VERIFIED_LINES = 20


def verify(arpa: Path, binary: Path, lines: Sequence[str], estimator: Estimator) -> dict[str, Any]:
    """Loads both files in the Python module and holds them against what they must be.

    Args:
        arpa: The ARPA file.
        binary: The binary model.
        lines: Normalised texts; contexts and scores are taken from the first of them.
        estimator: kenlm's programs; without ``query`` scores aren't compared.

    Returns:
        What was found, for the card.

    Raises:
        VerificationFailed: A context's probabilities don't sum to 1, or scores differ.
    """
    import kenlm

    lines = [line for line in lines if line.strip()][:_VERIFIED_LINES]
    models = {path: kenlm.Model(str(path), _quiet_kenlm()) for path in (arpa, binary)}
    vocabulary = list(_vocabulary(arpa))
    contexts = _contexts(lines, models[arpa].order)
    sums = [_sum(models[arpa], context, vocabulary) for context in contexts]
    off = max((abs(total - 1) for total in sums), default=0.0)
    if off > _SUM_TOLERANCE:
        raise VerificationFailed(f"{arpa}: a context's probabilities sum to 1 only within {off:g}")
    found: dict[str, Any] = {
        "vocabulary": len(vocabulary),
        "contexts_that_sum_to_1": len(contexts),
        "largest_deviation": float(f"{off:.2g}"),
    }
    if estimator.query is None:
        return {**found, "scores_compared_with_query": "query isn't built"}
    for path, model in models.items():
        theirs = _query_scores(estimator.query, path, lines)
        worst = max(
            (abs(a - model.score(b)) for a, b in zip(theirs, lines, strict=True)), default=0
        )
        # Long lines have large scores, of which query prints six digits.
        if worst > _SCORE_TOLERANCE * max(map(abs, theirs), default=1):
            raise VerificationFailed(f"{path}: scores differ from query's by up to {worst:g}")
    return {**found, "scores_equal_to_query": len(lines) * len(models)}


def _quiet_kenlm() -> Any:
    import kenlm

    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    return config


def _vocabulary(arpa: Path) -> Iterator[str]:
    """The words that can follow a context: all unigrams but the sentence's beginning."""
    with arpa.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith("\\1-grams:"):
                break
        for line in file:
            columns = line.rstrip("\n").split("\t")
            if len(columns) < 2:
                return
            if columns[1] != "<s>":
                yield columns[1]


def _contexts(lines: Sequence[str], order: int) -> list[list[str]]:
    """The sentence's beginning, and contexts of every length from the lines."""
    found: list[list[str]] = [[]]
    for number, line in enumerate(lines[: _CONTEXTS - 1]):
        words = line.split()
        length = number % order + 1
        start = len(words) // 2
        found.append(words[start : start + length])
    return found


def _sum(model: Any, context: Sequence[str], vocabulary: Sequence[str]) -> float:
    import kenlm

    state, after = kenlm.State(), kenlm.State()
    model.BeginSentenceWrite(state)
    for word in context:
        model.BaseScore(state, word, after)
        state, after = after, state
    return math.fsum(10.0 ** model.BaseScore(state, word, after) for word in vocabulary)


_TOTAL = re.compile(r"Total: (-?[0-9.e+-]+|-?inf)")


def _query_scores(query: Path, model: Path, lines: Sequence[str]) -> list[float]:
    printed = _run([query, "-v", "sentence", model], "".join(line + "\n" for line in lines))
    return [float(total) for total in _TOTAL.findall(printed)]
