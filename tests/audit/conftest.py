"""Runs of the embedded sample that the questions are asked of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit import AuditRun, open_run
from pipelines.engine import Engine
from pipelines.recipe import load_recipe
from pipelines.runs import Run
from pipelines.subsets import InputNames, subset_of

MakeRun = Callable[..., Path]


@pytest.fixture(scope="session")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """Runs the main recipe on the sample with settings changed; each setting once a session."""
    made: dict[tuple[str, ...], Path] = {}

    def make(*changes: str) -> Path:
        if changes not in made:
            recipe = load_recipe("open-web-math").changed(changes)
            subset = subset_of(recipe.subset)
            files = subset.resolve(InputNames(subset.sample()))
            made[changes] = tmp_path_factory.mktemp("audited") / "run"
            Run(recipe, files, made[changes], Engine(1), display="quiet").execute()
        return made[changes]

    return make


# Every stage judges every page, and every text is kept.
EVERYTHING = ("audit.shadow_share=1.0", "audit.dropped_text=all")


@pytest.fixture(scope="session")
def judged_by_all(make_run: MakeRun) -> Path:
    return make_run(*EVERYTHING)


@pytest.fixture(scope="session")
def half_shadow(make_run: MakeRun) -> Path:
    """Half of the pages are in the shadow share."""
    return make_run("audit.shadow_share=0.5", "audit.dropped_text=none")


@pytest.fixture(scope="session")
def run(judged_by_all: Path) -> Iterator[AuditRun]:
    with open_run(judged_by_all) as opened:
        yield opened


@pytest.fixture(scope="session")
def half_run(half_shadow: Path) -> Iterator[AuditRun]:
    with open_run(half_shadow) as opened:
        yield opened
