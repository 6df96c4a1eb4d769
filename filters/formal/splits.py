"""Training and held-out sides, by hash: the same for everyone, whatever the order of work."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from schemas import Decision, Document
from schemas.goal_states import FormalStep

__all__ = ["Side", "Splits", "novel_premise_sides"]

Side = Literal["train", "val", "test"]


@dataclass(frozen=True, slots=True)
class Splits:
    """Gives each step a side; drops nothing.

    ``split_random`` draws by the statement, so that equal statements are on one side whatever their
    names and files, and by the declaration where a trace has no statement. ``split_file`` draws by
    the file. ``split_novel_premises`` needs the whole corpus: ``novel_premise_sides``.

    Attributes:
        validation: The share of ``val``.
        test: The share of ``test``.
    """

    validation: float = 0.02
    test: float = 0.02

    name: ClassVar[str] = "splits"

    def side(self, purpose: str, key: str) -> Side:
        """The side of a key; each purpose draws its own."""
        digest = hashlib.blake2b(f"{purpose}\0{key}".encode(), digest_size=8).digest()
        drawn = int.from_bytes(digest, "big") / 2**64
        if drawn < self.test:
            return "test"
        return "val" if drawn < self.test + self.validation else "train"

    def judge(self, document: Document) -> Decision:
        """Puts the side on record."""
        formal: FormalStep = document.content
        return Decision.keep(self.name, formal.step.split_random or "train")


def novel_premise_sides(
    premises: Mapping[str, Sequence[str]],
    groups: Mapping[str, str],
    splits: Splits,
) -> dict[str, Side]:
    """Sides such that every held-out proof has a premise that no training proof has.

    The rarest premises come first, as in LeanDojo's benchmark: all proofs with such a premise are
    held out, until there are enough. Here ties go by hash instead of order, and proofs of equal
    statements go together.

    Args:
        premises: The premises of each declaration by its id.
        groups: What declarations of equal statements share, by id.
        splits: The shares.

    Returns:
        The side of each declaration by its id.
    """
    users: dict[str, set[str]] = defaultdict(set)
    members: dict[str, list[str]] = defaultdict(list)
    for declaration, names in premises.items():
        group = groups.get(declaration) or declaration
        members[group].append(declaration)
        for name in names:
            users[name].add(group)
    wanted = round((splits.validation + splits.test) * len(premises))
    held: dict[str, None] = {}
    count = 0
    for name in sorted(users, key=lambda name: (len(users[name]), _drawn(name))):
        if count >= wanted:
            break
        for group in sorted(users[name] - held.keys()):
            held[group] = None
            count += len(members[group])
    return {
        declaration: _held_side(group, splits) if group in held else "train"
        for group, declarations in members.items()
        for declaration in declarations
    }


def _held_side(group: str, splits: Splits) -> Side:
    total = splits.validation + splits.test
    return "test" if _drawn(group) * total < splits.test * 2**64 else "val"


def _drawn(key: str) -> int:
    digest = hashlib.blake2b(f"novel_premises\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
