"""The commands about what work costs: measure it in short jobs, learn it from what was run, look how right it is."""

import datetime
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from whyalike.cluster import site
from whyalike.commands.cli_faults import fail, messages, path
from whyalike.config import reading
from whyalike.grid.workflow import Workflow
from whyalike.planning import cost_file, costs
from whyalike.planning.costs import Costs

main = typer.Typer(no_args_is_help=True, help="What work costs, for the plan and for the time that jobs reserve.")

MINUTES = 15  # of a calibrating job, of which it needs one: data, compilation and a slow file system
MEGABYTES = 16000  # of memory, as the rule train_models asks for

Configfile = Annotated[Path, typer.Argument(parser=path, help="The configuration.")]
TrainedOn = Annotated[
    str | None, typer.Option("--device", help="The cost table's name of the GPU that trained; else that of the plans.")
]
CostTable = Annotated[Path, typer.Option("--costs", parser=path, help="The cost table that one's own goes over.")]
DEFAULT, TABLE = Path("config", "config.yaml"), Path("config", "costs.yaml")


def calibrate(
    configfile: Configfile = DEFAULT,
    setting: Annotated[list[str] | None, typer.Option(help="A setting; repeatable. All if left out.")] = None,
    gpu: Annotated[
        list[str] | None, typer.Option(help="A type of GPU; repeatable. The site's, or all of the partition.")
    ] = None,
    partition: Annotated[str | None, typer.Option(help="Partition of the jobs; the site's if left out.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long to measure each training.")] = 10,
    minutes: Annotated[int, typer.Option(min=1, help="Time limit of a job.")] = MINUTES,
    here: Annotated[bool, typer.Option("--here", help="On this machine, also where there is SLURM.")] = False,
    table: CostTable = TABLE,
) -> None:
    """Measure what training costs on your machines, by short jobs on SLURM or here, and write it to your cost table."""
    from whyalike.planning import calibration

    with messages(RuntimeError):
        flow, before = Workflow(reading.read(configfile)), costs.read(table)
        wanted = calibration.samples(flow, before, setting or [], seconds)
        faults: list[str] = []
        if here or shutil.which("sbatch") is None:
            timings = [(timing, None) for timing in calibration.measure_here(wanted, _say)]
        else:
            asked = kinds(site.read(), partition, gpu, minutes, flow.config.operation.device)
            folder = Path(flow.root, "logs", "calibrate").absolute()
            timings, faults = calibration.measure_on_slurm(wanted, asked, folder, _say)
        if timings:
            _print(_measured(timings))
            values = calibration.learnt(timings, flow, before, datetime.date.today())
            if faults:  # perhaps one of several types was measured: plans are made for what they were
                values.pop("device", None)
            _write(values, flow, before, table)
    if faults:
        fail("\n".join([f"{len(faults)} of {len(faults) + len(timings)} were not measured:", *faults]))


@main.command()
def update(
    configfile: Configfile = DEFAULT,
    device: TrainedOn = None,
    table: CostTable = TABLE,
) -> None:
    """Learn from the benchmark files and the run store of a study what its jobs cost; write it to your cost table."""
    from whyalike.planning import cost_learning

    with messages():
        flow, before = Workflow(reading.read(configfile)), costs.read(table)
        found = cost_learning.learn(flow, before, device, datetime.date.today())
        print("Learnt from " + ", ".join(f"{count} jobs of {rule}" for rule, count in found.jobs.items()))
        if found.untrained:
            print(f"No run of {', '.join(found.untrained)} is in {flow.store}: what their models cost is as it was.")
        _write(found.values, flow, before, table)


@main.command()
def compare(
    configfile: Configfile = DEFAULT,
    device: TrainedOn = None,
    table: CostTable = TABLE,
) -> None:
    """Say what a study's finished jobs took beside what the plan says of them: how far the plan can be trusted."""
    from whyalike.planning import accuracy

    with messages():
        jobs = accuracy.compared(Workflow(reading.read(configfile)), costs.read(table), device)
        _print(accuracy.shown(jobs))
    near = sum(job.is_near for job in jobs)
    print(f"{near} of {len(jobs)} jobs took what is planned, give or take {accuracy.NEAR:.0%}.")


def kinds(own: site.Site, partition: str | None, gpu: list[str] | None, minutes: int, device: str) -> list[Any]:
    """What the jobs of each array ask for: by the options, else the site file, else the partition."""
    from whyalike.cluster.slurm_arrays import Asked
    from whyalike.planning.calibration import gpu_types

    on_gpu = device != "cpu"
    resources = own.resources(int(on_gpu))
    partition = partition or resources.get("slurm_partition")
    named = gpu or ([own.gpu_model] if own.gpu_model else gpu_types(partition) if on_gpu else [])
    limit = min(minutes, own.max_minutes or minutes)
    return [Asked(partition, own.account, kind, limit, MEGABYTES, 1) for kind in (named or [""] if on_gpu else [None])]


def _measured(timings: list[tuple[Any, str | None]]) -> Table:
    """What was measured, a line a job."""
    shown = Table(box=None, header_style="bold")
    for name in ("setting", "asked for", "measured on", "data"):
        shown.add_column(name, no_wrap=True)
    for name in ("steps", "step, s", "run beside, s", "start, s", "memory, MB", "on GPU"):
        shown.add_column(name, justify="right", no_wrap=True)
    for timing, gpu in timings:
        figures = (timing.step_seconds, timing.run_seconds, timing.startup_seconds)
        memory = [f"{value:.0f}" if value else "-" for value in (timing.memory_mb, timing.gpu_memory_mb)]
        shown.add_row(timing.setting, gpu or "-", timing.hardware, "noise" if timing.synthetic else "real",
                      str(timing.steps), *(f"{value:.3g}" for value in figures), *memory)  # fmt: skip
        if gpu and timing.device == "cpu":
            _say(f"WARNING: {timing.setting} was trained on the CPU although its job had a {gpu}: torch sees no GPU")
    return shown


def without_cpu(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, without the CPU as the device of plans where there is SLURM: its jobs would then ask for no GPU."""
    kept = values.get("device") != "cpu" or shutil.which("sbatch") is None
    return {key: value for key, value in values.items() if kept or key != "device"}


def _write(values: Mapping[str, Any], flow: Workflow, before: Costs, table: Path) -> None:
    local = Path(costs.LOCAL)
    after = cost_file.write(without_cpu(values), table, local)
    devices = dict.fromkeys(rate["device"] for rate in values.get("rates", ())) or [after.device]
    _print(cost_file.changes(flow, before, after, devices))
    print(f"Written to {local}; plans are made for {after.device}.")


def _print(shown: Table) -> None:
    # a file or pipe takes the table whole, a terminal as much of it as fits
    Console(width=None if sys.stdout.isatty() else 200).print(shown)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
