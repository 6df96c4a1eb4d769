"""The training order over sources with weights."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packing.mixture import Mixture, MixtureSource, integer_weights

LLEMMA = (
    MixtureSource("arxiv", 90, 2),
    MixtureSource("code", 31, 1),
    MixtureSource("web", 57, 4),
)

Sources = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), min_size=1, max_size=5).filter(
    lambda rows: any(weight for _, weight in rows)
)


def _mixture(rows: list[tuple[int, int]], seed: int = 0) -> Mixture:
    sources = [MixtureSource(f"s{n}", size, weight) for n, (size, weight) in enumerate(rows)]
    return Mixture(sources, seed=seed)


def test_every_block_holds_the_exact_shares() -> None:
    mixture = Mixture(LLEMMA, seed=3)
    assert mixture.blocks == 1
    for block in range(20):
        placed = mixture.at(block * mixture.period, mixture.period)
        counts = Counter(placed.sources.tolist())
        parts = mixture.period // 7
        assert counts == {0: 2 * parts, 1: parts, 2: 4 * parts}


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=5).filter(any), st.integers(0, 3))
def test_large_weights_are_spread_over_the_period(weights: list[int], period: int) -> None:
    rows = [(50, weight) for weight in weights]
    mixture = _mixture(rows)
    placed = mixture.at(period * mixture.period, mixture.period)
    counts = np.bincount(placed.sources, minlength=len(rows))
    scale = mixture.period // sum(weights)
    assert counts.tolist() == [weight * scale for weight in weights]
    # Any stretch has the wanted shares, to within what two blocks and rounding allow.
    for first in range(0, mixture.period, max(mixture.period // 7, 1)):
        seen = np.bincount(placed.sources[:first], minlength=len(rows))
        wanted = np.array(weights) * scale * first / mixture.period
        assert np.abs(seen - wanted).max() <= 2 * 128


def test_counts_are_met_exactly_however_small() -> None:
    sources = [MixtureSource("web", 1, 1), MixtureSource("code", 3, 6)]
    mixture = Mixture(sources, exact=True)
    assert mixture.period == 7
    placed = mixture.at(0, 7)
    assert np.bincount(placed.sources).tolist() == [1, 6]
    drawn = placed.sequences[placed.sources == 1]
    assert np.bincount(drawn).tolist() == [2, 2, 2]


def test_epochs_of_a_source_come_one_after_another() -> None:
    mixture = _mixture([(1000, 3000), (700, 700)])
    placed = mixture.at(0, 3700)
    epochs = placed.epochs[placed.sources == 0]
    changes = np.flatnonzero(np.diff(epochs) < 0)
    assert len(changes) < 60
    assert abs(int(np.flatnonzero(epochs == 1)[0]) - 1000) < 64


@given(Sources, st.integers(0, 2**63 - 1))
def test_an_epoch_of_a_source_has_each_sequence_once(
    rows: list[tuple[int, int]], seed: int
) -> None:
    mixture = _mixture(rows, seed)
    placed = mixture.at(0, mixture.once)
    for number, (size, weight) in enumerate(rows):
        inside = placed.sources == number
        if not weight:
            assert not inside.any()
            continue
        for epoch in range(int(placed.epochs[inside].max())):
            drawn = placed.sequences[inside & (placed.epochs == epoch)]
            assert sorted(drawn.tolist()) == list(range(size))


@given(Sources, st.integers(0, 500), st.integers(1, 100))
def test_any_place_is_what_a_straight_run_has(
    rows: list[tuple[int, int]], first: int, count: int
) -> None:
    mixture = _mixture(rows)
    straight, jumped = mixture.at(0, first + count), mixture.at(first, count)
    for name in ("sources", "epochs", "sequences"):
        assert getattr(straight, name)[first:].tolist() == getattr(jumped, name).tolist()


@given(Sources, st.integers(0, 600), st.data())
def test_the_account_is_what_the_order_draws(
    rows: list[tuple[int, int]], places: int, data: st.DataObject
) -> None:
    mixture = _mixture(rows)
    tokens = [
        data.draw(st.lists(st.integers(0, 99), min_size=size, max_size=size)) for size, _ in rows
    ]
    placed = mixture.at(0, places)
    account = mixture.account(places, tokens)
    for number, row in enumerate(account["sources"]):
        drawn = placed.sequences[placed.sources == number].tolist()
        assert row["drawn_sequences"] == len(drawn)
        assert row["drawn_tokens"] == sum(tokens[number][sequence] for sequence in drawn)
        assert row["whole_epochs"] * rows[number][0] + row["sequences_of_the_next_epoch"] == len(
            drawn
        )
    assert account["tokens"] == sum(row["drawn_tokens"] for row in account["sources"])


def test_sources_are_at_different_epochs() -> None:
    mixture = Mixture(LLEMMA)
    account = mixture.account(700, [np.full(s.sequences, 4096) for s in LLEMMA])
    epochs = {row["source"]: row["whole_epochs"] for row in account["sources"]}
    assert epochs == {"arxiv": 2, "code": 3, "web": 7}


def test_another_epoch_and_another_seed_have_another_order() -> None:
    source = [MixtureSource("web", 1000, 1)]
    first = Mixture(source).at(0, 2000).sequences
    assert first[:1000].tolist() != first[1000:].tolist()
    assert Mixture(source, seed=1).at(0, 1000).sequences.tolist() != first[:1000].tolist()
    assert Mixture(source, shuffle=False).at(0, 1000).sequences.tolist() != first[:1000].tolist()


def test_weights_become_the_smallest_whole_numbers() -> None:
    assert integer_weights({"a": "2", "b": 4, "c": "1"}) == {"a": 2, "b": 4, "c": 1}
    assert integer_weights({"a": "0.95", "b": "0.02", "c": 0.03}) == {"a": 95, "b": 2, "c": 3}
    assert integer_weights({"a": 0, "b": "0.5"}) == {"a": 0, "b": 1}


def test_llemmas_mixture_is_95_to_2_to_3() -> None:
    from packing.recipe import load_edition

    weights = integer_weights(load_edition("llemma-with-general").weights)
    total = sum(weights.values())
    assert (weights["arxiv"] + weights["web"] + weights["code"]) / total == 0.95
    assert weights["pile"] / total == 0.02
    assert weights["code-rp"] / total == 0.03
    assert weights["arxiv"] / weights["code"] == 2
    assert weights["web"] / weights["code"] == 4


@pytest.mark.parametrize("weight", ["-1", "nan", "inf", "much"])
def test_weights_that_are_none_are_refused(weight: str) -> None:
    with pytest.raises(ValueError, match="'web'"):
        integer_weights({"web": weight})


def test_a_mixture_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Mixture([MixtureSource("web", 3, 0)])
    with pytest.raises(ValueError, match="no sequences"):
        Mixture([MixtureSource("web", 0, 1)])
