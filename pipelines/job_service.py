"""Beam's local job service, guarded against lost elements.

The portable runner sends a phase to a job service, which hands it to worker pools in processes of
their own: what Dataflow does, on machines at hand. Beam's own service keeps the timer that loses
elements (see ``guard_against_lost_elements``); this one doesn't. Run it with
``python -m pipelines.job_service --port 8099``, and a worker pool on each machine with
``python -m apache_beam.runners.worker.worker_pool_main --service_port 50000``.
"""

from __future__ import annotations

import signal
import sys

from apache_beam.runners.portability import local_job_service_main

from pipelines.engine import guard_against_lost_elements

__all__ = ["main"]


def main() -> None:
    """Serves until it's terminated; the arguments are those of Beam's service."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    guard_against_lost_elements()
    local_job_service_main.run(sys.argv[1:])


if __name__ == "__main__":
    main()
