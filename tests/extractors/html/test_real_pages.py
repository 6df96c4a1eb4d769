"""Real pages with known formulas; skipped where the third-party data isn't at hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from extractors.html import extract_html

_DELIMITED = re.compile(r"(?<!\\)(\$\$?)(.+?)(?<!\\)\1", re.DOTALL)


def normalised(tex: str) -> str:
    """TeX without spaces and without braces around one character."""
    return re.sub(r"\{([A-Za-z0-9])\}", r"\1", re.sub(r"\s+", "", tex))


def formulas(text: str) -> list[tuple[str, str]]:
    return [
        ("display" if match.group(1) == "$$" else "inline", match.group(2))
        for match in _DELIMITED.finditer(text)
    ]


@pytest.fixture(scope="module")
def html_math(shared_data: Path) -> Path:
    folder = shared_data / "html_math"
    if not folder.is_dir():
        pytest.skip("no html_math in the third-party data")
    return folder


@pytest.mark.parametrize("rendering", ["katex_ssr", "mjv2_script"])
def test_formulas_with_their_source_are_exact(html_math: Path, rendering: str) -> None:
    folder = html_math / "derived"
    lines = (folder / "derived__backprop_truth.jsonl").read_text().splitlines()
    truth = [(row["mode"], row["tex"]) for row in map(json.loads, lines)]
    page = (folder / f"derived__backprop_{rendering}.html").read_bytes()
    assert formulas(extract_html(page).text) == truth


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize("rendering", ["mathml_only", "mjv3_chtml", "mjv3_svg"])
def test_formulas_without_source_are_rebuilt(
    html_math: Path, rendering: str, stripped: bool
) -> None:
    folder = html_math / "derived"
    lines = (folder / "derived__backprop_truth.jsonl").read_text().splitlines()
    truth = [(row["mode"], normalised(row["tex"])) for row in map(json.loads, lines)]
    page = (folder / f"derived__backprop_{rendering}.html").read_text()
    if stripped:  # only what is drawn is left
        page = re.sub(r"<mjx-assistive-mml.*?</mjx-assistive-mml>", "", page, flags=re.DOTALL)
    found = [(mode, normalised(tex)) for mode, tex in formulas(extract_html(page.encode()).text)]
    assert found == truth


# Formulas that the manifest counts in the source, and how many of them must be in the text.
_EXPECTED = [
    ("ccprocessor__math_img_1.html", "wordpress_image", 195),
    ("ccprocessor__math_img_3.html", "mimetex_image", 42),
    ("ccprocessor__math_none_mathml_1.html", "wikipedia", 214),
    ("mozilla__wikipedia-3.html", "wikipedia", 66),
    ("ccprocessor__math_csdn_none_formula.html", "katex_stripped", 141),
    ("ccprocessor__math_zhihu_custom_tag.html", "tex_attribute", 27),
    ("ccprocessor__math_mathjax_latex_4.html", "math_container", 77),
    ("distillpub__momentum.html", "tex_element", 220),
    ("ccprocessor__math_mathjax_latex_7.html", "parentheses", 210),
    ("mpmath-doc__zeta.html", "math_class", 204),
    ("colah__2015-09-Visual-Information.html", "math_class", 150),
    ("mozilla__mathjax.html", "mathjax_mathml", 13),
]


@pytest.mark.parametrize(("name", "encoding", "count"), _EXPECTED)
def test_formulas_of_real_pages_are_kept(
    html_math: Path, name: str, encoding: str, count: int
) -> None:
    page = html_math / name
    if not page.is_file():
        pytest.skip(f"no {name} in the third-party data")
    assert extract_html(page.read_bytes()).formulas_kept.get(encoding, 0) >= count


@pytest.mark.parametrize(
    "name", ["ccprocessor__math_dollar.html", "ccprocessor__math_class_math.html"]
)
def test_pages_without_formulas_have_none(html_math: Path, name: str) -> None:
    page = html_math / name
    if not page.is_file():
        pytest.skip(f"no {name} in the third-party data")
    extraction = extract_html(page.read_bytes())
    assert not extraction.formulas_found
    assert not formulas(extraction.text)
