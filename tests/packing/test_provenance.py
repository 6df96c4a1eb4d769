"""From tokens of a training batch back to documents, characters and records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from packing.corpus import PackedCorpus
from packing.provenance import trace, trail_of
from packing.tokenizers import load
from tests.packing.conftest import Packer, pack_texts

TEXTS = [
    "the lemma then\n\nthe proof = \\frac{n}{m}\n" * 5,
    "é∑ 🙂 on the <s> theorem",
    "prove",
    "  spaces   and\ttabs\n\n\nthen " * 7,
]


@pytest.fixture(scope="module", params=["concatenate", "best-fit", "one-per-sequence"])
def corpus(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Path
) -> PackedCorpus:
    folder = tmp_path_factory.mktemp("provenance")
    settings: dict[str, Any] = {"packer": request.param, "bos": "bos", "sequence_length": 24}
    if request.param == "concatenate":
        settings |= {"overlap": 1, "shuffle_documents": True}
    return pack_texts(folder, tiny_tokenizer, {"web": TEXTS}, **settings)


def test_all_tokens_of_a_document_together_are_its_text(corpus: PackedCorpus) -> None:
    found: dict[str, list[tuple[int, int]]] = {}
    for sequence in range(len(corpus.sources[0])):
        for span in trace(corpus, "web", sequence):
            found.setdefault(span.document_id, []).append((span.char_start, span.char_end))
            assert (span.file, span.document_id) == ("web.parquet", f"web-{span.row}")
    for number, text in enumerate(TEXTS):
        spans = sorted(found[f"web-{number}"])
        assert spans[0][0] == 0
        assert max(end for _, end in spans) == len(text)
        reach = 0
        for start, end in spans:
            assert start <= reach
            reach = max(reach, end)


@given(data=st.data())
def test_any_span_of_tokens_is_the_characters_that_it_decodes_to(
    corpus: PackedCorpus, tiny_tokenizer: Path, data: st.DataObject
) -> None:
    sequence = data.draw(st.integers(0, len(corpus.sources[0]) - 1))
    start = data.draw(st.integers(0, corpus.layout.row))
    end = data.draw(st.integers(start, corpus.layout.row))
    row = next(corpus.rows(0, sequence, 1))
    tokenizer = load(tiny_tokenizer)
    for span in trace(corpus, "web", sequence, start, end):
        assert start <= span.token_start < span.token_end <= end
        text = TEXTS[int(span.document_id.rpartition("-")[2])]
        ids = [
            token
            for token in row.ids[span.token_start : span.token_end].tolist()
            if token not in (corpus.layout.bos, corpus.layout.eod) or "<s>" in text
        ]
        decoded = tokenizer.decode(ids)
        # A character of which the span has some bytes only, and the space that is put before a
        # document, are all that may differ.
        if "\ufffd" not in decoded and "<s>" not in text:
            assert decoded.strip(" ") == text[span.char_start : span.char_end].strip(" ")


def test_the_side_table_says_the_same(corpus: PackedCorpus) -> None:
    tables = sorted((corpus.folder.root / "provenance" / "web").glob("*.parquet"))
    rows = [row for path in tables for row in pq.read_table(path).to_pylist()]
    spans = [
        (sequence, span)
        for sequence in range(len(corpus.sources[0]))
        for span in trace(corpus, "web", sequence)
    ]
    assert len(rows) == len(spans)
    for row, (sequence, span) in zip(rows, spans, strict=True):
        assert row["sequence"] == sequence
        for name in ("token_start", "token_end", "document_id", "char_start", "char_end", "row"):
            assert row[name] == getattr(span, name), name


def test_what_isnt_there_is_refused(corpus: PackedCorpus) -> None:
    with pytest.raises(KeyError, match="no source 'arxiv'"):
        trace(corpus, "arxiv", 0)
    with pytest.raises(IndexError, match="sequences 0 to"):
        trace(corpus, "web", 10_000)
    with pytest.raises(IndexError, match="tokens 0 to"):
        trace(corpus, "web", 0, 0, 10_000)


def test_padding_is_of_no_document(packed: Packer) -> None:
    corpus = packed({"web": ["prove"]}, sequence_length=64)
    (span,) = trace(corpus, "web", 0)
    assert span.token_end < 64
    assert trace(corpus, "web", 0, span.token_end, 64) == []


def test_a_batch_leads_back_to_its_warc_record(tmp_path: Path, tiny_tokenizer: Path) -> None:
    from packing.recipe import PackingRecipe
    from packing.run import PackingRun
    from packing.sources import find_files
    from packing.stages import TokenizerChoice
    from pipelines.engine import Engine
    from pipelines.inputs import resolve_inputs
    from pipelines.recipe import load_recipe
    from pipelines.runs import Run
    from pipelines.sample import sample_warc_path

    run = tmp_path / "run"
    Run(
        load_recipe("open-web-math"),
        resolve_inputs([str(sample_warc_path())]),
        run,
        Engine(1),
        display="quiet",
    ).execute()
    recipe = PackingRecipe(sequence_length=128, formats=("parquet",))
    files = find_files([f"web={run}"], recipe.columns)
    choice = TokenizerChoice(str(tiny_tokenizer))
    PackingRun(recipe, choice, files, tmp_path / "out", workers=1, display="quiet").execute()
    corpus = PackedCorpus(tmp_path / "out")
    texts = pa.concat_tables(
        pq.read_table(path, columns=["document_id", "text", "warc_record_id"])
        for path in (run / "documents").glob("*.parquet")
    ).to_pylist()
    known = {row["document_id"]: row for row in texts}
    for span in trace(corpus, "web", 0, 3, 90):
        assert known[span.document_id]["text"][span.char_start : span.char_end]
        trail = trail_of(run, span.document_id)
        assert trail is not None
        assert trail["warc_record_id"] == known[span.document_id]["warc_record_id"]
        assert trail["verdict"] == "keep"
    assert trail_of(run, "0" * 32) is None
