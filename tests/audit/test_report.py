"""The report: complete in one file, and nothing of a page gets loose in it."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from audit import AuditRun, open_run
from audit.report.card import data_card
from audit.report.page import report_html

EVIL = (
    '</pre><script>alert(1)</script><img src="https://evil.example/x.png" onerror=alert(2)>'
    '<a href="javascript:alert(3)">x</a><style>@import "https://evil.example/y.css";</style>'
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">{{ 7 * 7 }}'
)


class _Elements(HTMLParser):
    """Every element with its attributes, and every text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(run: AuditRun) -> _Elements:
    return _Elements(report_html(run))


def test_nothing_is_loaded_from_anywhere(page: _Elements) -> None:
    names = {name for name, _ in page.elements}
    assert not names & {"script", "link", "iframe", "object", "embed", "form"}
    for name, attributes in page.elements:
        for attribute, value in attributes.items():
            assert not attribute.startswith("on")
            if attribute in ("src", "srcset", "poster", "background"):
                assert (value or "").startswith("data:image/")
            if attribute == "href":
                assert (value or "").startswith("#"), name
    policies = [a["content"] for n, a in page.elements if n == "meta" and "http-equiv" in a]
    assert len(policies) == 1 and (policies[0] or "").startswith("default-src 'none'")


def test_it_tells_what_the_run_tells(page: _Elements, run: AuditRun) -> None:
    counts = run.manifest["counts"]
    words = " ".join(page.text.split())
    assert f"{counts['records']} records, {counts['kept']} kept" in words
    for stage in run.stages:
        assert stage.name in words
    for word in (
        "en.freepedia.example",
        "mathml_alttext",
        "Dropped by math_score",
        "size_categories",
    ):
        assert word in words
    pictures = [a for n, a in page.elements if n == "img"]
    assert len(pictures) >= 7 and all(a.get("alt") for a in pictures)


def test_every_link_within_the_page_leads_somewhere(page: _Elements) -> None:
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = {str(a["href"]) for n, a in page.elements if n == "a"}
    assert links and {link.removeprefix("#") for link in links} <= ids


def _poisoned(run: Path, to: Path) -> Path:
    """The run with texts, titles and URLs that would like to do something."""
    shutil.copytree(run, to)
    for folder in ("documents", "dropped", "trails"):
        for file in (to / folder).glob("*.parquet"):
            table = pq.read_table(file)
            for name in ("text", "url", "title", "language", "content_type"):
                place = table.schema.get_field_index(name)
                if place >= 0:
                    field = table.schema.field(place)
                    values = pa.array([EVIL] * table.num_rows, field.type)
                    table = table.set_column(place, field, values)
            pq.write_table(table, file)
    return to


def test_a_hostile_page_is_only_text(judged_by_all: Path, tmp_path: Path) -> None:
    with open_run(_poisoned(judged_by_all, tmp_path / "run")) as poisoned:
        page = _Elements(report_html(poisoned))
        card = data_card(poisoned)
    test_nothing_is_loaded_from_anywhere(page)
    assert EVIL in page.text
    assert "<script" not in re.sub(r"\\.", "", card) and "{{ 7 * 7 }}" not in card.split("---")[1]


def test_the_card_has_the_hubs_form(run: AuditRun) -> None:
    card = data_card(run)
    start, metadata, body = card.split("---\n", 2)
    assert start == ""
    told = yaml.safe_load(metadata)
    assert told["language"] == ["en"] and told["size_categories"] == ["n<1K"]
    assert told["configs"][0]["data_files"][0]["path"].startswith("documents/")
    sections = re.findall(r"^#{2,3} (.+)$", body, re.MULTILINE)
    for wanted in (
        "Dataset Description",
        "Uses",
        "Dataset Structure",
        "Curation Rationale",
        "Personal and Sensitive Information",
        "Bias, Risks, and Limitations",
    ):
        assert any(
            wanted in section for section in (*sections, *re.findall(r"^#### (.+)$", body, re.M))
        )
    # Tables are tables: as many bars in every row as in its head.
    for table in re.findall(r"(?:^\|.*\|\n)+", body, re.MULTILINE):
        rows = [re.sub(r"\\\|", "", line).count("|") for line in table.splitlines()]
        assert len(set(rows)) == 1, table


def test_the_command_writes_both(judged_by_all: Path, tmp_path: Path) -> None:
    import typer

    from audit.report.command import report_command

    app = typer.Typer()
    app.command()(report_command)
    given = [
        str(judged_by_all),
        "--output",
        str(tmp_path / "r.html"),
        "--card",
        str(tmp_path / "c.md"),
    ]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "c.md").read_text().startswith("---\n")
    assert CliRunner().invoke(app, [str(tmp_path)]).exit_code == 2
