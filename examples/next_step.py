"""Does the data teach anything? A tiny causal model on llmstep's view, against plain baselines.

::

    proofmill run lean-proofsteps --input TRACES --output run --set splits.test=0.1
    proofmill goals export run --view llmstep --output steps
    python examples/next_step.py steps --minutes 4

Every model sees a state and predicts the step. The loss is over the step alone, in bits a byte; an
exact match is a step that greedy decoding gives in full. Held-out steps are of statements that no
training step is of: the export sees to that. The baselines: the most frequent step, the step of
the most alike state, n-grams over bytes and over the model's own tokens. Needs torch.

On some two thousand pairs the model and n-grams together take a fifth fewer bits than n-grams
alone; the model by itself doesn't win, and looking up the most alike state gives the most exact
steps (figures in ``benchmarks/README.md``).
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

Text = tuple[str, str]
Pair = tuple[list[int], list[int]]
_END = 0
# Tokens of a state that are seen (its end has the goal), and the longest step in bytes.
_STATE = 160
_STEP = 64
# Steps of a training file in one block: blocks are watched whole, as a proof's steps lie together.
_BLOCK = 20
# The share of a state's own tokens learnt too: few steps alone teach neither names nor syntax.
_STATE_SHARE = 0.15


def texts(path: Path) -> list[Text]:
    """The states and steps of a file."""
    rows = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    found = [(row["input"], row["output"].removesuffix("<|endoftext|>")) for row in rows]
    return [row for row in found if len(row[1].encode()) < _STEP]


def words(text: str) -> list[str]:
    """Parts of names, and all else character by character."""
    return re.findall(r"[^\W_]+|.", text, re.DOTALL)


class Tokens:
    """Words that training texts have twice or more; bytes for all others (0 ends a step)."""

    def __init__(self, rows: Iterable[Text]) -> None:
        seen = Counter(word for row in rows for text in row for word in words(text))
        kept = sorted(word for word, count in seen.items() if count > 1 and len(word.encode()) > 1)
        self._numbers = {word: 256 + number for number, word in enumerate(kept)}
        self.size = 256 + len(kept)

    def of(self, text: str) -> list[int]:
        """A text's tokens."""
        found: list[int] = []
        for word in words(text):
            number = self._numbers.get(word)
            found += word.encode() if number is None else [number]
        return found

    def pair(self, row: Text) -> Pair:
        """A state's last tokens, and its step's with the end."""
        return self.of(row[0])[-_STATE:], [*self.of(row[1]), _END]


def as_bytes(row: Text) -> Pair:
    """The pair for n-grams over bytes."""
    return list(row[0].encode()[-_STATE:]), [*row[1].encode(), _END]


def step_bytes(rows: Iterable[Text]) -> int:
    """Bytes of steps, each with its end: what losses are divided by."""
    return sum(len(step.encode()) + 1 for _, step in rows)


class NGrams:
    """N-grams, each order smoothed by the one below it (Witten and Bell 1991).

    Args:
        rows: What it's estimated on.
        size: How many tokens there are.
        order: The longest context.
    """

    def __init__(self, rows: Sequence[Pair], size: int, order: int = 6) -> None:
        self._order, self._size = order, size
        self._counts: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for state, step in rows:
            text = state + step
            for place in range(len(state), len(text)):
                for length in range(order + 1):
                    self._counts[tuple(text[max(place - length, 0) : place])][text[place]] += 1

    def distribution(self, before: Sequence[int]) -> list[float]:
        """The probability of each next token."""
        found = [1 / self._size] * self._size
        for length in range(min(self._order, len(before)) + 1):
            counts = self._counts.get(tuple(before[len(before) - length :]))
            if counts:
                total, kinds = counts.total(), len(counts)
                rest = kinds / (total + kinds)
                found = [p * rest for p in found]
                for token, count in counts.items():
                    found[token] += count / (total + kinds)
        return found

    def table(self, rows: Sequence[Pair]) -> torch.Tensor:
        """The distributions for the steps' tokens, one after another."""
        found = [
            self.distribution((state + step)[:place])
            for state, step in rows
            for place in range(len(state), len(state) + len(step))
        ]
        return torch.tensor(found)

    def measured(self, rows: Sequence[Pair]) -> tuple[float, float]:
        """The steps' bits, and the share that greedy decoding gives in full."""
        bits = exact = 0.0
        for state, step in rows:
            text, hit = state + step, True
            for place in range(len(state), len(text)):
                chances = self.distribution(text[:place])
                bits -= math.log2(chances[text[place]])
                hit = hit and chances[text[place]] == max(chances)
            exact += hit
        return bits, exact / len(rows)


