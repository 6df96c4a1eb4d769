"""What another setting would do: recorded scores judged again, nothing run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from audit.errors import NotAnswerable
from audit.estimating import Estimate, estimated_count, estimated_sum, exactly, summed
from audit.ledger import RECORD_FIELDS, ensure_ledger
from audit.run import AuditRun
from audit.tokens import TokenCount, chars_per_token, tokens_of_chars
from filters.near_duplicates import NearDuplicates
from filters.rejudging import Bound, Recorded, laws_of, rejudged, settings_unjudged
from pipelines.recipe import Recipe, Stage, difference
from schemas import Document

__all__ = ["Case", "SiteChange", "Stratum", "WhatIf", "what_if"]

_EXAMPLES = 10
# Filters that look at nothing but what the trail holds.
_ON_RECORD = ("record", "address")
_SITES = 20


@dataclass(frozen=True, slots=True)
class Case:
    """A document that a change concerns.

    Attributes:
        document_id, url, site: Which one.
        text_chars: Characters of its text; 0 when none was extracted.
        was: The stage that dropped it, empty when it was kept.
        becomes: The stage that would drop it, empty when it would be kept.
        score: Its score at the changed stage that decides.
        certain: False when later stages never judged it.
    """

    document_id: str
    url: str
    site: str
    text_chars: int
    was: str
    becomes: str
    score: float | None
    certain: bool


@dataclass(frozen=True, slots=True)
class SiteChange:
    """What a change does to a site: documents that enter for certain, that may enter, that
    leave."""

    site: str
    enter: int
    may_enter: int
    leave: int


@dataclass(frozen=True, slots=True)
class Stratum:
    """Documents that one stage dropped and that would now pass it.

    Attributes:
        stage: The stage.
        enter: Those that every later stage passes, for certain.
        dropped_later: Those that a later stage drops, for certain.
        unknown: Those that no later stage judged.
        sampled: How many of the certain ones are of the shadow share; the estimate rests on them.
        sampled_enter: How many of these enter.
        entering: Documents of the stratum that enter.
    """

    stage: str
    enter: int
    dropped_later: int
    unknown: int
    sampled: int
    sampled_enter: int
    entering: Estimate


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What other settings would do.

    Attributes:
        changes: (setting, value of the run, value asked about).
        kept_before: Documents that the run kept.
        entering: Documents that would come in.
        leaving: Documents that would go, always exact.
        moved: Documents that stay out, for another stage's sake.
        entering_chars, entering_source_bytes, entering_tokens: Their text and sources.
        leaving_chars, leaving_source_bytes, leaving_tokens: Likewise.
        tokens: How tokens were counted.
        strata: Where the entering ones come from, stage by stage.
        leaving_by_stage: Leaving documents by the stage that would drop them.
        sites: Sites with the largest changes.
        enter_examples, leave_examples: Documents.
        method: How estimates were made; empty when all is exact.
        ignores: What the answer doesn't take into account, one sentence each.
        duplicates_unknown: Whether entering documents may be duplicates of others, so that fewer
            of them stay than ``entering`` counts.
    """

    changes: tuple[tuple[str, str, str], ...]
    kept_before: int
    entering: Estimate
    leaving: int
    moved: int
    entering_chars: Estimate
    entering_source_bytes: Estimate
    entering_tokens: Estimate
    leaving_chars: int
    leaving_source_bytes: int
    leaving_tokens: int
    tokens: TokenCount
    strata: tuple[Stratum, ...]
    leaving_by_stage: Mapping[str, int]
    sites: tuple[SiteChange, ...]
    enter_examples: tuple[Case, ...]
    leave_examples: tuple[Case, ...]
    method: str
    ignores: tuple[str, ...]
    duplicates_unknown: bool

    @property
    def exact(self) -> bool:
        """Whether everything was counted, up to the duplicate stages."""
        return self.entering.exact

    @property
    def kept_after(self) -> Estimate:
        """Documents that would be kept."""
        base = self.kept_before - self.leaving
        e = self.entering
        return Estimate(base + e.value, base + e.low, base + e.high, e.exact)


