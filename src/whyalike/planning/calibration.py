"""What training costs on one's own machines: a short training for each setting and type of GPU, as rates of costs.

With SLURM the trainings are job arrays (`whyalike.cluster.slurm_arrays`), one array a type of GPU; without it,
processes of this machine, one after the other. Both call `whyalike.training.timing.measure`. What overlaps between
models changes neither the size of a step nor its cost, so one training stands for all factors of a setting.
"""

import datetime
import multiprocessing
import re
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyalike.cluster.slurm_arrays import Asked, Task, cancel, collect, submit
from whyalike.config.external import External
from whyalike.config.faults import near
from whyalike.config.yaml_file import ConfigError
from whyalike.data.registry import SOURCES
from whyalike.data.synthetic import Shape
from whyalike.designs.registry import DESIGNS, design
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning.cost_file import match
from whyalike.planning.costs import Costs
from whyalike.planning.plan import Plan
from whyalike.planning.workload import Workload
from whyalike.training.parameters import TrainingParameters

if TYPE_CHECKING:  # torch takes seconds
    from whyalike.training.timing import Sample, Timing

BATCHES = 8  # of noise to train on: an epoch or two of half of them in the warm-up, then again and again
TEXTS = 64  # chunks of noise
THREADS = 1  # of the rule train_models
GPU_TYPE = re.compile(r"\bgpu:([A-Za-z][\w.-]*):\d+")


def samples(flow: Workflow, costs: Costs, asked: Sequence[str], seconds: float) -> list["Sample"]:
    """One training for each setting that is trained, on the prepared data if they are there.

    Parameters
    ----------
    flow : the configuration with its paths.
    costs : the cost table, for sizes of data that only files tell.
    asked : names of settings; all if empty.
    seconds : how long to measure each.

    Raises
    ------
    ConfigError : a name is no setting that is trained, or there is none.
    """
    cells = _cells(flow)
    if unknown := [name for name in asked if name not in cells]:
        raise ConfigError(f"'{unknown[0]}' is no setting that is trained.{near(unknown[0], cells)} "
                          f"Known: {', '.join(cells) or 'none'}.")  # fmt: skip
    if not cells:
        raise ConfigError("no setting is trained: all runs come from files, and there is nothing to calibrate")
    from whyalike.training.timing import Sample

    workload, found = Workload(flow.config, costs), []
    scratch = Path(flow.config.results).absolute()
    scratch.mkdir(parents=True, exist_ok=True)
    for name in asked or cells:
        parameters = TrainingParameters.from_text(flow.training_work(_Wildcards(cells[name])))
        run, factor = min(parameters.runs, key=lambda run: run.level is not None), parameters.factor
        folder = Path(flow.dataset(flow.config.settings[name].dataset)[0]).parent.absolute()
        data = folder if (folder / "checksums.json").is_file() else shape(workload, name)
        if isinstance(data, Shape) and (stand_in := design(cells[name].factor).measured_as):
            run, factor = run.model_copy(update={"labelling": flow.config.settings[name].labelling}), stand_in
        parameters = parameters.model_copy(update={"runs": (run,), "factor": factor})
        found.append(Sample(parameters, flow.config.operation, THREADS, data, seconds, scratch))
    return found


def shape(workload: Workload, setting: str) -> Shape:
    """The shape of noise that stands for a setting's data set."""
    config = workload.config
    section = config.settings[setting]
    facts, model = SOURCES[config.datasets[section.dataset].source].facts, config.models[section.model]
    parts, _ = workload.images(section.dataset)
    if facts.modality == "text":
        vocabulary, context = model.vocabulary, model.context
        return Shape(facts.attributes, TEXTS, parts.test, vocabulary=vocabulary, context=context)
    # half of the images are a run's own under data and task overlap
    return Shape(facts.attributes, 2 * BATCHES * workload.batch(setting), parts.test, section.size, facts.channels or 3)


def measure_here(wanted: Iterable["Sample"], say: Callable[[str], None]) -> list["Timing"]:
    """Measure on this machine, each training in a process of its own: it begins with its imports, as jobs do."""
    from whyalike.training.timing import measure

    found = []
    for sample in wanted:
        say(f"{sample.parameters.setting}: training for {sample.seconds:g} s on this machine")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            try:
                found.append(pool.submit(measure, sample).result())
            except BrokenProcessPool:
                raise RuntimeError(f"{sample.parameters.setting}: the training was killed on this machine; its memory "
                                   "may not be enough") from None  # fmt: skip
    return found


