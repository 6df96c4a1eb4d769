"""The published rules, quirk by quirk: what AlgebraicStack's code did, and what we keep of it."""

from __future__ import annotations

import pytest

from filters.code.language_rules import DigitShare, FileSize, LanguageRules
from filters.code.prose_language import ProseLanguage
from schemas import Decision, Document

_STAGES = (FileSize("published"), DigitShare("published"), LanguageRules("published"))


def judge(language: str, text: str, path: str = "", repo: str = "o/r", **settings: str) -> Decision:
    document = Document(
        "0" * 32, text=text, path=path or f"a.{language}", repo=repo, programming_language=language
    )
    stages = (*_STAGES[:2], LanguageRules("published", **settings))  # type: ignore[arg-type]
    return next(
        (d for d in (s.judge(document) for s in stages) if not d.keeps), Decision.keep("all")
    )


def reason(language: str, text: str, path: str = "", repo: str = "o/r", **settings: str) -> str:
    return judge(language, text, path, repo, **settings).reason


STANDARD = ["agda", "fortran", "gap", "idris", "maple", "r", "coq", "isabelle", "lean", "matlab"]
OPENING = {"coq": "Proof. ", "isabelle": "lemma x ", "lean": "lemma x "}


@pytest.mark.parametrize("language", STANDARD)
def test_size_and_digits(language: str) -> None:
    head = OPENING.get(language, "")
    limit = 100_000 if language == "maple" else 1_048_575
    assert reason(language, head + "a" * (limit - len(head))) == "pass"
    # One more byte, in a character of two.
    assert reason(language, head + "a" * (limit - len(head) - 1) + "é") == "too_large"
    body = head + "x" * 100
    visible = len("".join(body.split()))
    assert reason(language, body + "1" * visible) == "pass"
    assert reason(language, body + "1" * (visible + 1)) == "mostly_digits"


def test_density_is_a_share_of_all_visible_characters() -> None:
    assert judge("agda", "12 ab\n").keeps
    # Digits are those of ASCII; others are characters like any.
    assert judge("agda", "١٢٣ ab\u00a0").keeps


@pytest.mark.parametrize("language", ["agda", "c", "python", "tex", "haskell", "r"])
def test_white_space_alone_ended_the_stacks_run(language: str) -> None:
    assert reason(language, " \n\t ") == "error:ZeroDivisionError"


def test_white_space_alone_stays_of_repositories() -> None:
    assert judge("matlab", " \n").keeps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#include <gsl/gsl_math.h>", "pass"),
        ("#include <cblas.h>", "pass"),
        ("#include <fftw.h>", "pass"),
        # The joined rows: neither matches alone, only the two without a line break between.
        ("#include <fftw3.h>\n", "no_mathematics"),
        ("#include <rfftw.h>\n", "no_mathematics"),
        ("#include <fftw3.h>#include <rfftw.h>", "pass"),
        ('#include "gsl/gsl_math.h"', "no_mathematics"),
        ("#include  <cblas.h>", "no_mathematics"),
        ("// see #include <petsc.h>", "pass"),
    ],
)
def test_c(text: str, expected: str) -> None:
    assert reason("c", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#include <boost/asio.hpp>", "pass"),
        ("#include <Eigen/Dense>", "pass"),
        ('#include "Eigen/Dense"', "no_mathematics"),
        ("#include <vector>", "no_mathematics"),
        # The cap on digits is 0.1.
        ("#include <Eigen/Dense>" + "1" * 2, "pass"),
        ("#include <Eigen/Dense>" + "1" * 3, "mostly_digits"),
    ],
)
def test_cpp(text: str, expected: str) -> None:
    assert reason("cpp", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import numpy as np", "pass"),
        ("from sagemaker import x", "pass"),
        ("# we do not import scipy here", "pass"),
        ("import  numpy", "no_mathematics"),
        ("import os, numpy", "no_mathematics"),
        (' \n{"cells": ["import numpy"]}', "notebook"),
        # Of the upload six packages; jax and networkx came with the code.
        ("import networkx", "no_mathematics"),
        ("import jaxlib", "no_mathematics"),
    ],
)
def test_python(text: str, expected: str) -> None:
    assert reason("python", text) == expected


def test_python_packages_of_the_code() -> None:
    assert reason("python", "import networkx", python_packages="head") == "pass"
    assert reason("python", "import jaxlib", python_packages="head") == "pass"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import Data.Complex", "pass"),
        ("import   qualified Numeric.LinearAlgebra as L", "pass"),
        ("import\n  Statistics", "pass"),
        # Prefixes, and dots that match anything.
        ("import StatisticsOfMine", "pass"),
        ("import DataXComplex", "pass"),
        ("import safe Data.Complex", "no_mathematics"),
        ("import qualified  Data.Complex", "pass"),
        ("import Numeric.AD", "no_mathematics"),
    ],
)
def test_haskell(text: str, expected: str) -> None:
    assert reason("haskell", text) == expected


@pytest.mark.parametrize("first", ["%", "{", "["])
def test_julia_beginnings(first: str) -> None:
    assert reason("julia", f"{first}x") == "not_julia"
    # Only the very first character counts.
    assert reason("julia", f" {first}x") == "pass"


