"""The table that ends every dry-run: jobs, runs to be trained, GPU hours, disk; by rule, by factor and by study.

A plain `logging.Handler`, attached by the Snakefile, gathers the JOB_INFO events in which Snakemake names each job that
would run, and prints its table when logging is closed, which is the last output. So it works with the unmodified
command and with any profile. Reserved hours are Snakemake's own (`runtime` x `gpu`); what is expected comes from
`whyalike.planning.plan`. A job or run that several studies share stands in each of them, and once in the total. Above
the rows stands what the site file adds: GPU, partition, hours on the GPUs that one gets, price, and jobs that are too
long.
"""

import heapq
import logging
import textwrap
import traceback
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from whyalike.cluster.site import SITE, Site
from whyalike.planning import claimable
from whyalike.planning.costs import KNOWN_HOW, LOCAL
from whyalike.planning.estimates import Estimate
from whyalike.planning.plan import EXTRACTION, KEPT, SHORT, Plan

FACTORLESS, STUDYLESS = "(no factor)", "(no single study)"
# order of the rows; rules that are not listed come last, in the order of their first job
RULES = ("prepare_", "write_beton", "make_splits", "train_models", "join_parts", "import_", "list_models", EXTRACTION,
         "score_comparison", "score_all_pairs", "join_scores", "write_pairs", "list_views", "analyse_study",
         "write_tables", "write_findings", "draw_figure", "all")  # fmt: skip
HOUR, GIGABYTE = 3600.0, 1e9
UNKNOWN = Site()  # a site of which nothing is said
NAME, WIDTH = 27, 100  # columns of the first column, and at most of the whole
GPUS = (1, 8)  # where the site file does not say how many one gets: one, and a common node
LONGEST = 3  # jobs that are named


def heads(gpu: bool) -> list[str]:
    """The two lines over the columns; those of GPU hours only where jobs can have a GPU."""
    return [
        f"{'':{NAME}} {'jobs':>5} {'runs':>6}{' {:>17}'.format('GPU hours') * gpu} {'CPU':>7} {'disk':>7}  costs are",
        f"{'':{NAME}} {'':>5} {'':>6}{' reserved expected' * gpu} {'hours':>7} {'GB':>7}",
    ]


@dataclass(frozen=True)
class PlannedJob:
    """One job that would run: its rule, its estimate and what it reserves.

    ``submission`` is the same for the jobs that are one on a cluster (a group); None: it runs beside Snakemake. ``of``
    are the values of its wildcards.
    """

    rule: str
    estimate: Estimate
    gpus: int
    minutes: int
    threads: int
    submission: int | None = None
    of: tuple[str, ...] = ()


@dataclass
class Row:
    """Sums over some jobs; each run counts once."""

    jobs: int = 0
    reserved: float = 0.0
    gpu_seconds: float = 0.0
    cpu_seconds: float = 0.0
    bytes: float = 0.0
    runs: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)

    def add(self, job: PlannedJob, study: str | None = None) -> None:
        """Count a job, with all of its runs or those that a study needs."""
        estimate = job.estimate
        wanted = estimate.runs.keys() if study is None else estimate.studies[study]
        new = [estimate.runs[identity] for identity in wanted if identity not in self.runs]
        seconds = estimate.own_seconds + sum(run.seconds for run in new)
        self.jobs += 1
        self.runs.update(wanted)
        self.reserved += 60 * job.minutes * job.gpus
        self.gpu_seconds += seconds * job.gpus
        self.cpu_seconds += 0 if job.gpus else seconds * job.threads
        self.bytes += estimate.own_bytes + sum(run.bytes for run in new)
        self.sources |= estimate.sources

    def line(self, name: str, gpu: bool = True) -> str:
        """The row as text."""
        name = name if len(name) <= NAME else f"{name[: NAME - 1]}…"
        how = ", ".join(source for source in KNOWN_HOW if source in self.sources) or "-"
        hours = "".join(f" {number(seconds / HOUR):>8}" for seconds in (self.reserved, self.gpu_seconds)) if gpu else ""
        return (
            f"{name:{NAME}} {self.jobs:>5} {len(self.runs):>6}{hours} {number(self.cpu_seconds / HOUR):>7} "
            f"{number(self.bytes / GIGABYTE):>7}  {how}"
        )


