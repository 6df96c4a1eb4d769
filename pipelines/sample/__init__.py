"""Small inputs, written for this project, that hold every case the pipelines must judge."""

from __future__ import annotations

from pathlib import Path

__all__ = ["sample_papers_path", "sample_sources_path", "sample_warc_path"]


def sample_warc_path() -> Path:
    """Where the sample archive lies; ``python -m pipelines.sample.build`` rewrites it."""
    return Path(__file__).with_name("sample.warc.gz")


def sample_sources_path() -> Path:
    """The folder of sample source files, at least one a language and one a reason to drop."""
    return Path(__file__).with_name("sources")


def sample_papers_path() -> Path:
    """The folder of a small tar as arXiv lays them out, with its catalogue's lines beside it;
    ``python -m pipelines.sample.papers_build`` rewrites it."""
    return Path(__file__).with_name("papers")
