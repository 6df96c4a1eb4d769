"""What a report tells, asked of the run before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.errors import AuditError
from audit.funnels import Funnel, funnel, group_keys
from audit.histograms import Histogram, Threshold, histogram, scored_stages
from audit.run import AuditRun
from audit.sampling import Sampled, sample

__all__ = ["Contents", "Distribution", "Examples", "FormulaCount", "contents_of"]

_DOMAINS, _LANGUAGES, _OTHERS = 25, 15, 15
# Besides domain and language: what the records of a subset may be grouped by.
_GROUPED_BY = ("crawl", "programming_language", "repo", "licence", "content_type", "record_type")


@dataclass(frozen=True, slots=True)
class Distribution:
    """The scores that one threshold is for.

    Attributes:
        histogram: The scores.
        threshold: The threshold.
    """

    histogram: Histogram
    threshold: Threshold

    @property
    def title(self) -> str:
        """The stage, and whose threshold it is."""
        detail = f", {self.histogram.detail}" if self.histogram.detail else ""
        return f"{self.histogram.stage}{detail}"


@dataclass(frozen=True, slots=True)
class Examples:
    """Documents that a stage dropped, or those that were kept (``stage`` empty)."""

    stage: str
    documents: tuple[Sampled, ...]


@dataclass(frozen=True, slots=True)
class FormulaCount:
    """Formulas of one encoding in the documents that were kept."""

    encoding: str
    found: int
    kept: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a report tells.

    Attributes:
        title: Its heading.
        funnel: The funnel.
        domains, languages: The funnel by these; None where the run has none.
        others: The funnel by what else its records can be grouped by.
        distributions: Scores with their thresholds.
        formulas: Formulas by encoding.
        examples: Documents with their texts.
        facts: What the run is, by name.
        settings: The recipe's stages with their settings, in order.
    """

    title: str
    funnel: Funnel
    domains: Funnel | None
    languages: Funnel | None
    others: tuple[Funnel, ...]
    distributions: tuple[Distribution, ...]
    formulas: tuple[FormulaCount, ...]
    examples: tuple[Examples, ...]
    facts: Mapping[str, str]
    settings: tuple[tuple[str, bool, Mapping[str, Any]], ...]


def contents_of(run: AuditRun, *, examples: int = 2) -> Contents:
    """Asks a run for everything that its report tells.

    Args:
        run: The run.
        examples: How many documents are shown of each stage.
    """
    whole = funnel(run)
    return Contents(
        run.title,
        whole,
        _worth_showing(run, "domain", _DOMAINS),
        _worth_showing(run, "language", _LANGUAGES),
        tuple(
            shown for by in _GROUPED_BY if (shown := _worth_showing(run, by, _OTHERS)) is not None
        ),
        tuple(_distributions(run)),
        _formulas(run),
        tuple(_examples(run, whole, examples)) if examples else (),
        _facts(run),
        _settings(run),
    )


def _worth_showing(run: AuditRun, by: str, limit: int) -> Funnel | None:
    """The funnel by a column; None where the run lacks it or it holds one value alone."""
    if by not in group_keys(run):
        return None
    found = funnel(run, by, limit=limit)
    return found if len(found.groups) > 1 else None


def _distributions(run: AuditRun) -> list[Distribution]:
    """The scores of every threshold; those of several rules mixed would tell nothing."""
    found = []
    for stage in scored_stages(run):
        whole = histogram(run, stage)
        if whole.scored < 2:
            continue
        with_detail = [threshold for threshold in whole.thresholds if threshold.detail]
        for threshold in with_detail:
            if threshold.documents:
                part = histogram(run, stage, detail=threshold.detail)
                found.append(Distribution(part, threshold))
        if whole.thresholds and not with_detail:
            found.append(Distribution(whole, whole.thresholds[0]))
    return found


def _formulas(run: AuditRun) -> tuple[FormulaCount, ...]:
    counted = run.manifest.get("formulas", {})
    found, kept = (counted.get(name, {}) for name in ("formulas_found", "formulas_kept"))
    return tuple(
        FormulaCount(name, found.get(name, 0), kept.get(name, 0))
        for name in sorted({*found, *kept}, key=lambda name: (-found.get(name, 0), name))
    )


def _examples(run: AuditRun, whole: Funnel, count: int) -> list[Examples]:
    groups = [Examples("", sample(run, kept=True, n=count))]
    for stage in whole.stages:
        if stage.lost.records:
            try:
                drawn = sample(run, dropped_by=stage.name, n=20 * count)
            except AuditError:
                continue
            shown = [document for document in drawn if document.text][:count]
            if shown:
                groups.append(Examples(stage.name, tuple(shown)))
    return groups


def _facts(run: AuditRun) -> dict[str, str]:
    manifest = run.manifest
    recipe, made = manifest.get("recipe", {}), manifest.get("run", {})
    inputs: Sequence[Mapping[str, Any]] = manifest.get("inputs", ())
    size = sum(int(item.get("size", 0)) for item in inputs)
    facts = {
        "recipe": f"{recipe.get('name', '')}, sha256 {str(recipe.get('sha256', ''))[:16]}",
        "code": _code(manifest.get("code", "")),
        "fingerprint": str(manifest.get("fingerprint", ""))[:16],
        "inputs": f"{len(inputs):,} file(s), {size / 1e6:,.1f} MB",
        "failed inputs": f"{len(manifest.get('failed_inputs', ())):,}",
        "finished": str(made.get("finished", "")),
        "command": str(made.get("command", "")),
    }
    for name, digest in dict(manifest.get("models", {})).items():
        facts[f"model {name}"] = f"sha256 {str(digest)[:16]}"
    return {name: value for name, value in facts.items() if value}


def _code(code: Any) -> str:
    if isinstance(code, Mapping):
        return ", ".join(f"{name} {str(value)[:16]}" for name, value in sorted(code.items()))
    return str(code)[:16]


def _settings(run: AuditRun) -> tuple[tuple[str, bool, Mapping[str, Any]], ...]:
    found = []
    for entry in run.plain_recipe.get("stages", ()):
        if isinstance(entry, dict):
            for name, settings in entry.items():
                given = dict(settings or {})
                enabled = bool(given.pop("enabled", True))
                found.append((str(name), enabled, given))
    return tuple(found)