def number(value: float) -> str:
    """Two decimals, none from 1000 on; what is little is not shown as nothing."""
    if 0 < value < 0.005:
        return "<0.01"
    return f"{value:.0f}" if value == 0 or value >= 1000 else f"{value:.2f}"


def table(jobs: Iterable[PlannedJob], plan: Plan, site: Site = UNKNOWN) -> str:
    """The whole table; without jobs its total alone."""
    jobs = list(jobs)
    total, by_rule = Row(), {}
    by_factor = {job.estimate.factor: Row() for job in jobs}
    by_study, studyless = {study: Row() for study in plan.rows}, Row()
    # the preparation of data alone makes no study present: another study's figure may need the same data
    present = {study for job in jobs for study in job.estimate.studies
               if job.estimate.factor or study not in plan.config.studies}  # fmt: skip
    for job in jobs:
        total.add(job)
        by_rule.setdefault(job.rule, Row()).add(job)
        by_factor[job.estimate.factor].add(job)
        studies = present.intersection(job.estimate.studies)
        for study in studies:
            by_study[study].add(job, study)
        if not studies:
            studyless.add(job)
    factors = sorted(by_factor, key=lambda factor: (factor is None, str(factor)))
    sections = {
        "by rule": {name: by_rule[name] for name in sorted(by_rule, key=_place)},
        "by factor": {name or FACTORLESS: by_factor[name] for name in factors},
        "by study": {name: row for name, row in (by_study | {STUDYLESS: studyless}).items() if row.jobs},
    }
    gpu = plan.device != "cpu"
    claims = claimable.lines(plan.config) if "train_models" in by_rule else ()
    lines = [
        f"{'GPU' if gpu else 'CPU'}-hour plan for {plan.device} (costs in config/costs.yaml); runs are those that the "
        "store lacks.",
        "What several studies share stands in each of them, and once in the total.",
        *(
            line
            for text in [*trained_again(jobs), *activations(jobs, plan), *outlook(jobs, plan, site), *claims]
            for line in textwrap.wrap(text, WIDTH)
        ),
        "",
        *heads(gpu),
    ]
    for title, rows in sections.items():
        lines += [title, *(row.line(f"  {name}", gpu) for name, row in rows.items())] if rows else []
    return "\n".join([*lines, total.line("total", gpu)])


def trained_again(jobs: Sequence[PlannedJob]) -> list[str]:
    """How many finished runs are trained again for steps to keep, in a sentence; none where none are."""
    until = {identity: run.until for job in jobs for identity, run in job.estimate.runs.items() if run.until}
    if not until:
        return []
    return [
        f"{len(until)} of the runs are finished and lack steps that `keep_steps` asks for: they are trained again up "
        f"to step {max(until.values())} at most, and stay what they are."
    ]


def activations(jobs: Sequence[PlannedJob], plan: Plan) -> list[str]:
    """What representations take under each value of `activations`, in a sentence; none where none are made."""
    vectors, chosen = sum(job.estimate.vector_bytes for job in jobs), plan.config.activations
    if not vectors:
        return []
    sizes = ", ".join(f"{number(share * vectors / GIGABYTE)} GB with {name}" for name, share in KEPT.items())
    return [
        f"Representations of these jobs take {sizes}, at least {number(plan.largest_comparison() / GIGABYTE)} GB for a "
        f"while (the largest comparison). Chosen: {chosen}."
    ]


