"""Recipes: everything that decides what is in a corpus, in one file.

A recipe names the stages in their order with their settings, the limits, the audit policy and the
output. Same recipe, same code and same input give the same bytes; so what doesn't change a byte
(workers, verbosity) is no part of it.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

import pydantic
import yaml

from filters.code.chunk_duplicates import ChunkDuplicates
from filters.exact_duplicates import ExactDuplicates
from filters.near_duplicates import NearDuplicates
from filters.url_duplicates import UrlDuplicates
from pipelines.deduplication.index import Stages
from pipelines.errors import RecipeError
from pipelines.stages import STAGES, StageKind
from schemas import Decision, Document

__all__ = [
    "Filter",
    "Part",
    "Profile",
    "Recipe",
    "Stage",
    "assign",
    "build_settings",
    "difference",
    "load_recipe",
    "packaged_recipes",
    "plain_settings",
    "read_recipe_file",
    "sentences",
]


@runtime_checkable
class Filter(Protocol):
    """A filter: a value that judges documents."""

    name: ClassVar[str]

    def judge(self, document: Document) -> Decision:
        """What it says of the document."""


_Settings = TypeVar("_Settings")
# Names of splits are beginnings of file names.
_SPLIT_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Part(pydantic.BaseModel):
    """A part of a recipe: no setting that isn't known, and none that changes."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Limits(Part):
    """Bounds that keep one document from harming a run.

    Attributes:
        source_bytes: A longer source (page, file, paper), its encodings undone, is dropped.
        extract_cpu_seconds: CPU time that the extraction of one source may take; CPU and not wall
            time, so that a busy machine drops nothing that an idle one keeps.
        extract_wall_seconds: Wall time after which an extraction that uses no CPU counts as hung.
        extract_memory_bytes: Address space of the process that extracts.
        text_chars: A longer text is dropped (``error:text_too_long``).
        unpacked_bytes: What one gzip member or one zstd or lz4 archive may unpack to.
    """

    source_bytes: int = pydantic.Field(default=20_000_000, gt=0)
    extract_cpu_seconds: float = pydantic.Field(default=20.0, gt=0)
    extract_wall_seconds: float = pydantic.Field(default=600.0, gt=0)
    extract_memory_bytes: int = pydantic.Field(default=3 << 30, ge=256 << 20)
    text_chars: int = pydantic.Field(default=20_000_000, gt=0)
    unpacked_bytes: int = pydantic.Field(default=16 << 30, gt=0)


class Audit(Part):
    """What is kept of dropped documents.

    Attributes:
        dropped_text: ``none``, a hash-chosen ``share``, or ``all``.
        dropped_text_share: The share, 0 to 1.
        shadow_share: Share of documents, chosen by the hash of document_id, that every filter
            judges even after a drop; what-if questions are answered from them without bias.
    """

    dropped_text: Literal["none", "share", "all"] = "share"
    dropped_text_share: float = pydantic.Field(default=0.05, ge=0, le=1)
    shadow_share: float = pydantic.Field(default=0.001, ge=0, le=1)


class Output(Part):
    """The shards.

    Attributes:
        shard_bytes: Text bytes that a shard holds at the most, roughly; the number of shards
            follows from it and from what was kept.
        views: Compatible layouts that are written beside our own.
        splits: Shares of documents by name of split, which add up to 1; a document's split follows
            from its document_id alone. No splits when empty.
        tokenizer: A tokenizer's file by which the data card counts tokens; estimated when empty.
    """

    shard_bytes: int = pydantic.Field(default=256 << 20, gt=0)
    views: tuple[str, ...] = ()
    splits: dict[str, float] = {}
    tokenizer: str = ""

    @pydantic.field_validator("splits")
    @classmethod
    def _whole(cls, splits: dict[str, float]) -> dict[str, float]:
        if splits and abs(sum(splits.values()) - 1) > 1e-9:
            raise ValueError(f"shares of splits add up to {sum(splits.values())}, not to 1")
        for name, share in splits.items():
            if share < 0 or not _SPLIT_NAME.fullmatch(name):
                raise ValueError(f"a split is a word with a share from 0 to 1, not {name}: {share}")
        return splits


