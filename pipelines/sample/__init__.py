"""A small web archive, written for this project, that holds every case the pipeline must judge."""

from __future__ import annotations

from pathlib import Path

__all__ = ["sample_warc_path"]


def sample_warc_path() -> Path:
    """Where the sample archive lies; ``python -m pipelines.sample.build`` rewrites it."""
    return Path(__file__).with_name("sample.warc.gz")
