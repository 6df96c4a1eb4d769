"""Answers ahead what most pages ask, so that on a large run the first visitor waits no longer than
the second."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from audit.explorer.explorer import Explorer
from audit.explorer.pages.comparing import compared
from audit.explorer.pages.overview import first_group
from audit.funnels import funnel
from audit.histograms import histogram, scored_stages

__all__ = ["prepared"]


@contextmanager
def prepared(explorer: Explorer) -> Iterator[None]:
    """Asks in the background while the block runs; at its end nothing is asked any more."""
    ended = threading.Event()
    thread = threading.Thread(target=_prepare, args=(explorer, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _prepare(explorer: Explorer, ended: threading.Event) -> None:
    explorer.assets.prepare()
    for question in _questions(explorer):
        if ended.is_set():
            return
        question()


def _questions(explorer: Explorer) -> Iterator[Callable[[], object]]:
    """What is asked, each answer kept by the run."""
    run = explorer.run
    yield partial(funnel, run, first_group(run))
    for name in scored_stages(run):
        yield partial(histogram, run, name)
    for other in explorer.others.values():
        yield partial(compared, run, other)
