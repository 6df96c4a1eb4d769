"""The training example: the loss goes down, and a stopped training goes on as if it hadn't."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packing.conftest import Packer

pytest.importorskip("torch", reason="PyTorch isn't installed (the extra `gpu` has it)")

TEXTS = ["the lemma then the proof = prove on that theorem\n\n" * (n % 5 + 1) for n in range(40)]


def test_the_loss_goes_down(packed: Packer) -> None:
    from examples.train_tiny import train

    folder = packed({"web": TEXTS}, sequence_length=32, formats=()).folder.root
    losses = train(folder, 40, 4, 0, None)
    assert losses[0] > 4
    assert sum(losses[-5:]) / 5 < 0.5 * losses[0]


def test_a_stopped_training_has_the_losses_of_a_straight_one(
    packed: Packer, tmp_path: Path
) -> None:
    from examples.train_tiny import train

    folder = packed({"web": TEXTS}, sequence_length=32, formats=()).folder.root
    straight = train(folder, 12, 4, 0, None)
    checkpoint = tmp_path / "checkpoint.pt"
    stopped = train(folder, 5, 4, 0, checkpoint) + train(folder, 12, 4, 0, checkpoint)
    assert stopped == straight


def test_documents_dont_see_each_other() -> None:
    import torch

    from examples.train_tiny import document_mask

    mask = document_mask(torch.tensor([0, 2, 3, 5, 6]), 2, 3)[:, 0].int().tolist()
    assert mask == [[[1, 0, 0], [1, 1, 0], [0, 0, 1]], [[1, 0, 0], [1, 1, 0], [0, 0, 1]]]