def what_if(
    run: AuditRun, changes: Sequence[str], *, examples: int = _EXAMPLES, sites: int = _SITES
) -> WhatIf:
    """Judges the recorded scores again with other settings.

    Args:
        run: The run.
        changes: Assignments as ``--set`` takes them: ``math_score.threshold_with_math=0.2``.
            ``threshold`` stands for all thresholds of a filter that has several.
        examples: How many documents are shown of each kind.
        sites: How many sites.

    Raises:
        RecipeError: An assignment is malformed or names nothing.
        NotAnswerable: What was recorded doesn't tell.
    """
    before = run.needed_recipe()
    after = before.changed(list(_spelled_out(before, changes)))
    changed = _changed_stages(before, after)
    ensure_ledger(run)
    own, _ = _stage_names(after)
    with run.scratch_table(_FATES, [own[-1]], flips=_flips(run, changed)) as fates:
        _let_duplicates_in(run, after, fates)
        return _Answer(run, before, after, fates).made(examples, sites)


def _spelled_out(recipe: Recipe, changes: Sequence[str]) -> Iterator[str]:
    """The changes, ``STAGE.threshold`` as the stage's own names of its thresholds."""
    settings = {stage.name: stage.settings for stage in recipe.built()}
    for change in changes:
        name, _, rest = change.partition(".")
        setting, equals, value = rest.partition("=")
        filter_ = settings.get(name.strip())
        bounds = [law.setting for law in laws_of(filter_) if isinstance(law, Bound)]
        if setting.strip() == "threshold" and bounds and not hasattr(filter_, "threshold"):
            yield from (f"{name}.{bound}{equals}{value}" for bound in bounds)
        else:
            yield change


def _stage_names(recipe: Recipe) -> tuple[list[str], list[str]]:
    """The stages that are switched on: those that judge a document by itself, and those that hold
    it against others."""
    on = [stage for stage in recipe.built() if stage.enabled]
    return (
        [stage.name for stage in on if stage.kind.reads != "corpus"],
        [stage.name for stage in on if stage.kind.reads == "corpus"],
    )


def _changed_stages(before: Recipe, after: Recipe) -> list[tuple[Stage, Stage]]:
    """The stages that differ, before and after; refuses what no record can answer."""
    sections = [key for key, *_ in difference(before, after) if key.startswith(("limits", "input"))]
    if sections:
        raise NotAnswerable(f"{sections[0]}: what it changes isn't recorded; run the recipe")
    changed = []
    for was, becomes in zip(before.built(), after.built(), strict=True):
        if (was.enabled, was.settings) == (becomes.enabled, becomes.settings):
            continue
        if not was.enabled and becomes.enabled:
            raise NotAnswerable(f"{was.name} was switched off, so it judged nothing")
        _refuse_unjudged(was, becomes)
        if was.enabled:
            changed.append((was, becomes))
    return changed


def _refuse_unjudged(was: Stage, becomes: Stage) -> None:
    if was.kind.reads in _ON_RECORD or not becomes.enabled or was.settings == becomes.settings:
        return
    unjudged = settings_unjudged(was.settings, becomes.settings)
    if unjudged:
        settings = [law.setting for law in laws_of(was.settings)] or ["enabled=false"]
        covered = ", ".join(f"{was.name}.{setting}" for setting in settings)
        raise NotAnswerable(
            f"{was.name}.{unjudged[0]}: the recorded scores don't tell what another value would "
            f"do; run the recipe with it. They tell of {covered}"
        )


def _flips(run: AuditRun, changed: Sequence[tuple[Stage, Stage]]) -> pa.Table:
    """Decisions whose verdict changes: place, position, keep."""
    parts = [_flips_of(run, was, becomes) for was, becomes in changed]
    schema = pa.schema([("place", pa.int64()), ("position", pa.int64()), ("keep", pa.bool_())])
    return (
        pa.concat_tables([part.cast(schema) for part in parts]) if parts else schema.empty_table()
    )


def _flips_of(run: AuditRun, was: Stage, becomes: Stage) -> pa.Table:
    if was.kind.reads in _ON_RECORD and becomes.enabled:
        return _flips_of_record(run, was, becomes)
    table = run.arrow(
        "SELECT place, position, keep, score, detail, starts_with(reason, 'error:') AS failed "
        "FROM ledger WHERE filter = ?",
        [was.name],
    )
    kept = table.column("keep").to_numpy()
    if becomes.enabled:
        recorded = Recorded(
            kept,
            table.column("score").to_numpy().astype(np.float64),
            table.column("detail").to_numpy(),
            table.column("failed").to_numpy(),
        )
        keeps = rejudged(becomes.settings, recorded)
    else:
        keeps = np.ones(len(kept), np.bool_)
    return _changed_rows(table, kept, keeps)


