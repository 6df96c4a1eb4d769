"""The engine under a run: Beam's own multi-process runner, pinned, or the one that the user names.

Plain ``DirectRunner`` is no choice: since Beam 2.77 it first looks for another engine on the
network and falls back without a word, so that the same command runs on different engines.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

import apache_beam as beam
import psutil
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner, worker_handlers
from apache_beam.runners.portability.portable_runner import JobServiceHandle

from pipelines.dataflow import RUNNER, dataflow_flags, is_rehearsal
from pipelines.errors import EngineFailed, EngineMissing, GraphNotPortable, UnknownBeamOption
from pipelines.graph import GraphSize, departures, graph_size, oversized
from pipelines.recipe import Profile
from pipelines.spreading import SpreadTasks

__all__ = ["Engine", "guard_against_lost_elements"]


_LOG_BYTES = 256 * 1024
_WATCH_SECONDS = 2.0
_LOST_SECONDS = 10.0
# Engines that an extra brings: the package it can't work without, the extra, and the module of
# Beam's whose import makes the engine's options known.
_OPTIONAL_RUNNERS: Mapping[str, tuple[str, str, str]] = {
    "DaskRunner": ("distributed", "dask", "apache_beam.runners.dask.dask_runner"),
    RUNNER: ("google.auth", "dataflow", "apache_beam.runners.dataflow.internal.apiclient"),
}
_WORKER_MODULE = "apache_beam.runners.worker.sdk_worker_main"


def guard_against_lost_elements() -> None:
    """Makes Beam's local parallel modes keep every element.

    In Beam 2.77 the local runner flushes its data buffers from a timer thread whose lock the
    writers don't take (``TimeBasedBufferingClosableOutputStream``): what is written between
    ``callback(get())`` and ``clear()`` is wiped, without an error. A limit of 0 switches the timer
    off; buffers are then flushed by size alone.
    """
    worker_handlers.DATA_BUFFER_TIME_LIMIT_MS = 0


@dataclass(frozen=True, slots=True)
class Engine:
    """Runs phases.

    Attributes:
        workers: Worker processes of the local runner; 0 for one a core.
        options: Beam options as the user gave them; with ``--runner`` they choose the engine.
        profile: What workers elsewhere should have; hints to engines that take them.
    """

    workers: int = 0
    options: Sequence[str] = field(default_factory=tuple)
    profile: Profile | None = None

    def __post_init__(self) -> None:
        _import_runner(self.options)
        _refuse_unknown(self.options)

    @property
    def local(self) -> bool:
        """Whether the pinned local runner is used."""
        return self._options().view_as(StandardOptions).runner in (None, "DirectRunner")

    @property
    def runner_name(self) -> str:
        """The runner that the options name; empty for the pinned local one."""
        return _named_runner(self.options).rpartition(".")[2]

    @property
    def rehearses(self) -> bool:
        """Whether the options ask for a dry run, in which no element is worked on."""
        return is_rehearsal(self.options)

    @property
    def worker_count(self) -> int:
        """Worker processes of the local runner."""
        return self.workers or len(os.sched_getaffinity(0))

    @property
    def description(self) -> str:
        """The engine's name for the manifest."""
        if self.local:
            return f"FnApiRunner, {self.worker_count} worker(s), Beam {beam.__version__}"
        return f"{self.runner_name}, Beam {beam.__version__}"

    def run(
        self,
        label: str,
        elements: Iterable[Any],
        transform: beam.PTransform,
        *,
        log: Path,
        parallel: bool = True,
    ) -> dict[str, Any]:
        """Runs a transform over elements and waits.

        Args:
            label: The phase's name.
            elements: What the transform is applied to.
            transform: The phase.
            log: Where to the end of what the engine and its workers print, when the phase fails.
            parallel: False to run in this process, when there is too little work to pay for
                starting workers.

        Returns:
            Beam's metrics: ``namespace.name`` to a count or a distribution.

        Raises:
            EngineFailed: A worker died or a function raised.
            GraphNotPortable: The engine would run the graph wrong.
            OSError: In this process, input or output failed.
            KeyboardInterrupt: The user interrupted.
        """
        guard_against_lost_elements()
        wanted = list(elements)
        workers = min(self.worker_count, len(wanted)) if parallel else 1
        options = self._options(workers)
        runner = _local_runner(options) if self.local else None
        watch = _WorkerWatch()
        result = None
        try:
            with _quiet_beam(log), watch:
                pipeline = self._pipeline(label, wanted, transform, runner, options)
                if runner is None:
                    _refuse_departures(pipeline)
                result = pipeline.run()
                result.wait_until_finish()
        except KeyboardInterrupt:
            if watch.lost:
                raise EngineFailed("a worker process was lost: Channel closed") from None
            raise
        except (OSError, GraphNotPortable):
            raise
        except Exception as error:
            # The in-process runner wraps an interrupt in a RuntimeError that names the step.
            if "KeyboardInterrupt" in str(error):
                raise KeyboardInterrupt from error
            raise EngineFailed(str(error) or repr(error)) from error
        finally:
            _disconnect(result)
        return _metrics(result)

    def rehearse(
        self, label: str, elements: Sequence[Any], transform: beam.PTransform, *, log: Path
    ) -> GraphSize:
        """Builds a phase's graph and checks it; of Dataflow its runner is asked too.

        No element is worked on, and nothing is reached over the network.

        Args:
            label: The phase's name.
            elements: What the transform would be applied to.
            transform: The phase.
            log: As of ``run``.

        Raises:
            GraphNotPortable: The graph leaves the portable subset, or steps carry too much.
            EngineFailed: Dataflow's runner refuses it.
        """
        options = self._options()
        asked = self.runner_name == RUNNER
        runner = None if asked else _local_runner(options)
        with _quiet_beam(log):
            try:
                pipeline = self._pipeline(label, elements, transform, runner, options)
                _refuse_departures(pipeline)
                size = graph_size(pipeline)
                heavy = oversized(size)
                if heavy:
                    raise GraphNotPortable("\n".join(map(str, heavy)))
                if asked:
                    pipeline.run()
            except GraphNotPortable:
                raise
            except Exception as error:
                raise EngineFailed(str(error) or repr(error)) from error
        return size

    def _pipeline(
        self,
        label: str,
        elements: Sequence[Any],
        transform: beam.PTransform,
        runner: fn_runner.FnApiRunner | None,
        options: PipelineOptions,
    ) -> beam.Pipeline:
        if self.profile is not None and not self.local:
            transform = transform.with_resource_hints(min_ram=self.profile.worker_memory_bytes)
        pipeline = beam.Pipeline(runner=runner, options=options)
        pipeline | f"{label}: tasks" >> SpreadTasks(elements) | label >> transform
        return pipeline

    def _options(self, workers: int = 1) -> PipelineOptions:
        flags = list(self.options)
        if self.runner_name == RUNNER:
            flags = dataflow_flags(flags, self.profile or Profile())
        if _named_runner(flags) == "DaskRunner":
            # Beam finds this one by its full name alone.
            flags.append(f"--runner={_OPTIONAL_RUNNERS['DaskRunner'][2]}.DaskRunner")
        if not any(flag.startswith("--runner") for flag in flags):
            mode = "multi_processing" if workers > 1 else "in_memory"
            flags += [f"--direct_num_workers={workers}", f"--direct_running_mode={mode}"]
        return PipelineOptions(flags)


