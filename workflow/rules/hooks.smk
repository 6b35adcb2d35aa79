# What is done around the jobs: before the first, when one failed, in a dry-run, and what the terminal shows.

import shlex
import sys
import time
from pathlib import Path

from snakemake.scheduling.job_scheduler import JobScheduler

from whyalike import driver_lock, termination
from whyalike.cluster import slurm
from whyalike.planning import preflight
from whyalike.planning.plan_table import PlanHandler
from whyalike.status import failures
from whyalike.status.progress import Progress

STARTED = time.time()

# Snakemake puts its interpreter into commands of a shell as it is: a clone may lie in a folder with a space
sys.executable = shlex.quote(sys.executable)

termination.end_in_a_thread(JobScheduler)


# a line for each data set of this run whose files the user has yet to bring
missing_data = lambda: preflight.missing_data(FLOW.config, workflow.dag.needrun_jobs(), OWN)


# folders of the studies with rules of their own that have something to do: several configurations share them
own_roots = lambda: [
    study.root for study in OWN.values() if study.rules.keys() & {job.rule.name for job in workflow.dag.needrun_jobs()}
]


# in a real run what is missing is one error before any job; a dry-run only warns
onstart:
    if fault := preflight.unwritable(Path(FLOW.config.results)):
        raise WorkflowError(f"nothing was run: {fault}")
    try:
        driver_lock.hold(ROOT, *own_roots())
    except (RuntimeError, PermissionError) as error:
        raise WorkflowError(str(error)) from None
    if skew := preflight.clock_skew(Path(FLOW.config.results)):
        logger.warning(skew)
    if lines := missing_data():
        raise WorkflowError("\n".join(["nothing was run, data are missing:", *lines]))
    # on a cluster, whose profile names the jobs; Snakemake's lock on the folder is held here
    if prefix := getattr(workflow.executor_settings, "jobname_prefix", ""):
        if fault := slurm.folder_fault(workflow.workdir_init):
            raise WorkflowError(fault)
        slurm.mend(sys.modules["snakemake_executor_plugin_slurm"])
        try:
            slurm.cancel_predecessors(prefix, Path(workflow.workdir_init), logger.warning)
        except RuntimeError as error:
            raise WorkflowError(str(error)) from None


# what jobs on other nodes said stands only beside their logs
onerror:
    for folder in (ROOT, *(study.root for study in OWN.values())):
        for lines in failures.told(Path(folder, "logs"), STARTED):
            logger.error(f"\n{lines}")
    # then the logs may lack it
    if fault := preflight.unwritable(Path(FLOW.config.results)):
        logger.error(fault)


if workflow.output_settings.dryrun:
    logger.addHandler(preflight.DryRunWarnings(missing_data, logger.warning))
    # prints the GPU-hour plan when logging ends
    stream = sys.stdout if workflow.output_settings.stdout else sys.stderr
    logger.addHandler(PlanHandler(PLAN, stream, SITE, workflow._localrules))
# a real run: its log has every line, the terminal what a person reads. Who asks for more or less gets what Snakemake says
elif workflow.is_main_process and not workflow.output_settings.verbose:
    quiet = {kind.name for kind in workflow.output_settings.quiet or ()}
    terminal = {handler.name: handler for handler in logger.handlers}.get("DefaultStreamHandler")
    if terminal is not None and quiet.isdisjoint({"ALL", "PROGRESS"}):
        logger.addHandler(Progress(terminal))
