"""Measures the search for test problems: its speed beside others', and what it finds.

Documents are put together from paragraphs of real texts, some with a problem planted in them in a
known way. Speed is of one core, in characters per CPU second, documents decoded from JSON lines in
every line of the table; whole commands are by wall time.

Run: ``python -m benchmarks.overlap --texts FOLDER --problems KIND=PATH ...``, with
``--datatrove-python PYTHON`` for the comparison. ``README.md`` in this folder says what each line
means.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.measuring import machine, run_command, versions
from filters.overlap import EDITIONS, OverlapFinder, Problem, editions_named
from pipelines.overlap.problem_sets import read_set

_DATATROVE = Path(__file__).with_name("datatrove_overlap.py")
_SUFFIXES = (".tex", ".md", ".txt", ".py", ".jl", ".lean", ".thy", ".html")
_PARAGRAPH = re.compile(r"\n\s*\n")
# As the search itself batches.
_BATCH_CHARACTERS = 1 << 17
# One document in so many has a problem in it.
_PLANTED = 10

# ---- documents ---------------------------------------------------------------------------------


def _respaced_latex(text: str) -> str:
    return re.sub(r"([{}=+^_])", r" \1 ", text)


def _numbers_changed(text: str) -> str:
    return re.sub(r"\d+", lambda found: str(int(found.group()[:9]) + 1), text)


# How a problem is planted.
KINDS: dict[str, Callable[[str], str]] = {
    "verbatim": lambda text: text,
    "re-wrapped": lambda text: re.sub(r"\s+", "\n", text),
    "re-spaced": lambda text: re.sub(r"\s+", "   ", text),
    "LaTeX re-spaced": _respaced_latex,
    "case and punctuation": lambda text: text.upper().replace(",", "").replace(".", " !"),
    "numbers changed": _numbers_changed,
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A document, and what is planted in it: a problem's number and a kind, or nothing."""

    text: str
    problem: int = -1
    kind: str = ""


def documents(
    texts: Path, problems: Sequence[Problem], characters: int, seed: int = 1
) -> Iterator[Planted]:
    """Documents of real paragraphs in a new order, so many characters of them."""
    paragraphs = [
        part
        for path in sorted(texts.rglob("*"))
        if path.suffix in _SUFFIXES and path.is_file()
        for part in _PARAGRAPH.split(path.read_text("utf-8", "replace"))
        if 40 < len(part) < 20_000
    ]
    if not paragraphs:
        raise SystemExit(f"--texts: {texts} holds no texts ({', '.join(_SUFFIXES)})")
    chance = random.Random(seed)
    asked = [n for n, problem in enumerate(problems) if problem.input]
    done = number = 0
    while done < characters:
        parts = chance.choices(paragraphs, k=chance.randint(3, 40))
        planted = Planted("")
        if number % _PLANTED == 0:
            kind = list(KINDS)[number // _PLANTED % len(KINDS)]
            chosen = chance.choice(asked)
            parts.insert(chance.randrange(len(parts)), KINDS[kind](problems[chosen].input))
            planted = Planted("", chosen, kind)
        text = "\n\n".join(parts)
        yield replace(planted, text=text)
        done += len(text)
        number += 1


def write_lines(path: Path, texts: Iterable[str]) -> None:
    """JSON lines with ``text``."""
    with path.open("w", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}) + "\n")


def read_lines(path: Path) -> Iterator[str]:
    """Their texts."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)["text"]


# ---- ways to search ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way did.

    Attributes:
        documents: Documents that were searched.
        characters: Their characters.
        cpu: CPU seconds, without making the index.
        found: Documents in which something was found.
    """

    documents: int
    characters: int
    cpu: float
    found: int

    @property
    def rate(self) -> float:
        """Million characters a CPU second."""
        return self.characters / self.cpu / 1e6