def _named_runner(flags: Sequence[str]) -> str:
    """The runner that flags name; empty for none."""
    return PipelineOptions(list(flags)).view_as(StandardOptions).runner or ""


def _import_runner(flags: Sequence[str]) -> None:
    runner = _named_runner(flags)
    if runner not in _OPTIONAL_RUNNERS:
        return
    package, extra, module = _OPTIONAL_RUNNERS[runner]
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise EngineMissing(f"{runner} isn't installed: install proofmill[{extra}]") from error
    importlib.import_module(module)


def _refuse_departures(pipeline: beam.Pipeline) -> None:
    found = departures(pipeline)
    if found:
        raise GraphNotPortable("\n".join(map(str, found)))


def _refuse_unknown(flags: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    for kind in _all_subclasses(PipelineOptions):
        kind._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(list(flags))
    if unknown:
        raise UnknownBeamOption(f"Beam knows no option {' '.join(unknown)}")


def _all_subclasses(kind: type[Any]) -> Iterable[type[Any]]:
    for child in kind.__subclasses__():
        if "_add_argparse_args" in vars(child):
            yield child
        yield from _all_subclasses(child)


def _local_runner(options: PipelineOptions) -> fn_runner.FnApiRunner:
    """The multi-process runner; without provision info its workers would get no options."""
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    info = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
    return fn_runner.FnApiRunner(provision_info=fn_runner.ExtendedProvisionInfo(info))


@contextmanager
def _quiet_beam(log: Path) -> Iterator[None]:
    """What Beam and its workers print goes to memory, and to a file if the block fails.

    Worker processes inherit standard error itself, so that it's turned away at its descriptor. Not
    to a file right away: a worker that can't print its exception, because the disk is full, never
    answers, and the run hangs (seen).
    """
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.CRITICAL)
    sys.stderr.flush()
    terminal = os.dup(2)
    with _memory_file() as printed:
        try:
            os.dup2(printed.fileno(), 2)
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                _save_end(printed, log)
            raise
        finally:
            with contextlib.suppress(OSError):
                sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            root.setLevel(level)


