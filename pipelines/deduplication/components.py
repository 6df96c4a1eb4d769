"""Connected components of similar pairs, in one process as edges stream by, or in many.

In one process, memory holds a label a document, 8 bytes, and a block of edges. Beyond that,
``large_star`` and ``small_star`` are the two steps that Kiveris et al. alternate (Connected
Components in MapReduce and Beyond, SoCC 2014) until every document hangs on its component's
smallest; each is a group-by of edges by document.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.deduplication.candidates import PAIR

__all__ = ["components", "large_star", "small_star"]

Labels = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.void]


def components(blocks: Iterable[Pairs], documents: int) -> Labels:
    """The smallest ordinal of each document's component.

    Args:
        blocks: Edges, in any order and any cut.
        documents: How many documents there are.
    """
    labels = np.arange(documents, dtype=np.int64)
    for block in blocks:
        if not len(block):
            continue
        ends = np.stack([labels[block["first"]], labels[block["second"]]])
        nodes, local = np.unique(ends, return_inverse=True)
        local = local.reshape(ends.shape)
        graph = coo_array(
            (np.ones(len(block), np.int8), (local[0], local[1])), shape=(len(nodes), len(nodes))
        )
        _, group = connected_components(graph, directed=False)
        # Nodes are in order, so that the first of a group is its smallest.
        _, first = np.unique(group, return_index=True)
        moved = np.arange(documents, dtype=np.int64)
        moved[nodes] = nodes[first[group]]
        labels = moved[labels]
    return labels


def large_star(edges: Pairs) -> Pairs:
    """Joins each document's larger neighbours to its smallest neighbour, itself included.

    Args:
        edges: (document, neighbour), all of each document's, both ways.
    """
    document, neighbour, least = _with_least(edges)
    return _edges(least, neighbour, neighbour > document)


def small_star(edges: Pairs) -> Pairs:
    """Joins each document and its smaller neighbours to the smallest of them.

    Args:
        edges: (document, neighbour) with the neighbour the smaller, all of each document's.
    """
    document, neighbour, least = _with_least(edges)
    itself = _edges(least, document, np.ones(len(document), np.bool_))
    return np.unique(np.concatenate([itself, _edges(least, neighbour, neighbour != least)]))


def _with_least(edges: Pairs) -> tuple[Labels, Labels, Labels]:
    ordered = edges[np.lexsort((edges["second"], edges["first"]))]
    document, neighbour = ordered["first"], ordered["second"]
    starts = np.flatnonzero(np.r_[True, document[1:] != document[:-1]][: len(document)])
    counts = np.diff(np.r_[starts, len(document)])
    # Neighbours are in order, so that the first is the smallest.
    least = np.minimum(np.repeat(neighbour[starts], counts), document)
    return document, neighbour, least


def _edges(smaller: Labels, larger: Labels, wanted: npt.NDArray[np.bool_]) -> Pairs:
    edges = np.empty(int(wanted.sum()), PAIR)
    edges["first"], edges["second"] = smaller[wanted], larger[wanted]
    return np.unique(edges)
