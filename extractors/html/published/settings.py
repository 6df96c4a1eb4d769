"""The settings that the original drew at random for each page.

Source: keirp/OpenWebMath @98f81d0, extract_from_cc/configs/randomized_all.yaml (spec section 1.3).
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

__all__ = ["MOST_PROBABLE", "Settings", "settings_for"]


@dataclass(frozen=True, slots=True)
class Settings:
    """One draw.

    Attributes:
        markdown_headings: Headings begin with ``#``.
        markdown_code: Code stands between backticks.
        boilerplate: Lines of boilerplate are removed.
        ratio_threshold: Boilerplate words to words of a line, above which it goes.
        absolute_threshold: Boilerplate words, above which it goes.
        end_threshold: Within so many lines of the end, everything after it goes too.
    """

    markdown_headings: bool = True
    markdown_code: bool = True
    boilerplate: bool = True
    ratio_threshold: float = 0.18
    absolute_threshold: int = 10
    end_threshold: int = 15

    def to_json(self) -> dict[str, bool | int | float | str]:
        """As plain data."""
        return asdict(self)


MOST_PROBABLE = Settings()


def settings_for(sample_key: str | None) -> Settings:
    """The most probable values, or a draw that the key decides.

    The original's draws can't be repeated: it kept them in each document's metadata and no seed.
    """
    if sample_key is None:
        return MOST_PROBABLE
    draws = hashlib.blake2b(sample_key.encode(), digest_size=12).digest()

    def rare(place: int, probability: float) -> bool:
        return int.from_bytes(draws[2 * place : 2 * place + 2], "big") < probability * 65536

    return Settings(
        markdown_headings=not rare(0, 0.1),
        markdown_code=not rare(1, 0.05),
        boilerplate=not rare(2, 0.05),
        ratio_threshold=0.30 if rare(3, 0.1) else 0.18,
        absolute_threshold=20 if rare(4, 0.1) else 10,
        end_threshold=5 if rare(5, 0.05) else 15,
    )
