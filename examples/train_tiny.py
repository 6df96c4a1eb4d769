"""Trains a very small language model on a packed corpus, to see the loss go down.

    proofmill pack web=runs/sample --tokenizer tokenizer.json --output packed --sequence-length 256
    python examples/train_tiny.py packed --steps 200

Stop it and start it with ``--resume checkpoint.pt``: it goes on at the next step with the batches
that it would have had. Documents don't see each other: attention is cut at ``cu_seqlens``. Needs
PyTorch.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

import packing
from packing.corpus import PackedCorpus
from packing.provenance import trace

_WIDTH = 64
_HEADS = 4
_LAYERS = 2


class Block(nn.Module):
    """Attention within documents, then a feed-forward layer."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(_WIDTH)
        self.mixed = nn.Linear(_WIDTH, 3 * _WIDTH)
        self.after = nn.Linear(_WIDTH, _WIDTH)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(_WIDTH),
            nn.Linear(_WIDTH, 4 * _WIDTH),
            nn.GELU(),
            nn.Linear(4 * _WIDTH, _WIDTH),
        )

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """One layer.

        Args:
            hidden: Rows by tokens by width.
            mask: Which tokens each token sees.
        """
        rows, tokens, _ = hidden.shape
        parts = self.mixed(self.before_attention(hidden)).view(rows, tokens, 3, _HEADS, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        hidden = hidden + self.after(seen.transpose(1, 2).reshape(rows, tokens, _WIDTH))
        return hidden + self.feed_forward(hidden)


class TinyModel(nn.Module):
    """A transformer of two layers.

    Args:
        vocabulary: How many ids there are.
        length: Tokens of a sequence.
    """

    def __init__(self, vocabulary: int, length: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, _WIDTH)
        self.positions = nn.Embedding(length, _WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(_LAYERS))
        self.final = nn.LayerNorm(_WIDTH)

    def forward(self, batch: dict[str, Any]) -> Tensor:
        """Scores of each next token."""
        mask = document_mask(batch["cu_seqlens"], *batch["input_ids"].shape)
        hidden = self.tokens(batch["input_ids"]) + self.positions(batch["position_ids"])
        for block in self.blocks:
            hidden = block(hidden, mask)
        return self.final(hidden) @ self.tokens.weight.T


def document_mask(cu_seqlens: Tensor, rows: int, length: int) -> Tensor:
    """Which tokens each token of a batch sees: earlier ones of its own document."""
    places = torch.arange(rows * length)
    document = torch.bucketize(places, cu_seqlens[1:-1].long(), right=True).view(rows, length)
    same = document[:, :, None] == document[:, None, :]
    return (same & torch.ones(length, length, dtype=torch.bool).tril())[:, None]


def train(
    folder: Path, steps: int, batch_size: int, workers: int, checkpoint: Path | None
) -> list[float]:
    """Trains, and keeps a checkpoint.

    Args:
        folder: The packed corpus.
        steps: Steps in all, those before the checkpoint counted.
        batch_size: Sequences of a step.
        workers: Processes that load.
        checkpoint: Where the state is kept, and from where it is taken up again.

    Returns:
        The loss of every step that was done.
    """
    corpus = PackedCorpus(folder)
    torch.manual_seed(0)
    model = TinyModel(corpus.vocab_size, corpus.layout.length)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    start = 0
    if checkpoint is not None and checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["next_step"]
    batches = packing.load(folder, batch_size=batch_size, start=start, steps=steps)
    losses = []
    for batch in DataLoader(batches, batch_size=None, num_workers=workers):
        scores = model(batch)
        loss = functional.cross_entropy(scores.flatten(0, 1), batch["targets"].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        if batch["step"] % 20 == 0 or batch["step"] == steps - 1:
            print(f"step {batch['step']:4}  loss {losses[-1]:.3f}  {first_span(corpus, batch)}")
    if checkpoint is not None:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save({**state, "next_step": steps}, checkpoint)
    return losses


def first_span(corpus: PackedCorpus, batch: dict[str, Any]) -> str:
    """Where the batch's first tokens come from."""
    source = corpus.entries[int(batch["source"][0])].name
    span = trace(corpus, source, int(batch["sequence"][0]))[0]
    return f"begins with {span.document_id}, characters {span.char_start} to {span.char_end}"


def main() -> None:
    """Trains on the corpus that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--resume", type=Path)
    arguments = parser.parse_args()
    losses = train(
        arguments.folder,
        arguments.steps,
        arguments.batch_size,
        arguments.workers,
        arguments.resume,
    )
    if losses:
        print(f"loss from {losses[0]:.3f} to {sum(losses[-10:]) / len(losses[-10:]):.3f}")


if __name__ == "__main__":
    main()
