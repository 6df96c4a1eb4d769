"""Finds the test problems that are in documents, by every edition at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import LCSseq

from filters.overlap.editions import Edition, Tokenisation
from filters.overlap.index import Entries, NgramIndex, Stretch, entries_of
from filters.overlap.problems import Match, Problem, Side
from filters.overlap.tokens import Hashes, Tokens, tokenise

__all__ = ["Array", "OverlapFinder"]

Array = npt.NDArray[Any]

_SIDES: tuple[Side, ...] = ("input", "output", "formal")


class _Texts:
    """The problems' texts in one tokenisation, and the indices of its editions."""

    def __init__(
        self,
        tokenisation: Tokenisation,
        tokens: Tokens,
        indices: Sequence[tuple[Edition, int, Entries]],
    ) -> None:
        self.tokenisation = tokenisation
        self.tokens = tokens
        self.bounds = tokens.bounds
        self.lengths = np.diff(self.bounds)
        self.indices = [(edition, NgramIndex(tokens, n, found)) for edition, n, found in indices]


class OverlapFinder:
    """Finds what problems and documents share.

    Args:
        problems: The problems of all test sets.
        editions: How to look for them.
        verify: Whether to measure how much of a problem there is around each match.
    """

    def __init__(
        self, problems: Sequence[Problem], editions: Sequence[Edition], *, verify: bool = False
    ) -> None:
        keys = [
            (number, side)
            for number, problem in enumerate(problems)
            for side in _SIDES
            if problem.text(side)
        ]
        texts = []
        for tokenisation, chosen in _by_tokenisation(editions):
            sides = [problems[number].text(side) for number, side in keys]
            tokens = tokenise(sides, tokenisation)
            texts.append(_Texts(tokenisation, tokens, list(_indices(tokens, chosen))))
        self._set(keys, texts, verify=verify)

    def _set(self, keys: list[tuple[int, Side]], texts: Sequence[_Texts], *, verify: bool) -> None:
        self._keys = keys
        self._texts = texts
        self._verify = verify

    def arrays(self) -> dict[str, Array]:
        """All that the finder knows, for ``from_arrays`` in another process."""
        numbers = [(number, _SIDES.index(side)) for number, side in self._keys]
        arrays: dict[str, Array] = {"keys": np.array(numbers, np.int64).reshape(-1, 2)}
        for texts in self._texts:
            for field in fields(Tokens):
                arrays[f"{texts.tokenisation}.{field.name}"] = getattr(texts.tokens, field.name)
            for edition, index in texts.indices:
                for field in fields(Entries):
                    name = f"{edition.name}.{index.n}.{field.name}"
                    arrays[name] = getattr(index.entries, field.name)
        return arrays

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, Array], editions: Sequence[Edition], *, verify: bool = False
    ) -> Self:
        """The finder again whose ``arrays`` these are; it doesn't copy or change them.

        Args:
            arrays: The arrays; in mapped files, they are in memory once for all processes.
            editions: The editions of that finder.
            verify: Whether to measure how much of a problem there is around each match.
        """
        texts = []
        for tokenisation, chosen in _by_tokenisation(editions):
            tokens = Tokens(**_part(Tokens, arrays, tokenisation))
            indices = [
                (edition, n, Entries(**_part(Entries, arrays, f"{edition.name}.{n}")))
                for edition in chosen
                for n in range(edition.shortest, edition.n + 1)
                if f"{edition.name}.{n}.hashes" in arrays
            ]
            texts.append(_Texts(tokenisation, tokens, indices))
        finder = cls.__new__(cls)
        keys = [(number, _SIDES[side]) for number, side in arrays["keys"].tolist()]
        finder._set(keys, texts, verify=verify)
        return finder

    @property
    def ngrams(self) -> int:
        """Different n-grams that are looked for, over all editions."""
        return sum(len(index) for texts in self._texts for _, index in texts.indices)

    def unseen(self, edition: Edition) -> list[tuple[int, Side]]:
        """Problems, and their sides, of too few tokens or words for an edition to find."""
        for texts in self._texts:
            if texts.tokenisation == edition.tokenisation:
                return [
                    key
                    for number, key in enumerate(self._keys)
                    if texts.lengths[number] < edition.shortest
                    or texts.tokens.words(*texts.bounds[number : number + 2]) < edition.words
                ]
        return []

    def find(self, documents: Sequence[str]) -> list[Match]:
        """The matches in some documents, by document, edition, problem, side and place."""
        found: list[Match] = []
        for texts in self._texts:
            tokens = tokenise(documents, texts.tokenisation)
            for edition, index in texts.indices:
                for stretch in index.stretches(tokens):
                    if edition.words and tokens.words(stretch.start, stretch.end) < edition.words:
                        continue
                    match = self._match(edition.name, stretch, tokens, texts)
                    found.append(self._verified(match, stretch, tokens, texts))
        found.sort(key=lambda m: (m.document, m.edition, m.problem, m.side, m.document_start))
        return found

    def _match(self, edition: str, stretch: Stretch, tokens: Tokens, texts: _Texts) -> Match:
        problem, side = self._keys[stretch.text]
        base, text_base = (
            int(tokens.text_starts[stretch.document]),
            int(texts.tokens.text_starts[stretch.text]),
        )
        return Match(
            document=stretch.document,
            edition=edition,
            problem=problem,
            side=side,
            document_start=int(tokens.starts[stretch.start]) - base,
            document_end=int(tokens.ends[stretch.end - 1]) - base,
            problem_start=int(texts.tokens.starts[stretch.text_start]) - text_base,
            problem_end=int(texts.tokens.ends[stretch.text_end - 1]) - text_base,
            ngrams=stretch.ngrams,
            tokens=int(texts.lengths[stretch.text]),
            contained=False,
        )

    def _verified(self, match: Match, stretch: Stretch, tokens: Tokens, texts: _Texts) -> Match:
        first, end = texts.bounds[stretch.text], texts.bounds[stretch.text + 1]
        wanted = texts.tokens.hashes[first:end]
        place = _place_of(wanted, tokens.hashes[stretch.start : stretch.end])
        contained = place >= 0 and tokens.same(
            stretch.start + place, texts.tokens, int(first), match.tokens
        )
        if not self._verify:
            return replace(match, contained=contained)
        # As far to both sides as the whole problem could reach.
        low, high = tokens.bounds[stretch.document : stretch.document + 2]
        begin = max(stretch.start - match.tokens, low)
        stop = min(stretch.end + match.tokens, high)
        common = LCSseq.similarity(wanted.tolist(), tokens.hashes[begin:stop].tolist())
        return replace(match, contained=contained, lcs_ratio=round(common / match.tokens, 4))


