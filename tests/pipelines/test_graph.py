"""The graphs stay in what every engine runs right, and what leaves it is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec

from pipelines import engine
from pipelines.engine import Engine
from pipelines.errors import GraphNotPortable
from pipelines.graph import departures, graph_size, oversized
from pipelines.recipe import load_recipe
from pipelines.runs import Run
from pipelines.subsets import InputNames, subset_of


class _Finishes(beam.DoFn):
    def process(self, element: int) -> Iterator[int]:
        yield element

    def finish_bundle(self) -> None:
        pass


_SPEC = ReadModifyWriteStateSpec("last", beam.coders.VarIntCoder())
_LAST = beam.DoFn.StateParam(_SPEC)


class _Remembers(beam.DoFn):
    def process(self, element: tuple[int, int], last: Any = _LAST) -> None:
        last.write(element[1])


@beam.typehints.with_output_types(tuple[int, str])
class _KeyedText(beam.DoFn):
    def process(self, element: int) -> Iterator[tuple[int, str]]:
        yield element, "text"


@beam.typehints.with_output_types(tuple[int, bytes])
class _KeyedBytes(beam.DoFn):
    def process(self, element: int) -> Iterator[tuple[int, bytes]]:
        yield element, b"packed"


def _anything(number: int) -> Any:
    return number, number


def _two_sinks(numbers: Any) -> None:
    _ = numbers | "first" >> beam.Map(abs)
    _ = numbers | "second" >> beam.Map(abs)


@pytest.mark.parametrize(
    ("leaves", "what"),
    [
        (lambda numbers: numbers | beam.ParDo(_Finishes()), "finish_bundle"),
        (lambda numbers: numbers | beam.ParDo(_Tags()).with_outputs("odd"), "tagged outputs"),
        (
            lambda numbers: numbers | beam.Map(lambda n: (n, n)) | beam.ParDo(_Remembers()),
            "state or timers",
        ),
        (_two_sinks, "several terminal collections"),
        (lambda numbers: numbers | beam.io.WriteToText("never"), "source or sink"),
        (lambda numbers: numbers | beam.ParDo(_KeyedText()) | beam.GroupByKey(), "text crosses"),
        (
            lambda numbers: (
                numbers | beam.Map(_anything).with_output_types(Any) | beam.GroupByKey()
            ),
            "say what the step before it yields",
        ),
    ],
)
def test_what_an_engine_may_run_wrong_is_found(leaves: Any, what: str) -> None:
    pipeline = beam.Pipeline()
    leaves(pipeline | beam.Create([1, 2, 3]))
    found = departures(pipeline)
    assert any(what in departure.what for departure in found), found


class _Tags(beam.DoFn):
    def process(self, element: int) -> Iterator[Any]:
        yield beam.pvalue.TaggedOutput("odd", element)


def test_packed_bytes_may_be_grouped() -> None:
    pipeline = beam.Pipeline()
    grouped = pipeline | beam.Create([1]) | beam.ParDo(_KeyedBytes()) | beam.GroupByKey()
    _ = grouped | beam.Map(lambda group: group[0])
    assert departures(pipeline) == []


def test_a_table_pickled_into_a_step_is_found() -> None:
    table = os.urandom(2 << 20)
    pipeline = beam.Pipeline()
    _ = pipeline | beam.Create([1]) | "Look up" >> beam.Map(lambda n: table[n])
    (found,) = oversized(graph_size(pipeline))
    assert found.step == "Look up"


def test_a_graph_that_leaves_the_subset_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Sinks(beam.PTransform):
        def expand(self, numbers: Any) -> Any:
            _ = numbers | "first" >> beam.Map(Path.touch)
            return numbers | "second" >> beam.Map(Path.touch)

    remote = Engine(1, ("--runner=PortableRunner", "--job_endpoint=localhost:1"))
    with pytest.raises(GraphNotPortable, match="several terminal collections"):
        remote.run("Two sinks", [tmp_path / "touched"], Sinks(), log=tmp_path / "log")
    assert not (tmp_path / "touched").exists()


def test_every_phase_of_a_run_is_portable_small_and_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    class Inspected(beam.Pipeline):
        def run(self, *arguments: Any, **options: Any) -> Any:
            assert departures(self) == []
            size = graph_size(self)
            assert not oversized(size)
            assert size.graph_bytes < 100_000
            assert size.untyped == ()
            seen.append(size.steps[0][0].partition(":")[0])
            return super().run(*arguments, **options)

    monkeypatch.setattr(engine.beam, "Pipeline", Inspected)
    web = subset_of("web")
    files = web.resolve(InputNames(web.sample()))
    Run(load_recipe("open-web-math"), files, tmp_path / "run", Engine(1), display="quiet").execute()
    assert {"Read WARC records", "Write shards"} <= set(seen)
    assert len(seen) >= 7
