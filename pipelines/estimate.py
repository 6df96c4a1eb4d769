"""What a run will cost, said before it starts, from throughput that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.filesize import decimal
from rich.table import Table

from pipelines.inputs import InputFile
from pipelines.recipe import Profile

__all__ = ["Estimate", "estimate_line", "estimate_of", "estimate_table"]

_MEGABYTE = 1_000_000
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a run.

    Attributes:
        files: Input files.
        input_bytes: Their bytes, as they lie there.
        records: Records that are read, roughly; 0 when the recipe's profile doesn't say.
        cpu_hours: Hours of one core; 0 when the profile doesn't say.
        output_bytes: Bytes of the run's folder, roughly.
        work_bytes: Bytes that its working files take besides, until it ends.
    """

    files: int
    input_bytes: int
    records: int
    cpu_hours: float
    output_bytes: int
    work_bytes: int

    def hours_on(self, cores: int) -> float:
        """Wall hours on so many cores that are all kept busy."""
        return self.cpu_hours / max(cores, 1)


def estimate_of(profile: Profile, files: Sequence[InputFile]) -> Estimate:
    """What the profile's rates say of some input.

    Args:
        profile: The recipe's measured rates.
        files: The input.
    """
    size = sum(file.size for file in files)
    megabytes = size / _MEGABYTE
    return Estimate(
        len(files),
        size,
        round(megabytes * profile.records_per_megabyte),
        megabytes * profile.cpu_seconds_per_megabyte / _HOUR,
        round(size * profile.output_share),
        round(size * profile.work_share),
    )


def estimate_line(estimate: Estimate) -> str:
    """An estimate in one line."""
    size = f"{estimate.files:,} input file(s), {decimal(estimate.input_bytes)}"
    if not estimate.cpu_hours:
        return size
    return f"{size}: about {estimate.records:,} records, {estimate.cpu_hours:,.3f} vCPU-hours"


def estimate_table(estimate: Estimate, cores: int) -> Table:
    """An estimate for the terminal."""
    table = Table(title="Estimate", title_justify="left", title_style="bold", box=None)
    table.add_column("what")
    table.add_column("", justify="right")
    table.add_row("input files", f"{estimate.files:,}")
    table.add_row("input", decimal(estimate.input_bytes))
    if estimate.cpu_hours:
        table.add_row("records, about", f"{estimate.records:,}")
        table.add_row("vCPU-hours, about", f"{estimate.cpu_hours:,.3f}")
        table.add_row(f"hours on {cores} core(s), about", f"{estimate.hours_on(cores):,.3f}")
        table.add_row("output, about", decimal(estimate.output_bytes))
        table.add_row("working files, about", decimal(estimate.work_bytes))
    else:
        table.add_row("time", "the recipe's profile has no measured rates")
    return table
