"""The index of the problems in files, so that it is in memory once for all workers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from filters.overlap.finder import Array
from pipelines.run_directory import RunDirectory, write_atomically

__all__ = ["mapped_index", "write_index"]


def write_index(run: RunDirectory, arrays: Mapping[str, Array]) -> None:
    """Writes what ``OverlapFinder.arrays`` gave; what was there before is removed."""
    folder = _folder(run)
    shutil.rmtree(folder, ignore_errors=True)
    for name, array in arrays.items():
        with write_atomically(folder / f"{name}.npy") as path, path.open("wb") as file:
            np.save(file, array, allow_pickle=False)


def mapped_index(run: RunDirectory) -> dict[str, Array]:
    """The arrays that ``write_index`` wrote, mapped: processes share their pages."""
    return {
        # Views of a plain array: slices of numpy's memmap cost several times as much.
        path.name.removesuffix(".npy"): np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        for path in sorted(_folder(run).glob("*.npy"))
    }


def _folder(run: RunDirectory) -> Path:
    return run.work / "index"
