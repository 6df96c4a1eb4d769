"""Which document of a group stays: by the recipe's criteria, whatever the order of arrival."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.exact_duplicates import ExactDuplicates
from filters.near_duplicates import Criterion
from pipelines.deduplication.clusters import Order, chosen, member_blocks, member_dtype
from pipelines.deduplication.index import Index, IndexEntry, IndexWriter, Stages

ENTRIES = [
    IndexEntry("long", "x" * 90, "web", date="2021-05-01", licence="GPL-3.0", score=0.2),
    IndexEntry("good", "x" * 50, "web", date="2020-05-01", licence="", score=0.9),
    IndexEntry("early", "x" * 50, "code", date="2010-05-01", licence="MIT", score=0.1),
    IndexEntry("late", "x" * 50, "arxiv", date="2024-05-01", licence="CC0-1.0"),
    IndexEntry("undated", "x" * 50, "other", date="", licence="unknown", score=0.5),
]
SUBSETS = sorted({entry.subset for entry in ENTRIES})


def kept(
    folder: Path, entries: Sequence[IndexEntry], order: Order, *, earlier: Sequence[str] = ()
) -> tuple[set[str], set[str]]:
    """(who stays in the place of others, who goes) when all are one group."""
    writer = IndexWriter(folder, 0, Stages(exact=ExactDuplicates()))
    for entry in entries:
        writer.add(entry)
    index = Index((writer.finish(),))
    rows = np.arange(len(entries))
    groups = np.ones((len(entries), 2), np.uint64)
    blocks = member_blocks(index, 0, groups, rows, order, SUBSETS, 1)
    members = np.frombuffer(b"".join(b for _, b in blocks), member_dtype(index.id_bytes)).copy()
    for number, name in enumerate(members["id"].tolist()):
        members["earlier"][number] = name.decode() in earlier
    found = chosen(members, order)
    assert set(found.names.tolist()) == {b"early"}
    assert set(found.sizes.tolist()) == {len(entries)}
    return (
        {name.decode() for name in found.kept["id"].tolist()},
        {name.decode() for name in found.dropped["id"].tolist()},
    )


@settings(deadline=None, max_examples=25)
@given(
    st.permutations(ENTRIES),
    st.sampled_from(
        [
            (("longest",), (), (), "long"),
            (("best_score",), (), (), "good"),
            (("earliest",), (), (), "early"),
            (("latest",), (), (), "late"),
            (("best_licence",), (), ("CC0-1.0", "MIT"), "late"),
            (("best_licence",), (), ("MIT", "CC0-1.0"), "early"),
            (("longest",), ("code", "arxiv"), (), "early"),
            # Nothing decides: the smallest id.
            (("best_licence",), (), (), "early"),
        ]
    ),
)
def test_the_criteria_decide(
    tmp_path_factory: pytest.TempPathFactory,
    entries: list[IndexEntry],
    case: tuple[tuple[Criterion, ...], tuple[str, ...], tuple[str, ...], str],
) -> None:
    keep, precedence, licences, expected = case
    stays, goes = kept(tmp_path_factory.mktemp("index"), entries, Order(keep, precedence, licences))
    assert stays == {expected}
    assert goes == {entry.document_id for entry in ENTRIES} - {expected}


def test_documents_of_earlier_runs_stay_all(tmp_path: Path) -> None:
    order = Order(("longest",), ("arxiv",))
    stays, goes = kept(tmp_path, ENTRIES, order, earlier=("early", "undated"))
    assert stays == {"early"}
    assert goes == {"long", "good", "late"}
