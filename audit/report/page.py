"""The report as a page: one file with no script and nothing that's loaded from elsewhere.

What pages of the web wrote is text here, escaped by the template; a policy in the page's head
forbids the browser to load or run anything but the page's own styles and pictures.
"""

from __future__ import annotations

import base64
from importlib import resources
from pathlib import Path

import jinja2

from audit.errors import AuditError
from audit.places import LocalPlace
from audit.report.card import data_card
from audit.report.contents import Distribution, contents_of
from audit.report.pictures import funnel_svg, histogram_svg
from audit.run import AuditRun
from pipelines.run_directory import write_atomically

__all__ = ["default_report_path", "report_html", "write_report"]

# Characters of an example's text.
_SHOWN = 1500


def default_report_path(run: AuditRun) -> Path:
    """Where a report goes unless somebody says otherwise: beside the run, which is finished.

    Raises:
        AuditError: The run isn't on this machine.
    """
    if not isinstance(run.place, LocalPlace):
        raise AuditError(f"{run.name} isn't on this machine: say where the report goes (--output)")
    root = run.place.root
    return root.with_name(f"{root.name}.report.html")


def write_report(run: AuditRun, path: Path, *, examples: int = 2) -> None:
    """Writes the report.

    Args:
        run: The run.
        path: The HTML file.
        examples: How many documents are shown of each stage.
    """
    page = report_html(run, examples=examples)
    with write_atomically(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def report_html(run: AuditRun, *, examples: int = 2) -> str:
    """The report's HTML."""
    contents = contents_of(run, examples=examples)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": "{:,}".format, "size": _size, "cut": _cut, "share": _share}
    source = resources.files("audit.report").joinpath("report.html").read_text("utf-8")
    return environment.from_string(source).render(
        run=contents,
        funnel_picture=_data_uri(funnel_svg(contents.funnel, contents.title)),
        histograms=[(each, _picture(each)) for each in contents.distributions],
        card=data_card(run),
    )


def _picture(distribution: Distribution) -> str:
    return _data_uri(histogram_svg(distribution.histogram, [distribution.threshold.value]))


def _data_uri(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _size(count: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,.0f} B"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
