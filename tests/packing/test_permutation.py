"""The keyed permutation by which every order is computed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packing.permutation import Permutation


@given(st.integers(1, 5000), st.integers(0, 2**63 - 1))
def test_every_value_comes_once(size: int, seed: int) -> None:
    assert sorted(Permutation(size, seed).at(np.arange(size))) == list(range(size))


@given(st.integers(1, 2**62), st.data())
def test_any_place_is_computed_on_its_own(size: int, data: st.DataObject) -> None:
    permutation = Permutation(size, 7, "epoch", 3, "web")
    place = data.draw(st.integers(0, size - 1))
    assert 0 <= permutation(place) < size
    assert permutation.at([0, place])[1] == permutation(place)


def test_seed_epoch_and_source_each_choose_another_order() -> None:
    keys = [(1, 0, "web"), (2, 0, "web"), (1, 1, "web"), (1, 0, "code"), ("1", 0, "web")]
    orders = {tuple(Permutation(100, *key).at(np.arange(100)).tolist()) for key in keys}
    assert len(orders) == len(keys)


def test_the_order_looks_random() -> None:
    order = Permutation(100_000, 0).at(np.arange(100_000))
    assert abs(np.corrcoef(order[:-1], order[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(order, np.arange(100_000))[0, 1]) < 0.02


def test_the_order_is_the_same_on_every_machine() -> None:
    assert Permutation(10, 0, "web").at(np.arange(10)).tolist() == [4, 9, 3, 1, 0, 6, 7, 8, 5, 2]


def test_places_outside_are_refused() -> None:
    with pytest.raises(IndexError, match="0 to 9"):
        Permutation(10, 0)(10)
    with pytest.raises(IndexError):
        Permutation(10, 0)(-1)
    assert Permutation(0, 0).at([]).tolist() == []
