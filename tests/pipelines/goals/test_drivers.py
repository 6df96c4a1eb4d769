"""The drivers' processes, limits, statuses and resuming, with programs that stand in for provers."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from pipelines.goals.drivers.isabelle import IsabelleInstallation, IsabelleSession
from pipelines.goals.drivers.lean import LeanProject
from pipelines.goals.drivers.ledger import Ledger, Status, work_through
from pipelines.goals.drivers.processes import Limits, run_limited
from tests.extractors.isabelle.test_exports import MARKUP, MESSAGES
from tests.pipelines.goals.test_runs import run, table


def program(path: Path, python: str) -> str:
    """A program of some lines of Python."""
    path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{python}\n", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_process_ends_at_its_wall_time_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    slow = program(
        tmp_path / "slow",
        f"pid = os.fork()\nopen({str(pids)!r}, 'a').write(f'{{os.getpid()}} ')\ntime.sleep(60)",
    )
    started = time.monotonic()
    ended = run_limited([slow], tmp_path / "out", Limits(seconds=1.0))
    assert ended.how == "timeout"
    assert time.monotonic() - started < 20
    for pid in pids.read_text("utf-8").split():
        # A killed process may still be on its way out for a moment.
        deadline = time.monotonic() + 10
        while is_alive(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_alive(pid)


def is_alive(pid: str) -> bool:
    """False for a process that is gone, or a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_process_ends_at_its_memory(tmp_path: Path) -> None:
    greedy = program(tmp_path / "greedy", "kept = bytearray(300 << 20)\ntime.sleep(60)")
    ended = run_limited([greedy], tmp_path / "out", Limits(seconds=60, memory_bytes=100 << 20))
    assert ended.how == "oom"
    assert ended.memory_bytes > 100 << 20


def test_a_process_ends_when_it_prints_too_much(tmp_path: Path) -> None:
    loud = program(tmp_path / "loud", "while True: sys.stdout.write('x' * 65536)")
    assert run_limited([loud], tmp_path / "out", Limits(output_bytes=1 << 20)).how == "output"


# Stands in for our extractor: what it does hangs on the module's name.
_EXTRACTOR = """
import json
path, module = sys.argv[1:3]
text = open(path, encoding='utf-8').read()
say = lambda **line: print(json.dumps(line))
if module == 'Slow': time.sleep(60)
if module == 'Skewed': sys.exit("failed to read file '/x/Init.olean', incompatible header")
if module == 'Silent': sys.exit(0)
if module == 'Crashed':
    print('{"kind": "mod'); os.abort()
say(kind='module', module=module, file=path, lean='4.99.0', text=text)
if module == 'Cut': sys.exit(0)
start = text.encode().index(b'trivial')
say(kind='command', start=0, end=len(text.encode()))
goal = 'p : Prop\\n\\u22a2 True'
say(kind='step', id=0, start=start, end=start + 7, syntax='Lean.Parser.Tactic.tacticTrivial',
    head='trivial', before=[goal], after=[])
say(kind='end', steps=1, errors=0)
"""


@pytest.fixture
def project(tmp_path: Path) -> LeanProject:
    root = tmp_path / "project"
    (root / "Deep").mkdir(parents=True)
    (root / ".lake" / "packages").mkdir(parents=True)
    (root / ".lake" / "packages" / "Other.lean").write_text("", "utf-8")
    (root / "lakefile.lean").write_text("", "utf-8")
    for name in ("Fine", "Slow", "Skewed", "Silent", "Crashed", "Cut", "Deep/Läufer"):
        (root / f"{name}.lean").write_text(
            f"-- {name} ∀\ntheorem t : True := by trivial\n", "utf-8"
        )
    lean = program(
        tmp_path / "lean", "print('Lean (version 4.99.0, x86_64, commit abc123, Release)')"
    )
    extractor = program(tmp_path / "extractor", _EXTRACTOR)
    return LeanProject(
        root, lean, Path(extractor), repo_url="https://example.org/r", commit="c0ffee"
    )


def statuses(
    project: LeanProject, output: Path, *, retry: bool = False
) -> dict[str, tuple[Status, bool]]:
    output.mkdir(exist_ok=True)
    ledger = Ledger(output)
    work = project.work(project.modules(), output, Limits(seconds=5))
    found = {s.module: (s, known) for s, known in work_through(work, ledger, 3, retry=retry)}
    ledger.finish(status for status, _ in found.values())
    return found


