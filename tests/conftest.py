"""What several tests share: where third-party data lies, when it's there."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party data; tests that need it are skipped in a bare clone."""
    if not SHARED.is_dir():
        pytest.skip("third-party data (../shared/data) is not part of the repository")
    return SHARED