class Input(Part):
    """How input files are cut into tasks.

    Attributes:
        task_bytes: Compressed bytes of a task; 0 for a 256th of all input, at least 8 MiB and at
            most 64 MiB, whatever the number of workers.
        tolerate_failed_files: Whether a file that can't be read leaves the run successful.
    """

    task_bytes: int = pydantic.Field(default=0, ge=0)
    tolerate_failed_files: bool = False


class Profile(Part):
    """What running the recipe takes: measured rates, and what workers elsewhere should have.

    Nothing of it decides a byte, so that it's no part of the recipe's digest.

    Attributes:
        cpu_seconds_per_megabyte: CPU time of the whole recipe on a megabyte (10^6 bytes) of input
            as it lies there; 0 when it wasn't measured.
        records_per_megabyte: Records in it.
        output_share: Bytes of the run's folder by bytes of input.
        work_share: Bytes of working files by bytes of input.
        worker_memory_bytes: Memory of a worker, a resource hint for engines that have such.
        machine_type: Dataflow's machine type, unless the user names one.
        disk_gigabytes: Disk of a Dataflow worker, unless the user says otherwise.
    """

    cpu_seconds_per_megabyte: float = pydantic.Field(default=0.0, ge=0)
    records_per_megabyte: float = pydantic.Field(default=0.0, ge=0)
    output_share: float = pydantic.Field(default=0.0, ge=0)
    work_share: float = pydantic.Field(default=0.0, ge=0)
    worker_memory_bytes: int = pydantic.Field(default=4 << 30, ge=1 << 30)
    machine_type: str = "n2-standard-8"
    disk_gigabytes: int = pydantic.Field(default=100, gt=0)


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a recipe.

    Attributes:
        name: Its name in ``STAGES``.
        settings: The filter, or the settings of the stage that makes the text.
        enabled: False when the recipe switches it off; the manifest says so.
        kind: Its line in ``STAGES``.
    """

    name: str
    settings: Any
    enabled: bool
    kind: StageKind


class Recipe(Part):
    """A recipe, checked.

    Attributes:
        name: Its name.
        subset: The subset that it makes, a key of ``STAGES``.
        edition: ``ours`` or ``published``.
        summary: One sentence.
        differences: What it does on purpose otherwise than the published pipeline, or the
            published defects that it keeps; each names its source.
        stages: The stages in order, each a mapping of its name to its settings.
    """

    name: str
    subset: str
    edition: Literal["ours", "published"]
    summary: str
    differences: tuple[str, ...] = ()
    input: Input = Input()
    limits: Limits = Limits()
    audit: Audit = Audit()
    output: Output = Output()
    profile: Profile = Profile()
    stages: tuple[dict[str, dict[str, Any] | None], ...]

    @pydantic.field_validator("subset")
    @classmethod
    def _known_subset(cls, subset: str) -> str:
        if subset not in STAGES:
            raise ValueError(_unknown(subset, STAGES))
        return subset

    @functools.cached_property
    def _built(self) -> tuple[Stage, ...]:
        return tuple(_build_stages(self.subset, self.stages))

    def built(self) -> tuple[Stage, ...]:
        """The stages as values, in order.

        Raises:
            RecipeError: A stage or setting is unknown, has a wrong value, or comes too early.
        """
        return self._built

    def enabled(self, kind: type[_Settings]) -> _Settings | None:
        """The settings of the stage of a kind, or None when the recipe hasn't it switched on."""
        for stage in self.built():
            if stage.enabled and isinstance(stage.settings, kind):
                return stage.settings
        return None

    def always(self, kind: type[_Settings]) -> _Settings:
        """The settings of a stage that every valid recipe of the subset has."""
        settings = self.enabled(kind)
        if settings is None:
            raise RecipeError(f"stages: {kind.__name__} is missing")
        return settings

    @property
    def deduplication(self) -> Stages:
        """The stages that look for duplicates, as far as they're switched on."""
        return Stages(
            self.enabled(UrlDuplicates),
            self.enabled(ExactDuplicates),
            self.enabled(NearDuplicates),
            chunks=self.enabled(ChunkDuplicates),
        )

    def check(self) -> None:
        """Raises before any work is done when a stage can't work: unknown settings, no model."""
        for stage in self.built():
            check = getattr(stage.settings, "check", None)
            if stage.enabled and check is not None:
                check()

    @property
    def resolved(self) -> dict[str, Any]:
        """Everything that decides a byte, with every default spelled out, as plain data."""
        plain = self.model_dump(mode="json", exclude={"profile"})
        plain["stages"] = [
            {stage.name: {"enabled": stage.enabled, **plain_settings(stage.settings)}}
            for stage in self.built()
        ]
        return plain

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved recipe; equal digests mean equal decisions."""
        text = json.dumps(self.resolved, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def changed(self, assignments: Sequence[str]) -> Recipe:
        """The recipe with settings replaced.

        Args:
            assignments: ``stage.setting=value`` or ``section.setting=value``, values in YAML.

        Raises:
            RecipeError: An assignment is malformed or names nothing.
        """
        plain = self.model_dump(mode="json")
        for assignment in assignments:
            assign(plain, assignment, ("input", "limits", "audit", "output", "profile"))
        changed = _validated(plain, self.name)
        changed.built()
        return changed


def packaged_recipes(package: str = "pipelines.recipes") -> list[str]:
    """Names of the recipes that come with a package."""
    folder = resources.files(package)
    return sorted(
        item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")
    )


def load_recipe(name: str) -> Recipe:
    """Reads a packaged recipe by name, or a recipe file by path.

    Raises:
        RecipeError: There is none, or it isn't valid.
    """
    plain = read_recipe_file(name, "pipelines.recipes")
    recipe = _validated(plain, name)
    recipe.built()
    return recipe


def read_recipe_file(name: str, package: str) -> dict[str, Any]:
    """A recipe as plain data, by its name in a package or by path.

    Raises:
        RecipeError: There is none, or it's no mapping in YAML.
    """
    if name in packaged_recipes(package):
        text = resources.files(package).joinpath(f"{name}.yaml").read_text("utf-8")
    elif Path(name).is_file():
        text = Path(name).read_text("utf-8")
    else:
        known = ", ".join(packaged_recipes(package))
        raise RecipeError(f"no recipe {name!r}: give a path, or one of {known}")
    try:
        plain = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: not YAML: {error}") from error
    if not isinstance(plain, dict):
        raise RecipeError(f"{name}: a recipe is a mapping, this is {type(plain).__name__}")
    return plain


def difference(first: Recipe, second: Recipe) -> list[tuple[str, str, str]]:
    """What differs between two recipes: (setting, value in the first, value in the second).

    Settings alone; what a recipe says of itself isn't compared.
    """
    left, right = (dict(_flatten(recipe.resolved)) for recipe in (first, second))
    rows = []
    for key in dict.fromkeys([*left, *right]):
        a, b = left.get(key, "-"), right.get(key, "-")
        if a != b and not key.startswith(("name", "summary", "differences")):
            rows.append((key, a, b))
    return rows


def _validated(plain: Mapping[str, Any], name: str) -> Recipe:
    try:
        return Recipe.model_validate(plain)
    except pydantic.ValidationError as error:
        raise RecipeError(sentences(name, error)) from error


def sentences(where: str, error: pydantic.ValidationError) -> str:
    """A validation error as one line a fault, with the setting's dotted name."""
    lines = []
    for fault in error.errors():
        place = ".".join([where, *(str(part) for part in fault["loc"])])
        lines.append(f"{place}: {fault['msg']}")
    return "\n".join(lines)


