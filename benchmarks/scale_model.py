"""What a crawl, and ten years of crawls, cost: a model over measured rates.

Rates come from the other benchmarks (``web_pipeline`` line 8 and its stages, ``near_duplicates``);
give them anew when they're measured anew. What a crawl holds is Common Crawl's own count of a
crawl of 2023. Nothing here was run at that size.

Run: ``python -m benchmarks.scale_model [--cpu-seconds-per-megabyte 0.19 ...]``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from tabulate import tabulate

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Measured rates and a crawl's measures.

    Attributes:
        warcs: WARC files of a crawl (warc.paths.gz of CC-MAIN-2023-14: 90,000).
        warc_megabytes: Megabytes of one, gzipped.
        pages: Pages of a crawl (3.1 billion, CC-MAIN-2023-14's announcement).
        crawls: Crawls of 2013 to 2023.
        cpu_seconds_per_megabyte: Of the whole recipe (``web_pipeline``, line 8).
        kept_share: Documents that reach the duplicate stages, of all pages. OpenWebMath kept 6.3
            million of over 200 billion pages and dropped about 70 % as copies (its paper, section
            3), which is one page in ten thousand; ten times as many is assumed.
        documents_per_cpu_second: Of the duplicate stages (``near_duplicates``, 200,000 documents).
        index_bytes: Of a document: signature, bands, shingles, ids.
        bands: Bands of a signature.
        entry_bytes: What crosses a shuffle for a document and band, packed.
        text_bytes: Of a document.
        trail_bytes: Of a record in the trails.
        price: Of a vCPU-hour with 4 GB, in dollars; look up what yours costs.
    """

    warcs: int = 90_000
    warc_megabytes: float = 1_100.0
    pages: float = 3.1e9
    crawls: int = 90
    cpu_seconds_per_megabyte: float = 0.19
    kept_share: float = 0.001
    documents_per_cpu_second: float = 2_107.0
    index_bytes: float = 1_700.0
    bands: int = 16
    entry_bytes: int = 16
    text_bytes: float = 6_000.0
    trail_bytes: float = 100.0
    price: float = 0.07


def main() -> None:
    """Prints the model's tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in vars_of(Rates()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    rates = Rates(**vars(parser.parse_args()))
    columns = [column_of(rates, 1), column_of(rates, rates.crawls)]
    rows = [(name, *(column[name] for column in columns)) for name in columns[0]]
    print(tabulate(rows, headers=("", "one crawl", "2013 to 2023"), tablefmt="github"))


def vars_of(rates: Rates) -> dict[str, int | float]:
    """The rates by name."""
    return {name: getattr(rates, name) for name in Rates.__slots__}


def column_of(rates: Rates, crawls: int) -> dict[str, str]:
    """What so many crawls take, by what it is."""
    megabytes = crawls * rates.warcs * rates.warc_megabytes
    documents = crawls * rates.pages * rates.kept_share
    reading = megabytes * rates.cpu_seconds_per_megabyte / _HOUR
    finding = documents / rates.documents_per_cpu_second / _HOUR
    records = 3 * crawls * rates.pages
    return {
        "input": f"{megabytes / 1e6:,.0f} TB",
        "range reads of 8 MiB": f"{megabytes / 8.39:,.0f}",
        "reading and judging": f"{reading:,.0f} vCPU-hours",
        "on 1,000 cores": f"{reading / 1000:,.1f} h",
        "documents that pass": f"{documents / 1e6:,.1f} million",
        "finding duplicates": f"{finding:,.1f} vCPU-hours",
        "crosses the shuffle": f"{documents * rates.bands * rates.entry_bytes / 1e9:,.1f} GB",
        "the index": f"{documents * rates.index_bytes / 1e9:,.1f} GB",
        "text written": f"{documents * rates.text_bytes / 1e9:,.0f} GB, twice until the end",
        "trails": f"{records * rates.trail_bytes / 1e12:,.2f} TB",
        "cost": f"{(reading + finding) * rates.price:,.0f} dollars",
    }


if __name__ == "__main__":
    main()