def _flips_of_record(run: AuditRun, was: Stage, becomes: Stage) -> pa.Table:
    """A filter that reads nothing but what the trail holds judges the record itself again."""
    present = ["url", *(name for name in RECORD_FIELDS if name in run.columns("trails"))]
    table = run.arrow(
        f"SELECT place, position, keep, {', '.join(present)} FROM ledger JOIN cases USING (place) "
        "WHERE filter = ?",
        [was.name],
    )
    kept = table.column("keep").to_numpy()
    rows = zip(*(table.column(name).to_pylist() for name in present), strict=True)
    keeps = kept.copy()
    for place, (row, keep) in enumerate(zip(rows, kept, strict=True)):
        document = Document("", **dict(zip(present, row, strict=True)))
        # What was decided by more than the trail holds stays as it is.
        if was.settings.judge(document).keeps == keep:
            keeps[place] = becomes.settings.judge(document).keeps
    return _changed_rows(table, kept, keeps)


def _changed_rows(table: pa.Table, kept: Any, keeps: Any) -> pa.Table:
    chosen = np.flatnonzero(kept != keeps)
    rows = table.select(["place", "position"]).take(pa.array(chosen))
    return rows.append_column("keep", pa.array(keeps[chosen], pa.bool_()))


# What becomes of every record that has a changed verdict. A record that is dropped nowhere any more
# enters when the last stage of its own judged it, and is unknown when none after its drop did.
_FATES = """
    WITH affected AS (SELECT DISTINCT place FROM flips),
    judged AS (
        SELECT l.place, l.position, l.filter, l.score, coalesce(f.keep, l.keep) AS keep,
               f.keep IS NOT NULL AS changed
        FROM ledger l SEMI JOIN affected USING (place)
        LEFT JOIN flips f ON f.place = l.place AND f.position = l.position
    ),
    fates AS (
        SELECT place,
               coalesce(arg_min(filter, position) FILTER (NOT keep), '') AS becomes,
               min(position) FILTER (NOT keep) AS drops_at,
               arg_min(score, position) FILTER (changed) AS score,
               bool_or(filter = ?) AS complete
        FROM judged GROUP BY place
    ),
    dropped AS (
        SELECT l.place, l.position AS dropped_at
        FROM ledger l JOIN cases c ON c.place = l.place AND l.filter = c.dropped_by
        SEMI JOIN affected ON affected.place = l.place
        WHERE NOT l.keep AND NOT l.shadow
    )
    SELECT c.place, c.document_id, c.url, c.site, c.text_chars, c.source_bytes, c.shadow,
           c.dropped_by AS was, f.becomes, f.score,
           CASE WHEN c.verdict = 'keep' THEN CASE WHEN f.becomes = '' THEN 'stays' ELSE 'leaves' END
                WHEN f.becomes = '' AND f.complete THEN 'enters'
                WHEN f.becomes = '' THEN 'unknown'
                WHEN f.drops_at > d.dropped_at THEN 'dropped_later'
                WHEN f.becomes = c.dropped_by THEN 'stays_out'
                ELSE 'dropped_earlier' END AS fate,
           '' AS replaces
    FROM fates f JOIN cases c ON c.place = f.place LEFT JOIN dropped d ON d.place = c.place
"""


# Where a document leaves that stands for duplicates, the best of them enters in its place, as far
# as their own stages still pass them. Equal texts and addresses stay equal without it. A group of
# near-duplicates may fall apart, and those that another stage had dropped for the same document
# needn't be equal to these: of them, more may enter.
_REPLACEMENTS = """
    INSERT INTO {fates}
    WITH survivors AS (
        SELECT c.*, l.kept_id, row_number() OVER (PARTITION BY l.kept_id, c.dropped_by
                                                  ORDER BY {order}) AS rank
        FROM (SELECT place, filter,
                     regexp_extract(detail, '^kept (\\S+), one of ', 1) AS kept_id
              FROM ledger WHERE NOT keep AND starts_with(detail, 'kept ')) l
        JOIN cases c ON c.place = l.place AND c.dropped_by = l.filter
        SEMI JOIN (SELECT * FROM {fates} WHERE fate = 'leaves') gone ON gone.document_id = l.kept_id
        ANTI JOIN {fates} known ON known.place = c.place
        WHERE c.dropped_by = ?
    )
    SELECT place, document_id, url, site, text_chars, source_bytes, shadow, dropped_by, '', NULL,
           CASE WHEN rank = 1 AND kept_id NOT IN (SELECT replaces FROM {fates}) THEN 'enters'
                ELSE 'may_replace' END, kept_id
    FROM survivors WHERE rank = 1 OR ?
"""