def test_julia_sizes_and_tests() -> None:
    line = "f(x) = x + 1\n"
    assert reason("julia", line * 7692) == "pass"  # 99,996 bytes
    assert reason("julia", line * 7693) == "large_file"
    tests = "@test f(1) == 2\n" + line * 8
    assert reason("julia", tests * 1000) == "pass"
    assert reason("julia", ("@test f(1) == 2\n" + line * 12) * 1000) == "large_file"
    numbers = "@test " + "1" * 100 + "\n"
    assert reason("julia", numbers * 2000) == "large_file"
    # No standard filter below the size: digits alone stay.
    assert reason("julia", "1" * 1000) == "pass"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f <- function(x) x", "pass"),
        ("x /* Resource fork", "resource_fork"),
        ("Requirement {\n  Identifier", "reference_design"),
        ("<?xml version", "xml"),
        (" <?xml version", "pass"),
        ("{ x <- 1 }", "notebook"),
    ],
)
def test_r(text: str, expected: str) -> None:
    assert reason("r", text) == expected


def test_maple() -> None:
    assert reason("maple", "<?xml") == "xml"
    assert reason("maple", "\n<?xml") == "pass"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Lemma x : True.", "no_coq"),
        ("Theorem x : True. Proof. Qed.", "pass"),
        ("Proof. (* a pragmatic one *) Qed.", "verilog"),
        ("Proof. rewire. Qed.", "verilog"),
        ("Definition a := 1. (* This file was automatically generated *)", "generated"),
    ],
)
def test_coq(text: str, expected: str) -> None:
    assert reason("coq", text) == expected


def test_isabelle() -> None:
    assert reason("isabelle", "theory A imports Main begin lemma\nx: True") == "no_theorem"
    assert reason("isabelle", "lemma x: True") == "pass"
    assert reason("isabelle", "lemma x: True", repo="i/mirror-afp-2021") == "copied_repository"
    assert reason("isabelle", "lemma x: True", repo="i/mirror-afp-devel") == "pass"


@pytest.mark.parametrize(
    ("path", "repo", "expected"),
    [
        ("src/a.lean", "o/mathlib", "pass"),
        ("src/a.lean", "o/miniF2F", "benchmark_repository"),
        ("src/a.lean", "o/ProofNet", "benchmark_repository"),
        # Not exactly so.
        ("src/a.lean", "o/miniF2F-lean4", "pass"),
        ("src/minif2f.lean", "o/mathzoo", "pass"),
        ("_target/deps/mathlib/a.lean", "o/x", "dependency"),
        ("lake-packages/mathlib/a.lean", "o/x", "pass"),
        (".lake/packages/a.lean", "o/x", "pass"),
    ],
)
def test_lean(path: str, repo: str, expected: str) -> None:
    assert reason("lean", "theorem x : 1 = 1 := rfl", path, repo) == expected


def test_lean_needs_a_space_after_the_keyword() -> None:
    assert reason("lean", "theorem\n  x : 1 = 1 := rfl") == "no_theorem"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y = x;", "pass"),
        ("@property int x;", "objective_c"),
        ("% cites #import", "objective_c"),
        ("#include <x.h>", "c"),
        # Without MULTILINE the brace must end the text.
        ("int main(void) {", "c"),
        ("int main(void) {\n", "c"),
        ("int main(void) {\n}\n", "pass"),
    ],
)
def test_matlab(text: str, expected: str) -> None:
    assert reason("matlab", text) == expected


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (r"\section{A} words", "a.tex", "pass"),
        (r"\paragraph{A} words", "a.tex", "pass"),
        (r"\paragraph*{A} words", "a.tex", "no_section"),
        (r"\section[a]{A} words", "a.tex", "no_section"),
        (r"\section{A}", "a.ltx", "other_extension"),
        (r"\section{A}", "doc/latex/a.tex", "path"),
        (r"\section{A}", "mylatex/a.tex", "path"),
        (r"\section{A} drawn with gnuplot", "a.tex", "gnuplot"),
    ],
)
def test_tex(text: str, path: str, expected: str) -> None:
    assert reason("tex", text, path) == expected


def test_tex_has_a_cap_of_its_own() -> None:
    assert reason("tex", "\\section{A}" + "a" * 2_000_000) == "pass"


def test_tex_language_is_langids() -> None:
    stage = ProseLanguage(edition="published")
    english = "We recall that every continuous function on a compact interval is bounded."
    french = "Nous rappelons que toute fonction continue sur un intervalle compact est bornée."
    for text, expected in ((english, "pass"), (french, "other_language")):
        document = Document("0" * 32, text=text, programming_language="tex")
        assert stage.judge(document).reason == expected
    other = Document("0" * 32, text=french, programming_language="python")
    assert stage.judge(other).reason == "no_prose"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'{"source": "\\begin{equation}"}', "pass"),
        (r'{"source": "\\Begin{ALIGN}"}', "pass"),
        (r'{"source": "\\begin{align*}"}', "no_mathematics"),
        ('{"source": "import sympy"}', "pass"),
        ('{"source": "import numpy"}', "no_mathematics"),
    ],
)
def test_jupyter(text: str, expected: str) -> None:
    assert reason("jupyter", text) == expected


def test_jupyter_has_no_cap() -> None:
    assert reason("jupyter", "import sympy" + "1" * 3_000_000) == "pass"
