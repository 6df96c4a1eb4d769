"""Identifiers, the catalogue, fields and languages of papers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from filters.code.origin import Licences
from filters.papers.categories import Categories
from filters.papers.identifiers import arxiv_id
from filters.papers.metadata import Catalogue, CatalogueError, Metadata, spdx_licence
from filters.papers.paper_language import PaperLanguage
from filters.papers.recorded_language import RecordedLanguage
from schemas import Document


@pytest.mark.parametrize(
    ("name", "number", "version", "month"),
    [
        ("2004/2004.14974.gz", "2004.14974", 0, "2020-04"),
        ("0704.0001v2.pdf", "0704.0001", 2, "2007-04"),
        ("0309/math0309136.gz", "math/0309136", 0, "2003-09"),
        ("math/0309136", "math/0309136", 0, "2003-09"),
        ("math.GT/0309136v3", "math/0309136", 3, "2003-09"),
        ("9901/astro-ph9901001.gz", "astro-ph/9901001", 0, "1999-01"),
        ("9107/alg-geom9107001.tar.gz", "alg-geom/9107001", 0, "1991-07"),
    ],
)
def test_identifiers_old_and_new(name: str, number: str, version: int, month: str) -> None:
    found = arxiv_id(name)
    assert found is not None
    assert (found.number, found.version, found.month) == (number, version, month)
    assert found.url == f"https://arxiv.org/abs/{number}" + (f"v{version}" if version else "")


@pytest.mark.parametrize(
    "name", ["main.tex", "paper.gz", "2004.149745555.gz", "readme", "20041.gz"]
)
def test_names_that_are_no_identifiers(name: str) -> None:
    assert arxiv_id(name) is None


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    rows = [
        {"id": f"2401.{n:05d}", "categories": "math.CO cs.DM", "license": None, "versions": []}
        for n in range(500)
    ]
    rows[7] |= {
        "categories": "hep-th math-ph",
        "license": "http://creativecommons.org/licenses/by/4.0/",
        "versions": [
            {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
            {"version": "v2", "created": "Tue, 24 Jul 2007 20:10:27 GMT"},
        ],
    }
    rows.append({"id": "math/0309136", "categories": "math.GT", "update_date": "2009-11-10"})
    path = tmp_path / "arxiv-metadata.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "not JSON\n")
    return path


def test_the_catalogue_is_asked_by_identifier(catalogue: Path) -> None:
    found = Catalogue(catalogue)
    assert len(found) == 501
    record = found.find("2401.00007")
    assert record is not None
    assert record.categories == ("hep-th", "math-ph")
    assert (record.licence, record.version, record.date) == ("CC-BY-4.0", 2, "2007-07-24T20:10:27Z")
    old = found.find("math/0309136")
    assert old is not None
    assert old.date == "2009-11-10"
    assert found.find("2401.99999") is None


def test_the_index_of_a_changed_catalogue_is_made_anew(catalogue: Path) -> None:
    assert Catalogue(catalogue).find("2402.00001") is None
    with catalogue.open("a") as file:
        file.write(json.dumps({"id": "2402.00001", "categories": "math.AG"}) + "\n")
    found = Catalogue(catalogue).find("2402.00001")
    assert found is not None
    assert found.categories == ("math.AG",)


def test_a_catalogue_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    packed = tmp_path / "a.json.gz"
    packed.write_bytes(gzip.compress(b"{}"))
    with pytest.raises(CatalogueError, match="unpack it"):
        Catalogue(packed)
    empty = tmp_path / "b.json"
    empty.write_text("{}\n")
    with pytest.raises(CatalogueError, match="JSON snapshot"):
        Catalogue(empty)
    with pytest.raises(CatalogueError):
        Metadata(file=str(tmp_path / "none.json")).check()


def test_a_paper_is_described_by_the_catalogue(catalogue: Path) -> None:
    document = Document("0", url="https://arxiv.org/abs/2401.00007", date="2024-01")
    decision = Metadata(file=str(catalogue)).judge(document)
    assert decision.keeps
    assert document.licence == "CC-BY-4.0"
    assert document.version == 2
    unknown = Document("0", url="https://arxiv.org/abs/2499.00007")
    assert Metadata(file=str(catalogue)).judge(unknown).reason == "not_in_catalogue"
    assert not Metadata(file=str(catalogue), unknown="drop").judge(unknown).keeps


def test_licences_are_spdx() -> None:
    assert spdx_licence("https://creativecommons.org/licenses/by-nc-sa/4.0/") == "CC-BY-NC-SA-4.0"
    assert spdx_licence("http://arxiv.org/licenses/nonexclusive-distrib/1.0/").startswith(
        "LicenseRef-"
    )
    document = Document("0", licence="CC-BY-4.0")
    assert Licences(allow=("CC-BY-4.0", "CC0-1.0")).judge(document).keeps
    assert not Licences(allow=("CC0-1.0",)).judge(document).keeps


@pytest.mark.parametrize(
    ("categories", "allow", "primary", "kept"),
    [
        (("math.CO", "cs.DM"), ("math",), False, True),
        (("cs.DM", "math.CO"), ("math",), True, False),
        (("hep-th",), ("physics",), False, True),
        (("quant-ph", "cs.IT"), ("cs",), False, True),
        (("math.CO",), ("math.NT",), False, False),
        (("math.NT",), ("math.NT", "stat"), False, True),
        (("alg-geom",), ("math",), False, True),
        ((), ("math",), False, False),
        ((), (), False, True),
    ],
)
def test_fields(
    categories: tuple[str, ...], allow: tuple[str, ...], primary: bool, kept: bool
) -> None:
    document = Document("0", categories=categories)
    assert Categories(allow=allow, primary=primary).judge(document).keeps == kept


_ENGLISH = (
    "We show that every bounded sequence of numbers has a convergent subsequence and that the limit "
    "of such a sequence is one of its points when the set in which it lies is closed. "
)
_GERMAN = (
    "Wir zeigen, dass jede beschränkte Folge von Zahlen eine konvergente Teilfolge hat und dass der "
    "Grenzwert einer solchen Folge zur Menge gehört, wenn diese abgeschlossen ist. "
)


def test_a_paper_with_a_summary_in_another_language_is_of_its_own() -> None:
    document = Document("0", text=_GERMAN * 5 + _ENGLISH * 60 + _GERMAN * 5)
    assert PaperLanguage().judge(document).keeps
    assert document.language == "en"
    german = Document("0", text=_GERMAN * 60 + _ENGLISH * 3)
    assert PaperLanguage().judge(german).reason == "other_language"


def test_formulas_and_commands_are_no_language() -> None:
    formulas = "\\begin{equation} \\int_0^1 f(x)\\,dx = \\sum_{i} a_i \\end{equation} $x_{i}$ "
    assert PaperLanguage().judge(Document("0", text=_ENGLISH + formulas * 200)).keeps
    short = PaperLanguage().judge(Document("0", text=formulas * 50))
    assert short.reason == "too_short_to_tell"


def test_redpajama_records_and_drops_nothing() -> None:
    document = Document("0", text=_GERMAN)
    assert RecordedLanguage().judge(document).keeps
    assert document.language == "de"
