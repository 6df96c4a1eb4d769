"""The index of the problems in files: the same finder, and no copy of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from filters.overlap import EDITIONS, OverlapFinder, Problem, editions_named
from pipelines.overlap.shared_index import mapped_index, write_index
from pipelines.run_directory import RunDirectory

LONG = " ".join(f"word{n} = {n}" for n in range(40))
SHORT = "three small words and nothing 1 2 3"
DOCUMENTS = [
    "",
    f"before {LONG} after",
    f"{SHORT.upper()}!",
    "𝑥 \ud800 lone",
    LONG.replace(" ", "\n"),
]
PROBLEMS = [
    Problem("set", "0", input=LONG, output=SHORT),
    Problem("set", "1", output=f"{LONG} and more of it"),
    Problem("set", "2", formal="𝑥 \ud800 lone"),
]


@pytest.mark.parametrize("problems", [PROBLEMS, PROBLEMS[2:], []], ids=["all", "short", "none"])
@pytest.mark.parametrize("verify", [False, True])
def test_the_finder_is_the_same_after_it_was_in_files(
    problems: list[Problem], verify: bool, tmp_path: Path
) -> None:
    editions = list(EDITIONS.values())
    finder = OverlapFinder(problems, editions, verify=verify)
    write_index(RunDirectory(tmp_path), finder.arrays())
    again = OverlapFinder.from_arrays(mapped_index(RunDirectory(tmp_path)), editions, verify=verify)
    assert again.find(DOCUMENTS) == finder.find(DOCUMENTS)
    assert bool(finder.find(DOCUMENTS)) == (problems == PROBLEMS)
    assert again.ngrams == finder.ngrams
    for edition in editions:
        assert again.unseen(edition) == finder.unseen(edition)


def test_the_arrays_stay_in_their_files(tmp_path: Path) -> None:
    editions = editions_named(["published-30", "normalised-13"])
    run = RunDirectory(tmp_path)
    write_index(run, OverlapFinder(PROBLEMS, editions).arrays())
    again = OverlapFinder.from_arrays(mapped_index(run), editions)
    for name, array in again.arrays().items():
        if name != "keys":
            assert isinstance(array.base, np.memmap), name
            assert not array.flags.writeable


def test_what_an_earlier_index_had_is_gone(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    write_index(run, OverlapFinder(PROBLEMS, list(EDITIONS.values())).arrays())
    arrays = OverlapFinder(PROBLEMS, editions_named(["normalised-10"])).arrays()
    write_index(run, arrays)
    assert mapped_index(run).keys() == arrays.keys()