class _WorkerWatch:
    """Ends a phase whose worker process has died.

    Beam's local runner notices a lost worker only when it happens to write to it; else it waits for
    its answer for ever (seen). A real interrupt of the main thread gets it out.
    """

    def __init__(self) -> None:
        self.lost = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="worker watch", daemon=True)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        most, missing_since = 0, 0.0
        while not self._stop.wait(_WATCH_SECONDS):
            alive = _workers()
            most = max(most, len(alive))
            if len(alive) == most:
                missing_since = 0.0
                continue
            now = time.monotonic()
            missing_since = missing_since or now
            # At a phase's end workers go one after the other, within a moment.
            if now - missing_since > _LOST_SECONDS and not self._stop.is_set():
                self.lost = True
                for worker in alive:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        worker.kill()
                os.kill(os.getpid(), signal.SIGINT)
                return


def _workers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            command = child.cmdline()
            if _WORKER_MODULE in command and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def _memory_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("proofmill-engine"), "w+b")
    return tempfile.TemporaryFile()


def _save_end(printed: IO[bytes], log: Path) -> None:
    """Appends the last of what was printed to the log."""
    size = os.fstat(printed.fileno()).st_size
    with log.open("ab") as file:
        file.write(os.pread(printed.fileno(), _LOG_BYTES, max(size - _LOG_BYTES, 0)))


def _disconnect(result: Any) -> None:
    """Ends what a finished phase keeps open: Dask's result holds a client of its own."""
    client = getattr(result, "client", None)
    if client is not None:
        client.close()


def _metrics(result: Any) -> dict[str, Any]:
    try:
        query = result.metrics().query()
    except NotImplementedError:  # Dask
        return {}
    found: dict[str, Any] = {}
    for item in query["counters"]:
        name = f"{item.key.metric.namespace}.{item.key.metric.name}"
        found[name] = found.get(name, 0) + item.committed
    for item in query["distributions"]:
        name = f"{item.key.metric.namespace}.{item.key.metric.name}"
        value = item.committed
        found[name] = {"count": value.count, "sum": value.sum, "min": value.min, "max": value.max}
    return found
