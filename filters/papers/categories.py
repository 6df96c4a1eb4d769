"""Is the paper of a field that is wanted?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from schemas import Decision, Document

__all__ = ["GROUPS", "Categories"]

# Archives that arXiv's group of physics holds (https://arxiv.org/category_taxonomy), and those that
# older identifiers name and later ones went into.
GROUPS: Mapping[str, frozenset[str]] = {
    "physics": frozenset(
        "physics astro-ph cond-mat gr-qc hep-ex hep-lat hep-ph hep-th math-ph nlin nucl-ex nucl-th"
        " quant-ph acc-phys adap-org ao-sci atom-ph bayes-an chao-dyn chem-ph comp-gas mtrl-th"
        " patt-sol plasm-ph solv-int supr-con".split()
    ),
    "math": frozenset("math alg-geom dg-ga funct-an q-alg".split()),
    "cs": frozenset("cs cmp-lg".split()),
    "stat": frozenset(("stat",)),
    "eess": frozenset(("eess",)),
    "econ": frozenset(("econ",)),
    "q-bio": frozenset(("q-bio",)),
    "q-fin": frozenset(("q-fin",)),
}


@dataclass(frozen=True, slots=True)
class Categories:
    """Keeps papers of the fields wanted.

    Attributes:
        allow: Groups (``math``, ``physics``, ``cs``, ``stat``), archives (``hep-th``) or categories
            (``math.CO``); all papers when empty.
        primary: Whether the first category alone counts; else one of them is enough.
        unknown: What becomes of a paper whose categories aren't known, when some are wanted.
    """

    allow: tuple[str, ...] = ()
    primary: bool = False
    unknown: Literal["keep", "drop"] = "drop"

    name: ClassVar[str] = "categories"

    def judge(self, document: Document) -> Decision:
        """Judges by the document's categories."""
        shown = " ".join(document.categories)
        if not self.allow:
            return Decision.keep(self.name, "any", detail=shown)
        if not document.categories:
            if self.unknown == "drop":
                return Decision.drop(self.name, "unknown_categories")
            return Decision.keep(self.name, "unknown_categories")
        looked_at = document.categories[:1] if self.primary else document.categories
        if any(self._wanted(category) for category in looked_at):
            return Decision.keep(self.name, detail=shown)
        return Decision.drop(self.name, "other_categories", detail=shown)

    def _wanted(self, category: str) -> bool:
        archive = category.partition(".")[0]
        return any(
            name in (category, archive) or archive in GROUPS.get(name, ()) for name in self.allow
        )