# How the criteria of the duplicate stages order documents; licences and other filters' scores
# aren't in the trails, and leave it to the others.
_CRITERIA = {
    "longest": "c.text_chars DESC",
    "earliest": "CASE WHEN c.date = '' THEN '~' ELSE c.date END",
    "latest": "c.date DESC",
}


def _let_duplicates_in(run: AuditRun, after: Recipe, fates: str) -> None:
    """Adds the duplicates that enter for leaving documents to the fates."""
    for stage in after.built():
        if stage.enabled and stage.kind.reads == "corpus":
            keep = stage.settings.keep
            criteria = [keep] if isinstance(keep, str) else keep
            order = [_CRITERIA[name] for name in criteria if name in _CRITERIA]
            sql = _REPLACEMENTS.format(fates=fates, order=", ".join([*order, "c.document_id"]))
            run.rows(sql, [stage.name, stage.name == NearDuplicates.name])


class _Answer:
    """The fates of the documents whose verdicts change, added up."""

    def __init__(self, run: AuditRun, before: Recipe, after: Recipe, fates: str) -> None:
        self._run = run
        self._before = before
        self._after = after
        self._fates = fates
        self._tokens = chars_per_token(run)

    def made(self, examples: int, sites: int) -> WhatIf:
        """The answer."""
        strata, chars, sources = self._strata()
        leaving, leaving_chars, leaving_bytes = self._run.one(
            f"SELECT count(*), coalesce(sum(text_chars), 0), coalesce(sum(source_bytes), 0) "
            f"FROM {self._fates} WHERE fate = 'leaves'"
        )
        moved = self._count("fate IN ('dropped_later', 'dropped_earlier')")
        entering = summed(stratum.entering for stratum in strata)
        ratio = self._tokens.chars_per_token
        return WhatIf(
            tuple(difference(self._before, self._after)),
            self._run.one("SELECT count(*) FROM cases WHERE verdict = 'keep'")[0],
            entering,
            leaving,
            moved,
            chars,
            sources,
            chars.scaled(1 / ratio),
            int(leaving_chars),
            int(leaving_bytes),
            tokens_of_chars(int(leaving_chars), self._tokens),
            self._tokens,
            tuple(strata),
            dict(
                self._run.rows(
                    f"SELECT becomes, count(*) FROM {self._fates} WHERE fate = 'leaves' "
                    "GROUP BY ALL ORDER BY 2 DESC, 1"
                )
            ),
            self._sites(sites),
            self._examples("fate IN ('enters', 'unknown')", examples),
            self._examples("fate = 'leaves'", examples),
            "" if entering.exact else _METHOD,
            tuple(self._ignores(strata)),
            bool(self._finders_after(strata)),
        )

    def _count(self, condition: str) -> int:
        return int(self._run.one(f"SELECT count(*) FROM {self._fates} WHERE {condition}")[0])

    def _strata(self) -> tuple[list[Stratum], Estimate, Estimate]:
        rows = self._run.rows(
            f"""
            SELECT was, count(*) FILTER (fate = 'enters'), count(*) FILTER (fate = 'dropped_later'),
                   count(*) FILTER (fate = 'unknown'), count(*) FILTER (fate = 'may_replace'),
                   coalesce(sum(text_chars) FILTER (fate = 'enters'), 0),
                   coalesce(sum(source_bytes) FILTER (fate = 'enters'), 0),
                   coalesce(sum(text_chars) FILTER (fate IN ('unknown', 'may_replace')), 0),
                   coalesce(sum(source_bytes) FILTER (fate IN ('unknown', 'may_replace')), 0),
                   coalesce(bool_and(text_chars > 0) FILTER (fate IN ('unknown', 'may_replace')),
                            true)
            FROM {self._fates}
            WHERE fate IN ('enters', 'dropped_later', 'unknown', 'may_replace')
            GROUP BY was
            """
        )
        order = {stage.name: place for place, stage in enumerate(self._run.stages)}
        strata, chars, sources = [], [exactly(0)], [exactly(0)]
        for row in sorted(rows, key=lambda row: order.get(row[0], -1)):
            was, enter, later, unknown, may_replace, *sums, have_texts = row
            sample = self._sample(was) if unknown else []
            passed = sum(entered for entered, *_ in sample)
            entering = estimated_count(enter, unknown, passed, len(sample)).widened(may_replace)
            strata.append(Stratum(was, enter, later, unknown, len(sample), passed, entering))
            known_chars, known_bytes, most_chars, most_bytes = map(int, sums)
            most = float(most_chars) if have_texts else math.inf
            share = (entering.high - enter) / unknown if unknown else 1.0
            texts = [float(length) if entered else 0.0 for entered, length, _ in sample]
            bounds = {"more": may_replace, "highest_share": share}
            chars.append(estimated_sum(known_chars, unknown, texts, most, **bounds))
            sizes = [float(size) if entered else 0.0 for entered, _, size in sample]
            sources.append(estimated_sum(known_bytes, unknown, sizes, most_bytes, **bounds))
        return strata, summed(chars), summed(sources)

    def _sample(self, was: str) -> list[tuple[bool, int, int]]:
        """Of the shadow share, what a stage dropped and now passes: (enters, chars, bytes)."""
        return self._run.rows(
            f"SELECT fate = 'enters', text_chars, source_bytes FROM {self._fates} "
            "WHERE was = ? AND shadow AND fate IN ('enters', 'dropped_later')",
            [was],
        )

    def _sites(self, count: int) -> tuple[SiteChange, ...]:
        rows = self._run.rows(
            f"""
            SELECT site, count(*) FILTER (fate = 'enters') AS enter,
                   count(*) FILTER (fate = 'unknown') AS may, count(*) FILTER (fate = 'leaves')
            FROM {self._fates} WHERE fate IN ('enters', 'unknown', 'leaves')
            GROUP BY site ORDER BY count(*) DESC, site LIMIT ?
            """,
            [count],
        )
        return tuple(SiteChange(*row) for row in rows)

    def _examples(self, condition: str, count: int) -> tuple[Case, ...]:
        # In the order of the hash: no kind of document comes first.
        rows = self._run.rows(
            f"SELECT document_id, url, site, text_chars, was, becomes, score, fate <> 'unknown' "
            f"FROM {self._fates} WHERE {condition} ORDER BY document_id LIMIT ?",
            [count],
        )
        return tuple(Case(*row) for row in rows)

    def _finders_after(self, strata: Sequence[Stratum]) -> list[str]:
        """The stages that would still hold entering documents against the others: all, or those
        after the finder of duplicates that had dropped them."""
        _, finders = _stage_names(self._after)
        order = [stage.name for stage in self._after.built()]
        entering = [order.index(s.stage) for s in strata if s.enter or s.unknown]
        return [name for name in finders if entering and order.index(name) > min(entering)]

    def _ignores(self, strata: Sequence[Stratum]) -> Iterator[str]:
        names = self._finders_after(strata)
        if names:
            yield (
                f"entering documents weren't held against the others by {', '.join(names)}; "
                "some may be duplicates"
            )
        if self._count("fate = 'may_replace'"):
            yield (
                "some leaving documents stood for several others; one of these enters, and "
                "more do as far as they aren't alike enough without it, which the run didn't record"
            )
        if any(stratum.unknown and not stratum.sampled for stratum in strata):
            bare = ", ".join(s.stage for s in strata if s.unknown and not s.sampled)
            yield (
                f"no document of the shadow share was dropped by {bare} and now passes: between "
                "none and all of the unknown ones enter (a run with a larger audit.shadow_share "
                "tells more)"
            )


_METHOD = (
    "Documents that a changed stage had dropped were judged by the later stages only where they "
    "belong to the shadow share, a sample by hash. The share of these that passes, stage by stage, "
    "is applied to the others, with Wilson's 95 % interval for a count among these; intervals of "
    "stages add up by squares (MOVER). Text and bytes: the sample's mean, with the normal 95 % "
    "interval."
)
