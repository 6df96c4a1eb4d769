"""The plan of a run: which ranges of which files are read, fixed before any work starts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata, resources
from typing import Any, Self

from pipelines.inputs import InputFile, ReadTask
from pipelines.recipe import Recipe
from pipelines.subsets import Subset, subset_of

__all__ = ["Plan", "code_digest", "code_versions", "make_plan"]

# Packages whose code decides what a corpus holds.
_DECIDING = ("schemas", "extractors", "filters", "pipelines")

_MIB = 1 << 20
# Enough tasks for eight a core on 32 cores, of at least a size that pays for their files (measured:
# with 4 MiB instead of 16, rejecting pages took a fifth more time).
_TASKS = 256
_SMALLEST_TASK = 8 * _MIB
_LARGEST_TASK = 64 * _MIB


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do; equal fingerprints give equal bytes.

    Attributes:
        recipe: The recipe, every default spelled out.
        recipe_digest: Its SHA-256.
        code: Version and digest of this package's code.
        models: Digest of each model by stage.
        inputs: The files.
        tasks: Their ranges.
        task_bytes: The length of a range.
        against: Digests of the signatures of earlier runs.
    """

    recipe: dict[str, Any]
    recipe_digest: str
    code: dict[str, str]
    models: dict[str, str]
    inputs: list[InputFile]
    tasks: list[ReadTask]
    task_bytes: int
    against: list[str] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that decides the output's bytes."""
        decisive = {
            "recipe": self.recipe_digest,
            "code": self.code,
            "models": self.models,
            "inputs": [(item.name, item.size) for item in self.inputs],
            "task_bytes": self.task_bytes,
            "against": self.against,
        }
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "fingerprint": self.fingerprint}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """From what ``to_json`` gave."""
        return cls(
            content["recipe"],
            content["recipe_digest"],
            content["code"],
            content["models"],
            [InputFile(**item) for item in content["inputs"]],
            [ReadTask(**task) for task in content["tasks"]],
            content["task_bytes"],
            content["against"],
        )


def make_plan(recipe: Recipe, inputs: Sequence[InputFile], against: Sequence[str] = ()) -> Plan:
    """Cuts the inputs into tasks.

    The cut depends on the recipe and the input alone, never on the machine: trails are one file a
    task, and they too must be the same bytes everywhere.
    """
    total = sum(item.size for item in inputs)
    task_bytes = recipe.input.task_bytes or min(max(total // _TASKS, _SMALLEST_TASK), _LARGEST_TASK)
    tasks = [
        ReadTask(number, item.name, item.uri, start, end)
        for number, (item, start, end) in enumerate(
            _ranges(subset_of(recipe.subset), inputs, task_bytes)
        )
    ]
    return Plan(
        recipe.resolved,
        recipe.digest,
        code_versions(),
        _model_digests(recipe),
        list(inputs),
        tasks,
        task_bytes,
        list(against),
    )


def code_versions(packages: Sequence[str] = _DECIDING) -> dict[str, str]:
    """The package's version, and the digest of the code that decides."""
    return {"version": metadata.version("proofmill"), "sha256": code_digest(packages)}


def code_digest(packages: Sequence[str] = _DECIDING) -> str:
    """SHA-256 over the source files and tables of the packages that decide."""
    digest = hashlib.sha256()
    for package in packages:
        for name, content in sorted(_source_files(resources.files(package), package)):
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def _source_files(folder: Any, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        name = f"{prefix}/{item.name}"
        if item.is_dir() and item.name not in ("__pycache__", "sample", "training"):
            yield from _source_files(item, name)
        elif item.name.endswith((".py", ".yaml", ".txt")):
            yield name, item.read_bytes()


def _ranges(
    subset: Subset, inputs: Sequence[InputFile], task_bytes: int
) -> Iterator[tuple[InputFile, int, int]]:
    for item in inputs:
        if item.size <= task_bytes or not subset.splittable(item):
            yield item, 0, item.size
            continue
        count = -(-item.size // task_bytes)
        for part in range(count):
            yield item, part * task_bytes, min((part + 1) * task_bytes, item.size)


def _model_digests(recipe: Recipe) -> dict[str, str]:
    digests = {}
    for stage in recipe.built():
        digest = getattr(stage.settings, "model_digest", None)
        if stage.enabled and digest is not None:
            digests[stage.name] = digest()
    return digests
