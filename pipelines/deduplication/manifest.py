"""The manifest of a deduplication: what it counted, proved to add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filters.repeated_paragraphs import RepeatedParagraphs
from pipelines.deduplication.index import scheme_of
from pipelines.deduplication.parts import CorpusFile
from pipelines.deduplication.recipe import DeduplicationRecipe
from pipelines.errors import ConservationError
from pipelines.files import address_of
from pipelines.funnel import FunnelStage, funnel_of

__all__ = ["MANIFEST_KIND", "make_manifest", "manifest_funnel"]

MANIFEST_KIND = "deduplication"
MANIFEST_VERSION = 1

_REASONS = {RepeatedParagraphs.name: "nothing_left"}


def make_manifest(
    recipe: DeduplicationRecipe,
    files: Sequence[CorpusFile],
    fingerprint: dict[str, Any],
    markers: Sequence[Mapping[str, Any]],
    *,
    repeated_files: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """All of a manifest but ``run``, which says what differs between two runs of the same bytes.

    Args:
        recipe: The run's recipe.
        files: Its inputs.
        fingerprint: What decides its bytes.
        markers: Those of its written parts.
        repeated_files: The table of repeated paragraphs, if there is one.

    Raises:
        ConservationError: Documents went missing.
    """
    drops = _summed(marker["drops"] for marker in markers)
    documents = sum(marker["documents"] for marker in markers)
    kept = sum(marker["kept"] for marker in markers)
    dropped = sum(row[-2] for row in drops)
    if documents != kept + dropped or documents != sum(file.rows for file in files):
        raise ConservationError(
            f"{documents} documents were read, {kept} kept and {dropped} dropped"
        )
    stages = recipe.deduplication
    names = [stage.name for stage in stages.enabled]
    return {
        "kind": MANIFEST_KIND,
        "manifest_version": MANIFEST_VERSION,
        "fingerprint": fingerprint["fingerprint"],
        "recipe": {"name": recipe.name, "sha256": recipe.digest},
        "code": fingerprint["code"],
        "stages": names,
        "signatures": {"scheme": scheme_of(stages.near) if stages.near else ""},
        "inputs": [
            {
                "subset": file.subset,
                "name": file.name,
                "uri": address_of(Path(file.path)),
                "size": file.size,
                "rows": file.rows,
                "xxh3_128": [marker["digest"] for marker in markers if marker["file"] == file.path],
            }
            for file in files
        ],
        "counts": {"documents": documents, "kept": kept, "dropped": dropped},
        "drops": {row[0]: {_REASONS.get(row[0], "duplicate"): row[1]} for row in drops},
        **{
            name: sum(marker[name] for marker in markers)
            for name in ("paragraphs_removed", "chars_removed")
        },
        "kept_text_bytes": sum(marker["kept_text_bytes"] for marker in markers),
        "subsets": [
            dict(zip(("subset", "documents", "text_chars"), row, strict=True))
            for row in _summed(marker["subsets"] for marker in markers)
        ],
        "overlap": [
            dict(
                zip(("subset", "kept_subset", "stage", "documents", "text_chars"), row, strict=True)
            )
            for row in _summed(marker["overlap"] for marker in markers)
        ],
        "files": sorted(
            [*repeated_files, *(file for marker in markers for file in marker["files"])],
            key=lambda file: str(file["path"]),
        ),
    }


def _summed(parts: Iterable[list[list[Any]]]) -> list[list[Any]]:
    """Rows of [*key, documents, characters], added up by key."""
    documents: Counter[tuple[Any, ...]] = Counter()
    characters: Counter[tuple[Any, ...]] = Counter()
    for rows in parts:
        for *key, count, chars in rows:
            documents[tuple(key)] += count
            characters[tuple(key)] += chars
    return [[*key, documents[key], characters[key]] for key in sorted(documents)]


def manifest_funnel(manifest: dict[str, Any]) -> list[FunnelStage]:
    """The funnel that a manifest tells."""
    stages = [(name, True) for name in manifest["stages"]]
    return funnel_of(manifest["counts"]["documents"], manifest["drops"], stages)
