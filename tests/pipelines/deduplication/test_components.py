"""Connected components: streamed or by star steps, the same as by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from pipelines.deduplication.candidates import PAIR
from pipelines.deduplication.components import components, large_star, small_star

NODES = 40
EDGES = st.lists(
    st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)).filter(lambda e: e[0] != e[1]),
    max_size=70,
)


def pairs(edges: list[tuple[int, int]]) -> npt.NDArray[np.void]:
    return np.array([(min(e), max(e)) for e in edges], PAIR)


def by_hand(edges: list[tuple[int, int]]) -> list[int]:
    labels = list(range(NODES))
    changed = True
    while changed:
        changed = False
        for a, b in edges:
            least = min(labels[a], labels[b])
            changed |= labels[a] != least or labels[b] != least
            labels[a] = labels[b] = least
    return labels


@given(EDGES, st.integers(1, 5))
def test_streamed_components(edges: list[tuple[int, int]], blocks: int) -> None:
    found = components(np.array_split(pairs(edges), blocks), NODES)
    assert found.tolist() == by_hand(edges)


def turned(edges: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    other = np.empty_like(edges)
    other["first"], other["second"] = edges["second"], edges["first"]
    return other


@given(EDGES)
def test_star_steps_end_in_the_same_components(edges: list[tuple[int, int]]) -> None:
    before = np.unique(pairs(edges))
    for _ in range(12):
        large = large_star(np.concatenate([before, turned(before)]))
        after = small_star(turned(large))
        if np.array_equal(before, after):
            break
        before = after
    else:
        raise AssertionError("no fixed point")
    labels = np.arange(NODES)
    labels[before["second"]] = before["first"]
    assert labels.tolist() == by_hand(edges)
