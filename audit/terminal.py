"""Answers as tables on the terminal. What pages wrote is printed as it is, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from pipelines.terminal import out

if TYPE_CHECKING:
    from audit.comparing import Comparison
    from audit.documents import Record
    from audit.duplicates import Cluster
    from audit.estimating import Estimate
    from audit.explaining import Explanation
    from audit.funnels import Amount, Funnel
    from audit.labelling import FilterMeasure, Share
    from audit.run import AuditRun
    from audit.sampling import Sampled
    from audit.searching import Hit
    from audit.what_if import Case, WhatIf

__all__ = [
    "show_cluster",
    "show_clusters",
    "show_comparison",
    "show_explanation",
    "show_funnel",
    "show_groups",
    "show_hits",
    "show_measure",
    "show_sample",
    "show_what_if",
]

_EXCERPT = 600
# Columns from which a terminal has room for all of a funnel.
_WIDE = 110
# What is of no use when it's cut: it's copied into the next question.
_WHOLE = ("stage", "document_id", "cluster", "stays")
# Control characters of a page could move the cursor or colour the terminal.
_CONTROL = {*range(0x20), *range(0x7F, 0xA0)} - set(map(ord, "\t\n"))
_UNPRINTABLE = dict.fromkeys(_CONTROL, "\N{REPLACEMENT CHARACTER}")


def show_explanation(found: Explanation, *, text: bool) -> None:
    """One document: the answer in a sentence, its trail, what else is known, its text."""
    record = found.record
    out.print(f"[bold]{_safe(record.url or record.document_id)}[/]", highlight=False)
    style = "green" if record.verdict == "keep" else "red"
    out.print(f"[{style}]{_safe(found.sentence)}[/]", highlight=False)
    out.print()
    out.print(_trail(record))
    out.print()
    out.print(_facts(found))
    for overlap in found.overlaps:
        out.print(
            f"[red]test problem[/] {_safe(overlap.problem_set)} {_safe(overlap.item)} "
            f"({overlap.edition}, characters {overlap.start:,} to {overlap.end:,})",
            highlight=False,
        )
    for cluster in (found.cluster, found.later_cluster):
        if cluster is not None:
            out.print()
            show_cluster(cluster)
    if not text:
        return
    out.print()
    if found.text is None:
        out.print("The run has no text of it (audit.dropped_text says what is kept).", style="dim")
    else:
        out.print(found.text.translate(_UNPRINTABLE), markup=False, highlight=False)


def _trail(record: Record) -> Table:
    table = _table("stage", "verdict", "reason", "score", "threshold", "detail")
    for decision in record.decisions:
        style = "green" if decision.keeps else "red"
        table.add_row(
            decision.filter + (" (shadow)" if decision.shadow else ""),
            f"[{style}]{decision.verdict}[/]",
            _safe(decision.reason),
            _number(decision.score),
            _number(decision.threshold),
            _safe(decision.detail),
        )
    return table


def _facts(found: Explanation) -> Table:
    record = found.record
    formulas = ", ".join(f"{f.encoding} {f.kept} of {f.found}" for f in found.formulas)
    facts: list[tuple[str, Any]] = [
        ("document_id", record.document_id),
        ("title", found.title),
        ("date", record.date),
        ("language", record.language),
        ("source", f"{record.source_bytes:,} bytes, {record.record_type}".rstrip(", ")),
        ("text", f"{record.text_chars:,} characters"),
        ("formulas kept of found", formulas),
        ("notes", record.notes),
        *record.provenance.items(),
        *found.extra.items(),
        ("test problems", "" if found.overlaps_searched else "no overlap report beside the run"),
    ]
    if found.overlaps_searched and not found.overlaps:
        facts[-1] = ("test problems", "none found")
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in facts:
        if value not in ("", None, {}, []):
            table.add_row(name, _safe(str(value)))
    return table


def show_funnel(found: Funnel) -> None:
    """The funnel, then the groups if it was asked for them."""
    # On a narrow terminal the reasons need the room.
    sizes = ("dropped bytes>", "tokens>") if out.width >= _WIDE else ()
    table = _table("stage", "arrived>", "dropped>", "passed>", *sizes, "why", title="Funnel")
    for stage in found.stages:
        reasons = sorted(stage.dropped.items(), key=lambda item: (-item[1].records, item[0]))
        shown = ", ".join(f"{reason} {amount.records:,}" for reason, amount in reasons[:4])
        more = f", {len(reasons) - 4} more" if len(reasons) > 4 else ""
        lost = (_bytes(stage.lost.source_bytes), f"{stage.lost.tokens:,}") if sizes else ()
        table.add_row(
            stage.name,
            *(f"{a.records:,}" for a in (stage.arrived, stage.lost, stage.passed)),
            *lost,
            _safe(shown + more) if stage.enabled else "switched off",
        )
    out.print(table)
    _amounts("\nread", found.records)
    _amounts("kept", found.kept)
    out.print(f"tokens {found.tokens.how}", style="dim", highlight=False)
    if found.by:
        out.print()
        show_groups(found)


def _amounts(what: str, amount: Amount) -> None:
    out.print(
        f"{what}: {amount.records:,} records, {_bytes(amount.source_bytes)} of sources, "
        f"{amount.text_chars:,} characters of text, {amount.tokens:,} tokens",
        highlight=False,
    )


def show_groups(found: Funnel) -> None:
    """The records by a column."""
    sizes = ("kept chars>", "kept tokens>") if out.width >= _WIDE else ()
    table = _table(found.by, "records>", "kept>", "share>", *sizes, "dropped by")
    for group in found.groups:
        dropped = sorted(group.dropped.items(), key=lambda item: (-item[1], item[0]))
        table.add_row(
            _safe(group.key or "-"),
            f"{group.records.records:,}",
            f"{group.kept.records:,}",
            f"{group.kept.records / group.records.records:.0%}",
            *((f"{group.kept.text_chars:,}", f"{group.kept.tokens:,}") if sizes else ()),
            _safe(", ".join(f"{stage} {count:,}" for stage, count in dropped[:3])),
        )
    out.print(table)
    if found.groups_left_out:
        out.print(f"{found.groups_left_out:,} smaller ones not shown (--top)", style="dim")


def show_sample(found: Sequence[Sampled]) -> None:
    """Documents with the beginning of their texts."""
    if not found:
        out.print("no document fits")
    for document in found:
        style = "green" if document.verdict == "keep" else "red"
        verdict = document.verdict if document.verdict == "keep" else document.dropped_by
        score = ""
        if document.score is not None:
            score = f"  {document.stage} {_number(document.score)}"
            if document.threshold is not None:
                score += f" (threshold {_number(document.threshold)})"
        out.print(
            f"[{style}]{_safe(verdict)}[/] {_safe(document.reason)}{score} "
            f"[dim]{_safe(document.detail)}[/]",
            highlight=False,
        )
        out.print(f"[bold]{_safe(document.url)}[/]  {document.document_id}", highlight=False)
        shown = (document.text or "").translate(_UNPRINTABLE)
        if document.text is None:
            out.print("no text kept\n", style="dim")
        else:
            rest = " …" if len(shown) > _EXCERPT else ""
            out.print(shown[:_EXCERPT] + rest + "\n", markup=False, highlight=False)


def show_what_if(found: WhatIf) -> None:
    """What would change, where it comes from, which sites, which documents."""
    for setting, before, after in found.changes:
        out.print(f"{_safe(setting)}: {_safe(before)} -> [bold]{_safe(after)}[/]", highlight=False)
    table = _table("", "documents>", "characters>", "tokens>", "source bytes>", title="\nWhat if")
    table.add_row(
        "enter",
        *(
            _estimate(estimate)
            for estimate in (
                found.entering,
                found.entering_chars,
                found.entering_tokens,
                found.entering_source_bytes,
            )
        ),
    )
    leaving = (found.leaving, found.leaving_chars, found.leaving_tokens, found.leaving_source_bytes)
    table.add_row("leave", *(f"{count:,}" for count in leaving))
    table.add_row("kept now", f"{found.kept_before:,}", "", "", "")
    table.add_row("kept then", _estimate(found.kept_after), "", "", "")
    out.print(table)
    if found.moved:
        out.print(f"{found.moved:,} stay out, dropped by another stage", highlight=False)
    _show_strata(found)
    if found.leaving_by_stage:
        shown = ", ".join(f"{stage} {count:,}" for stage, count in found.leaving_by_stage.items())
        out.print(f"leaving ones are dropped by: {_safe(shown)}", highlight=False)
    if found.sites:
        table = _table("domain", "enter>", "may enter>", "leave>", title="\nDomains")
        for site in found.sites:
            counts = (site.enter, site.may_enter, site.leave)
            table.add_row(_safe(site.site or "-"), *(f"{count:,}" for count in counts))
        out.print(table)
    _show_cases("Entering", found.enter_examples)
    _show_cases("Leaving", found.leave_examples)
    but = ", duplicates among the entering ones aside" if found.duplicates_unknown else ""
    exact = f"All counts are exact{but}. " if found.exact else ""
    notes = "\n".join(f"- {line}" for line in found.ignores)
    out.print(f"\n{exact}{found.method}", style="dim", highlight=False)
    if notes:
        out.print(_safe(notes), style="dim", highlight=False)
    out.print(f"tokens {found.tokens.how}", style="dim", highlight=False)


def _show_strata(found: WhatIf) -> None:
    if not found.strata:
        return
    table = _table(
        "were dropped by",
        "enter>",
        "dropped later>",
        "unknown>",
        "sample>",
        "of it enter>",
        "estimate>",
        title="\nWhere they come from",
    )
    for stratum in found.strata:
        table.add_row(
            stratum.stage,
            f"{stratum.enter:,}",
            f"{stratum.dropped_later:,}",
            f"{stratum.unknown:,}",
            f"{stratum.sampled:,}",
            f"{stratum.sampled_enter:,}",
            _estimate(stratum.entering),
        )
    out.print(table)


def _show_cases(title: str, cases: Sequence[Case]) -> None:
    if not cases:
        return
    table = _table("score>", "url", "document_id", title=f"\n{title}")
    for case in cases:
        table.add_row(
            _number(case.score) + ("" if case.certain else " ?"), _safe(case.url), case.document_id
        )
    out.print(table)


def show_comparison(found: Comparison, first: AuditRun, second: AuditRun) -> None:
    """Two runs: counts, why, sites, texts."""
    table = _table("", "documents>", title="")
    rows = (
        (f"kept by {first.name}", found.kept_before),
        (f"kept by {second.name}", found.kept_after),
        ("kept by both", found.both),
        ("came in", found.entered),
        ("went", found.left),
        ("records of the first alone", found.only_before),
        ("records of the second alone", found.only_after),
        ("texts that changed", found.text_changed),
    )
    for name, count in rows:
        table.add_row(_safe(name), f"{count:,}")
    out.print(table)
    _show_ways(
        "Came in: why they were out before", ((w.before, w.documents) for w in found.entered_by)
    )
    _show_ways("Went: why they are out now", ((w.after, w.documents) for w in found.left_by))
    if found.sites:
        table = _table("domain", "came in>", "went>", title="\nDomains")
        for site, (came, went) in found.sites.items():
            table.add_row(_safe(site or "-"), f"{came:,}", f"{went:,}")
        out.print(table)
    for title, movers in (("Came in", found.entered_examples), ("Went", found.left_examples)):
        if movers:
            table = _table("url", "before", "after", title=f"\n{title}")
            for mover in movers:
                table.add_row(
                    _safe(mover.url), _safe(mover.before or "kept"), _safe(mover.after or "kept")
                )
            out.print(table)
    if found.text_examples:
        table = _table("url", "characters>", "now>", title="\nTexts that changed")
        for change in found.text_examples:
            table.add_row(_safe(change.url), f"{change.chars_before:,}", f"{change.chars_after:,}")
        out.print(table)
        for change in found.text_examples:
            out.print(f"\n[bold]{_safe(change.url)}[/]", highlight=False)
            for line in change.lines:
                style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
                out.print(_safe(line), style=style, highlight=False)


def _show_ways(title: str, ways: Iterable[tuple[str, int]]) -> None:
    counted = list(ways)
    if counted:
        table = _table("reason", "documents>", title=f"\n{title}")
        for reason, count in counted:
            table.add_row(_safe(reason), f"{count:,}")
        out.print(table)


def show_cluster(found: Cluster) -> None:
    """A group of duplicates, the one that stays first."""
    out.print(f"Duplicates: cluster {found.name}, {found.size:,} documents", highlight=False)
    for member in found.members:
        verdict = "[green]stays[/]" if member.kept else f"[red]{_safe(member.stage)}[/]"
        facts = [member.date, f"{member.text_chars:,} characters"] if member.known else []
        if member.similarity is not None:
            facts.insert(0, f"similarity {member.similarity:.4f}")
        shown = _safe(", ".join(filter(None, facts)) or "of an earlier run")
        out.print(f"  {member.document_id}  {verdict}  [dim]{shown}[/]", highlight=False)
        if member.url:
            out.print(f"    {_safe(member.url)}", highlight=False)
    if found.size > len(found.members):
        out.print(f"  {found.size - len(found.members):,} more", style="dim")


def show_clusters(found: Sequence[Cluster]) -> None:
    """The largest groups."""
    if not found:
        out.print("no duplicates were found")
        return
    table = _table("cluster", "documents>", "stays")
    for cluster in found:
        table.add_row(cluster.name, f"{cluster.size:,}", cluster.kept_id)
    out.print(table)


def show_hits(found: Sequence[Hit]) -> None:
    """Documents that were found."""
    if not found:
        out.print("nothing found")
        return
    for hit in found:
        style = "green" if hit.verdict == "keep" else "red"
        verdict = hit.verdict if hit.verdict == "keep" else f"{hit.dropped_by}: {hit.reason}"
        out.print(f"{hit.document_id}  [{style}]{_safe(verdict)}[/]", highlight=False)
        out.print(f"  {_safe(hit.url)}", highlight=False)
        if hit.excerpt:
            out.print(f"  {_safe(' '.join(hit.excerpt.split()))}", style="dim", highlight=False)


def show_measure(found: FilterMeasure) -> None:
    """What labels say of a filter."""
    of = f"{found.stage} ({found.detail})" if found.detail else found.stage
    out.print(
        f"{_safe(of)}: {found.positives:,} labelled to keep, {found.negatives:,} to drop",
        highlight=False,
    )
    out.print(
        f"precision {_share(found.precision)}, recall {_share(found.recall)}", highlight=False
    )
    if found.unknown or found.unjudged:
        out.print(
            f"left out: {found.unknown:,} that the run hasn't, {found.unjudged:,} that the filter "
            "never judged",
            style="dim",
            highlight=False,
        )
    if found.suggested is None:
        out.print(f"no threshold reaches a precision of {found.wanted:.1%} on these labels")
        return
    best = found.suggested
    side = "at most" if found.lower_is_better else "at least"
    out.print(
        f"suggested: {side} {best.threshold:.6g} (precision {best.precision:.1%}, 95 % interval "
        f"{best.low:.1%} to {best.high:.1%}; recall {best.recall:.1%})",
        highlight=False,
    )
    if found.safe is None:
        out.print(
            "too few labels to be sure: nowhere does the interval lie above the wanted precision",
            style="dim",
        )


def _share(share: Share) -> str:
    if share.value is None:
        return "unknown (of none)"
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%}, of {share.of:,})"


def _table(*headings: str, title: str = "") -> Table:
    """A plain table; a heading that ends in ``>`` is of numbers."""
    table = Table(
        box=None, pad_edge=False, title=title or None, title_justify="left", title_style="bold"
    )
    for heading in headings:
        right = heading.endswith(">")
        table.add_column(
            heading.rstrip(">"),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=right or heading in _WHOLE,
        )
    return table


def _estimate(estimate: Estimate) -> str:
    if estimate.exact:
        return f"{estimate.value:,.0f}"
    high = "?" if estimate.high == float("inf") else f"{estimate.high:,.0f}"
    return f"~{estimate.value:,.0f} ({estimate.low:,.0f} to {high})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _bytes(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} B"


def _safe(text: str) -> str:
    """Text for a line of the terminal: no markup, no control characters."""
    return escape(text.translate(_UNPRINTABLE))
