"""Domains: what each site brought, and what became of it."""

from __future__ import annotations

from audit.funnels import Funnel, funnel
from audit.run import AuditRun

__all__ = ["domains"]


def domains(run: AuditRun, *, limit: int = 50) -> Funnel:
    """The funnel by domain: the host of the URL without ``www.``; see ``Funnel.groups``."""
    return funnel(run, "domain", limit=limit)
