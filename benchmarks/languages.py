"""Language identification on mathematical pages: formulas masked, left in, and as published.

Run from the repository's root::

    python -m benchmarks.languages FOLDER ...

Two questions. Of pages that hold formulas and name their own language, how many are found right?
And of prose whose language is known, how many excerpts are still found right when real formulas are
put between their words? Folders are searched for HTML files; the second question takes its prose
from pages without formulas. A page's language is what it says itself, or what its folder is called.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from extractors.html import ExtractionError, extract_html
from filters.normalisation import normalise_for_models, prose
from filters.web.language import Language, _sample

_PAGE = re.compile(r"\.x?html?(\.gz)?$")
_LANGUAGE = re.compile(rb"<html[^>]*\blang=[\"']?([A-Za-z]{2,3})\b", re.IGNORECASE)
_LANGUAGE_FOLDER = re.compile(r"[a-z]{2}(_[A-Z]{2})?")
_FORMULA = re.compile(r"\$\$[^$]+\$\$|\$[^$\n]+\$")
_LARGEST = 3_000_000
_FEWEST_LETTERS = 60

# What language identification is given of a text.
_WAYS: dict[str, Callable[[str], str]] = {
    "masked (ours)": lambda text: _sample(prose(text)),
    "left in": lambda text: _sample(" ".join(text.split())),
    "published": lambda text: normalise_for_models(text, "published"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page's text, the language that it names, and how many formulas it holds."""

    text: str
    language: str
    formulas: int


def pages(folders: Sequence[Path]) -> Iterator[Page]:
    """The pages that name their language, each once."""
    seen: set[bytes] = set()
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if not path.is_file() or not _PAGE.search(path.name):
            continue
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
        digest = hashlib.sha256(raw).digest()
        language = _named_language(path, raw)
        if not language or len(raw) > _LARGEST or digest in seen:
            continue
        seen.add(digest)
        try:
            page = extract_html(raw)
        except ExtractionError:
            continue
        if sum(map(str.isalpha, prose(page.text))) >= _FEWEST_LETTERS:
            yield Page(page.text, language, sum(page.formulas_kept.values()))


def _named_language(path: Path, raw: bytes) -> str:
    """The language that a page names, or its folder, as translated manuals have it (``fr/``)."""
    named = _LANGUAGE.search(raw[:5000])
    if named is not None:
        return named[1].decode().lower()[:2]
    return path.parent.name[:2] if _LANGUAGE_FOLDER.fullmatch(path.parent.name) else ""


def right(texts: Sequence[tuple[str, str]]) -> dict[str, int]:
    """How many of (text, language) are found right, each way."""
    identify = Language().identify
    return {
        way: sum(identify(read(text))[0] == language for text, language in texts)
        for way, read in _WAYS.items()
    }


_EXCERPT_WORDS = 40
_PER_LANGUAGE = 40
_DENSITIES = (0.0, 0.25, 0.5, 1.0, 2.0)


def excerpts(found: Sequence[Page]) -> list[tuple[str, str]]:
    """Excerpts of prose by language, as long as a short paragraph, at most so many of each."""
    by_language: dict[str, list[str]] = defaultdict(list)
    for page in found:
        words = prose(page.text).split()
        if page.formulas == 0 and len(words) >= 3 * _EXCERPT_WORDS:
            start = len(words) // 2
            by_language[page.language].append(" ".join(words[start : start + _EXCERPT_WORDS]))
    return [
        (excerpt, language)
        for language, of_it in sorted(by_language.items())
        for excerpt in sorted(of_it, key=lambda text: hashlib.sha256(text.encode()).digest())[
            :_PER_LANGUAGE
        ]
    ]


def with_formulas(excerpt: str, formulas: Sequence[str], density: float) -> str:
    """The excerpt with so many formulas a word put between its words."""
    rng = random.Random(f"{density}\0{excerpt}")
    out: list[str] = []
    for word in excerpt.split():
        out.append(word)
        out += rng.choices(formulas, k=int(density) + (rng.random() < density % 1))
    return " ".join(out)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    found = list(pages(parser.parse_args().folders))
    mathematical = [page for page in found if page.formulas >= 3]
    kinds = Counter("English" if page.language == "en" else "other" for page in mathematical)
    print("| pages with formulas | " + " | ".join(_WAYS) + " |\n| --- |" + " ---: |" * len(_WAYS))
    for kind, count in sorted(kinds.items()):
        of_it = [
            (page.text, page.language)
            for page in mathematical
            if (page.language == "en") == (kind == "English")
        ]
        shown = " | ".join(f"{n} of {count}" for n in right(of_it).values())
        print(f"| {kind} | {shown} |")
    formulas = sorted({f for page in mathematical for f in _FORMULA.findall(page.text)})
    texts = excerpts(found)
    languages = len({language for _, language in texts})
    print(f"\n{len(texts)} excerpts of {_EXCERPT_WORDS} words in {languages} languages, with real")
    print(f"formulas ({len(formulas):,}) between their words:\n")
    print("| formulas a word | " + " | ".join(_WAYS) + " |\n| ---: |" + " ---: |" * len(_WAYS))
    for density in _DENSITIES:
        planted = [(with_formulas(text, formulas, density), lang) for text, lang in texts]
        shares = " | ".join(f"{n / len(texts):.1%}" for n in right(planted).values())
        print(f"| {density:g} | {shares} |")


if __name__ == "__main__":
    main()
