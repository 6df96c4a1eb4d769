"""The working folder of a deduplication: names of its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pipelines.files import fetched, listed, remove_tree
from pipelines.run_directory import write_atomically

__all__ = ["DeduplicationFolder", "VerdictOrder"]

# By task and row, or by document_id.
VerdictOrder = Literal["place", "id"]


class DeduplicationFolder:
    """The folder that the phases of a deduplication share.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = root / "index.json"
        # One byte a document, set when a stage has dropped it.
        self.dropped = root / "dropped.npy"
        # The cluster of each document, and whether it has others.
        self.labels = root / "labels.npy"
        self.members = root / "members.npy"

    def forget(self) -> None:
        """Removes everything that was found out; the index stays."""
        for name in ("done", "pairs", "edges", "paragraphs", "verdicts"):
            remove_tree(self.root / name)

    def marker(self, step: str) -> Path:
        """The file that says that a step is done."""
        return self.root / "done" / f"{step}.json"

    def pairs(self, wave: int, partition: int) -> Path:
        """Candidate pairs of a wave."""
        return self.root / "pairs" / f"{partition:03d}-{wave:05d}.npy"

    def all_pairs(self, partition: int) -> list[Path]:
        """The candidate pairs of a partition, of all waves."""
        return listed(self.root / "pairs", f"{partition:03d}-*.npy")

    def edges(self, kind: str, partition: int) -> Path:
        """Pairs that are similar, or an intermediate result of finding their components."""
        return self.root / "edges" / kind / f"{partition:03d}.npy"

    def all_edges(self, kind: str) -> list[Path]:
        """What ``edges`` names, as far as it's there."""
        return listed(self.root / "edges" / kind, "*.npy")

    def paragraphs(self, part: int, partition: int) -> Path:
        """Hashes of repeated paragraphs and in how many documents they are."""
        return self.root / "paragraphs" / f"{part:05d}-{partition:03d}.npy"

    def all_paragraphs(self) -> list[Path]:
        """What ``paragraphs`` names, as far as it's there."""
        return listed(self.root / "paragraphs", "*.npy")

    def verdicts(self, stage: str, by: VerdictOrder, part: int, partition: int) -> Path:
        """What a stage drops, in order of place or of document_id."""
        return self.root / "verdicts" / stage / by / f"{part:05d}-{partition:03d}.parquet"

    def all_verdicts(self, stage: str, by: VerdictOrder) -> list[Path]:
        """What ``verdicts`` names, as far as it's there; of every stage for the stage ``*``."""
        return listed(self.root / "verdicts", f"{stage}/{by}/*.parquet")

    def wave_pairs(self) -> list[Path]:
        """The candidate pairs of all partitions and waves."""
        return listed(self.root / "pairs", "*.npy")

    @staticmethod
    def read_array(path: Path) -> npt.NDArray[Any]:
        """An array that ``write_array`` wrote, memory-mapped."""
        array: npt.NDArray[Any] = np.load(fetched(path), mmap_mode="r", allow_pickle=False)
        return array

    @staticmethod
    def write_array(path: Path, array: npt.NDArray[Any]) -> None:
        """Writes an array atomically."""
        with write_atomically(path) as temporary, temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
