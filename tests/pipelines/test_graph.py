"""The graphs stay in what every engine runs right, and what leaves it is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec

from pipelines import engine
from pipelines.dataflow import dataflow_flags
from pipelines.engine import Engine
from pipelines.errors import GraphNotPortable, InputError
from pipelines.files import folder_at
from pipelines.graph import departures, graph_size, oversized
from pipelines.recipe import Profile, load_recipe
from pipelines.rehearsal import rehearse
from pipelines.runs import Run
from pipelines.spreading import SpreadTasks
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


@pytest.mark.parametrize("count", [3, 5000])
def test_tasks_arrive_however_many_they_are(count: int) -> None:
    tasks = [(number, -1) for number in range(count)]
    with TestPipeline(runner=FnApiRunner()) as pipeline:
        assert_that(pipeline | SpreadTasks(tasks), equal_to(tasks))


def test_a_crawl_in_ranges_fits_a_job_request() -> None:
    """1.5 million tasks, in the mixed order in which they're handed out."""
    tasks = [(number * 2654435761 % 1_500_000, -1) for number in range(1_500_000)]
    pipeline = beam.Pipeline()
    _ = pipeline | SpreadTasks(tasks) | beam.Map(len)
    assert departures(pipeline) == []
    assert graph_size(pipeline).graph_bytes < 10_000_000


def test_a_rehearsal_checks_every_phase_and_writes_nothing(tmp_path: Path) -> None:
    web = subset_of("web")
    recipe = load_recipe("open-web-math")
    engine = Engine(1, (), recipe.profile)
    files = web.resolve(InputNames(web.sample()))
    phases = rehearse(recipe, files, tmp_path / "run", engine)
    assert phases[0].label == "Read WARC records"
    assert phases[-1].label == "Write shards"
    assert {"Find candidates", "Verify pairs", "Choose representatives"} <= {
        phase.label for phase in phases
    }
    assert all(phase.size.untyped == () for phase in phases)
    assert not (tmp_path / "run").exists()


_CLOUD = (
    "--runner=DataflowRunner",
    "--project=a-project",
    "--region=europe-west4",
    "--temp_location=gs://bucket/temp",
    "--sdk_container_image=registry.example/proofmill:1",
    "--dry_run=True",
)


def test_dataflow_takes_every_graph(tmp_path: Path) -> None:
    pytest.importorskip(
        "apache_beam.runners.dataflow.internal.apiclient", reason="the extra dataflow is missing"
    )
    web = subset_of("web")
    recipe = load_recipe("open-web-math")
    engine = Engine(1, _CLOUD, recipe.profile)
    files = web.resolve(InputNames(web.sample()))
    phases = rehearse(recipe, files, folder_at("gs://bucket/run"), engine)
    assert len(phases) == 9


@pytest.mark.parametrize(
    "left_out", ["--project", "--region", "--temp_location", "--sdk_container"]
)
def test_dataflow_without_what_it_needs_is_refused_at_once(left_out: str) -> None:
    flags = [flag for flag in _CLOUD if not flag.startswith(left_out)]
    with pytest.raises(InputError, match=left_out):
        dataflow_flags(flags, Profile())


def test_the_profile_fills_in_what_the_user_leaves_open() -> None:
    flags = dataflow_flags([*_CLOUD, "--machine_type=e2-small"], Profile(disk_gigabytes=77))
    assert "--disk_size_gb=77" in flags
    assert [flag for flag in flags if "machine_type" in flag] == ["--machine_type=e2-small"]


def test_workers_elsewhere_get_the_profiles_memory_as_a_hint() -> None:
    profile = Profile(worker_memory_bytes=5 << 30)
    engine = Engine(1, ("--runner=PortableRunner",), profile)
    pipeline = engine._pipeline("Read", [1], _Nothing(), None, PipelineOptions([]))
    hints = [
        bytes(environment.resource_hints.get("beam:resources:min_ram_bytes:v1", b""))
        for environment in pipeline.to_runner_api().components.environments.values()
    ]
    assert str(5 << 30).encode() in hints


class _Nothing(beam.PTransform):
    def expand(self, numbers: Any) -> Any:
        return numbers | beam.Map(abs)


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
