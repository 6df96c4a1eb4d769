"""The picture of the funnel: equal funnels are equal files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.funnel import draw_funnel, funnel_of


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_equal_funnels_are_equal_pictures(tmp_path: Path, suffix: str) -> None:
    funnel = funnel_of(9, {"language": {"other_language": 4}}, [("language", True)])
    drawn = []
    for name in ("once", "again"):
        path = tmp_path / f"{name}.{suffix}"
        draw_funnel(funnel, "nine pages", path)
        drawn.append(path.read_bytes())
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) > 2000
