"""What the explorer's pages share: the runs, the rules, and how a template becomes an answer."""

from __future__ import annotations

import math
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from audit.explorer.access import CSRF_HEADER, Access
from audit.explorer.assets import Assets
from audit.explorer.formulas import pieces_of
from audit.explorer.sources import SourceFinder
from audit.run import AuditRun, RunStage

__all__ = ["Explorer", "explorer_of", "number_of", "page"]


@dataclass(frozen=True)
class Explorer:
    """One explorer.

    Attributes:
        run: The run that is looked at.
        others: Runs that it can be held against, by a name of their own.
        labels: The file that takes labels; None where they can't be saved.
        labeller: Who labels.
        access: Who may ask.
        sources: Where documents' sources are found.
        assets: The files that a browser needs.
    """

    run: AuditRun
    others: Mapping[str, AuditRun]
    labels: Path | None
    access: Access
    sources: SourceFinder
    labeller: str = ""
    assets: Assets = field(default_factory=Assets)

    @property
    def title(self) -> str:
        """What the run is called on the pages."""
        return Path(self.run.name).name

    def stage(self, name: str) -> RunStage | None:
        """A stage of the run by its name."""
        return next((stage for stage in self.run.stages if stage.name == name), None)


def explorer_of(request: Request) -> Explorer:
    """The explorer that a request asks."""
    explorer: Explorer = request.app.state.explorer
    return explorer


def page(
    request: Request, template: str, content: Mapping[str, Any] | None = None, *, status: int = 200
) -> HTMLResponse:
    """Renders a template.

    Args:
        request: What is answered.
        template: The template's name.
        content: What it shows.
        status: HTTP status.
    """
    explorer = explorer_of(request)
    text = _ENVIRONMENT.get_template(template).render(
        explorer=explorer,
        path=request.url.path,
        csrf_header=CSRF_HEADER,
        **(content or {}),
    )
    return HTMLResponse(text, status)


def number_of(
    request: Request, name: str, default: int, *, least: int = 0, most: int = 10_000_000
) -> int:
    """A whole number of the query string, within bounds; the default when it's none."""
    given = request.query_params.get(name, "")
    value = int(given) if given.isascii() and given.isdecimal() and len(given) < 12 else default
    return max(least, min(value, most))


# ---- templates ----------------------------------------------------------------------------------


def _counted(value: float | None) -> str:
    """A count for people: 12,345; what is estimated is rounded."""
    return "–" if value is None else f"{round(value):,}"


def _sized(value: float | None) -> str:
    """Bytes for people: 1.2 MB."""
    size = float(value or 0)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000 or unit == "TB":
            return f"{size:,.0f} {unit}" if unit == "B" or size >= 100 else f"{size:,.1f} {unit}"
        size /= 1000
    raise AssertionError


def _scored(value: float | None) -> str:
    """A score or a threshold for people: enough digits to tell it from its threshold."""
    return "–" if value is None else f"{value:.4g}"


def _exact(value: float) -> str:
    """A number as a field takes it: every digit, and none that says nothing."""
    return repr(float(value)).removesuffix(".0")


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _spoken(code: str) -> str:
    """A stable code as words: ``below_threshold`` becomes ``below threshold``."""
    return code.replace("_", " ").replace(":", ": ")


def _described(stage: RunStage | None) -> str:
    """What a stage does, in the first sentence of its filter's own documentation."""
    text = type(stage.settings).__doc__ if stage and stage.settings is not None else None
    return (
        (text or _UNDOCUMENTED.get(stage.name if stage else "read", ""))
        .split("\n")[0]
        .replace("``", "")
        .strip()
    )


_UNDOCUMENTED = {
    "read": "Reading itself: damaged bytes, bodies that can't be decoded.",
    "extract": "Turns the page into text, formulas kept.",
}


def _query(values: Mapping[str, Any]) -> str:
    """Values as a query string, empty ones left out."""
    return urllib.parse.urlencode({k: v for k, v in values.items() if v not in (None, "")})


def _domains_kept(groups: Sequence[Any]) -> int:
    return max((group.records.records for group in groups), default=0)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("audit.explorer"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "count": _counted,
        "size": _sized,
        "score": _scored,
        "exact": _exact,
        "spoken": _spoken,
        "described": _described,
        "query": _query,
        "pieces": pieces_of,
        "largest": _domains_kept,
    }
    environment.filters.update(filters)
    environment.globals.update(share=_share, infinity=math.inf)
    return environment


_ENVIRONMENT = _environment()
