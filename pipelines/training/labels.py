"""Weak labels: what a page's own formulas say of it.

As OpenWebMath had it (spec section 1.5), a page is a positive example when a popular LaTeX command
stands in it. What the original left open: a page is a negative example only when it has no formula
at all, in whatever notation.
"""

from __future__ import annotations

from filters.normalisation import FORMULA, normalise_for_models, without_code
from pipelines.training.sources import Role
from schemas.latex_commands import POPULAR_COMMAND

__all__ = ["NEGATIVE", "POSITIVE", "has_popular_command", "label_of"]

POSITIVE, NEGATIVE = "positive", "negative"


def has_popular_command(text: str) -> bool:
    """Whether a whole popular LaTeX command stands in a text, code not counted."""
    return POPULAR_COMMAND.search(without_code(text)) is not None


# Signs that show a formula written without LaTeX; with several of them a page is no clear negative.
_SIGNS = frozenset("∑∫∂∇√∞∈∉⊂⊆∪∩∀∃∏≡≈≤≥≠⇒⇔↦⊕⊗∘⟨⟩ℝℤℕℂαβγδθλμπσφψω")
_FEWEST_SIGNS = 3


def label_of(text: str, role: Role) -> str:
    """``positive``, ``negative``, or empty for a page that teaches neither: one that isn't English,
    one with formulas that aren't LaTeX, a part without formulas of a mathematical work, a part with
    LaTeX commands of a work that isn't mathematical (LilyPond has a ``\\bar`` too)."""
    if role in ("foreign", "measured"):
        return ""
    if has_popular_command(text):
        return "" if role == "manual" else POSITIVE
    if role in ("prose", "reference"):
        return ""
    if FORMULA in normalise_for_models(text, "ours"):
        return ""
    signs = sum(text.count(sign) for sign in _SIGNS)
    return NEGATIVE if signs < _FEWEST_SIGNS else ""
