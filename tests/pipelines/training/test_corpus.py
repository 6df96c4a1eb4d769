"""Reading texts to train on: formats, origins, folds, measures, corruptions."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from filters.normalisation import normalise_for_models
from pipelines.training.corpus import Source, cap_per_origin, distinct, load_sources, read_pages
from pipelines.training.corruption import CORRUPTIONS
from pipelines.training.detex import detex
from pipelines.training.folds import assign_folds
from pipelines.training.measures import (
    area_under_curve,
    at_threshold,
    calibration,
    quantile,
    threshold_for_precision,
)


def _read(folder: Path, name: str, content: bytes) -> list[str]:
    (folder / name).write_bytes(content)
    return [page.text for page in read_pages([Source("s", (name,))], folder)]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"plain text", ["plain text"]),
        ("a.html", b"<p>one <b>page</b></p>", ["one page"]),
        ("a.html.gz", gzip.compress(b"<p>one page</p>"), ["one page"]),
        ("a.jsonl", b'{"text": "one"}\n\n{"input": "two"}\n', ["one", "two"]),
        ("a.md", b"---\ntitle: T\n---\nwords\n```{math}\nx\n```\n```python\ny\n```\n",
         ["words\n$$x\n$$\n`code`\n"]),
        ("a.markdown", b"words", ["words"]),
        ("a.ptx", b"<p>Let <m>x\\lt 1</m> <idx>i</idx>hold.</p><me>y</me>",
         ["Let $x\\lt 1$ hold.\n\n$$y$$"]),
        ("a.bin", b"\x00", []),
        ("a.txt", b" \n", []),
    ],
)  # fmt: skip
def test_formats(name: str, content: bytes, expected: list[str], tmp_path: Path) -> None:
    assert [t.strip() for t in _read(tmp_path, name, content)] == [t.strip() for t in expected]


def test_long_texts_of_works_are_cut_between_paragraphs(tmp_path: Path) -> None:
    content = b"\n\n".join([b"word " * 300] * 5)
    assert [len(text.split()) for text in _read(tmp_path, "a.txt", content)] == [1500]
    work = Source("s", ("a.txt",), role="prose")
    texts = [page.text for page in read_pages([work], tmp_path)]
    assert [len(text.split()) for text in texts] == [600, 600, 300]


@pytest.mark.parametrize(
    ("page", "name", "origin"),
    [
        ('<link href="https://www.shop.example.com/a" rel="canonical">', "x.html", "example.com"),
        ('<meta property="og:url" content="https://a.github.io/b">', "x.html", "a.github.io"),
        ("<p>none</p>", "blog.example.net.html", "example.net"),
        ("<p>none</p>", "page.html", "s"),
    ],
)
def test_origins(page: str, name: str, origin: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(f"<html><head>{page}</head><body><p>text</p>", "utf-8")
    assert [p.origin for p in read_pages([Source("s", (name,))], tmp_path)] == [origin]
    whole = Source("work", (name,), origin="source")
    assert [p.origin for p in read_pages([whole], tmp_path)] == ["work"]


def test_duplicates_and_caps(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.txt").write_text(f"text of kind {'ab'[number % 2]}", "utf-8")
    pages = list(read_pages([Source("s", ("*.txt",))], tmp_path))
    assert len(pages) == 6
    assert len(list(distinct(pages))) == 2
    capped = cap_per_origin(pages, 3)
    assert len(capped) == 3
    assert capped == cap_per_origin(pages, 3)


def test_packaged_sources_name_their_licences() -> None:
    from pipelines import training

    sources = load_sources(Path(training.__file__).parent / "sources.yaml")
    assert len({source.name for source in sources}) == len(sources)
    assert all(source.licence and source.home and source.files for source in sources)
    # Non-commercial texts are no base for a model that anyone may use.
    assert not any("NC" in source.licence for source in sources)


def test_detex() -> None:
    source = (
        "\\documentclass{article}\\newcommand{\\R}{R}\n\\begin{document}% comment\n"
        "\\section{First}\\label{sec:a} Let $x$ be\n\\begin{equation}\\label{e} y \\end{equation}\n"
        "as in \\cite[p.~3]{key}.\n\n\\begin{figure}caption\\end{figure} 5\\% more.\\end{document}"
    )
    words = normalise_for_models(detex(source), "ours")
    assert words == "first let [EQUATION] be [EQUATION] as in . 0 % more ."


def test_no_origin_is_in_two_folds_and_both_kinds_are_in_each() -> None:
    labelled = [(f"site{n % 20}", n % 20 < 10) for n in range(400)]
    folds = assign_folds(labelled, 5)
    assert set(folds) == {f"site{n}" for n in range(20)}
    for fold in range(5):
        assert {label for origin, label in labelled if folds[origin] == fold} == {True, False}
    assert folds == assign_folds(reversed(labelled), 5)


def test_measures() -> None:
    assert area_under_curve([3.0, 4.0], [1.0, 2.0]) == 1.0
    assert area_under_curve([1.0, 2.0], [1.0, 2.0]) == 0.5
    with pytest.raises(ValueError, match="both kinds"):
        area_under_curve([], [1.0])
    measured = at_threshold([0.9, 0.4], [0.5, 0.1], 0.5)
    assert (measured.precision, measured.recall, measured.false_positive_rate) == (0.5, 0.5, 0.5)
    assert at_threshold([0.1], [0.1], 0.9).precision == 1.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([1.0], 0.99) == 1.0
    assert threshold_for_precision([0.9, 0.8, 0.3], [0.5], 0.99) == 0.8
    assert threshold_for_precision([0.5], [0.5], 0.99) == 1.0
    points = calibration([0.95, 1.0], [0.0, 0.05])
    assert [(p.low, p.count, p.positive_share) for p in points] == [(0.0, 2, 0.0), (0.9, 2, 1.0)]


@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
def test_corruptions_change_texts_always_alike(name: str) -> None:
    text = "Let $x + y$ be the sum of two numbers that are given in advance, both positive. " * 3
    corrupt = CORRUPTIONS[name]
    assert corrupt(text) == corrupt(text)
    assert corrupt(text) != text
    assert corrupt("") == ""
