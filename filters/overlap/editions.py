"""The editions of n-gram overlap: how a text is cut into tokens, and how many make a hit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["EDITIONS", "Edition", "Tokenisation", "editions_named"]

Tokenisation = Literal["whitespace", "normalised"]


@dataclass(frozen=True, slots=True)
class Edition:
    """One way to look for overlap.

    Attributes:
        name: Its name in the report.
        tokenisation: ``whitespace`` takes what lies between white space, as it stands;
            ``normalised`` takes runs of letters and runs of digits, folded (Unicode's NFKC, then
            lower case): line breaks, case, punctuation and the spacing of LaTeX don't count.
        n: So many tokens in a row, found in both texts, are a hit.
        shortest: A problem of fewer than ``n`` tokens is looked for as a whole if it has at least
            so many; ``n`` for never.
        words: A hit holds at least so many runs of three letters or more: without punctuation the
            tables, matrices and sums of all the world are alike.
    """

    name: str
    tokenisation: Tokenisation
    n: int
    shortest: int
    words: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.n:
            raise ValueError(f"{self.name}: shortest is {self.shortest}, n is {self.n}")


# Sources:
# published   wellecks/overlap @efd26be, the analysis of Llemma (arXiv 2310.10631, section 3.5):
#             white-space 30-grams in the figures, 20 by default beside them
# 13          FineMath (arXiv 2502.02737): 13-grams, verified by a common subsequence of 0.6
# 10          DeepSeekMath (arXiv 2402.03300): 10-grams, shorter items as a whole. It goes down to 3
#             tokens; "find x in" is no evidence, so that here 8 is the least
EDITIONS: Mapping[str, Edition] = {
    edition.name: edition
    for edition in (
        Edition("published-30", "whitespace", 30, 30),
        Edition("published-20", "whitespace", 20, 20),
        Edition("normalised-13", "normalised", 13, 13, words=1),
        Edition("normalised-10", "normalised", 10, 8, words=1),
    )
}


def editions_named(names: Iterable[str]) -> list[Edition]:
    """The editions by their names, each once, in the order of ``EDITIONS``.

    Raises:
        KeyError: There is no edition of a name.
    """
    wanted = set(names)
    unknown = wanted - set(EDITIONS)
    if unknown:
        raise KeyError(f"no edition {sorted(unknown)[0]!r}; there are {', '.join(EDITIONS)}")
    return [edition for name, edition in EDITIONS.items() if name in wanted]
