"""The funnel: how many records each stage saw and dropped, why, and of which kind they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.columns import CRAWL
from audit.errors import AuditError
from audit.run import AuditRun
from audit.tokens import TokenCount, chars_per_token, tokens_of_chars

__all__ = ["Amount", "Funnel", "Group", "StageAmounts", "funnel", "group_keys"]

_GROUPS = 50


@dataclass(frozen=True, slots=True)
class Amount:
    """So many records.

    Attributes:
        records: How many.
        source_bytes: Bytes of their sources.
        text_chars: Characters of their texts, as far as one was extracted.
        tokens: The same in tokens.
    """

    records: int = 0
    source_bytes: int = 0
    text_chars: int = 0
    tokens: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.records + other.records,
            self.source_bytes + other.source_bytes,
            self.text_chars + other.text_chars,
            self.tokens + other.tokens,
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.records - other.records,
            self.source_bytes - other.source_bytes,
            self.text_chars - other.text_chars,
            self.tokens - other.tokens,
        )


@dataclass(frozen=True, slots=True)
class StageAmounts:
    """One stage of a funnel.

    Attributes:
        name: The stage.
        enabled: False when the recipe switched it off.
        arrived: What reached it.
        dropped: What it dropped, by reason, the largest first.
    """

    name: str
    enabled: bool
    arrived: Amount
    dropped: Mapping[str, Amount]

    @property
    def lost(self) -> Amount:
        """All that it dropped."""
        return sum(self.dropped.values(), Amount())

    @property
    def passed(self) -> Amount:
        """What it let through."""
        return self.arrived - self.lost


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one domain, language and so on.

    Attributes:
        key: Which one; empty for records without.
        records: All of them.
        kept: Those that were kept.
        dropped: Those that weren't, records by stage.
    """

    key: str
    records: Amount
    kept: Amount
    dropped: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Funnel:
    """A run's funnel.

    Attributes:
        records: All records.
        kept: What is in the corpus.
        stages: Stage by stage, reading first.
        by: What groups are by; empty without.
        groups: The largest groups.
        groups_left_out: How many smaller groups aren't listed.
        tokens: How tokens were counted.
    """

    records: Amount
    kept: Amount
    stages: tuple[StageAmounts, ...]
    by: str
    groups: tuple[Group, ...]
    groups_left_out: int
    tokens: TokenCount


def group_keys(run: AuditRun) -> list[str]:
    """What a run's funnel can be asked by."""
    columns = run.columns("trails")
    keys = ["domain"] if "url" in columns else []
    keys += ["crawl"] if "warc_file" in columns else []
    plain = run.cached(
        "plain columns",
        lambda: [
            row[0]
            for row in run.rows("DESCRIBE trails")
            if row[1] in ("VARCHAR", "SMALLINT", "BOOLEAN")
        ],
    )
    return [*keys, *(name for name in plain if name not in ("document_id", "url", "site"))]


def funnel(run: AuditRun, by: str = "", *, limit: int = _GROUPS) -> Funnel:
    """The funnel, and the records by a column.

    Args:
        run: The run.
        by: ``domain``, ``crawl``, ``language``, ``repo``, ``programming_language``, any plain
            column of the trails; nothing for the stages alone.
        limit: How many groups are listed, the largest first.

    Raises:
        AuditError: The run has no such column.
    """
    found: Funnel = run.cached(("funnel", by, limit), lambda: _funnel(run, by, limit))
    return found


def _funnel(run: AuditRun, by: str, limit: int) -> Funnel:
    ratio = chars_per_token(run)
    drops: dict[str, dict[str, Amount]] = {}
    kept = Amount()
    rows = run.rows(
        "SELECT verdict, dropped_by, reason, count(*), sum(source_bytes), sum(text_chars) "
        "FROM trails GROUP BY ALL ORDER BY 4 DESC, 2, 3"
    )
    for verdict, stage, reason, count, size, chars in rows:
        amount = _amount(count, size, chars, ratio)
        if verdict == "keep":
            kept += amount
        else:
            drops.setdefault(stage, {})[reason] = amount
    total = kept + sum((a for r in drops.values() for a in r.values()), Amount())
    groups, left_out = _groups(run, by, limit, ratio) if by else ((), 0)
    return Funnel(total, kept, _stages(run, total, drops), by, groups, left_out, ratio)


def _stages(
    run: AuditRun, total: Amount, drops: Mapping[str, Mapping[str, Amount]]
) -> tuple[StageAmounts, ...]:
    known = [(stage.name, stage.enabled) for stage in run.stages]
    # Reading itself drops too, and comes first.
    first = [(name, True) for name in drops if name not in dict(known)]
    stages, left = [], total
    for name, enabled in (*first, *known):
        stage = StageAmounts(name, enabled, left, drops.get(name, {}))
        stages.append(stage)
        left = stage.passed
    return tuple(stages)


def _groups(run: AuditRun, by: str, limit: int, ratio: TokenCount) -> tuple[tuple[Group, ...], int]:
    expression = _expression(run, by)
    rows = run.rows(
        f"""
        WITH keyed AS (SELECT coalesce({expression}::VARCHAR, '') AS key, verdict, dropped_by,
                              source_bytes, text_chars FROM trails),
             largest AS (SELECT key, count(*) AS records, count(*) OVER () AS groups FROM keyed
                         GROUP BY key ORDER BY records DESC, key LIMIT ?)
        SELECT k.key, l.records, l.groups, k.verdict, k.dropped_by, count(*),
               sum(k.source_bytes), sum(k.text_chars)
        FROM keyed k JOIN largest l USING (key) GROUP BY ALL ORDER BY l.records DESC, k.key, 6 DESC
        """,
        [limit],
    )
    kept: dict[str, Amount] = {}
    all_: dict[str, Amount] = {}
    dropped: dict[str, dict[str, int]] = {}
    for key, _, _, verdict, stage, count, size, chars in rows:
        amount = _amount(count, size, chars, ratio)
        all_[key] = all_.get(key, Amount()) + amount
        if verdict == "keep":
            kept[key] = amount
        else:
            dropped.setdefault(key, {})[stage] = count
    groups = tuple(
        Group(key, amount, kept.get(key, Amount()), dropped.get(key, {}))
        for key, amount in all_.items()
    )
    return groups, (rows[0][2] - len(groups)) if rows else 0


def _expression(run: AuditRun, by: str) -> str:
    keys = group_keys(run)
    if by not in keys:
        raise AuditError(f"{run.name} can't be asked by {by}; it can by {', '.join(keys)}")
    return {"domain": "site", "crawl": CRAWL}.get(by, f'"{by}"')


def _amount(count: int, size: int | None, chars: int | None, ratio: TokenCount) -> Amount:
    return Amount(count, int(size or 0), int(chars or 0), tokens_of_chars(int(chars or 0), ratio))
