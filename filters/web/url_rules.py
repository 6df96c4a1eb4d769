"""Addresses that are dropped whatever stands there: rules as a table, ``url_rules.yaml``."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any, ClassVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import yaml

from schemas import Decision, Document

__all__ = ["UrlRules", "url_tables"]


@dataclass(frozen=True, slots=True)
class UrlRules:
    """Drops pages by their address.

    Attributes:
        table: ``open-web-math`` (hosts, path segments) or ``published`` (substrings anywhere, as
            the original's manual filter: spec section 1.7).

    Raises:
        ValueError: There is no such table.
    """

    table: str = "open-web-math"

    name: ClassVar[str] = "url_rules"

    def __post_init__(self) -> None:
        if self.table not in url_tables():
            raise ValueError(f"no table {self.table!r}; known: {', '.join(url_tables())}")

    def judge(self, document: Document) -> Decision:
        """Judges ``document.url``; the decision's detail is the row that fired."""
        rules = _table(self.table)
        for pattern, reason, unless in rules.substrings:
            if pattern in document.url and not (unless and unless in document.url):
                return Decision.drop(self.name, reason, detail=pattern)
        if rules.structured:
            return self._by_parts(document.url, rules)
        return _PASS

    def _by_parts(self, url: str, rules: _Table) -> Decision:
        parts = _split(url)
        if parts is None:
            return _PASS
        hosts = list(_parents(parts.hostname or ""))
        labels = set(hosts[0].split(".")) if hosts else set()
        for host in hosts:
            if host in rules.hosts:
                return Decision.drop(self.name, rules.hosts[host], detail=host)
        for segment in unquote(parts.path).lower().split("/"):
            for reason, only_hosts in rules.segments.get(segment, ()):
                if not only_hosts or only_hosts & labels:
                    return Decision.drop(self.name, reason, detail=f"/{segment}/")
        if parts.query and rules.queries:
            for key, _ in parse_qsl(parts.query, keep_blank_values=True):
                if key in rules.queries:
                    return Decision.drop(self.name, rules.queries[key], detail=f"?{key}=")
        return _PASS


_PASS = Decision.keep(UrlRules.name)


def url_tables() -> list[str]:
    """The names of the tables."""
    return sorted(_file())


@dataclass(frozen=True, slots=True)
class _Table:
    substrings: list[tuple[str, str, str]]
    hosts: dict[str, str]
    segments: dict[str, list[tuple[str, frozenset[str]]]]
    queries: dict[str, str]

    @property
    def structured(self) -> bool:
        return bool(self.hosts or self.segments or self.queries)


@functools.cache
def _file() -> dict[str, list[dict[str, Any]]]:
    text = resources.files("filters.web").joinpath("url_rules.yaml").read_text("utf-8")
    tables: dict[str, list[dict[str, Any]]] = yaml.safe_load(text)
    return tables


@functools.cache
def _table(name: str) -> _Table:
    table = _Table([], {}, {}, {})
    for group in _file()[name]:
        reason, rows = group["reason"], [str(row) for row in group["rows"]]
        match group["kind"]:
            case "substring":
                table.substrings.extend((row, reason, group.get("unless", "")) for row in rows)
            case "host":
                table.hosts.update(dict.fromkeys(rows, reason))
            case "segment":
                only_hosts = frozenset(group.get("hosts", ()))
                for row in rows:
                    table.segments.setdefault(row, []).append((reason, only_hosts))
            case "query":
                table.queries.update(dict.fromkeys(rows, reason))
            case kind:
                raise ValueError(f"url_rules.yaml: unknown kind {kind!r}")
    return table


def _split(url: str) -> SplitResult | None:
    """The parts of an address, or None when it isn't one: then no rule can speak of it."""
    try:
        parts = urlsplit(url)
        _ = parts.hostname
    except ValueError:
        return None
    return parts


def _parents(host: str) -> Iterator[str]:
    """A host and the domains that it belongs to: a.b.org, b.org, org."""
    labels = host.lower().split(".")
    for start in range(len(labels)):
        yield ".".join(labels[start:])
