"""The funnel that one can click into, and what the run is."""

from __future__ import annotations

import yaml
from starlette.requests import Request
from starlette.responses import Response

from audit.explorer.explorer import explorer_of, page
from audit.funnels import funnel, group_keys
from audit.run import AuditRun

__all__ = ["first_group", "funnel_page", "run_page"]

UNITS = {"records": "records", "source_bytes": "bytes", "tokens": "tokens"}
"""What a funnel can be counted in, and how that is called."""

# Groups that people ask by first; a run has those that its columns allow.
_PREFERRED = ("domain", "language", "crawl", "repo", "extension", "record_type")


def funnel_page(request: Request) -> Response:
    """The first page: what came in, what each stage took out, and why."""
    explorer = explorer_of(request)
    unit = request.query_params.get("unit", "records")
    keys = group_keys(explorer.run)
    offered = [key for key in _PREFERRED if key in keys]
    by = request.query_params.get("by", first_group(explorer.run))
    counted = funnel(explorer.run, by)
    return page(
        request,
        "funnel.html",
        {
            "funnel": counted,
            "unit": unit if unit in UNITS else "records",
            "units": UNITS,
            "by": by,
            "keys": [*offered, *(key for key in keys if key not in offered)],
        },
    )


def first_group(run: AuditRun) -> str:
    """What the funnel is grouped by unless somebody asks otherwise."""
    keys = group_keys(run)
    return next((key for key in _PREFERRED if key in keys), "")


def run_page(request: Request) -> Response:
    """The recipe, the inputs, the models: what a run with the same result needs."""
    explorer = explorer_of(request)
    manifest = explorer.run.manifest
    recipe = yaml.safe_dump(
        dict(explorer.run.plain_recipe), sort_keys=False, allow_unicode=True, width=88
    )
    return page(request, "run.html", {"manifest": manifest, "recipe": recipe})
