r"""Compares extractors: formulas kept in the right mode, main text found, pages a second.

Formulas: the pages of ``shared/data/html_math/derived`` are one article rendered five ways, with its
formulas on record. A formula counts when it stands in the text between dollars, equal but for
spaces and braces around one character; ``mode`` is the share of those that are displayed exactly
where the source is.

Main text: the pages of scrapinghub's article-extraction-benchmark in ``shared/data/html.tar.gz``,
compared with their ``articleBody`` word by word in order (multisets of runs of four words, as that
benchmark does).

Extractors that aren't installed are left out. Run: ``python -m benchmarks.extraction``.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import re
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from extractors.html import extract_html
from extractors.html.published import extract_published

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
_ARTICLES = "html/article-extraction-benchmark/"
_DELIMITED = re.compile(r"(?<!\\)(\$\$?)(.+?)(?<!\\)\1", re.DOTALL)
# Extractors without a form of their own for formulas leave TeX's delimiters.
_TEX_DELIMITED = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_ONE_IN_BRACES = re.compile(r"\{([A-Za-z0-9])\}")
_WORD = re.compile(r"\w+")
_SHINGLE = 4

Extractor = Callable[[bytes], str]
Formula = tuple[str, str]


def extractors() -> dict[str, Extractor]:
    """The extractors that are installed, by name."""
    found: dict[str, Extractor] = {
        "proofmill": lambda raw: extract_html(raw).text,
        "open-web-math": lambda raw: extract_published(raw).text,
    }
    html2text = importlib.import_module("resiliparse.extract.html2text")
    encoding = importlib.import_module("resiliparse.parse.encoding")
    found["resiliparse"] = lambda raw: html2text.extract_plain_text(
        encoding.bytes_to_str(raw), main_content=True, alt_texts=False
    )
    try:
        trafilatura = importlib.import_module("trafilatura")
    except ImportError:
        return found
    found["trafilatura"] = lambda raw: trafilatura.extract(raw, include_formatting=True) or ""
    return found


def formulas_in(text: str) -> list[Formula]:
    """The delimited formulas of a text: mode and TeX without what makes no difference."""
    found = [
        ("display" if match.group(1) == "$$" else "inline", _bare(match.group(2)))
        for match in _DELIMITED.finditer(text)
    ]
    return found or [
        ("inline", _bare(match.group(1))) if match.group(1) else ("display", _bare(match.group(2)))
        for match in _TEX_DELIMITED.finditer(text)
    ]


def _bare(tex: str) -> str:
    return _ONE_IN_BRACES.sub(r"\1", re.sub(r"\s+", "", tex))


def derived_pages() -> Iterator[tuple[str, bytes, list[Formula]]]:
    """Rendering, page and true formulas."""
    folder = SHARED / "html_math" / "derived"
    for truth in sorted(folder.glob("*_truth.jsonl")):
        article = truth.name.removesuffix("_truth.jsonl")
        rows = [json.loads(line) for line in truth.read_text().splitlines()]
        formulas = [(row["mode"], _bare(row["tex"])) for row in rows]
        for page in sorted(folder.glob(f"{article}_*.html")):
            yield page.stem.removeprefix(article + "_"), page.read_bytes(), formulas


def articles() -> Iterator[tuple[bytes, str]]:
    """Page and true main text."""
    with tarfile.open(SHARED / "html.tar.gz") as archive:
        members = {m.name: m for m in archive if m.isfile() and m.name.startswith(_ARTICLES)}
        truth = archive.extractfile(members[_ARTICLES + "ground-truth.json"])
        rows = json.load(truth) if truth else {}
        for name, row in rows.items():
            member = members.get(f"{_ARTICLES}html/{name}.html.gz")
            file = archive.extractfile(member) if member else None
            if file:
                yield gzip.decompress(file.read()), row["articleBody"]


def _shingles(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    size = min(_SHINGLE, max(len(words), 1))
    return Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--only", help="one extractor's name")
    only = parser.parse_args().only
    chosen = {n: e for n, e in extractors().items() if only in {None, n}}
    derived, main_texts = list(derived_pages()), list(articles())

    print("| formulas | " + " | ".join(f"{n}: recall / precision / mode" for n in chosen) + " |")
    print("| --- |" + " --- |" * len(chosen))
    for rendering, raw, truth in derived:
        cells = []
        for extract in chosen.values():
            found = formulas_in(extract(raw))
            right = Counter(tex for _, tex in found) & Counter(tex for _, tex in truth)
            in_mode = Counter(found) & Counter(truth)
            cells.append(
                f"{_ratio(right.total(), len(truth)):.3f} / {_ratio(right.total(), len(found)):.3f}"
                f" / {_ratio(in_mode.total(), right.total()):.3f}"
            )
        print(f"| {rendering} | " + " | ".join(cells) + " |")

    print(f"\n| main text, {len(main_texts)} articles | precision | recall | F1 | pages/s |")
    print("| --- | --- | --- | --- | --- |")
    for name, extract in chosen.items():
        precision = recall = 0.0
        begin = time.process_time()
        texts = [extract(raw) for raw, _ in main_texts]
        seconds = time.process_time() - begin
        for text, (_, body) in zip(texts, main_texts, strict=True):
            found, true = _shingles(text), _shingles(body)
            common = (found & true).total()
            precision += _ratio(common, found.total())
            recall += _ratio(common, true.total())
        p, r = precision / len(main_texts), recall / len(main_texts)
        f1 = _ratio(2 * p * r, p + r)
        print(f"| {name} | {p:.3f} | {r:.3f} | {f1:.3f} | {_ratio(len(texts), seconds):.0f} |")


if __name__ == "__main__":
    main()