def _by_tokenisation(
    editions: Sequence[Edition],
) -> Iterator[tuple[Tokenisation, list[Edition]]]:
    for tokenisation in dict.fromkeys(edition.tokenisation for edition in editions):
        yield tokenisation, [e for e in editions if e.tokenisation == tokenisation]


def _indices(tokens: Tokens, editions: Sequence[Edition]) -> Iterator[tuple[Edition, int, Entries]]:
    lengths = np.diff(tokens.bounds)
    for edition in editions:
        for n in range(edition.shortest, edition.n + 1):
            # The n-grams of what is long enough, and what is shorter as a whole.
            chosen = lengths >= n if n == edition.n else lengths == n
            if chosen.any():
                yield edition, n, entries_of(tokens, np.flatnonzero(chosen), n)


def _part(kind: type[Tokens | Entries], arrays: Mapping[str, Array], prefix: str) -> dict[str, Any]:
    return {field.name: arrays[f"{prefix}.{field.name}"] for field in fields(kind)}


def _place_of(wanted: Hashes, within: Hashes) -> int:
    """Where some hashes stand in a row, -1 for nowhere; linear, whatever repeats itself."""
    needle, haystack = wanted.tobytes(), within.tobytes()
    at = haystack.find(needle)
    while at >= 0 and at % wanted.itemsize:
        at = haystack.find(needle, at + 1)
    return at // wanted.itemsize if at >= 0 else -1
