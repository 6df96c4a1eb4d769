"""Near-duplicates: what is a shingle, when two texts are too alike, and which of them stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

from filters.minhash import MinHash, Normalisation, Shingler, Unit, optimal_bands

__all__ = ["PRESETS", "Criterion", "NearDuplicates", "Preset"]

Criterion = Literal["longest", "best_score", "earliest", "latest", "best_licence"]


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings by a name.

    Attributes:
        unit: What a shingle is an n-gram of.
        ngram: How many of them.
        normalisation: What counts as equal in a text.
        bands: Bands of a signature; 0 when they follow from ``target``.
        rows: Rows of a band; 0 likewise.
        permutations: Entries of a signature; 0 for bands times rows.
        target: Similarity from which datasketch's optimum gives bands and rows; 0 when they're
            given.
        verify: How candidate pairs are held against ``threshold``.
        threshold: Jaccard similarity of duplicates.
        source: Where the settings are from.
    """

    unit: Unit
    ngram: int
    normalisation: Normalisation
    bands: int
    rows: int
    permutations: int
    target: float
    verify: Literal["exact", "estimated", "none"]
    threshold: float
    source: str


# The peers' settings; their own tokenisers and text normalisation are approximated by ``prose``.
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "maths": Preset(
            "word", 5, "maths", 16, 7, 0, 0.0, "exact", 0.8,
            "ours: at 0.8 the bands find 98 of 100 pairs, and each is then verified",
        ),
        "datatrove": Preset(
            "word", 5, "prose", 14, 8, 0, 0.0, "none", 0.0,
            "datatrove 0.10, MinhashConfig",
        ),
        "refinedweb": Preset(
            "word", 5, "prose", 20, 450, 0, 0.0, "none", 0.0,
            "Penedo et al. 2023 (arXiv 2306.01116), appendix G.3.1",
        ),
        "finemath": Preset(
            "word", 5, "prose", 1, 10, 0, 0.0, "none", 0.0,
            "Allal et al. 2025 (arXiv 2502.02737): a single band of ten hashes",
        ),
        "megamath": Preset(
            "word", 5, "prose", 11, 10, 0, 0.0, "none", 0.0,
            "Zhou et al. 2025 (arXiv 2504.02807): 11 buckets, 10 hashes each",
        ),
        "text-dedup": Preset(
            "word", 5, "prose", 0, 0, 256, 0.7, "none", 0.0,
            "text-dedup, minhash command of 2023: 256 permutations, threshold 0.7",
        ),
        "redpajama": Preset(
            "word", 13, "prose", 0, 0, 128, 0.8, "none", 0.0,
            "RedPajama-Data-v2: 13-grams, 128 permutations, threshold 0.8",
        ),
        "nemo-curator": Preset(
            "character", 24, "none", 20, 13, 0, 0.0, "none", 0.0,
            "NeMo Curator: character 24-grams, 20 bands of 13, no normalisation",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Keeps one document of each cluster of near-duplicates.

    Two documents are linked when their signatures agree in a band and, unless ``verify`` is
    ``none``, their similarity reaches ``threshold``. Clusters are the connected components.

    Attributes:
        preset: Row of ``PRESETS`` that gives what isn't set here.
        unit: What a shingle is an n-gram of: ``word`` or ``character``.
        ngram: How many of them.
        normalisation: ``maths``, ``prose`` or ``none``, as ``filters.minhash.Shingler`` tells.
        permutations: Entries of a signature, 4 bytes each.
        bands: Bands of a signature.
        rows: Rows of a band.
        target: Jaccard similarity from which bands and rows follow by datasketch's optimum for so
            many ``permutations``, when neither is given.
        verify: ``exact`` compares the shingle sets of a candidate pair, ``estimated`` its
            signatures, ``none`` takes it as it is.
        threshold: Least Jaccard similarity of a verified pair.
        keep: What decides which document of a cluster stays, most important first; ties go to the
            smallest document_id. The order of subsets, if there is one, comes before.
        score: Name of the score that ``best_score`` looks at.
        licences: SPDX identifiers for ``best_licence``, best first; others come after.
    """

    preset: str = "maths"
    unit: Unit | None = None
    ngram: int | None = None
    normalisation: Normalisation | None = None
    permutations: int | None = None
    bands: int | None = None
    rows: int | None = None
    target: float | None = None
    verify: Literal["exact", "estimated", "none"] | None = None
    threshold: float | None = None
    keep: tuple[Criterion, ...] = ("longest", "earliest")
    score: str = ""
    licences: tuple[str, ...] = ()

    name: ClassVar[str] = "near_duplicates"

    def __post_init__(self) -> None:
        preset = PRESETS.get(self.preset)
        if preset is None:
            raise ValueError(f"preset {self.preset!r} is unknown; known: {', '.join(PRESETS)}")
        if "best_score" in self.keep and not self.score:
            raise ValueError("keep by best_score needs the score's name in score")
        for name in ("unit", "ngram", "normalisation", "verify", "threshold"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(preset, name))
        self._fill_bands(preset)
        if self.band_count * self.row_count > self.signature_length:
            raise ValueError(
                f"{self.bands} bands of {self.rows} rows need {self.band_count * self.row_count} "
                f"permutations, there are {self.permutations}"
            )
        if min(self.band_count, self.row_count, self.ngram or 0) < 1:
            raise ValueError("bands, rows and ngram must be at least 1")
        if not 0 <= self.least_similarity <= 1:
            raise ValueError(f"threshold is {self.threshold}, a similarity is from 0 to 1")

    def _fill_bands(self, preset: Preset) -> None:
        """Bands and rows: as given; else from a target; else the preset's."""
        given = (self.bands, self.rows, self.permutations, self.target)
        if given == (None,) * 4:
            bands, rows, permutations = preset.bands, preset.rows, preset.permutations
            target: float | None = preset.target or None
        else:
            bands, rows, permutations = self.bands or 0, self.rows or 0, self.permutations or 0
            target = self.target
        if bands and rows:
            permutations = permutations or bands * rows
        elif bands or rows:
            raise ValueError("bands and rows go together")
        else:
            permutations = permutations or preset.permutations or preset.bands * preset.rows
            target = target or self.threshold or preset.threshold
            if not target:
                raise ValueError("permutations alone say nothing: give bands and rows, or a target")
            if not 0 < target < 1:
                raise ValueError(f"target is {target}, a similarity between 0 and 1 is needed")
            bands, rows = optimal_bands(target, permutations)
        for name, value in (
            ("bands", bands), ("rows", rows), ("permutations", permutations), ("target", target),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    @property
    def band_count(self) -> int:
        """Bands of a signature."""
        return self.bands or 0

    @property
    def row_count(self) -> int:
        """Rows of a band."""
        return self.rows or 0

    @property
    def signature_length(self) -> int:
        """Entries of a signature."""
        return self.permutations or 0

    @property
    def least_similarity(self) -> float:
        """Least Jaccard similarity of a verified pair."""
        return self.threshold or 0.0

    @property
    def minhash(self) -> MinHash:
        """What makes the signatures."""
        return MinHash(
            self.signature_length,
            Shingler(self.ngram or 1, self.unit or "word", self.normalisation or "maths"),
        )
