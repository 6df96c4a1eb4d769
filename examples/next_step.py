"""Does the data teach anything? A tiny causal model on llmstep's view, against an n-gram baseline.

::

    proofmill run lean-proofsteps --input TRACES --output run --set splits.test=0.1
    proofmill goals export run --view llmstep --output steps
    python examples/next_step.py steps --minutes 4

Both models read bytes, see a state and predict the step. The loss is over the step alone, in
bits a byte; an exact match is a step that greedy decoding gives in full. Held-out steps are of
statements that no training step is of: the export sees to that. Needs torch.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

Pair = tuple[bytes, bytes]
_END = 0
# Bytes of a state that are seen: its end has the goal.
_STATE = 224
_STEP = 64


def pairs(path: Path) -> list[Pair]:
    """The pairs of a file, states cut to their end."""
    found = []
    for line in path.read_text("utf-8").split("\n"):
        if line:
            row = json.loads(line)
            step = row["output"].removesuffix("<|endoftext|>").encode() + bytes([_END])
            if len(step) <= _STEP:
                found.append((row["input"].encode()[-_STATE:], step))
    return found


class NGrams:
    """Byte n-grams, each order smoothed by the one below it (Witten and Bell 1991).

    Args:
        rows: What it's estimated on.
        order: The longest context.
    """

    def __init__(self, rows: Sequence[Pair], order: int = 6) -> None:
        self._order = order
        self._counts: defaultdict[bytes, Counter[int]] = defaultdict(Counter)
        for state, step in rows:
            text = state + step
            for place in range(len(state), len(text)):
                for length in range(order + 1):
                    self._counts[text[max(place - length, 0) : place]][text[place]] += 1

    def distribution(self, before: bytes) -> list[float]:
        """The probability of each next byte."""
        found = [1 / 256] * 256
        for length in range(self._order + 1):
            counts = self._counts.get(before[len(before) - length :] if length else b"")
            if counts:
                total, kinds = counts.total(), len(counts)
                rest = kinds / (total + kinds)
                found = [p * rest for p in found]
                for byte, count in counts.items():
                    found[byte] += count / (total + kinds)
        return found

    def bits(self, state: bytes, step: bytes) -> float:
        """The step's bits."""
        text = state + step
        return -sum(
            math.log2(self.distribution(text[place - self._order : place])[text[place]])
            for place in range(len(state), len(text))
        )

    def decoded(self, state: bytes) -> bytes:
        """The step by greedy decoding."""
        text = state
        while len(text) - len(state) < _STEP:
            chances = self.distribution(text[-self._order :])
            text += bytes([max(range(256), key=chances.__getitem__)])
            if text[-1] == _END:
                break
        return text[len(state) :]


class Tiny(nn.Module):
    """A causal transformer over bytes."""

    def __init__(self, width: int = 96, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.bytes = nn.Embedding(256, width)
        self.places = nn.Embedding(_STATE + _STEP, width)
        layer = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(width, 256)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        """Logits of each next byte."""
        length = text.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        seen = self.bytes(text) + self.places(torch.arange(length))
        logits: torch.Tensor = self.out(self.blocks(seen, mask=mask, is_causal=True))
        return logits


def batch(rows: Sequence[Pair]) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts, and their next bytes where they are of a step; -100 elsewhere."""
    length = max(len(state) + len(step) for state, step in rows) - 1
    texts = torch.zeros(len(rows), length, dtype=torch.long)
    targets = torch.full((len(rows), length), -100)
    for number, (state, step) in enumerate(rows):
        text = torch.tensor(list(state + step))
        texts[number, : len(text) - 1] = text[:-1]
        targets[number, len(state) - 1 : len(text) - 1] = text[len(state) :]
    return texts, targets


def batches(rows: Sequence[Pair], size: int, order: random.Random) -> Iterator[Sequence[Pair]]:
    """Rows of about equal length together, the batches in a drawn order."""
    by_length = sorted(rows, key=lambda row: len(row[0]) + len(row[1]))
    starts = list(range(0, len(by_length), size))
    order.shuffle(starts)
    for start in starts:
        yield by_length[start : start + size]


def train(rows: Sequence[Pair], watched: Sequence[Pair], minutes: float, seed: int) -> Tiny:
    """The model as it was when it did best on the pairs that are watched.

    A few thousand pairs are learnt by heart in some minutes: it stops when that has begun.
    """
    torch.manual_seed(seed)
    order = random.Random(seed)
    model = Tiny()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    started, epoch, worse = time.monotonic(), 0, 0
    best, kept = math.inf, model.state_dict()
    while time.monotonic() - started < 60 * minutes and worse < 3:
        epoch += 1
        model.train()
        losses = []
        for chosen in batches(rows, 16, order):
            texts, targets = batch(chosen)
            loss = functional.cross_entropy(model(texts).flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        seen = bits_a_byte(model.eval(), watched)
        worse = 0 if seen < best else worse + 1
        if seen < best:
            best, kept = seen, {name: value.clone() for name, value in model.state_dict().items()}
        learnt = sum(losses) / len(losses) / math.log(2)
        print(f"epoch {epoch}: {learnt:.3f} bits a byte, watched {seen:.3f}", flush=True)
    model.load_state_dict(kept)
    return model.eval()


@torch.no_grad()
def bits_a_byte(model: Tiny, rows: Sequence[Pair]) -> float:
    """The loss over the steps' bytes."""
    bits = count = 0.0
    for start in range(0, len(rows), 16):
        texts, targets = batch(rows[start : start + 16])
        logits = model(texts).flatten(0, 1)
        bits += functional.cross_entropy(logits, targets.flatten(), reduction="sum").item()
        count += int((targets >= 0).sum())
    return bits / count / math.log(2)


@torch.no_grad()
def exact_share(model: Tiny, rows: Sequence[Pair]) -> float:
    """The share of steps that greedy decoding gives in full."""
    exact = 0
    for state, step in rows:
        text = state
        while len(text) - len(state) < len(step):
            text += bytes([int(model(torch.tensor([list(text)]))[0, -1].argmax())])
            if text[len(state) :] != step[: len(text) - len(state)]:
                break
        exact += text[len(state) :] == step
    return exact / len(rows)


def main() -> None:
    """Trains both, and prints what they reach on the held-out side."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "steps", type=Path, help="folder of `proofmill goals export --view llmstep`"
    )
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    training = pairs(given.steps / "train.jsonl")
    held_out = pairs(given.steps / "test.jsonl")
    print(f"{len(training):,} pairs to learn from, {len(held_out):,} held out")
    frequent = Counter(step for _, step in training).most_common(1)[0][0]
    always = sum(step == frequent for _, step in held_out) / len(held_out)
    print(f"always {frequent[:-1].decode()!r}: {always:.1%} exact")
    grams = NGrams(training)
    bits = sum(grams.bits(*row) for row in held_out) / sum(len(step) for _, step in held_out)
    exact = sum(grams.decoded(state) == step for state, step in held_out) / len(held_out)
    print(f"n-grams: {bits:.3f} bits a byte, {exact:.1%} exact", flush=True)
    random.Random(given.seed).shuffle(training)
    cut = len(training) // 10
    model = train(training[cut:], training[:cut], given.minutes, given.seed)
    bits, exact = bits_a_byte(model, held_out), exact_share(model, held_out)
    print(f"model: {bits:.3f} bits a byte, {exact:.1%} exact")


if __name__ == "__main__":
    main()
