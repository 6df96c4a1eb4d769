"""Every document's ids come back from every format, read by readers that know our code nothing."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packing.corpus import PackedCorpus
from packing.tokenizers import load
from tests.packing.conftest import Packer, pack_texts
from tests.packing.readers import (
    read_datatrove,
    read_litdata,
    read_mds,
    read_megatron,
    read_olmo,
    read_parquet,
)

TEXTS = st.lists(
    st.text(st.sampled_from("the lemma \n\n\n =\\é∑\u2581<s>\t🙂"), min_size=1, max_size=120),
    min_size=1,
    max_size=12,
)
SETTINGS = st.fixed_dictionaries(
    {
        "packer": st.sampled_from(["concatenate", "best-fit", "one-per-sequence"]),
        "sequence_length": st.integers(8, 40),
        "bos": st.sampled_from(["none", "bos"]),
        "eod": st.sampled_from(["none", "eos", "unk", "7"]),
        "order": st.sampled_from(["by-source", "mixed"]),
        "seed": st.integers(0, 3),
    }
).flatmap(
    lambda chosen: st.fixed_dictionaries(
        {
            **{name: st.just(value) for name, value in chosen.items()},
            "overlap": st.sampled_from([0, 1] if chosen["packer"] == "concatenate" else [0]),
            "shuffle_documents": st.sampled_from(
                [False, True] if chosen["packer"] == "concatenate" else [False]
            ),
        }
    )
)


def _expected(tokenizer: Path, texts: list[str], corpus: PackedCorpus) -> list[list[int]]:
    """Ids of the documents by the reference library, with what the rules put around them."""
    layout = corpus.layout
    before = [] if layout.bos is None else [layout.bos]
    behind = [] if layout.eod is None else [layout.eod]
    reference = load(tokenizer, backend="reference")
    encoded = [reference.encode_batch([text]).ids.tolist() for text in texts]
    return [[*before, *ids, *behind] for ids in encoded if ids]


def _put_together(rows: list[dict[str, Any]], ids: str) -> dict[str, list[int]]:
    """Documents from the pieces that packed rows say they hold."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for row in rows:
        bounds = row["cu_seqlens"]
        for piece, document in enumerate(row["document_ids"]):
            first = row["document_tokens"][piece]
            last = min(bounds[piece + 1], row["length"])
            for place in range(bounds[piece], last):
                token = first + place - bounds[piece]
                known = found[document].setdefault(token, row[ids][place])
                assert known == row[ids][place]
    together = {}
    for document, tokens in found.items():
        assert sorted(tokens) == list(range(len(tokens))), document
        together[document] = [tokens[place] for place in sorted(tokens)]
    return together


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS, more=TEXTS, chosen=SETTINGS)
def test_every_documents_ids_come_back_from_every_format(
    tiny_tokenizer: Path, texts: list[str], more: list[str], chosen: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sources = {"web": texts, "code": more}
        corpus = pack_texts(Path(folder), tiny_tokenizer, sources, **chosen)
        root = corpus.folder.root
        expected = {
            name: _expected(tiny_tokenizer, found, corpus) for name, found in sources.items()
        }
        for name, documents in expected.items():
            assert read_megatron(root / "megatron" / f"{name}_text_document") == documents
            assert read_olmo(root / "raw" / name, corpus.dtype) == documents
            assert read_datatrove(root / "raw" / name, corpus.dtype) == documents
        folders = ["mixed"] if chosen["order"] == "mixed" else list(sources)
        rows = [row for name in folders for row in read_parquet(root / "parquet" / name)]
        samples = [row for name in folders for row in read_mds(root / "mds" / name)]
        blocks = [
            row
            for name in folders
            for row in read_litdata(root / "litdata" / name, corpus.layout.row)
        ]
        together = _put_together(rows, "input_ids")
        assert [
            together[f"{name}-{number}"]
            for name, found in sources.items()
            for number in range(len(found))
            if f"{name}-{number}" in together
        ] == [ids for documents in expected.values() for ids in documents]
        # Without weights every sequence stands there once.
        assert len(rows) == sum(entry.sequences for entry in corpus.entries)
        # The three packed formats hold the same rows.
        assert blocks == [row["input_ids"] for row in rows]
        assert [sample["input_ids"] for sample in samples] == blocks
        for sample, row in zip(samples, rows, strict=True):
            assert sample["domain"] == row["source"]
            assert sample["document_ids"] == row["document_ids"]
            assert sample["length"] == row["length"]
            bounds = row["cu_seqlens"][: len(row["document_ids"])]
            assert [begin for begin, _ in sample["indices"]] == bounds
            assert sample["indices"][-1][1] == row["length"]


def test_the_stream_is_one_file_with_many_names(packed: Packer) -> None:
    root = packed({"web": ["the lemma", "proof"]}).folder.root
    names = ["tokens/web.bin", "megatron/web_text_document.bin", "raw/web.npy", "raw/web.ds"]
    assert len({(root / name).stat().st_ino for name in names}) == 1


def test_large_vocabularies_take_signed_32_bits(
    tmp_path: Path, tiny_tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packing.tokenizers.tokens._SMALL_VOCABULARY", 100)
    large = tmp_path / "large" / "tokenizer.json"
    large.parent.mkdir()
    large.write_bytes(tiny_tokenizer.read_bytes())
    corpus = pack_texts(tmp_path, large, {"web": ["the lemma", "proof"]})
    assert corpus.dtype == "<i4"
    documents = read_megatron(corpus.folder.root / "megatron" / "web_text_document")
    assert read_olmo(corpus.folder.root / "raw" / "web", "<u4") == documents
    blocks = read_litdata(corpus.folder.root / "litdata" / "web", 16)
    assert blocks == [row["input_ids"] for row in read_mds(corpus.folder.root / "mds" / "web")]
    assert blocks[0][: len(documents[0])] == documents[0]


def test_positions_and_bounds_restart_with_documents_and_padding(packed: Packer) -> None:
    corpus = packed({"web": ["the lemma", "proof"]}, sequence_length=24)
    (row,) = read_parquet(corpus.folder.root / "parquet" / "web")
    bounds = row["cu_seqlens"]
    assert bounds[0] == 0
    assert bounds[-1] == 24
    assert len(bounds) == 4
    expected = [place for begin, end in pairwise(bounds) for place in range(end - begin)]
    assert row["position_ids"] == expected
    assert bounds[2] == row["length"]


def test_a_tail_is_kept_or_left_out_as_told(packed: Packer) -> None:
    texts = ["the lemma then the proof"] * 5
    kept = packed({"web": texts}, packer="concatenate", overlap=1)
    dropped = packed({"web": texts}, packer="concatenate", overlap=1, tail="drop")
    assert len(kept.sources[0]) == len(dropped.sources[0]) + 1
    assert (dropped.sources[0].filled() == 17).all()


@pytest.mark.parametrize("format_", ["parquet", "mds", "litdata"])
def test_only_the_formats_that_were_asked_for_are_written(packed: Packer, format_: str) -> None:
    root = packed({"web": ["the lemma"]}, formats=(format_,)).folder.root
    assert (root / format_ / "web").is_dir()
    others = {"parquet", "mds", "litdata", "megatron", "raw"} - {format_}
    assert not any((root / other).exists() for other in others)