def ours(lines: Path, finder: OverlapFinder) -> Measured:
    """Our finder over batches of documents."""
    started = time.process_time()
    count = characters = found = 0
    for batch in _batches(read_lines(lines)):
        found += len({match.document for match in finder.find(batch)})
        count += len(batch)
        characters += sum(map(len, batch))
    return Measured(count, characters, time.process_time() - started, found)


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def set_intersection(lines: Path, problems: Sequence[Problem], n: int) -> Measured:
    """The original's way: the set of a document's n-grams, joined by spaces, met with a dict."""
    index: dict[str, list[int]] = defaultdict(list)
    for number, problem in enumerate(problems):
        for text in (problem.input, problem.output, problem.formal):
            for gram in _grams(text, n):
                index[gram].append(number)
    keys = index.keys()
    started = time.process_time()
    count = characters = found = 0
    for text in read_lines(lines):
        found += bool(_grams(text, n) & keys)
        count += 1
        characters += len(text)
    return Measured(count, characters, time.process_time() - started, found)


def _grams(text: str, n: int) -> set[str]:
    words = text.split()
    return {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}


def datatrove(python: str, lines: Path, problems: Sequence[Problem], n: int) -> Measured:
    """datatrove's filter, in its own environment."""
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as folder:
        asked = Path(folder, "problems.jsonl")
        sides = (text for p in problems for text in (p.input, p.output, p.formal) if text)
        write_lines(asked, sides)
        command = [python, str(_DATATROVE), str(lines), str(asked), str(n), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"datatrove failed:\n{done.stderr[-2000:]}")
        return Measured(**json.loads(done.stdout.strip().splitlines()[-1]))


# ---- tables ------------------------------------------------------------------------------------


