"""Texts that tokenizers get wrong: strings made at random out of what trips them, and real ones."""

from __future__ import annotations

import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

__all__ = ["awkward_texts", "random_texts", "real_texts"]

# Runs of spaces and of signs, added tokens whole and cut, U+2581, characters of every length in
# UTF-8, NUL, other spaces, combining marks, words of the small vocabulary.
_PARTS = (
    *("", " ", "  ", " " * 3, " " * 8, " " * 17, " " * 19, " " * 33, " " * 70, "\n", "\r\n", "\t"),
    *("<s>", "</s>", "<unk>", "<", "</", "<s", "s>", "<0x0A>", "<|endoftext|>", "<|", "|>"),
    *("\u2581", "\u2581\u2581", "\u2581the", "the\u2581", "\xe2", "\u2580", "\u2582"),
    *("the", "theorem", "python", "pyth", "on", "lemma", "prove", "\\frac", "\\begin{", "}", "=="),
    *("=" * 40, "#" * 33, "a" * 9, "ab" * 20, "1234567", "3.14", "x_1^2", "$", "it's", "I'LL"),
    *("\u00e9", "\u8bbe", "\u2211", "\U0001d538", "\U0001f468\u200d\U0001f469", "\u0915\u094d"),
    *(
        "\x00",
        "\x7f",
        "\u0085",
        "\u00a0",
        "\u2028",
        "\u3000",
        "\ufeff",
        "\ufffd",
        "\u017f",
        "\u0130",
    ),
)

awkward_texts = st.lists(
    st.one_of(st.sampled_from(_PARTS), st.characters(codec="utf-8"), st.text(max_size=5)),
    max_size=30,
).map("".join)


def random_texts(count: int, seed: int) -> list[str]:
    """So many strings of such parts and of any code points, the same for the same seed."""
    chance = random.Random(seed)
    return [_random_text(chance) for _ in range(count)]


def _random_text(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.7:
        return "".join(chance.choice(_PARTS) for _ in range(chance.randrange(12)))
    top = 0x80 if kind < 0.8 else 0x3000 if kind < 0.9 else 0x110000
    points = (chance.randrange(top) for _ in range(chance.randrange(40)))
    return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)


def real_texts(shared_data: Path, archives: tuple[str, ...], budget: int) -> Iterator[str]:
    """Real files of the third-party data that are text, up to so many bytes an archive."""
    for name in archives:
        left = budget
        with tarfile.open(shared_data / f"{name}.tar.gz") as archive:
            for member in archive:
                handle = archive.extractfile(member) if member.isfile() else None
                if handle is None or member.size > left:
                    continue
                try:
                    yield handle.read().decode()
                except UnicodeDecodeError:
                    continue
                left -= member.size
