"""Pages whose main content is known, from collections that others labelled."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Reference", "references", "word_f1"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A page and its main content.

    Attributes:
        collection: Who labelled it.
        name: The page's name.
        page: Its bytes.
        text: Its main content, as Markdown or plain text.
    """

    collection: str
    name: str
    page: bytes
    text: str


def references(html: Path | None, bench: Path | None) -> Iterator[Reference]:
    """The labelled pages.

    Args:
        html: The unpacked collection of pages.
        bench: llm-webkit's ``bench/data`` with ``origin`` and ``groundtruth``.
    """
    if bench is not None:
        for label in sorted((bench / "groundtruth").glob("*.jsonl")):
            page = bench / "origin" / f"{label.stem}.html"
            text = "\n\n".join(
                json.loads(line).get("content", "")
                for line in label.read_text().splitlines()
                if line
            )
            if page.exists() and text.strip():
                kind = "llm-webkit, maths" if label.stem.startswith("math") else "llm-webkit, other"
                yield Reference(kind, label.stem, page.read_bytes(), text)
    if html is None:
        return
    for rows in sorted((html / "WebMainBench" / "data").glob("*dataset*.jsonl")):
        for number, line in enumerate(rows.read_text().splitlines()):
            row = json.loads(line)
            text = row.get("groundtruth_content") or ""
            if text.strip() and row.get("html"):
                page_bytes = row["html"].encode("utf-8", "replace")
                yield Reference("WebMainBench", f"{rows.stem}-{number}", page_bytes, text)
    articles = html / "article-extraction-benchmark"
    if (articles / "ground-truth.json").exists():
        for key, label in json.loads((articles / "ground-truth.json").read_text()).items():
            packed = articles / "html" / f"{key}.html.gz"
            if packed.exists():
                page_bytes = gzip.decompress(packed.read_bytes())
                body = label["articleBody"]
                yield Reference("article-extraction-benchmark", key, page_bytes, body)


_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")


def word_f1(text: str, reference: str) -> float:
    """F1 of the bags of words; Chinese and Japanese signs count as words."""
    ours = Counter(_WORD.findall(text.lower()))
    theirs = Counter(_WORD.findall(reference.lower()))
    common = sum((ours & theirs).values())
    if not common:
        return 1.0 if not ours and not theirs else 0.0
    return 2 * common / (sum(ours.values()) + sum(theirs.values()))
