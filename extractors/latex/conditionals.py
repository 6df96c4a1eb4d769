r"""TeX's conditionals, as far as they can be told without TeX: switches of the paper, constants."""

from __future__ import annotations

import re

__all__ = ["PRIMITIVE_TESTS", "Branches", "branch_end", "constant_test"]

PRIMITIVE_TESTS = frozenset(
    "if ifcat ifx ifnum ifdim ifodd ifvmode ifhmode ifmmode ifinner ifvoid ifhbox ifvbox ifeof"
    " ifcase iftrue iffalse ifdefined ifcsname iffontchar ifpdf ifpdftex ifPDFTeX ifxetex ifXeTeX"
    " ifluatex ifLuaTeX iftutex iftex".split()
)
r"""Tests that ``\fi`` ends: TeX's and e-TeX's primitives, and the switches of iftex and ifpdf.
``\iff`` and the tests of ifthen and etoolbox, which take their branches as arguments, aren't."""

# arXiv runs pdfLaTeX or latex; what a paper does for another engine isn't what its readers see.
_ENGINE = {
    "ifpdf": True,
    "ifpdftex": True,
    "ifPDFTeX": True,
    "ifxetex": False,
    "ifXeTeX": False,
    "ifluatex": False,
    "ifLuaTeX": False,
    "iftutex": False,
}
_BRANCH = re.compile(r"\\(if[A-Za-z@]*|else|fi)(?![A-Za-z@])")
_CHARACTERS = re.compile(r"[ \t]*([^\\{}\s#$])\s*([^\\{}\s#$])")
_NUMBERS = re.compile(r"\s*(-?\d+)\s*([<>=])\s*(-?\d+)(?:[ \n]|\\relax\s*|(?=\D))")


class Branches:
    """The switches of a paper and the tests that are open.

    Attributes:
        switches: What ``\\newif`` and its like made, and whether they're on.
        open: For each open test whether its branch was chosen, so that ``\\else`` and ``\\fi`` go
            with it; those of other tests stay.
    """

    def __init__(self) -> None:
        self.switches: dict[str, bool] = dict(_ENGINE)
        self.open: list[bool] = []

    def is_test(self, name: str) -> bool:
        r"""Whether a command is ended by ``\fi``."""
        return name in PRIMITIVE_TESTS or name in self.switches


def branch_end(text: str, position: int, branches: Branches) -> tuple[int, str]:
    r"""Where the branch that begins at a position ends.

    Returns:
        The position behind ``\else`` or ``\fi``, and which; the text's end and ``fi`` when the
        test isn't closed in it.
    """
    depth = 0
    for match in _BRANCH.finditer(text, position):
        name = match.group(1)
        if name == "fi":
            if depth == 0:
                return match.end(), name
            depth -= 1
        elif name == "else":
            if depth == 0:
                return match.end(), name
        elif branches.is_test(name):
            depth += 1
    return len(text), "fi"


def constant_test(name: str, text: str, position: int) -> tuple[bool, int] | None:
    r"""The outcome of a test between constants, ``\if00`` or ``\ifnum1=0``.

    Returns:
        The outcome and where the branch begins; None when it isn't a test between constants.
    """
    if name == "if":
        characters = _CHARACTERS.match(text, position)
        if characters is None:
            return None
        return characters.group(1) == characters.group(2), characters.end()
    if name == "ifnum":
        numbers = _NUMBERS.match(text, position)
        if numbers is None:
            return None
        left, right = int(numbers.group(1)), int(numbers.group(3))
        outcome = {"<": left < right, ">": left > right, "=": left == right}[numbers.group(2)]
        return outcome, numbers.end()
    return None
