"""What Google Dataflow needs besides Beam's own options, said before a job is sent."""

from __future__ import annotations

from collections.abc import Sequence

from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    TestOptions,
    WorkerOptions,
)

from pipelines.errors import InputError
from pipelines.recipe import Profile

__all__ = ["RUNNER", "dataflow_flags", "is_rehearsal"]

RUNNER = "DataflowRunner"


def is_rehearsal(flags: Sequence[str]) -> bool:
    """Whether the flags ask Dataflow's runner for a dry run."""
    return bool(PipelineOptions(list(flags)).view_as(TestOptions).dry_run)


def dataflow_flags(flags: Sequence[str], profile: Profile) -> list[str]:
    """The user's flags, and the profile's where the user gave none.

    Args:
        flags: Beam options that name Dataflow's runner.
        profile: What workers should have.

    Raises:
        InputError: An option is missing that Dataflow's runner wouldn't ask for until too late.
    """
    options = PipelineOptions(list(flags))
    cloud = options.view_as(GoogleCloudOptions)
    workers = options.view_as(WorkerOptions)
    needed = {
        "--project": cloud.project,
        "--region": cloud.region,
        "--temp_location=gs://...": cloud.temp_location,
        "--sdk_container_image": workers.sdk_container_image,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise InputError(f"{RUNNER} also needs {', '.join(missing)}; see runbooks/dataflow.md")
    added = {
        "--machine_type": (workers.machine_type, profile.machine_type),
        "--disk_size_gb": (workers.disk_size_gb, profile.disk_gigabytes),
        # A task keeps a core busy by itself, and starts a process of its own for extraction.
        "--number_of_worker_harness_threads": (_threads(options), 1),
    }
    defaults = [f"{name}={value}" for name, (given, value) in added.items() if not given]
    # The package is in the container; nothing of the main session is needed or sent.
    return [*flags, *defaults, "--no_save_main_session"]


def _threads(options: PipelineOptions) -> int | None:
    threads: int | None = options.get_all_options().get("number_of_worker_harness_threads")
    return threads
