"""Our edition's rules: what the published ones got wrong, and what they let through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.code.handwriting import DataOnly, Generated, Minified
from filters.code.headers import HeaderLanguage
from filters.code.language_rules import DigitShare, FileSize, LanguageRules
from filters.code.notebooks import notebook_mathematics
from filters.code.origin import Benchmarks, Licences, Vendored
from filters.code.prose_language import ProseLanguage
from filters.code.source_files import SourceFiles, language_of_path
from filters.code.tables import LANGUAGES, language_tables
from schemas import Document


def document(language: str, text: str, path: str = "a", repo: str = "o/r") -> Document:
    return Document("0" * 32, text=text, path=path, repo=repo, programming_language=language)


def reason(language: str, text: str, path: str = "a", repo: str = "o/r") -> str:
    return LanguageRules().judge(document(language, text, path, repo)).reason


def test_every_language_has_a_table_with_sources() -> None:
    tables = language_tables()
    assert sorted(tables) == sorted(LANGUAGES)
    for table in tables.values():
        for edition in (table.ours, table.published):
            assert all(row.source and row.rows for row in edition.rows)


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a/B.lagda.md", "agda"),
        ("a/README.md", ""),
        ("x.R", "r"),
        ("x.F90", "fortran"),
        ("archive.tar.gz", ""),
        ("Makefile", ""),
        (".py", "python"),
        ("a.py.bak", ""),
    ],
)
def test_languages_by_suffix(path: str, language: str) -> None:
    assert language_of_path(path) == language


def test_the_stacks_names_win_over_suffixes() -> None:
    named = Document("0" * 32, path="x.txt", programming_language="Jupyter Notebook")
    assert SourceFiles().judge(named).keeps
    assert named.programming_language == "jupyter"
    other = Document("0" * 32, path="x.m", programming_language="Objective-C")
    assert SourceFiles().judge(other).reason == "other_language"
    unwanted = Document("0" * 32, path="x.py")
    assert SourceFiles(languages=("lean",)).judge(unwanted).reason == "language_not_wanted"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import numpy", "pass"),
        ("import os, numpy.linalg as la", "pass"),
        ("if True:\n    from scipy import (\n        linalg)", "pass"),
        ("print 'python 2'\nimport sympy\n", "pass"),
        ("from sagemaker import x", "no_mathematics"),
        ("# import numpy", "no_mathematics"),
        ('"""\nimport numpy\n"""', "no_mathematics"),
        ("from .numpy import x", "no_mathematics"),
        ('{"cells": []}', "notebook"),
        ("{1, 2}\nimport sympy", "pass"),
    ],
)
def test_python_imports_are_parsed(text: str, expected: str) -> None:
    assert reason("python", text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("c", '#include "fftw3.h"', "pass"),
        ("c", "#include <rfftw.h>", "pass"),
        ("c", "#  include <gsl/gsl_sf.h>", "pass"),
        ("c", "/* #include <gsl/gsl_sf.h> */", "no_mathematics"),
        ("c", "#include <gslike.h>", "no_mathematics"),
        ("cpp", '#include "external/Eigen/Dense"', "pass"),
        ("cpp", "#include <boost/asio.hpp>", "no_mathematics"),
        ("cpp", "#include <boost/math/special_functions.hpp>", "pass"),
        ("haskell", "module A where\nimport qualified Data.Complex as C", "pass"),
        ("haskell", "module A where\nimport safe Statistics.Sample (mean)", "pass"),
        ("haskell", "module A where\nimport StatisticsOfMine", "no_mathematics"),
        ("haskell", "module A where\n-- import Data.Complex", "no_mathematics"),
    ],
)
def test_includes_and_imports(language: str, text: str, expected: str) -> None:
    assert reason(language, text) == expected


def test_a_librarys_own_sources_count() -> None:
    assert reason("c", "int f;", "fftw-3.3.10/kernel/a.c") == "pass"
    assert reason("python", "from .x import y", "mpmath/calculus/a.py", "mpmath/mpmath") == "pass"
    assert reason("c", "int f;", "notfftw/a.c") == "no_mathematics"


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("coq", "Lemma x : True. exact I. Qed.", "pass"),
        ("coq", "Proof. (* pragmatic *) rewire. Qed.", "pass"),
        ("coq", "(* Theorem *) hello.", "no_coq"),
        ("coq", "module m(input a);\n  Definition\nendmodule", "verilog"),
        ("isabelle", "theory A imports Main begin\nlemma\n x: True by simp end", "pass"),
        ("isabelle", "(* lemma x *)", "no_theorem"),
        ("lean", "theorem\n x : 1 = 1 := rfl", "pass"),
        ("lean", "-- theorem\n/- lemma -/", "no_theorem"),
        ("matlab", "#import <A.h>\n@interface A\n@end", "objective_c"),
        ("matlab", "% see #import\ny = x;", "pass"),
        ("matlab", "(* ::Package:: *)\nf[x_] := x", "mathematica"),
        ("gap", "func move(a):\n\tvar x := 1", "other_language"),
        ("gap", 'DeclareOperation( "f", [ IsObject ] );', "pass"),
        ("r", "{ x <- 1 }", "pass"),
        ("r", '{"a": 1}', "notebook"),
        ("julia", "[1, 2] |> sum", "pass"),
        ("julia", '{"a": 1}\n{"a": 2}', "not_julia"),
        ("fortran", ": square dup * ;\n1 square .", "not_fortran"),
        ("maple", "<Worksheet></Worksheet>", "xml"),
        ("tex", "\\section* {A}", "pass"),
        ("tex", "\\section[a]{A}", "pass"),
        ("tex", "\\begin{align*}x\\end{align*} with gnuplot", "pass"),
        ("tex", "% \\section{A}\nwords", "no_section"),
        ("tex", "\\hypertarget{a}{}\\section{A}\\begin{DoxyCode}", "doxygen"),
    ],
)
def test_languages(language: str, text: str, expected: str) -> None:
    assert reason(language, text) == expected


def test_lean_4s_dependencies() -> None:
    for folder in ("lake-packages", ".lake/packages", "_target/deps"):
        path = f"{folder}/mathlib/a.lean"
        assert Vendored().judge(document("lean", "theorem x", path)).reason == "dependency"
        assert reason("lean", "theorem x", path) == "dependency"


@pytest.mark.parametrize(
    ("repo", "path", "expected"),
    [
        ("openai/miniF2F", "a.lean", "test_set"),
        ("o/minif2f-lean4-fork", "a.lean", "test_set"),
        ("o/mathzoo", "src/mathd_numbertheory_149.lean", "test_set"),
        ("o/Proof-Net", "a.lean", "test_set"),
        ("o/proofs", "network.lean", "pass"),
    ],
)
def test_test_sets_under_any_name(repo: str, path: str, expected: str) -> None:
    assert Benchmarks().judge(document("lean", "", path, repo)).reason == expected


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("MIT", "pass"),
        ("GPL-3.0", "licence_not_allowed"),
        ("GPL-3.0 OR MIT", "pass"),
        ("GPL-3.0 AND MIT", "licence_not_allowed"),
        ("Apache-2.0 WITH LLVM-exception", "pass"),
        ("", "unknown_licence"),
    ],
)
def test_licences(licence: str, expected: str) -> None:
    one = Document("0" * 32, licence=licence)
    assert Licences(allow=("MIT", "apache-2.0")).judge(one).reason == expected
    assert Licences().judge(one).keeps
    assert Licences(allow=("MIT",), unknown="keep").judge(Document("0" * 32)).keeps


@pytest.mark.parametrize(
    "head",
    [
        "/* This file was automatically generated by genfft. */",
        "# Generated by the protocol buffer compiler.  DO NOT EDIT!",
        "% This file is autogenerated, do not edit.",
        "// Code generated by stringer. DO NOT EDIT.",
        "-- @generated by tool",
        "/* x.f -- translated by f2c (version 20100827). */",
    ],
)
def test_generated(head: str) -> None:
    assert not Generated().judge(document("c", f"{head}\nint x;\n")).keeps


@pytest.mark.parametrize(
    "head",
    [
        "# The group is generated by two elements of order 2.",
        "# Random numbers are generated below; do not change the seed.",
        "-- Do not modify this raw value - modify queryString instead.",
        "### A Pluto.jl notebook ###\n# This file is machine-generated",
        "(* ideals generated by a set *)",
    ],
)
def test_not_generated(head: str) -> None:
    assert Generated().judge(document("c", f"{head}\nint x;\n")).keeps


def test_minified_and_prose() -> None:
    packed = "f=a=>b(c,d)+e[f];" * 200
    prose = "Every sentence of this paragraph is a part of a single long line of words. " * 60
    assert not Minified().judge(document("python", packed)).keeps
    assert Minified().judge(document("tex", prose)).keeps


def test_data_only() -> None:
    table = "".join(f"  {k / 7:.6f}, {k / 3:.6f}, {k * k},\n" for k in range(200))
    code = "".join(f"    y[{k}] = a * x[{k}] + {k};\n" for k in range(200))
    assert DataOnly().judge(document("c", table)).reason == "data"
    assert DataOnly().judge(document("c", code)).keeps
    assert DataOnly().judge(document("c", "1, 2, 3\n")).keeps


def test_headers_that_only_cpp_reads() -> None:
    header = document("c", "namespace a {\nclass B : public C {\n", "b.h")
    HeaderLanguage().judge(header)
    assert header.programming_language == "cpp"
    plain = document("c", "struct b { int x; };\n", "b.h")
    HeaderLanguage().judge(plain)
    assert plain.programming_language == "c"


def test_white_space_and_size() -> None:
    assert DigitShare().judge(document("julia", " \n")).reason == "only_white_space"
    assert FileSize().judge(document("maple", "x" * 200_000)).keeps
    assert FileSize().judge(document("maple", "x" * 1_048_576)).reason == "too_large"


def test_prose_of_tex_alone_is_judged() -> None:
    german = (
        "\\section{Stetigkeit}\nJede stetige Funktion auf einem kompakten Intervall ist beschränkt "
        "und nimmt ihre Schranken an. Wir erinnern an den Beweis, denn er zeigt auch, dass sie "
        "gleichmäßig stetig ist. $\\forall x \\exists y$"
    )
    stage = ProseLanguage()
    assert stage.judge(document("tex", german)).detail == "de"
    assert stage.judge(document("fortran", german)).reason == "no_prose"
    formulas = document("tex", "\\section{A}\\begin{align}x &= y\\end{align}" * 5)
    assert stage.judge(formulas).reason == "too_short_to_tell"
    assert formulas.text.startswith("\\section")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        # A program that writes files holds what it writes into them.
        ("julia", 'const STUB = "<!--This file is automatically generated by deploy.jl-->"\n'),
        ("julia", 'write(page, "This file is automatically generated by deploy.jl")\n'),
        ("python", "header = '''\\\n# *** GENERATED BY setup.py, DO NOT EDIT BY HAND ***\n'''\n"),
    ],
)
def test_what_writes_generated_files_is_not_generated(language: str, text: str) -> None:
    assert Generated().judge(document(language, text)).keeps


@pytest.mark.parametrize(
    "text",
    [
        "# *** GENERATED BY setup.py, DO NOT EDIT BY HAND ***\nx = 'a'\n",
        '"""This file was automatically generated by a script."""\nx = 1\n',
        "x = 'a'\n# This file is automatically generated\ny = 'b'\n",
    ],
)
def test_what_a_generated_file_says_of_itself_counts(text: str) -> None:
    assert Generated().judge(document("python", text)).reason == "generated"


@pytest.mark.parametrize(
    ("path", "keeps"),
    [
        ("lean/proof_imo.lean", True),
        ("half_imo/a.lean", True),
        ("FIMO-lean4/a.lean", False),
        ("data/fimo2023.lean", False),
        ("mini_F2F/a.lean", False),
    ],
)
def test_a_short_test_sets_name_stands_alone(path: str, keeps: bool) -> None:
    assert Benchmarks().judge(document("lean", "theorem", path)).keeps is keeps


def test_a_folder_named_after_owner_and_repository_is_a_library() -> None:
    text = "noncomputable instance invertible_C : invertible (C r) := invertible.map C _"
    assert reason("lean", text, "leanprover-community+mathlib/src/a.lean") == "pass"
    assert reason("lean", text, "leanprover-community+batteries/src/a.lean") == "no_theorem"


def test_a_solvers_tests_have_numbers_too() -> None:
    # Digits at 0.28, as in Eigen's tests of its solvers for nonlinear systems.
    text = "VERIFY(x); " * 720 + "0123456789" * 280
    assert DigitShare().judge(document("cpp", text)).keeps
    assert DigitShare().judge(document("cpp", text + "0" * 1000)).reason == "mostly_digits"


@given(
    st.lists(st.sampled_from(["\\[", "\\]", "\\", "a", "[", "]", "\n", "x" * 2499]), max_size=20)
)
def test_displayed_formulas_in_brackets_are_those_of_an_expression(pieces: list[str]) -> None:
    text = "".join(pieces)
    expected = re.search(r"(?s)\\\[.{3,5000}?\\\]", text) is not None
    assert (notebook_mathematics(text, frozenset({"sympy"})) == "displayed formula") == expected


def test_openings_without_end_are_no_formula() -> None:
    # Looked for anew from every opening, the end of the last would be thousands of times as far.
    assert notebook_mathematics("\\[a" * 1_000_000, frozenset({"sympy"})) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\beginsection Introduction\n\nLet $x$ be.", "pass"),
        ("\\proclaim Theorem 1. It is so.\\par", "pass"),
        ("\\proclaim{Theorem 1} It is so. \\endproclaim", "pass"),
        ("Text.\n\\begin{displaymath}x\\end{displaymath}", "pass"),
        ("\\outer\\def\\beginsection#1\\par{\\bf#1}\n\\def\\proclaim #1. #2{}", "no_section"),
        ("% \\beginsection Introduction", "no_section"),
        ("\\input opt-a4\n\\def\\x{y}", "no_section"),
    ],
)
def test_files_of_plain_tex_have_sections_too(text: str, expected: str) -> None:
    assert reason("tex", text) == expected
