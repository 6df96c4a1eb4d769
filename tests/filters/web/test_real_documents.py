"""Real documents of OpenWebMath: what a corpus kept, our models keep too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from filters.web.language import Language
from filters.web.math_score import MathScore
from filters.web.perplexity import Perplexity
from filters.web.word_order import WordOrder
from schemas import Document


@pytest.fixture(scope="module")
def documents(shared_data: Path) -> list[dict[str, Any]]:
    path = shared_data / "pp2" / "pp2_real_docs_with_overlap_truth.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [row for row in rows if row["subset"].startswith("open-web-math")]


@pytest.mark.parametrize("judge", [Language(), MathScore(), Perplexity(), WordOrder()])
def test_documents_of_open_web_math_are_kept(judge: Any, documents: list[dict[str, Any]]) -> None:
    assert len(documents) > 40
    dropped = {}
    for row in documents:
        formulas = {"delimited": row["text"].count("$") // 2}
        decision = judge.judge(Document("0" * 32, text=row["text"], formulas_kept=formulas))
        if not decision.keeps:
            dropped[row["url"]] = decision
    assert not dropped
