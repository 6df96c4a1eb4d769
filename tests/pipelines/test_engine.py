"""The engine: pinned, guarded against lost elements, strict about options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.metrics import Metrics
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker import data_plane

from pipelines.engine import Engine, guard_against_lost_elements
from pipelines.errors import EngineFailed, UnknownBeamOption


class _Spread(beam.PTransform):
    """Makes many elements of one, groups them, and counts what comes out."""

    def expand(self, numbers: Any) -> Any:
        return (
            numbers
            | beam.FlatMap(lambda number: [(k, number) for k in range(1000)])
            | beam.GroupByKey()
            | beam.ParDo(_Count())
        )


class _Count(beam.DoFn):
    def __init__(self) -> None:
        self.counter = Metrics.counter("test", "elements")

    def process(self, element: tuple[int, Any]) -> Iterator[str]:
        self.counter.inc(sum(1 for _ in element[1]))
        yield ""


class _Raise(beam.PTransform):
    def expand(self, numbers: Any) -> Any:
        return numbers | beam.Map(lambda number: 1 // number)


@pytest.mark.parametrize("workers", [1, 2])
def test_elements_in_are_elements_out(tmp_path: Path, workers: int) -> None:
    metrics = Engine(workers).run("Spread", range(20), _Spread(), log=tmp_path / "log")
    assert metrics["test.elements"] == 20_000


def _write_during_flush(limit_ms: int) -> bytes:
    """What leaves a buffer of Beam's local runner when it's written to while it's flushed.

    The writer's turn is made to come between the flusher's reading and its clearing, where in a
    run it comes by chance once in some hundred thousand elements.
    """
    received: list[bytes] = []
    stream: Any = None

    def receive(data: bytes) -> None:
        received.append(data)
        if len(received) == 1 and isinstance(
            stream, data_plane.TimeBasedBufferingClosableOutputStream
        ):
            stream.write(b"second")

    stream = data_plane.ClosableOutputStream.create(None, receive, limit_ms)
    stream.write(b"first")
    if isinstance(stream, data_plane.TimeBasedBufferingClosableOutputStream):
        stream.flush()  # as the timer's thread does
    else:
        stream.write(b"second")
    stream.flush()
    stream.close()
    return b"".join(received)


def test_the_guard_keeps_what_is_written_during_a_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _write_during_flush(1000) == b"first", "Beam has mended it: the guard can go"
    monkeypatch.setattr(worker_handlers, "DATA_BUFFER_TIME_LIMIT_MS", 1000)
    guard_against_lost_elements()
    assert _write_during_flush(worker_handlers.DATA_BUFFER_TIME_LIMIT_MS) == b"firstsecond"


def test_every_run_sets_the_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_handlers, "DATA_BUFFER_TIME_LIMIT_MS", 1000)
    Engine(1).run("Spread", range(2), _Spread(), log=tmp_path / "log")
    assert worker_handlers.DATA_BUFFER_TIME_LIMIT_MS == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_function_that_raises_is_reported(tmp_path: Path, workers: int) -> None:
    with pytest.raises(EngineFailed, match=r"ZeroDivisionError|division"):
        Engine(workers).run("Raise", [1, 0], _Raise(), log=tmp_path / "log")


def test_unknown_options_are_refused_and_known_ones_choose_the_engine() -> None:
    with pytest.raises(UnknownBeamOption, match="no_such_option"):
        Engine(1, ("--no_such_option=1",))
    assert Engine(1).local
    assert not Engine(1, ("--runner=PortableRunner", "--job_endpoint=localhost:1")).local


def test_nothing_of_beams_chatter_reaches_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Engine(2).run("Spread", range(4), _Spread(), log=tmp_path / "log")
    assert capfd.readouterr().err == ""