def _build_stages(
    subset: str, entries: Sequence[Mapping[str, Mapping[str, Any] | None]]
) -> Iterator[Stage]:
    """Builds each stage and holds the order against what each one reads."""
    kinds = STAGES[subset]
    before: list[Stage] = []
    for entry in entries:
        stage = _build_stage(kinds, entry)
        _check_place(stage, before, kinds)
        before.append(stage)
        yield stage
    seen = {stage.name for stage in before}
    for name, kind in kinds.items():
        if kind.needed and name not in seen:
            raise RecipeError(f"stages: {name} is missing: {kind.needed}")


def _build_stage(
    kinds: Mapping[str, StageKind], entry: Mapping[str, Mapping[str, Any] | None]
) -> Stage:
    if len(entry) != 1:
        raise RecipeError(f"a stage is one name with its settings, not {dict(entry)!r}")
    ((name, given),) = entry.items()
    kind = kinds.get(name)
    if kind is None:
        raise RecipeError(f"stages: {_unknown(name, kinds)}")
    settings = dict(given or {})
    enabled = settings.pop("enabled", True)
    if not isinstance(enabled, bool):
        raise RecipeError(f"{name}.enabled is {enabled!r}, expected true or false")
    if kind.needed and not enabled:
        raise RecipeError(f"{name} can't be switched off: {kind.needed}")
    return Stage(name, build_settings(name, kind.settings, settings), enabled, kind)


