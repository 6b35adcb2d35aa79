"""`whyalike score` and `whyalike describe`: scores of files, shown and written metric by metric."""

import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from whyalike.commands import cli_plots, cli_tables
from whyalike.commands.cli_faults import messages, path

USUAL = "cka,cka_unbiased,mutual_knn"  # metrics, where none are asked for


def score(
    a: Annotated[
        Path,
        typer.Argument(
            parser=path,
            help="A file of n x d vectors (.npy, .npz, .safetensors, .parquet, .h5, .pt), activations of a study, or a "
            "folder.",
        ),
    ],
    b: Annotated[
        Path | None,
        typer.Argument(
            parser=path, help="The other file or folder; without it, all pairs in A: of files, or of a study's runs."
        ),
    ] = None,
    further: Annotated[
        list[Path] | None, typer.Argument(parser=path, help="Further files: then all pairs of them are scored.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Names joined by commas, parameters behind colons: mutual_knn:k=5 (docs/metrics.md); or all.",
            show_default=USUAL,
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(parser=path, help="Class of each stimulus (.npy, .parquet, or a line each): null within class."),
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(parser=path, help="Block of each stimulus (subject, video): nulls and intervals keep them whole."),
    ] = None,
    ceiling: Annotated[
        str | None,
        typer.Option(help="A score, or split-halves (of units): adds excess, 0 at the mean within class, 1 at this."),
    ] = None,
    confound: Annotated[
        Path | None,
        typer.Option(parser=path, help="Vectors of the same stimuli, such as pixels, to regress out of both."),
    ] = None,
    null: Annotated[
        int, typer.Option(help="Draws of each permutation null; 0: in closed form, where a metric has one.")
    ] = 99,
    protocol: Annotated[str, typer.Option(help="exact or as_published.")] = "exact",
    interval: Annotated[bool, typer.Option(help="Intervals over stimuli: up to 100 further scores each.")] = True,
    seed: Annotated[int, typer.Option(help="Key of permutations and groups of stimuli.")] = 0,
    device: Annotated[
        str, typer.Option(help="cpu, or cuda (cuda:1, ...): ten metrics are computed there (docs/metrics.md).")
    ] = "cpu",
    out: Annotated[
        Path | None, typer.Option(parser=path, help="Also write the scores to this file, .parquet or .csv.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(parser=cli_plots.picture, help=f"{cli_plots.HELP}; of all pairs, one picture a metric."),
    ] = None,
    a_is: Annotated[
        str, typer.Option(help="What A holds: features, rdm (n x n dissimilarities, for rsa) or kernel (for cka).")
    ] = "features",
    b_is: Annotated[str, typer.Option(help="What B holds.")] = "features",
    memory: Annotated[
        str | None,
        typer.Option(
            help="Hold at most so much, such as 2GB, of files larger than memory (docs/larger-than-memory.md)."
        ),
    ] = None,
) -> None:
    """Score representations in files: value, interval over stimuli, chance level and p. Rows are the same stimuli."""
    from whyalike.activations.scratch import Scratch
    from whyalike.similarity import how_made, printed_scores, read_files, score_files
    from whyalike.similarity.api import choose
    from whyalike.similarity.memory import bytes_of

    # what is read whole may take a small part of it: there are two arrays or more
    with messages(MemoryError), Scratch((limit := memory and bytes_of(memory)) and limit // 16) as scratch:
        asked: dict[str, Any] = {"metrics": _metrics(metrics, protocol, confound is not None)}
        asked |= {"protocol": protocol, "seed": seed, "device": device}
        report = partial(print, file=sys.stderr)
        files = read_files.read_pairs(a, b, report, (a_is, b_is), further or (), scratch.empty)
        beside: dict[str, Any] = dict(read_files.read_labels_and_groups(labels, groups))
        beside["ceiling"] = None if ceiling is None else score_files.parse_ceiling(ceiling)
        taken = None if confound is None else read_files.read_confound(confound, files, empty=scratch.empty)
        inputs = [*files.paths, *filter(None, [labels, groups, confound])]
        scorings = choose(asked["metrics"], protocol)
        drawing = None if plot is None else cli_plots.ScorePlot(plot, files, scorings, inputs, out)
        cli_tables.check(out, inputs, [a, b])
        made_by = {**asked, "permutations": null, "intervals": interval, "kinds": [a_is, b_is]}
        made_by |= score_files.origin(inputs)
        given = {"labels": labels, "groups": groups, "confound": confound}
        made_by |= {name: True for name, one in given.items() if one is not None}
        made_by |= {} if ceiling is None else {"ceiling": beside["ceiling"]}
        made_by |= how_made.of_scorings(scorings, [len(files.representations[one]) for one, _ in files.pairs])
        lines = printed_scores.of_files(files, **asked, **beside, confound=taken, permutations=null, intervals=interval)
        shown = _Shown(lines, out, made_by)
        scores, _ = score_files.score_pairs_of_files(
            files,
            **asked,
            **beside,
            confound=taken,
            permutations=null,
            intervals=interval,
            finished=shown.add,
            progress=True,
            memory=limit,
        )
        _finish(scores, out, drawing, made_by)
    if scores.empty:
        raise typer.Exit(1)


def _finish(scores: Any, out: Path | None, drawing: cli_plots.ScorePlot | None, made_by: dict[str, Any]) -> None:
    """Say how the scores were made, write them and draw them: last, so that a fault of writing loses nothing."""
    from whyalike.similarity import how_made, score_files

    if scores.empty:
        return
    print(how_made.line(made_by))
    if out is not None:
        score_files.write_scores(out, scores, made_by)
    if drawing is not None:
        drawing.draw(scores, made_by)


def _metrics(text: str | None, protocol: str, has_confound: bool) -> dict[str, Any]:
    """The metrics that are asked for; of the usual ones and of all those from which a confound can be taken."""
    from whyalike.similarity.metrics.registry import METRICS
    from whyalike.similarity.score_files import ALL, parse_metrics

    asked = parse_metrics(USUAL if text is None else text, protocol)
    if not has_confound or text not in (None, ALL):
        return asked
    left_out = [name for name in asked if not METRICS[name].facts.deconfoundable]
    print(f"left out, as no confound can be taken from it: {', '.join(left_out)}", file=sys.stderr)
    return {name: given for name, given in asked.items() if name not in left_out}


class _Shown:
    """Scores on the terminal and in the file, as far as they are; ``lines``: `printed_scores.Printed`."""

    def __init__(self, lines: Any, out: Path | None, made_by: dict[str, Any]):
        self.lines, self.out, self.made_by, self.done = lines, out, made_by, 0

    def add(self, scores: Any, missing: list[str]) -> None:
        """Show what is new in the frame of all scores so far, and write it: a later metric may fail."""
        from whyalike.similarity.score_files import write_scores

        if len(scores) and not self.done:
            tqdm.write(self.lines.header(), file=sys.stdout)
        for line in self.lines.rows(scores.iloc[self.done :]):
            tqdm.write(line, file=sys.stdout)
        sys.stdout.flush()
        for line in missing:
            tqdm.write(f"no {line}", file=sys.stderr)
        if self.out is not None and len(scores) > self.done:
            with suppress(OSError):  # which is told when all is shown
                write_scores(self.out, scores, self.made_by)
        self.done = len(scores)


def describe(
    metric: Annotated[str | None, typer.Argument(help="Its name; without it all of them, a line each.")] = None,
) -> None:
    """Say what is known of a metric: formula, range, invariances, chance level, parameters, cost, use, source."""
    from whyalike.similarity import descriptions
    from whyalike.similarity.metrics.registry import METRICS, OTHER_METRICS

    with messages():
        if metric is not None:
            print(descriptions.describe(metric))
            return
        entries = [*METRICS.items(), *OTHER_METRICS.items()]
        width = max(len(name) for name, _ in entries)
        for name, entry in entries:
            print(f"{name:<{width}}  {entry.facts.use}")