def outlook(jobs: Sequence[PlannedJob], plan: Plan, site: Site) -> list[str]:
    """What the jobs mean on one's own cluster, in sentences: queue, hours, GPU, price, jobs that are too long."""
    lines = _sizes(_submitted([job for job in jobs if job.submission is not None])) if plan.gpus else []
    lines += _longest(jobs)
    if seconds := _submitted([job for job in jobs if job.gpus]):
        asked = f"the jobs ask for {site.gpu_model}" if site.gpu_model else "the jobs ask for any type"
        if site.gpu_model and site.gpu_model.lower() != plan.device.lower():
            asked += f" (if the costs do not hold there, set device in {LOCAL})"
        partition = site.gpu_partition or site.partition or "the cluster's default"
        beside = _beside(jobs)
        hours = [f"{number((makespan(seconds, gpus) + beside) / HOUR)} h on {gpus} GPU{'s' if gpus > 1 else ''}"
                 for gpus in ([site.gpus] if site.gpus else GPUS)]  # fmt: skip
        reserve = plan.costs.reserve
        lines += [
            f"GPU: costs are of {plan.device}, {asked}. Partition: {partition}.",
            f"Expected wall-clock: {', '.join(hours)}: the {len(seconds)} jobs with a GPU, then the longest job of "
            f"each other rule ({number(beside / HOUR)} h). Queues come on top.",
            f"Reserved is what the jobs ask for, so that none is cut off: {reserve.margin_minutes} minutes each, and "
            f"the expected time {reserve.measured:g} times where costs are measured, {reserve.given:g} times where "
            f"given, {reserve.guessed:g} times where guessed.",
        ]
    if seconds and site.price_per_gpu_hour:
        reserved = sum(60 * job.minutes for job in jobs if job.gpus)
        cost, most = (number(site.price_per_gpu_hour * value / HOUR) for value in (sum(seconds), reserved))
        lines.append(f"Cost at {site.price_per_gpu_hour:g} a GPU hour: {cost} expected, {most} if all that is reserved "
                     "is paid.")  # fmt: skip
    return lines + _too_long(jobs, plan)


def _longest(jobs: Sequence[PlannedJob]) -> list[str]:
    """The jobs that take longest, by name."""
    found = heapq.nlargest(LONGEST, (job for job in jobs if job.estimate.seconds), key=lambda job: job.estimate.seconds)
    named = [f"{' '.join([job.rule, *job.of])} {number(job.estimate.seconds / HOUR)} h" for job in found]
    return [f"The longest jobs, as expected: {'; '.join(named)}."] if named else []


def _beside(jobs: Sequence[PlannedJob]) -> float:
    """Seconds of the longest job of each rule without a GPU: one rule follows the other, its jobs run side by side."""
    longest: dict[str, float] = {}
    for job in jobs:
        if not job.gpus:
            longest[job.rule] = max(longest.get(job.rule, 0.0), job.estimate.seconds)
    return sum(longest.values())


def _submitted(jobs: Iterable[PlannedJob]) -> list[float]:
    """Expected seconds of each job as a cluster gets it: those of a group together."""
    seconds: dict[object, float] = {}
    for job in jobs:
        key = id(job) if job.submission is None else (job.submission,)
        seconds[key] = seconds.get(key, 0.0) + job.estimate.seconds
    return list(seconds.values())


def _sizes(seconds: Sequence[float]) -> list[str]:
    """How many jobs a cluster gets, from the shortest to the longest."""
    if not seconds:
        return []
    short = sum(each < SHORT for each in seconds)
    return [
        f"Jobs for a cluster's queue: {len(seconds)}, of {min(seconds) / 60:.1f} to {max(seconds) / 60:.1f} expected "
        f"minutes, {short or 'none'} under a minute; the others run beside Snakemake."
    ]


