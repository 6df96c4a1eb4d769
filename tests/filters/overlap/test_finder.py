"""Shared n-grams: all of them, in their places, and none that isn't there."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.overlap import EDITIONS, Edition, Match, OverlapFinder, Problem, editions_named, tokens

GRAM = 3
SMALL = Edition("small", "whitespace", GRAM, GRAM)
# Few words, so that they meet; white space as Unicode has it, and characters that are none.
words = st.lists(st.sampled_from(["a", "b", "ab", "A", "\0", "x\u200b", "𝑥"]), max_size=30)
spaces = st.sampled_from([" ", "\n", "\t ", "\u00a0", "\u2028", "\u3000", "\x1c"])
texts = st.builds(lambda parts, space: space.join(parts), words, spaces)


def grams(text: str, n: int = GRAM) -> set[tuple[str, ...]]:
    tokens = text.split()
    return {tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


@given(st.lists(texts, max_size=4), st.lists(texts, min_size=1, max_size=4))
@example(["a b a b a b"], ["a b a b", "b a b"])
def test_found_is_what_both_share_and_nothing_else(
    documents: list[str], problems: list[str]
) -> None:
    finder = OverlapFinder(
        [Problem("set", str(n), input=text) for n, text in enumerate(problems)], [SMALL]
    )
    found = finder.find(documents)
    for number, document in enumerate(documents):
        for item, problem in enumerate(problems):
            matches = [m for m in found if (m.document, m.problem) == (number, item)]
            stretches = [document[m.document_start : m.document_end] for m in matches]
            shared = set().union(*map(grams, stretches)) if stretches else set()
            assert shared == grams(document) & grams(problem)
            for match, stretch in zip(matches, stretches, strict=True):
                assert len(stretch.split()) == match.ngrams + GRAM - 1
                assert grams(stretch) <= grams(problem[match.problem_start : match.problem_end])
                whole = " ".join(problem.split())
                assert match.contained == (f" {whole} " in f" {' '.join(stretch.split())} ")


@given(st.lists(texts, min_size=1, max_size=5), texts)
def test_a_document_is_searched_alone_as_among_others(documents: list[str], problem: str) -> None:
    finder = OverlapFinder([Problem("set", "0", input=problem)], [SMALL])

    def places(matches: list[Match]) -> list[tuple[int, int]]:
        return [(m.document_start, m.document_end) for m in matches]

    together = finder.find(documents)
    for number, document in enumerate(documents):
        own = [match for match in together if match.document == number]
        assert places(own) == places(finder.find([document]))


QUESTION = (
    r"Let $f(x) = \frac{x^2 + 3x}{2x - 7}$ for every real number $x$ but the pole. Find the sum "
    r"of all values of $a$ such that $f(a) = \sqrt{a + 12}$ and $f(2a)$ is an integer."
)
PROSE = "The café opens at nine; nobody knows why the clock, an old one, strikes ten by then. " * 4


@pytest.mark.parametrize(
    "planted",
    [
        QUESTION,
        QUESTION.replace(" ", "\n"),
        QUESTION.replace(" ", " \t "),
        QUESTION.replace("{", "{ ").replace("}", " }").replace("=", " = ").replace("2x", "2 x"),
        QUESTION.replace(" + ", "+").replace(r"\frac{", r"\frac {"),
        QUESTION.upper(),
        QUESTION.replace("x", "𝑥").replace("2", "２"),
        QUESTION.replace("$", "$$").replace(",", " ,"),
    ],
    ids=["verbatim", "re-wrapped", "re-spaced", "LaTeX", "tight", "case", "variants", "delimiters"],
)
def test_a_changed_copy_is_found_where_it_stands(planted: str) -> None:
    finder = OverlapFinder([Problem("set", "7", input=QUESTION)], editions_named(["normalised-13"]))
    (match,) = finder.find([PROSE + planted + PROSE])
    assert match.contained
    assert match.document_start == len(PROSE)
    # The full stop is no token.
    assert match.document_end == len(PROSE) + len(planted.rstrip()) - 1
    assert QUESTION[match.problem_start : match.problem_end] == QUESTION[:-1]


def test_changed_numbers_leave_what_is_between_them() -> None:
    finder = OverlapFinder(
        [Problem("set", "7", input=QUESTION)], editions_named(["normalised-13"]), verify=True
    )
    (match,) = finder.find([PROSE + QUESTION.replace("12", "15").replace("7", "9") + PROSE])
    assert not match.contained
    assert match.lcs_ratio is not None and 0.9 < match.lcs_ratio < 1


def test_nothing_is_found_in_clean_text_and_little_of_a_problem_has_a_small_ratio() -> None:
    other = "for every real number x but the pole find the sum of all values of her old coins"
    finder = OverlapFinder(
        [Problem("set", "7", input=QUESTION)], editions_named(list(EDITIONS)), verify=True
    )
    assert finder.find([PROSE, "", " \n", QUESTION[:20]]) == []
    found = finder.find([PROSE + other])
    assert {match.edition for match in found} == {"normalised-10", "normalised-13"}
    assert all(match.lcs_ratio is not None and match.lcs_ratio < 0.6 for match in found)


def test_both_sides_and_every_place_are_found() -> None:
    answer = "Because the sum is telescoping all but the first and the last of its terms cancel."
    finder = OverlapFinder(
        [Problem("a", "1", input=QUESTION, output=answer), Problem("b", "1", input=QUESTION)],
        editions_named(["normalised-13"]),
    )
    document = f"{QUESTION}\n\n{answer}\n\n{QUESTION}"
    found = [(m.problem, m.side, m.document_start) for m in finder.find([document])]
    second = document.rindex(QUESTION)
    assert found == [
        (0, "input", 0),
        (0, "input", second),
        (0, "output", len(QUESTION) + 2),
        (1, "input", 0),
        (1, "input", second),
    ]


def test_numbers_alone_are_no_hit_where_punctuation_does_not_count() -> None:
    table = ", ".join(str(n) for n in range(40))
    problems = [
        Problem("s", "0", input=f"Sum the numbers {table}."),
        Problem("s", "1", input=table),
    ]
    editions = editions_named(["published-30", "normalised-13"])
    finder = OverlapFinder(problems, editions)
    found = [
        (m.edition, m.problem) for m in finder.find([f"{PROSE}[{table}]", f"the numbers {table}"])
    ]
    assert found == [
        ("published-30", 0), ("published-30", 1), ("normalised-13", 0),
        ("published-30", 0), ("published-30", 1),
    ]  # fmt: skip
    assert finder.unseen(editions[1]) == [(1, "input")]


def test_long_texts_are_hashed_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [PROSE + QUESTION, QUESTION + PROSE, "unbroken" * 50]
    problems = [Problem("s", "0", input=QUESTION), Problem("s", "1", input=PROSE)]

    def found() -> list[Match]:
        return OverlapFinder(problems, list(EDITIONS.values()), verify=True).find(documents)

    whole = found()
    assert whole
    monkeypatch.setattr(tokens, "_CHUNK", 7)
    assert found() == whole


def test_a_short_problem_is_found_as_a_whole_where_the_edition_says_so() -> None:
    short = "How many primes are there below one hundred?"
    problems = [Problem("set", "0", input=short), Problem("set", "1", input="Find $x$.")]
    editions = editions_named(["normalised-10", "normalised-13"])
    finder = OverlapFinder(problems, editions)
    found = finder.find([f"Q: how many primes are there below one hundred. {PROSE} Find x."])
    assert [(m.edition, m.problem, m.contained) for m in found] == [("normalised-10", 0, True)]
    assert finder.unseen(editions[0]) == [(0, "input"), (1, "input")]
    assert finder.unseen(editions[1]) == [(1, "input")]


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_characters_can_be_searched(text: str) -> None:
    finder = OverlapFinder([Problem("s", "0", input=text)], list(EDITIONS.values()))
    for match in finder.find([text, text * 2]):
        assert 0 <= match.document_start < match.document_end <= len(text) * 2


def test_a_text_of_one_word_again_and_again_costs_no_more_than_others() -> None:
    many = "0 " * 20_000
    finder = OverlapFinder([Problem("s", "0", input=many)], editions_named(["published-30"]))
    (match,) = finder.find([many])
    assert match.ngrams == 20_000 - 29
    assert match.contained
    almost = OverlapFinder(
        [Problem("s", "0", input=f"{many} 1 {'0 ' * 29}")], editions_named(["published-30"])
    )
    assert not any(match.contained for match in almost.find([many * 5]))


# ---- the published analysis ---------------------------------------------------------------------


def benchmark(shared_data: Path, member: str) -> list[dict[str, str]]:
    with tarfile.open(shared_data / "benchmarks.tar.gz") as archive:
        content = archive.extractfile(f"benchmarks/{member}")
        assert content is not None
        return [json.loads(line) for line in content.read().decode().split("\n") if line]


def test_published_hits_of_real_documents_are_found_to_the_last_ngram(
    shared_data: Path,
) -> None:
    math = benchmark(shared_data, "math-evaluation-harness/data/math/test.jsonl")
    gsm8k = benchmark(shared_data, "gsm8k/grade_school_math/data/test.jsonl")
    problems = [
        Problem("MATH-test", str(n), row["problem"], row["solution"]) for n, row in enumerate(math)
    ]
    problems += [
        Problem("gsm8k-test", str(n), row["question"], row["answer"]) for n, row in enumerate(gsm8k)
    ]
    path = shared_data / "pp2" / "pp2_real_docs_with_overlap_truth.jsonl"
    truth = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    finder = OverlapFinder(problems, editions_named(["published-30"]))
    found = finder.find([row["text"] for row in truth])
    last_hits: dict[tuple[str, str, str], set[str]] = {}
    all_hits: dict[tuple[str, str, str], set[str]] = {}
    published = 0
    for number, row in enumerate(truth):
        name = "gsm8k-test" if "gsm" in row["benchmark"].lower() else "MATH-test"
        matches = [
            match
            for match in found
            if match.document == number
            and match.side == row["key"]
            and problems[match.problem].problem_set == name
        ]
        ours = {
            (" ".join(gram), problems[match.problem].item)
            for match in matches
            for gram in grams(row["text"][match.document_start : match.document_end], 30)
        }
        items = {item for _, item in ours}
        assert {gram for gram, _ in ours} == set(row["hit_30grams"])
        assert items == {str(item) for item in row["test_ids"]}
        assert len(ours) == row["n_hit_30grams"]
        published += len(ours)
        key = row["subset"], name, row["key"]
        all_hits.setdefault(key, set()).update(items)
        last_hits.setdefault(key, set()).add(str(row["last_test"]["id"]))
    assert len(truth) == 53
    assert published == 1660
    # The original counts a document's last problem alone.
    key = ("open-web-math v1.2", "MATH-test", "output")
    assert (len(last_hits[key]), len(all_hits[key])) == (34, 36)
