"""The command line: thin, it calls what the rules call."""

import sys
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from whyalike.cluster import slurm
from whyalike.commands import (
    cli_consistency,
    cli_costs,
    cli_draws,
    cli_layers,
    cli_models,
    cli_score,
    cli_sweep,
    cli_zoo,
    exporting,
    housekeeping,
    running,
)
from whyalike.commands.cli_faults import installed, messages, path
from whyalike.config import reading

main = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

main.add_typer(cli_costs.main, name="costs")
main.add_typer(cli_zoo.main, name="zoo")
main.command()(cli_costs.calibrate)
main.command()(cli_score.score)
main.command()(cli_score.describe)
main.command()(cli_layers.layers)
main.command()(cli_models.models)
main.command()(cli_consistency.consistency)
main.command()(cli_draws.draws)
main.command()(cli_sweep.sweep)


def _say_version(asked: bool) -> None:
    if asked:
        print(f"whyalike {version('whyalike')}")
        raise typer.Exit


@main.callback()
def _about(
    _: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version, and end.")
    ] = False,
) -> None:
    """Why do independently trained models represent the world alike?"""


@main.command(context_settings={"allow_extra_args": True, "allow_interspersed_args": False})
def run(
    context: typer.Context,
    configfile: Annotated[Path, typer.Argument(parser=path, help="The configuration, such as config/demo.yaml.")],
) -> None:
    """Run the workflow to its end and say what was found; what follows the configuration goes to Snakemake.

    One run at a time in a folder, `snakemake` alone counted. A lock that a killed Snakemake left behind is removed, and
    the run goes on where it stopped.
    """
    with installed():
        running.run(configfile, context.args)


@main.command()
def status(
    configfile: Annotated[Path, typer.Argument(parser=path, help="The configuration, such as config/demo.yaml.")],
    watch: Annotated[bool, typer.Option("--watch", help="Look again every few seconds, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks.")] = 5,
    prefix: Annotated[str, typer.Option(help="Of the SLURM jobs' names, if the profile has another.")] = slurm.PREFIX,
    table: Annotated[Path, typer.Option("--costs", parser=path, help="The cost table.")] = Path("config", "costs.yaml"),
) -> None:
    """Say what is done, runs, waits and failed, what it cost and how long it takes; from any terminal, at any time."""
    from rich.console import Console
    from rich.live import Live

    from whyalike.planning import costs
    from whyalike.status import monitoring, status_table

    # a file or pipe takes the tables whole, a terminal as much of them as fits
    console = Console(width=None if sys.stdout.isatty() else 200)
    with messages():
        config = reading.read(configfile)
        monitor = monitoring.Monitor(config, costs.read(table), Path(), prefix)
        seen = status_table.shown(monitor.look(), configfile)
        if not watch:
            console.print(seen, soft_wrap=True)
            return
        with suppress(KeyboardInterrupt), Live(seen, console=console, auto_refresh=False) as live:
            while True:
                time.sleep(every)
                live.update(status_table.shown(monitor.look(), configfile), refresh=True)


@main.command()
def clean(
    configfiles: Annotated[
        list[Path], typer.Argument(parser=path, help="Every configuration whose runs are still needed.")
    ],
    run: Annotated[str, typer.Option(help="Remove this one run instead, named by its 16 hex digits.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: for scripts.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove runs that no given configuration asks for from the store, and temporary files of killed writers."""
    with messages():
        configs = [reading.read(path) for path in configfiles]
        removal = housekeeping.one_run(configs, run) if run else housekeeping.stale(configs)
        print(removal.plan())
        if dry_run or not removal:
            return
        if not yes:
            typer.confirm("Remove them for good?", abort=True)
        print(removal.carry_out())


@main.command()
def verify(
    configfile: Annotated[Path, typer.Argument(parser=path, help="The configuration, which names store and studies.")],
) -> None:
    """Compare every stored run, prepared data set and table with the hashes and sums that it was written with."""
    with messages():
        found = housekeeping.verify(reading.read(configfile), lambda items: tqdm(items, "verify", leave=False))
        print("\n".join([*found.faults, found.summary()]))
    if found.faults:
        raise typer.Exit(1)


@main.command()
def export(
    configfile: Annotated[Path, typer.Argument(parser=path, help="The configuration of a finished study.")],
    output: Annotated[Path, typer.Option("--output", "-o", parser=path, help="The archive, .tar.gz or .zip.")],
    partial: Annotated[
        bool, typer.Option("--partial", help="Export what there is; MISSING.txt lists what is not.")
    ] = False,
) -> None:
    """Put configuration, lock, identities, tables and figures of a study into one archive, for a paper's supplement."""
    with messages():
        print(exporting.export(reading.read(configfile), output, partial))


@main.command("import-scores")
def import_scores(
    files: Annotated[
        list[Path], typer.Argument(parser=path, help="Published CSV files of one setting, in their order.")
    ],
    out: Annotated[Path, typer.Option(parser=path, help="The score table, .parquet.")],
    setting: Annotated[str | None, typer.Option(help="Name of model and data, if no column says it.")] = None,
    factor: Annotated[str | None, typer.Option(help="dataset or task, if no column says it.")] = None,
    study: Annotated[str | None, typer.Option(help="Name of the study, if no column says it.")] = None,
    own: Annotated[str | None, typer.Option(help="Name of the setting's own stimuli.")] = None,
    stimuli: Annotated[list[str] | None, typer.Option(help="COLUMN=NAME:KIND of a score column; repeatable.")] = None,
    leave_out: Annotated[list[str] | None, typer.Option(help="A column not to read; repeatable.")] = None,
) -> None:
    """Make a score table of published long-format scores; what is no score is set aside (docs/published-scores.md)."""
    from whyalike.statistics import published

    with messages():
        named = published.parse_stimuli(stimuli or [])
        given = published.Description(study, setting, factor, own, named, tuple(leave_out or []))
        found = published.read_published(files, given)
        published.write_published(out, found, given)
        print(found.summary())


@main.command()
def statistics(
    scores: Annotated[list[Path], typer.Argument(parser=path, help="Score tables, ours or imported, .parquet.")],
    protocol: Annotated[str, typer.Option(help="as_published or corrected.")],
    out: Annotated[Path, typer.Option(parser=path, help="The statistics table, .parquet.")],
    information: Annotated[
        Path | None, typer.Option(parser=path, help="Also write Table 3 (of CKA) to this CSV file.")
    ] = None,
    architecture: Annotated[list[str] | None, typer.Option(help="SETTING=NAME, for Table 3; repeatable.")] = None,
    permutations: Annotated[int, typer.Option(help="Draws of each level permutation test.")] = 2000,
    information_permutations: Annotated[int, typer.Option(help="Draws of each null of mutual information.")] = 50,
    seed: Annotated[int, typer.Option(help="Key of the permutations.")] = 0,
) -> None:
    """Analyse score tables under one protocol: lines, gains, mutual information, with what inference it has."""
    from whyalike.statistics import analysis

    with messages():
        named = analysis.parse_architectures(architecture or [])
        table = analysis.analyse_tables(
            scores, protocol, out, permutations=permutations, information_permutations=information_permutations,
            seed=seed,
        )  # fmt: skip
        print(analysis.printed(table), end="")
        if information is not None:
            analysis.write_information(
                scores, protocol, information, named, permutations=information_permutations, seed=seed
            )