def makespan(seconds: Iterable[float], workers: int) -> float:
    """Seconds until all is done if the longest job that waits goes to the first free worker (Graham 1969)."""
    free = [0.0] * workers
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def _too_long(jobs: Sequence[PlannedJob], plan: Plan) -> list[str]:
    """A warning for each rule with jobs that would reserve more than the longest job may."""
    lines = []
    for rule in sorted({job.rule for job in jobs}, key=_place):
        estimates = [job.estimate for job in jobs if job.rule == rule]
        wanted = [one.together * plan.wanted_minutes(one) for one in estimates]
        over = [minutes for minutes in wanted if minutes > plan.max_minutes]
        if over:
            expected = max(one.together * one.seconds for one in estimates) / 60
            lines.append(
                f"WARNING: {len(over)} of {len(wanted)} jobs of {rule} would reserve more than max_minutes: "
                f"{plan.max_minutes} of {SITE} (up to {max(over):.0f}; {expected:.0f} expected). {_advice(rule)}"
            )
    return lines


def _advice(rule: str) -> str:
    if rule == "train_models":
        return (
            "One that is cut off goes on from its checkpoint when it is tried again: raise retries in "
            "profiles/slurm/config.yaml, or name a partition with a longer limit."
        )
    return "One that is cut off starts anew: name a partition with a longer limit, or compare fewer stimuli."


def _place(rule: str) -> int:
    return next((place for place, name in enumerate(RULES) if rule.startswith(name)), len(RULES))


class PlanHandler(logging.Handler):
    """Gathers what a dry-run says and prints the plan when logging ends.

    Parameters
    ----------
    plan : estimates the jobs.
    stream : where to print.
    site : the cluster, as its users know it.
    local : the rules whose jobs run beside Snakemake, on a cluster too; looked at when jobs are named.
    """

    def __init__(self, plan: Plan, stream: TextIO, site: Site = UNKNOWN, local: Collection[str] = ()):
        super().__init__()
        self._plan, self._stream, self._site, self._local = plan, stream, site, local
        self._jobs: list[PlannedJob] = []
        self._submissions = self._members = 0  # so far; of the last one, that are still to be named
        self._announced = self._idle = self._failed = self._closed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one event."""
        event = getattr(getattr(record, "event", None), "name", None)
        self._failed |= record.levelno >= logging.ERROR
        if event == "GROUP_INFO":  # the jobs that it names follow at once
            self._submissions, self._members = self._submissions + 1, len(record.jobs)
        elif event == "JOB_INFO":
            try:
                self._jobs.append(self._job(vars(record)))
            except Exception:
                self._failed = True
                self.handleError(record)
        elif event == "RUN_INFO":
            self._announced = True
        elif record.getMessage().startswith("Nothing to be done"):
            self._idle = True

    def close(self) -> None:
        """Print the plan, once; after a fault there is none."""
        if not (self._closed or self._failed):
            try:
                self._stream.write(self._text())
                self._stream.flush()
            except Exception:  # Snakemake swallows what `close` raises
                traceback.print_exc()
        self._closed = True
        super().close()

    def _job(self, event: Mapping[str, Any]) -> PlannedJob:
        resources, rule = event["resources"], event["rule_name"]
        is_target = not event["output"] and not event["log"]  # `all`, or a figure by its name: no work of its own
        estimate = Estimate() if is_target else self._plan.estimate(rule, dict(event["wildcards"] or {}))
        amounts = (int(resources.get(name) or 0) for name in ("gpu", "runtime"))
        of = tuple(filter(None, map(str, (event["wildcards"] or {}).values())))
        return PlannedJob(rule, estimate, *amounts, int(event["threads"]), self._submission(rule, is_target), of)

    def _submission(self, rule: str, is_target: bool) -> int | None:
        """The number of the submission that the job which is named now belongs to."""
        if self._members:
            self._members -= 1
        elif is_target or rule in self._local:
            return None
        else:
            self._submissions += 1
        return self._submissions

    def _text(self) -> str:
        if self._jobs or self._idle:
            return f"\n{table(self._jobs, self._plan, self._site)}\n"
        if self._announced:
            return "No plan of hours: with `--quiet rules progress` Snakemake names no job. Leave one of the two out.\n"
        return ""
