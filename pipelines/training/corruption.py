"""Clean texts made bad in known ways: what a perplexity filter is there to catch.

Everything is drawn by a generator seeded with the text itself, so that the same text gives the same
corruption in every run.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

__all__ = ["CORRUPTIONS", "word_salad"]

_PROTECTED = re.compile(r"(\$\$[^$]*\$\$|\$[^$]*\$)")


def _words(text: str) -> list[str]:
    return [w for part in _PROTECTED.split(text) for w in (
        [part] if part.startswith("$") else part.split()
    )]  # fmt: skip


def _shuffled(text: str, rng: random.Random) -> str:
    """The same words in any order."""
    words = _words(text)
    rng.shuffle(words)
    return " ".join(words)


# Letters that optical character recognition takes for each other.
_LOOKALIKES = {
    "e": "co", "c": "eo", "l": "1I", "i": "1j", "o": "0c", "m": "rn", "n": "ri", "h": "b", "t": "f",
    "s": "5", "a": "o", "u": "ii", "r": "v", "g": "q", "f": "t", "b": "6", "d": "cl", "w": "vv",
}  # fmt: skip
_OCR_ERRORS = 0.10


def _misread(text: str, rng: random.Random) -> str:
    """One letter in ten misread; words broken and joined."""
    out: list[str] = []
    for character in text:
        drawn = rng.random()
        if drawn < _OCR_ERRORS and character in _LOOKALIKES:
            out.append(rng.choice([*_LOOKALIKES[character], _LOOKALIKES[character]]))
        elif drawn < _OCR_ERRORS / 4 and character == " ":
            continue
        elif drawn > 1 - _OCR_ERRORS / 6 and character.isalpha():
            out.append(character + " ")
        else:
            out.append(character)
    return "".join(out)


def _fused(text: str, rng: random.Random) -> str:
    """Half of the spaces lost, as badly extracted PDF text has it."""
    return "".join(c for c in text if c != " " or rng.random() > 0.5)


def _letters(text: str, rng: random.Random) -> str:
    """Words of random letters, as long as the words that they replace."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return " ".join("".join(rng.choices(alphabet, k=max(len(w), 1))) for w in _words(text))


# What stands around the content of pages; written here.
_BOILERPLATE = (
    "Home", "About us", "Contact", "Log in", "Sign up", "Register now", "Forgot your password?",
    "Privacy Policy", "Terms of Service", "Cookie settings", "Accept all", "Share on Facebook",
    "Tweet", "Pin it", "Subscribe to our newsletter", "Add to cart", "Checkout", "Wish list",
    "Free shipping on orders over $50", "Skip to content", "Toggle navigation", "Search", "Menu",
    "Previous", "Next", "Read more", "Leave a comment", "Reply", "Report abuse", "Related posts",
    "Most popular", "Trending now", "Sponsored", "Advertisement", "Download our app", "Careers",
    "Press", "Site map", "RSS feed", "Follow us on Twitter", "Copyright 2014",
    "All rights reserved", "Powered by WordPress", "Back to top", "Print this page",
    "Email a friend", "My account", "FAQ",
    "View all", "Best sellers", "New arrivals", "Gift cards", "Track your order", "Help center",
    "Sort by: newest", "12 items", "In stock", "4.5 out of 5 stars", "Write a review", "Compare",
    "January", "February", "March", "Monday", "Tags: news, sports, travel", "Posted by admin",
)  # fmt: skip


def _boilerplate(text: str, rng: random.Random) -> str:
    """Menus, buttons and notices, about as many words as the text."""
    wanted, lines = len(_words(text)), []
    while wanted > 0:
        line = rng.choice(_BOILERPLATE)
        lines.append(line)
        wanted -= len(line.split())
    return "\n".join(lines)


def _drawn_by(change: Callable[[str, random.Random], str], name: str) -> Callable[[str], str]:
    return lambda text: change(text, random.Random(f"{name}\0{text}"))


_CHANGES: Sequence[tuple[str, Callable[[str, random.Random], str]]] = (
    ("shuffled_words", _shuffled),
    ("ocr_errors", _misread),
    ("fused_words", _fused),
    ("random_letters", _letters),
    ("boilerplate", _boilerplate),
)

CORRUPTIONS: Mapping[str, Callable[[str], str]] = {
    name: _drawn_by(change, name) for name, change in _CHANGES
}


def word_salad(text: str, vocabulary: Sequence[str]) -> str:
    """As many words as the text has, drawn from a vocabulary, each as likely as the other."""
    rng = random.Random(f"word_salad\0{text}")
    return " ".join(rng.choices(vocabulary, k=len(_words(text))))
