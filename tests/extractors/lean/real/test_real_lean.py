"""Our readers and the driver over a real Lean 4.35, held against its own language server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from extractors.formal.assembly import Assembly
from extractors.formal.positions import SourceText
from extractors.lean.info_trace import info_trace_module
from extractors.lean.own_trace import own_module
from pipelines.goals.drivers.lean import LeanProject
from pipelines.goals.drivers.ledger import Ledger, Status, work_through
from pipelines.goals.drivers.processes import Limits
from schemas.goal_states import FormalStep

HERE = Path(__file__).parent
PROOFS = HERE / "Proofs.lean"


@pytest.fixture(scope="module")
def steps(lean: str, ground: Path) -> list[FormalStep]:
    """The steps of Proofs.lean, from a stock Lean's trace."""
    said = subprocess.run(
        [lean, "--json", "-Dtrace.Elab.info=true", str(PROOFS)],
        env={**os.environ, "LEAN_PATH": str(ground)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    ).stdout
    messages = ((n, json.loads(line)) for n, line in enumerate(said.splitlines()))
    source = SourceText(PROOFS.read_text("utf-8"))
    module = info_trace_module(messages, source, "Proofs", "Proofs.lean")
    return list(Assembly(module, "Proofs.jsonl").steps())


def test_every_step_of_the_file_is_there_and_nothing_else(steps: list[FormalStep]) -> None:
    """Counted by hand in Proofs.lean."""
    counts = Counter(step.place.decl_name for step in steps)
    assert counts == {
        # cases, constructor, two dots with an exact each
        "Übung.swap": 6,
        # constructor, all_goals, and its two tactics for each of two goals
        "Übung.both": 6,
        # first, the assumption that fails, the parenthesis, right, assumption
        "Übung.one_of": 5,
        "Übung.broken": 3,
    }
    by_text = {step.step.tactic: step for step in steps}
    assert by_text["right"].step.combinator == "Lean.Parser.Tactic.first"
    failed = [s for s in steps if s.place.decl_name == "Übung.one_of" and "unchanged" in s.faults]
    assert [s.step.tactic for s in failed] == ["assumption"]
    repeated = [s for s in steps if s.place.occurrence == 1]
    assert [s.step.tactic for s in repeated] == ["intro h", "exact And.intro h.right h.left"]
    assert by_text["· exact hβ"].step.is_structuring
    assert all(s.step.decl_has_error == (s.place.decl_name == "Übung.broken") for s in steps)


def test_positions_are_bytes_of_the_file(steps: list[FormalStep]) -> None:
    data = PROOFS.read_bytes()
    for step in steps:
        assert data[step.place.start_byte : step.place.end_byte].decode() == step.step.tactic


class Server:
    """Enough of the language server's protocol to ask for goals."""

    def __init__(self, lean: str, ground: Path) -> None:
        self._process = subprocess.Popen(
            [lean, "--server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LEAN_PATH": str(ground)},
            cwd=ground,
        )
        self._number = 0

    def send(self, method: str, params: Any, *, request: bool = False) -> int:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if request:
            self._number += 1
            message["id"] = self._number
        data = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self._process.stdin.flush()
        return self._number

    def messages(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        while True:
            length = 0
            while line := self._process.stdout.readline().strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                return
            yield json.loads(self._process.stdout.read(length))

    def ask(self, method: str, params: Any) -> Any:
        number = self.send(method, params, request=True)
        return next(m for m in self.messages() if m.get("id") == number and "method" not in m)[
            "result"
        ]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def test_goals_are_those_of_the_language_server(
    lean: str, ground: Path, steps: list[FormalStep]
) -> None:
    """An independent way to the same states: ``$/lean/plainGoal`` at the start of each step."""
    text = PROOFS.read_text("utf-8")
    uri = (ground / "Proofs.lean").as_uri()
    source = SourceText(text)
    server = Server(lean, ground)
    try:
        server.ask(
            "initialize", {"processId": None, "rootUri": ground.as_uri(), "capabilities": {}}
        )
        server.send("initialized", {})
        opened = {"uri": uri, "languageId": "lean4", "version": 1, "text": text}
        server.send("textDocument/didOpen", {"textDocument": opened})
        asked = 0
        for step in steps:
            # Under a combinator the server shows one of the states that the step was run in.
            if step.place.occurrence or step.step.combinator or step.step.is_structuring:
                continue
            line, column = source.place(step.place.start_byte)
            before = text.split("\n")[line - 1][:column]
            position = {"line": line - 1, "character": len(before.encode("utf-16-le")) // 2}
            found = server.ask(
                "$/lean/plainGoal", {"textDocument": {"uri": uri}, "position": position}
            )
            assert found is not None, step.step.tactic
            assert found["goals"] == [goal.pp for goal in step.step.goals_before]
            asked += 1
        assert asked == 7
    finally:
        server.close()


def test_the_driver_traces_resumes_and_says_what_failed(
    lean: str, ground: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(PROOFS, project)
    (project / "Lost.lean").write_text(
        "prelude\nimport Nowhere\ntheorem t : True := True.intro\n", "utf-8"
    )
    chosen = LeanProject(
        project, lean, environment={"LEAN_PATH": str(ground)}, repo_url="https://example.org/r"
    )
    output = tmp_path / "traces"
    output.mkdir()

    def traced() -> dict[str, tuple[Status, bool]]:
        work = chosen.work(chosen.modules(), output, Limits(seconds=60))
        return {
            status.module: (status, known)
            for status, known in work_through(work, Ledger(output), 2)
        }

    first = traced()
    assert {name: status.status for name, (status, _) in first.items()} == {
        "Lost": "missing_import",
        "Proofs": "errors",
    }
    assert first["Proofs"][0].steps == 20
    assert "Nowhere" in first["Lost"][0].message
    assert not (output / "Lost.jsonl").exists()
    lines = (output / "Proofs.jsonl").read_text("utf-8").splitlines()
    module = own_module((n, json.loads(line)) for n, line in enumerate(lines))
    assert module.system_version.startswith("4.")
    assert module.repo_url == "https://example.org/r"
    assert module.imports == ("Ground",)
    # The second goal's run of a span isn't an expansion of the first one's.
    rows = list(Assembly(module, "t").steps())
    assert sum(not row.faults for row in rows) == 18
    assert sum(row.place.occurrence for row in rows) == 2
    again = traced()
    assert all(known for _, known in again.values())
    (project / "Proofs.lean").write_text(PROOFS.read_text("utf-8") + "\n-- changed\n", "utf-8")
    assert not traced()["Proofs"][1]


def test_gaps_are_found_by_what_lean_says(lean: str, ground: Path) -> None:
    text = "prelude\nimport Ground\ntheorem gap {p : Prop} : p := sorryAx p Bool.false\n"
    file = ground / "Gap.lean"
    file.write_text(text, "utf-8")
    command = [lean, "--json", "-Dtrace.Elab.info=true", str(file)]
    environment = {**os.environ, "LEAN_PATH": str(ground)}
    said = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    ).stdout
    messages = ((n, json.loads(line)) for n, line in enumerate(said.splitlines()))
    module = info_trace_module(messages, SourceText(text), "Gap", "Gap.lean")
    (row,) = (r for r in Assembly(module, "t").declarations if r.decl_name == "gap")
    assert row.decl_has_sorry
