"""What is kept of a paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["PaperOptions"]


@dataclass(frozen=True, slots=True)
class PaperOptions:
    """What is kept of a paper, and in which form.

    The defaults keep what the authors wrote for their readers, and drop what only makes the page:
    a model learns from abstracts and appendices (most long proofs are there), and nothing from
    lists of references, which are text of other papers' titles in thousands of copies, from names
    of picture files, or from settings of packages. Addresses of authors are personal data.

    Attributes:
        form: ``latex``, or ``markdown`` with its formulas in LaTeX as they are.
        title: The title.
        authors: Names of authors.
        affiliations: Their institutes, addresses, thanks and dates.
        abstract: The abstract.
        appendices: What follows ``\\appendix``.
        bibliography: The list of references; a ``.bbl`` is read in its place.
        drawings: Pictures drawn in LaTeX (TikZ and its like): ``none``, ``diagrams`` for those
            that hold formulas and aren't mostly numbers (commutative diagrams, proof trees, and not
            plots and exported pictures), or ``all``.
        labels: Labels that references point at.
    """

    form: Literal["latex", "markdown"] = "latex"
    title: bool = True
    authors: bool = True
    affiliations: bool = False
    abstract: bool = True
    appendices: bool = True
    bibliography: bool = False
    drawings: Literal["none", "diagrams", "all"] = "diagrams"
    labels: bool = True