def measure_on_slurm(
    wanted: Sequence["Sample"], asked: Sequence[Asked], folder: Path, say: Callable[[str], None]
) -> tuple[list[tuple["Timing", str | None]], list[str]]:
    """Measure in SLURM's jobs, an array for each of several kinds of job.

    Parameters
    ----------
    wanted : the trainings.
    asked : what the jobs of each array ask for; they differ in the type of GPU.
    folder : for logs and values; all nodes see it.
    say : gets a line for each array and each value.

    Returns
    -------
    timings : each with the type of GPU that its job asked for, None where none was named.
    faults : a line for each job that gave none.

    Raises
    ------
    RuntimeError : SLURM refuses the jobs, or does not answer for long.
    """
    from whyalike.training.timing import measure

    tasks: list[Task] = []
    kinds: dict[str, str | None] = {}
    try:
        for one in asked:
            where = one.gpu or ("a CPU" if one.gpu is None else "a GPU")
            named = {f"{sample.parameters.setting} on {where}": sample for sample in wanted}
            array = submit(measure, named, one, folder)
            tasks += array
            kinds |= {task.id: one.gpu or None for task in array}
            say(f"{len(array)} jobs for {where}: {', '.join(task.id for task in array)}; logs in {folder}")
    except BaseException:
        cancel(kinds)
        raise
    values, faults = collect(tasks, say)
    return [(timing, kinds[job]) for job, timing in values.items()], faults


def gpu_types(partition: str | None) -> list[str]:
    """The types of GPU that SLURM knows in a partition (of all partitions if None is named), as jobs ask for them.

    Raises
    ------
    RuntimeError : SLURM does not answer.
    """
    command = ["sinfo", "--noheader", "--format=%G", *([f"--partition={partition}"] if partition else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"sinfo ended with status {done.returncode}: {done.stderr.strip()}. Try again later, or "
                           "measure on this machine: --here.")  # fmt: skip
    return sorted(set(GPU_TYPE.findall(done.stdout)))


def learnt(
    timings: Iterable[tuple["Timing", str | None]], flow: Workflow, costs: Costs, today: datetime.date
) -> dict[str, Any]:
    """What was measured, as keys of a cost table.

    Parameters
    ----------
    timings : each with the type of GPU that its job asked for, None where none was named.
    flow, costs : the configuration, and the table as it was.
    today : the date.

    Returns
    -------
    dict : ``rates``, ``devices`` that the table lacks, and ``device`` where all was measured on one.
    """
    workload, rates, devices = Workload(flow.config, costs), [], {}
    known = costs.devices[Plan(flow.config, flow.grid, costs, flow.store).device].model_dump(exclude={"source"})
    for timing, gpu in timings:
        # a job that asked for a GPU may have seen none
        device = gpu.lower() if gpu and timing.device != "cpu" else device_name(timing, costs)
        if device not in costs.devices:  # guesses of operations stay those of the device planned for so far
            devices.setdefault(device, {**known, "startup_seconds": round(timing.startup_seconds, 2)})
        rates.append(
            {
                "match": match(workload, timing.setting),
                "device": device,
                **figures(timing),
                "source": "measured",
                "hardware": timing.hardware,
                "date": today,
            }
        )
    measured_on = {rate["device"] for rate in rates}
    return (
        {"rates": rates}
        | ({"devices": devices} if devices else {})
        | ({"device": measured_on.pop()} if len(measured_on) == 1 else {})
    )


def figures(timing: "Timing") -> dict[str, float]:
    """The figures of a rate, to as many digits as mean something."""
    values = {name: getattr(timing, name) for name in ("step_seconds", "startup_seconds", "run_seconds", "memory_mb",
                                                       "gpu_memory_mb")}  # fmt: skip
    return {name: float(f"{value:.3g}") for name, value in values.items() if value is not None}


def device_name(timing: "Timing", costs: Costs) -> str:
    """The cost table's name of what was measured: cpu, a known GPU that the hardware's name tells of, or that name."""
    if timing.device == "cpu":
        return "cpu"
    words = re.sub(r"[^a-z0-9]+", "_", timing.hardware.lower()).strip("_")
    return next((name for name in costs.devices if name != "cpu" and name.lower() in words.split("_")), words)


def _cells(flow: Workflow) -> dict[str, Cell]:
    """For each setting that is trained the cell that is measured."""
    found: dict[str, Cell] = {}
    for cell in sorted(flow.grid.cells, key=_place):
        if not isinstance(flow.config.settings[cell.setting], External):
            found.setdefault(cell.setting, cell)
    return {name: found[name] for name in flow.config.settings if name in found}


def _place(cell: Cell) -> tuple[bool, float, bool, int, int]:
    """From most training and test images of a run to least; last what another design stands for."""
    own, place = design(cell.factor), list(DESIGNS).index(cell.factor)
    return own.measured_as is not None, -own.share_of_images, own.shares == "classes", place, cell.seed


class _Wildcards:
    """A cell as a rule names it."""

    def __init__(self, cell: Cell):
        self.setting, self.factor, self.seed = cell.setting, cell.factor, str(cell.seed)
