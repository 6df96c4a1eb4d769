"""What a phase's Beam graph may hold, so that every engine runs it right.

Engines differ. Dask's runner computes the last transform alone, merges tagged outputs and drops
what ``finish_bundle`` yields, all without an error (measured with Beam 2.77); the local runner
keeps whatever crosses a stage's end in memory. So the graphs stay in a portable subset, and leaving
it is an error before any work, not a wrong corpus after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.runners.common import DoFnSignature
from apache_beam.typehints import typehints

from pipelines.spreading import SpreadTasks

__all__ = ["Departure", "GraphSize", "departures", "graph_size", "oversized"]

# A Dataflow job request may have 10 MB (Dataflow's quotas page: "Maximum size for a job creation
# request"); a step that carries data in its function should be read from a file instead.
_STEP_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Departure:
    """Something that leaves the portable subset.

    Attributes:
        step: Full label of the step.
        what: What's wrong with it, in words.
    """

    step: str
    what: str

    def __str__(self) -> str:
        return f"{self.step}: {self.what}"


@dataclass(frozen=True, slots=True)
class GraphSize:
    """How large a graph is that an engine is sent.

    Attributes:
        graph_bytes: The whole graph, serialised.
        steps: Each step's name and the bytes of what is pickled into it, the largest first.
        untyped: Coders that pickle, because a step doesn't say what it yields.
    """

    graph_bytes: int
    steps: tuple[tuple[str, int], ...]
    untyped: tuple[str, ...]


def departures(pipeline: beam.Pipeline) -> list[Departure]:
    """Every step of a pipeline that isn't in the portable subset.

    Tagged outputs, outputs of ``finish_bundle``, state and timers, splittable functions, Beam's own
    sources and sinks, more than one terminal collection, and groupings whose elements are text or
    untyped.
    """
    visitor = _Visitor()
    pipeline.visit(visitor)
    found = list(visitor.found)
    terminal = [step for step in visitor.leaves if step not in visitor.consumed]
    if len(terminal) > 1:
        names = ", ".join(sorted(step.full_label for step in terminal))
        found.append(Departure(names, "several terminal collections; an engine may run only one"))
    return found


def graph_size(pipeline: beam.Pipeline) -> GraphSize:
    """How large a pipeline's graph is, as engines are sent it."""
    proto = pipeline.to_runner_api(use_fake_coders=False)
    components = proto.components
    steps = [
        (transform.unique_name, len(transform.spec.payload))
        for transform in components.transforms.values()
        if not transform.subtransforms
    ]
    pickled = {
        key for key, coder in components.coders.items() if "pickled_python" in coder.spec.urn
    }
    untyped = [
        collection.unique_name
        for collection in components.pcollections.values()
        if collection.coder_id in pickled
    ]
    steps.sort(key=lambda step: (-step[1], step[0]))
    return GraphSize(proto.ByteSize(), tuple(steps), tuple(sorted(untyped)))


class _Visitor(PipelineVisitor):
    def __init__(self) -> None:
        self.found: list[Departure] = []
        self.leaves: list[AppliedPTransform] = []
        self.consumed: set[AppliedPTransform] = set()

    def enter_composite_transform(self, node: AppliedPTransform) -> None:
        self._check_source_or_sink(node)

    def visit_transform(self, node: AppliedPTransform) -> None:
        self._check_source_or_sink(node)
        for collection in (*node.inputs, *(side.pvalue for side in node.side_inputs)):
            if collection.producer is not None:
                self.consumed.add(collection.producer)
        self.leaves.append(node)
        if isinstance(node.transform, beam.ParDo):
            self.found += [Departure(node.full_label, what) for what in _in_function(node)]
        if isinstance(node.transform, beam.GroupByKey) and not _spreads_tasks(node):
            self.found += [Departure(node.full_label, what) for what in _in_grouping(node)]

    def _check_source_or_sink(self, node: AppliedPTransform) -> None:
        module = type(node.transform).__module__
        if module.startswith("apache_beam.io.") and not module.startswith("apache_beam.io.iobase"):
            self.found.append(
                Departure(node.full_label, "a source or sink of Beam; phases read and write files")
            )


def _in_function(node: AppliedPTransform) -> Iterator[str]:
    function: Any = node.transform.fn
    signature = DoFnSignature(function)
    if len(node.outputs) > 1:
        yield "tagged outputs; an engine may merge them"
    if type(function).finish_bundle is not beam.DoFn.finish_bundle:
        yield "finish_bundle; an engine may drop what it yields"
    if signature.is_stateful_dofn():
        yield "state or timers; not every engine has them"
    if signature.is_splittable_dofn():
        yield "a splittable function; not every engine has them"


def _spreads_tasks(node: AppliedPTransform) -> bool:
    """Whether a grouping is the one by which a phase's tasks are spread over workers."""
    parent = node.parent
    while parent is not None:
        if isinstance(parent.transform, SpreadTasks):
            return True
        parent = parent.parent
    return False


def _in_grouping(node: AppliedPTransform) -> Iterator[str]:
    (collection,) = node.inputs
    kind = collection.element_type
    if not isinstance(kind, typehints.TupleConstraint):
        yield f"groups {kind}; say what the step before it yields, a tuple of key and packed bytes"
        return
    if typehints.Any in kind.tuple_types:
        yield f"groups {kind}, which is untyped and would be pickled"
    if str in kind.tuple_types[1:]:
        yield "text crosses a shuffle; group hashes and ids, and read the text again"


def oversized(size: GraphSize) -> list[Departure]:
    """Steps that carry more than belongs into a graph."""
    return [
        Departure(name, f"{length:,} bytes are pickled into the step; read them from a file")
        for name, length in size.steps
        if length > _STEP_BYTES
    ]