def retrieved_share(training: Sequence[Text], asked: Sequence[Text]) -> float:
    """The share of steps that the most alike training state has (words and their pairs, cosine)."""

    def features(state: str) -> Counter[object]:
        found = words(state)
        return Counter([*found, *pairwise(found)])

    kept = [(features(state), step) for state, step in training]
    seen = Counter(feature for found, _ in kept for feature in found)

    def weighted(found: Counter[object]) -> dict[object, float]:
        rare = {
            feature: (1 + math.log(count)) * math.log((1 + len(kept)) / (1 + seen[feature]))
            for feature, count in found.items()
        }
        norm = math.sqrt(sum(weight * weight for weight in rare.values())) or 1.0
        return {feature: weight / norm for feature, weight in rare.items()}

    known = [(weighted(found), step) for found, step in kept]
    exact = 0
    for state, step in asked:
        mine = weighted(features(state))
        alike = [sum(w * other.get(f, 0.0) for f, w in mine.items()) for other, _ in known]
        exact += known[max(range(len(known)), key=alike.__getitem__)][1] == step
    return exact / len(asked)


class Tiny(nn.Module):
    """A causal transformer that writes a token of its own or copies one that it has seen."""

    def __init__(self, size: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.tokens = nn.Embedding(size, width)
        nn.init.normal_(self.tokens.weight, std=0.05)
        self.places = nn.Embedding(_STATE + _STEP, width)
        nn.init.normal_(self.places.weight, std=0.02)
        self.drop = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            width, 4, 4 * width, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(
            layer, layers, nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.asked, self.offered = nn.Linear(width, 64), nn.Linear(2 * width, 64)
        self.copies = nn.Linear(width, 1)
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, text: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """The probabilities of the token after each of these places (a mask of the text)."""
        length = text.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        embedded = self.tokens(text)
        seen = self.drop(embedded + self.places(torch.arange(length)))
        hidden = self.drop(self.blocks(seen, mask=mask, is_causal=True))
        row, place = places.nonzero(as_tuple=True)
        here = hidden[row, place]
        written = functional.softmax(here @ self.tokens.weight.T + self.bias, -1)
        offered = self.offered(torch.cat([embedded, hidden], -1))[row]
        looked = (offered @ self.asked(here)[:, :, None])[:, :, 0] / 8 + mask[place]
        copied = torch.zeros_like(written).scatter_add(1, text[row], looked.softmax(-1))
        gate = torch.sigmoid(self.copies(here) - 1)
        found: torch.Tensor = (1 - gate) * written + gate * copied + 1e-9
        return found


def batch(rows: Sequence[Pair]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Texts, their next tokens (-100 after the end), and where these are of a step."""
    length = max(len(state) + len(step) for state, step in rows) - 1
    given = torch.zeros(len(rows), length, dtype=torch.long)
    targets = torch.full((len(rows), length), -100)
    of_step = torch.zeros(len(rows), length, dtype=torch.bool)
    for number, (state, step) in enumerate(rows):
        text = torch.tensor(state + step)
        given[number, : len(text) - 1] = text[:-1]
        targets[number, : len(text) - 1] = text[1:]
        of_step[number, len(state) - 1 : len(text) - 1] = True
    return given, targets, of_step


def batches(rows: Sequence[Pair], size: int, order: random.Random) -> Iterator[Sequence[Pair]]:
    """Rows of about equal length together, the batches in a drawn order."""
    by_length = sorted(rows, key=lambda row: (len(row[0]) + len(row[1])) // 8 + order.random())
    starts = list(range(0, len(by_length), size))
    order.shuffle(starts)
    for start in starts:
        yield by_length[start : start + size]


def train(
    model: Tiny, rows: Sequence[Pair], watched: Sequence[Pair], minutes: float, seed: int
) -> None:
    """Leaves the model as it was when it gave the watched steps the fewest bits."""
    order = random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
    started, epoch, past = time.monotonic(), 0, 0.0
    best, kept = math.inf, model.state_dict()
    while past < 1:
        epoch += 1
        model.train()
        for chosen in batches(rows, 16, order):
            past = (time.monotonic() - started) / (60 * minutes)
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * min(1, 50 * past + 0.02) * max(1.02 - past, 0.02)
            given, targets, of_step = batch(chosen)
            drawn = of_step | ((torch.rand(targets.shape) < _STATE_SHARE) & (targets >= 0))
            found = model(given, drawn).log()
            loss = functional.nll_loss(found, targets[drawn])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        bits, exact = measured(model, watched)
        if bits < best:
            best, kept = bits, {name: value.clone() for name, value in model.state_dict().items()}
        print(f"epoch {epoch}: {bits:,.0f} bits of watched steps, {exact:.1%} exact", flush=True)
    model.load_state_dict(kept)


@torch.no_grad()
def measured(
    model: Tiny, rows: Sequence[Pair], grams: torch.Tensor | None = None, share: float = 0.0
) -> tuple[float, float]:
    """The steps' bits, and the share that greedy decoding gives in full.

    Args:
        model: What is measured.
        rows: The pairs.
        grams: What n-grams give for the same tokens, one after another.
        share: Their weight in the mixture.
    """
    model.eval()
    bits = exact = 0.0
    past = 0
    for start in range(0, len(rows), 16):
        given, targets, of_step = batch(rows[start : start + 16])
        found, wanted = model(given, of_step), targets[of_step]
        if grams is not None:
            found = (1 - share) * found + share * grams[past : past + len(found)]
            past += len(found)
        bits -= found.gather(1, wanted[:, None]).log2().sum().item()
        # Greedy decoding gives the step exactly when each of its tokens is the likeliest in turn.
        right = torch.ones_like(of_step)
        right[of_step] = found.argmax(-1) == wanted
        exact += right.all(1).sum().item()
    return bits, exact / len(rows)


def main() -> None:
    """Trains, and prints what each model reaches on the held-out side."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "steps", type=Path, help="folder of `proofmill goals export --view llmstep`"
    )
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    training, held_out = texts(given.steps / "train.jsonl"), texts(given.steps / "test.jsonl")
    size = step_bytes(held_out)
    print(f"{len(training):,} pairs to learn from, {len(held_out):,} held out")

    frequent = Counter(step for _, step in training).most_common(1)[0][0]
    always = sum(step == frequent for _, step in held_out) / len(held_out)
    print(f"always {frequent!r}: {always:.1%} exact")
    print(f"most alike state's step: {retrieved_share(training, held_out):.1%} exact", flush=True)
    grams = NGrams([as_bytes(row) for row in training], 256)
    bits, exact = grams.measured([as_bytes(row) for row in held_out])
    print(f"n-grams over bytes: {bits / size:.3f} bits a byte, {exact:.1%} exact", flush=True)

    blocks = [training[start : start + _BLOCK] for start in range(0, len(training), _BLOCK)]
    random.Random(given.seed).shuffle(blocks)
    cut = max(len(blocks) // 10, 1)
    tokens = Tokens(row for block in blocks[cut:] for row in block)
    grams = NGrams([tokens.pair(row) for row in training], tokens.size)
    asked = [tokens.pair(row) for row in held_out]
    bits, exact = grams.measured(asked)
    print(f"n-grams over tokens: {bits / size:.3f} bits a byte, {exact:.1%} exact", flush=True)

    watched = [tokens.pair(row) for block in blocks[:cut] for row in block]
    learnt = [tokens.pair(row) for block in blocks[cut:] for row in block]
    model = Tiny(tokens.size, given.width, given.layers, given.dropout)
    train(model, learnt, watched, given.minutes, given.seed)
    bits, exact = measured(model, asked)
    print(f"model: {bits / size:.3f} bits a byte, {exact:.1%} exact")

    grams = NGrams(learnt, tokens.size)
    table = grams.table(watched)
    share = min((n / 10 for n in range(11)), key=lambda n: measured(model, watched, table, n)[0])
    bits, exact = measured(model, asked, grams.table(asked), share)
    print(f"{share:.1f} n-grams, else model: {bits / size:.3f} bits a byte, {exact:.1%} exact")


if __name__ == "__main__":
    main()