def speed(arguments: argparse.Namespace, problems: Sequence[Problem], lines: Path) -> None:
    """Ours and the others', one core each; rounds in turn, ratios within a round."""
    ways: dict[str, Callable[[], Measured]] = {}
    for names in (["published-30"], ["normalised-13"], ["published-30", "normalised-13"]):
        finder = OverlapFinder(problems, editions_named(names))
        ways[f"ours, {' and '.join(names)}"] = lambda finder=finder: ours(lines, finder)
    everything = OverlapFinder(problems, list(EDITIONS.values()), verify=True)
    ways["ours, all four editions, verified"] = lambda: ours(lines, everything)
    ways["set intersection, 30 white-space tokens"] = lambda: set_intersection(lines, problems, 30)
    ways["set intersection, 13 white-space tokens"] = lambda: set_intersection(lines, problems, 13)
    if arguments.datatrove_python:
        python = arguments.datatrove_python
        ways["datatrove, 12-grams"] = lambda: datatrove(python, lines, problems, 12)
    rounds: dict[str, list[Measured]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, way in ways.items():
            rounds[name].append(way())
            print(f"{name}: {rounds[name][-1]}", file=sys.stderr, flush=True)
    first = rounds["set intersection, 30 white-space tokens"]
    print("\n| one core | million characters/s | documents/s | found in | against the original |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, measured in rounds.items():
        ratio = median(own.rate / other.rate for own, other in zip(measured, first, strict=True))
        documents_rate = median(m.documents / m.cpu for m in measured)
        print(
            f"| {name} | {median(m.rate for m in measured):.1f} | {documents_rate:,.0f} | "
            f"{measured[0].found} | {ratio:.1f} |"
        )


def growth(problems: Sequence[Problem], lines: Path) -> None:
    """The rate as the problems become more; beyond the real ones their words are shuffled."""
    chance = random.Random(1)
    print("\n| problems | 13-grams | million characters/s | index, s |")
    print("| ---: | ---: | ---: | ---: |")
    for share in (0.01, 0.1, 1, 4, 16):
        some = list(problems[: int(len(problems) * share)])
        for copy in range(int(share) - 1):
            for problem in problems:
                words = f"{problem.input} {problem.output} {problem.formal}".split()
                chance.shuffle(words)
                some.append(Problem(f"copy {copy}", problem.item, input=" ".join(words)))
        started = time.process_time()
        finder = OverlapFinder(some, editions_named(["normalised-13"]))
        made = time.process_time() - started
        rate = ours(lines, finder).rate
        print(f"| {len(some):,} | {finder.ngrams:,} | {rate:.1f} | {made:.1f} |", flush=True)


def recall(problems: Sequence[Problem], planted: Sequence[Planted]) -> None:
    """Which planted problems each edition finds, and what it finds where none is planted."""
    editions = list(EDITIONS.values())
    finder = OverlapFinder(problems, editions)
    unseen = {edition.name: set(finder.unseen(edition)) for edition in editions}
    wanted: Counter[tuple[str, str]] = Counter()
    met: Counter[tuple[str, str]] = Counter()
    elsewhere: dict[str, set[int]] = defaultdict(set)
    clean = 0
    for start in range(0, len(planted), 20):
        batch = planted[start : start + 20]
        found = finder.find([item.text for item in batch])
        hits = {(match.document, match.edition, match.problem) for match in found}
        for number, item in enumerate(batch):
            clean += item.problem < 0
            for edition in editions:
                if item.problem < 0:
                    if any(hit[:2] == (number, edition.name) for hit in hits):
                        elsewhere[edition.name].add(start + number)
                elif (item.problem, "input") not in unseen[edition.name]:
                    wanted[edition.name, item.kind] += 1
                    met[edition.name, item.kind] += (number, edition.name, item.problem) in hits
    print(f"\n| planted | {' | '.join(edition.name for edition in editions)} |")
    print(f"| --- |{' ---: |' * len(editions)}")
    for kind in KINDS:
        cells = [f"{met[e.name, kind]} of {wanted[e.name, kind]}" for e in editions]
        print(f"| {kind} | {' | '.join(cells)} |")
    cells = [f"{len(elsewhere[e.name])} of {clean:,}" for e in editions]
    print(f"| found where none is planted | {' | '.join(cells)} |")


def command(arguments: argparse.Namespace, folder: Path, corpus: Sequence[Path]) -> None:
    """``proofmill overlap report`` over several files and over one, with one worker and more."""
    size = sum(path.stat().st_size for path in corpus)
    one = folder / "corpus.jsonl"
    with one.open("wb") as file:
        for path in corpus:
            file.write(path.read_bytes())
    print("\n| command | MB | wall s | CPU s | MB a CPU second | peak MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for files in (corpus, [one]):
        for workers in range(1, arguments.workers + 1):
            line = [sys.executable, "-m", "pipelines.cli", "overlap", "report", *map(str, files)]
            for spec in arguments.problems:
                line += ["--problems", spec]
            output = folder / f"report-{len(files)}-{workers}"
            line += ["--output", str(output), "--workers", str(workers)]
            sample, _ = run_command([*line, "--progress", "json"], 1, size)
            print(
                f"| {len(files)} file(s), {workers} worker(s) | {size / 1e6:,.0f} | "
                f"{sample.wall_seconds:.1f} | {sample.cpu_seconds:.1f} | "
                f"{size / sample.cpu_seconds / 1e6:.1f} | {sample.peak_bytes / 1e6:,.0f} |",
                flush=True,
            )


def _one_core(arguments: argparse.Namespace, problems: Sequence[Problem], lines: Path) -> None:
    planted = list(documents(arguments.texts, problems, arguments.megabytes * 1_000_000))
    write_lines(lines, (item.text for item in planted))
    print(f"- documents: {len(planted):,}, {sum(len(p.text) for p in planted):,} characters")
    speed(arguments, problems, lines)
    growth(problems, lines)
    recall(problems, planted)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, required=True, help="folder of real texts")
    parser.add_argument("--problems", action="append", required=True, help="KIND=PATH")
    parser.add_argument("--megabytes", type=int, default=20, help="of the one-core lines")
    parser.add_argument(
        "--command-megabytes", type=int, default=500, help="of the whole command; 0 for none"
    )
    parser.add_argument("--rounds", type=int, default=3, help="0 for the whole command alone")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--datatrove-python", help="Python of an environment with datatrove")
    arguments = parser.parse_args()
    problems = [p for spec in arguments.problems for p in read_set(spec).problems]
    about = {**machine(), "versions": versions("numpy", "rapidfuzz", "pyarrow")}
    for name, value in about.items():
        print(f"- {name.replace('_', ' ')}: {value}")
    with tempfile.TemporaryDirectory(prefix="proofmill-benchmark-") as name:
        folder = Path(name)
        if arguments.rounds:
            _one_core(arguments, problems, folder / "documents.jsonl")
        if not arguments.command_megabytes:
            return
        corpus = []
        for number in range(4):
            corpus.append(folder / f"corpus{number}.jsonl")
            share = arguments.command_megabytes * 250_000
            made = documents(arguments.texts, problems, share, seed=number + 2)
            write_lines(corpus[-1], (item.text for item in made))
        command(arguments, folder, corpus)


if __name__ == "__main__":
    main()
