"""Batches for training: order, ranks, workers, resuming, targets."""

from __future__ import annotations

from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from packing.loader import Batches, Plan
from packing.sequences import NO_TARGET
from packing.tokenizers import load as load_tokenizer
from tests.packing.conftest import Packer

TEXTS = {
    "web": [f"the lemma {n} then {'proof ' * (n % 7)}" for n in range(40)],
    "code": [f"on = {n}\n\n{'prove ' * (n % 9)}" for n in range(20)],
}


def _order(batches: Any) -> list[tuple[int, int, int]]:
    return [
        (int(source), int(epoch), int(sequence))
        for batch in batches
        for source, epoch, sequence in zip(
            batch["source"], batch["epoch"], batch["sequence"], strict=True
        )
    ]


@pytest.fixture
def root(packed: Packer) -> str:
    return str(packed(TEXTS, weights={"web": 2, "code": 1}, seed=5).folder.root)


def test_training_goes_on_where_it_stopped(root: str) -> None:
    straight = _order(Batches(Plan(root, batch_size=3, steps=20)))
    for stop in (0, 1, 7, 19):
        before = _order(Batches(Plan(root, batch_size=3, steps=stop)))
        behind = _order(Batches(Plan(root, batch_size=3, start=stop, steps=20)))
        assert before + behind == straight


def test_ranks_share_the_same_steps(root: str) -> None:
    whole = [_order([batch]) for batch in Batches(Plan(root, batch_size=6, steps=8))]
    for world in (2, 3):
        ranks = [
            [
                _order([batch])
                for batch in Batches(
                    Plan(root, batch_size=6 // world, rank=r, world_size=world, steps=8)
                )
            ]
            for r in range(world)
        ]
        assert [list(chain(*parts)) for parts in zip(*ranks, strict=True)] == whole


def test_targets_are_the_next_tokens_within_a_document(root: str) -> None:
    batch = Batches(Plan(root, batch_size=4, steps=1)).batch(0)
    bounds = batch["cu_seqlens"].tolist()
    ids, targets = batch["input_ids"].ravel(), batch["targets"].ravel()
    positions = batch["position_ids"].ravel()
    assert bounds[0] == 0
    assert bounds[-1] == len(ids)
    assert batch["max_seqlen"] == max(np.diff(bounds))
    for begin, end in pairwise(bounds):
        assert positions[begin:end].tolist() == list(range(end - begin))
        assert targets[end - 1] == NO_TARGET
        inside = targets[begin : end - 1]
        assert (inside == ids[begin + 1 : end]).all() or (inside == NO_TARGET).all()


def test_windows_of_llemma_predict_every_token_once_across_documents(packed: Packer) -> None:
    corpus = packed(
        {"web": TEXTS["web"]}, packer="concatenate", overlap=1, across=True, tail="drop", eod="unk"
    )
    batches = Batches(Plan(str(corpus.folder.root), batch_size=1, shuffle=False))
    stream = corpus.sources[0].tokens
    count = len(corpus.sources[0])
    inputs = np.concatenate([batches.batch(step)["input_ids"][0] for step in range(count)])
    targets = np.concatenate([batches.batch(step)["targets"][0] for step in range(count)])
    assert inputs.tolist() == stream[: count * 16].tolist()
    assert targets.tolist() == stream[1 : count * 16 + 1].tolist()


def test_weights_can_change_without_packing_again(root: str) -> None:
    batches = Batches(Plan(root, batch_size=1, weights={"code": 1}, steps=30))
    assert {source for source, _, _ in _order(batches)} == {0}
    with pytest.raises(KeyError, match="no source 'arxiv'"):
        Batches(Plan(root, weights={"arxiv": 1}))


def test_a_batch_leads_back_to_its_texts(root: str) -> None:
    from packing.corpus import PackedCorpus
    from packing.provenance import trace

    corpus = PackedCorpus(Path(root))
    batch = Batches(Plan(root, batch_size=2, steps=1)).batch(0)
    for row in range(2):
        source = corpus.entries[int(batch["source"][row])].name
        for span in trace(corpus, source, int(batch["sequence"][row])):
            text = TEXTS[source][int(span.document_id.rpartition("-")[2])]
            assert text[span.char_start : span.char_end]


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"rank": 2, "world_size": 2}, {"start": -1}, {"world_size": 0}]
)
def test_impossible_plans_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"rank|at least"):
        Plan("nowhere", **wrong)


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
def test_the_order_is_the_same_for_any_number_of_workers(root: str, workers: int) -> None:
    pytest.importorskip("torch", reason="PyTorch isn't installed (the extra `gpu` has it)")
    from torch.utils.data import DataLoader

    from packing import load

    dataset = load(root, batch_size=3, start=2, steps=11)
    assert len(dataset) == 9
    batches = list(DataLoader(dataset, batch_size=None, num_workers=workers))
    assert [batch["step"] for batch in batches] == list(range(2, 11))
    assert _order(batches) == _order(Batches(Plan(root, batch_size=3, start=2, steps=11)))


def test_prompts_have_no_targets(tmp_path: Path, tiny_tokenizer: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from packing.recipe import PackingRecipe
    from packing.run import PackingRun
    from packing.sources import ColumnNames, find_files
    from packing.stages import TokenizerChoice

    rows = {
        "input": ["[GOAL]the lemma[PROOFSTEP]", "on", "[GOAL]proof[PROOFSTEP]"],
        "output": ["then =", "prove that", "the lemma"],
    }
    pq.write_table(pa.table(rows), tmp_path / "steps.parquet")
    columns = ColumnNames(prompt="input", completion="output")
    recipe = PackingRecipe(
        sequence_length=128, columns=columns, formats=("parquet", "mds"), bos="bos"
    )
    files = find_files([f"steps={tmp_path / 'steps.parquet'}"], columns)
    choice = TokenizerChoice(str(tiny_tokenizer))
    PackingRun(recipe, choice, files, tmp_path / "out", workers=1, display="quiet").execute()
    batch = Batches(Plan(str(tmp_path / "out"), steps=1)).batch(0)
    tokenizer = load_tokenizer(tiny_tokenizer)
    wanted = [token for token in batch["targets"][0].tolist() if token != NO_TARGET]
    completions = tokenizer.decode(wanted).replace("</s>", "|")
    assert [part.strip() for part in completions.split("|")][:3] == rows["output"]
    masks = pq.read_table(tmp_path / "out" / "parquet" / "steps")["loss_mask"].to_pylist()
    assert sum(masks[0]) == len(wanted)