def test_every_module_has_a_status_and_no_failure_leaves_a_trace(
    project: LeanProject, tmp_path: Path
) -> None:
    output = tmp_path / "traces"
    found = statuses(project, output)
    assert {name: status.status for name, (status, _) in found.items()} == {
        "Fine": "ok",
        "Deep.Läufer": "ok",
        "Slow": "timeout",
        "Skewed": "version_skew",
        "Silent": "empty",
        "Crashed": "unreadable_trace",
        "Cut": "unreadable_trace",
    }
    assert {path.name for path in output.glob("*.jsonl")} == {
        "Fine.jsonl",
        "Deep.Läufer.jsonl",
        "status.jsonl",
    }
    assert not list(output.glob(".*raw*"))
    # The run has the good ones' steps, and the others as records of why they're missing.
    run(tmp_path / "run", "lean-proofsteps", output, settings=("exact_duplicates.enabled=false",))
    steps = table(tmp_path / "run", "documents")
    assert {(row["module"], row["commit"], row["tactic"]) for row in steps} == {
        ("Fine", "c0ffee", "trivial"),
        ("Deep.Läufer", "c0ffee", "trivial"),
    }
    assert steps[0]["url"].startswith("https://example.org/r/blob/c0ffee/")
    missing = {
        r["module"]: r["reason"]
        for r in table(tmp_path / "run", "trails")
        if r["record_type"] == "module"
    }
    assert missing["Slow"] == "trace:timeout"
    assert len(missing) == 5


def test_work_goes_on_where_it_stopped(project: LeanProject, tmp_path: Path) -> None:
    output = tmp_path / "traces"
    statuses(project, output)
    again = statuses(project, output)
    assert all(known for _, known in again.values())
    retried = statuses(project, output, retry=True)
    assert {name for name, (_, known) in retried.items() if known} == {"Fine", "Deep.Läufer"}
    # Another text is other work.
    (project.root / "Fine.lean").write_text("theorem t : True := by trivial\n", "utf-8")
    assert not statuses(project, output)["Fine"][1]


def test_lean_is_asked_for_before_any_work(tmp_path: Path) -> None:
    from pipelines.errors import InputError

    (tmp_path / "A.lean").write_text("", "utf-8")
    with pytest.raises(InputError, match="no-such-lean"):
        _ = LeanProject(tmp_path, "no-such-lean").version
    with pytest.raises(InputError, match="no Lean"):
        _ = LeanProject(tmp_path, program(tmp_path / "odd", "print('hello')")).version


_ISABELLE = """
import pathlib
log = open(os.environ['CALLS'], 'a'); log.write(' '.join(sys.argv[1:]) + chr(10))
if sys.argv[1] == 'version': print('Isabelle2025-2')
elif sys.argv[1] == 'build' and sys.argv[-1] == 'Broken': sys.exit('*** Failed to finish proof')
elif sys.argv[1] == 'build' and sys.argv[-1] == 'Nowhere': sys.exit('*** Undefined session(s): "Nowhere"')
elif sys.argv[1] == 'export' and sys.argv[-1] != 'Empty':
    folder = pathlib.Path(sys.argv[sys.argv.index('-O') + 1]) / 'Sample.Small' / 'PIDE'
    folder.mkdir(parents=True)
    (folder / 'markup').write_text(MARKUP, 'utf-8')
    (folder / 'messages').write_text('' if sys.argv[-1] == 'Stateless' else MESSAGES, 'utf-8')
"""


def test_isabelle_is_called_as_its_manual_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No Isabelle was run: a program stands in for it that answers as the manual describes."""
    calls = tmp_path / "calls"
    monkeypatch.setitem(os.environ, "CALLS", str(calls))
    content = f"MARKUP, MESSAGES = {MARKUP!r}, {MESSAGES!r}\n{_ISABELLE}"
    isabelle = IsabelleInstallation(program(tmp_path / "isabelle", content), (tmp_path,))
    output = tmp_path / "traces"
    output.mkdir()
    names = ("Sample", "Broken", "Nowhere", "Empty", "Stateless")
    work = [IsabelleSession(isabelle, name, output, Limits(seconds=30)) for name in names]
    found = {status.module: status for status, _ in work_through(work, Ledger(output), 1)}
    assert {name: status.status for name, status in found.items()} == {
        "Sample": "ok",
        "Broken": "failed",
        "Nowhere": "missing_import",
        "Empty": "empty",
        "Stateless": "unreadable_trace",
    }
    assert "Failed to finish proof" in found["Broken"].message
    asked = calls.read_text("utf-8").splitlines()
    assert f"build -c -o show_states -o pide_reports -d {tmp_path} Sample" in asked
    assert any(line.startswith("export -n") and "*:PIDE/messages" in line for line in asked)
    run(tmp_path / "run", "isabelle-proofsteps", output)
    steps = table(tmp_path / "run", "documents")
    assert {row["module"] for row in steps} == {"Sample.Small"}
    assert json.dumps(found["Sample"].steps) == "4"