def _check_place(stage: Stage, before: Sequence[Stage], kinds: Mapping[str, StageKind]) -> None:
    """Raises ``RecipeError`` when a stage can't come after those before it."""
    name, reads = stage.name, stage.kind.reads
    if any(other.name == name for other in before):
        raise RecipeError(f"stages: {name} appears twice")
    (maker,) = (key for key, kind in kinds.items() if kind.makes_text)
    has_text = any(other.kind.makes_text for other in before)
    if reads in ("text", "corpus") and not has_text:
        raise RecipeError(f"stages: {name} reads text, it must come after {maker}")
    if reads in ("record", "bytes") and has_text:
        raise RecipeError(f"stages: {name} reads bytes, it must come before {maker}")
    finders = [other.name for other in before if other.kind.reads == "corpus"]
    if reads != "corpus" and finders:
        raise RecipeError(f"stages: {name} must come before those that look for duplicates")
    order = [key for key, kind in kinds.items() if kind.reads == "corpus"]
    if reads == "corpus" and any(order.index(other) > order.index(name) for other in finders):
        raise RecipeError(f"stages: duplicates are found in the order {', '.join(order)}")


def build_settings(name: str, settings_type: type[Any], settings: Mapping[str, Any]) -> Any:
    """A stage's settings as a value.

    Raises:
        RecipeError: A setting is unknown or has a wrong value.
    """
    known = {member.name for member in fields(settings_type) if member.init}
    for key in settings:
        if key not in known:
            raise RecipeError(f"{name}: {_unknown(key, known)}")
    try:
        return pydantic.TypeAdapter(settings_type).validate_python(dict(settings))
    except pydantic.ValidationError as error:
        raise RecipeError(sentences(name, error)) from error


def _unknown(name: str, known: Iterable[str]) -> str:
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, 1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(choices)}"
    return f"{name!r} is unknown; {hint}"


def plain_settings(settings: Any) -> dict[str, Any]:
    """A filter's settings as plain data; what can't be written in YAML is no setting."""
    adapter = pydantic.TypeAdapter(type(settings))
    plain: dict[str, Any] = adapter.dump_python(settings, mode="json")
    return plain


def assign(plain: dict[str, Any], assignment: str, sections: Sequence[str]) -> None:
    """Sets what an assignment names, in a recipe as plain data.

    Args:
        plain: The recipe; changed in place.
        assignment: ``stage.setting=value`` or ``section.setting=value``, the value in YAML.
        sections: Names of the recipe's sections that are no stages.

    Raises:
        RecipeError: It's malformed or names nothing.
    """
    target, equals, text = assignment.partition("=")
    part, dot, setting = target.strip().partition(".")
    if not (equals and dot):
        raise RecipeError(f"--set {assignment}: expected stage.setting=value")
    value = yaml.safe_load(text)
    if part in sections:
        plain[part][setting] = value
        return
    for entry in plain["stages"]:
        if part in entry:
            entry[part] = {**(entry[part] or {}), setting: value}
            return
    names = [name for entry in plain["stages"] for name in entry]
    raise RecipeError(f"--set {assignment}: {_unknown(part, names)}")


def _flatten(plain: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(plain, dict) and plain:
        for key, value in plain.items():
            yield from _flatten(value, f"{prefix}.{key}" if prefix else str(key))
    elif prefix in ("stages", "differences"):
        for number, item in enumerate(plain):
            if isinstance(item, dict):
                yield from _flatten(item)
            else:
                yield f"{prefix}[{number}]", str(item)
    else:
        yield prefix, json.dumps(plain, ensure_ascii=False)
