"""`whyalike layers`: layers of one model against layers of another."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from whyalike.commands import cli_plots, cli_tables
from whyalike.commands.cli_faults import messages, path


def layers(
    a: Annotated[
        Path,
        typer.Argument(
            parser=path, help="A model: a folder with a file a layer, or a .npz or .safetensors with an array a layer."
        ),
    ],
    b: Annotated[Path, typer.Argument(parser=path, help="The other model, on the same stimuli.")],
    metric: Annotated[str, typer.Option(help="A metric, parameters behind colons: mutual_knn:k=5.")] = "cka_unbiased",
    null: Annotated[int, typer.Option(help="Draws of the null of the most alike pair; at least 19.")] = 999,
    labels: Annotated[
        Path | None, typer.Option(parser=path, help="Class of each stimulus: rows are permuted within classes.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(parser=path, help="Block of each stimulus (subject, video): whole blocks are permuted."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Key of the permutations.")] = 0,
    out: Annotated[
        Path | None, typer.Option(parser=path, help="Also write the scores to this file, .parquet or .csv.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(parser=cli_plots.picture, help=f"{cli_plots.HELP}.")] = None,
) -> None:
    """Score every layer of one model against every layer of another: which are most alike, and beyond chance."""
    from whyalike.similarity import how_made, layer_files, read_files, read_layers, score_files
    from whyalike.similarity import layers as scoring

    with messages(MemoryError):
        name, parameters = score_files.parse_metric(metric, "layers")
        models = read_layers.read_models(a, b, lambda line: print(line, file=sys.stderr))
        given = read_files.read_labels_and_groups(labels, groups)
        inputs = list(filter(None, [*models[0].paths, *models[1].paths, labels, groups]))
        made_by = {"metrics": {name: parameters}, "permutations": null, "seed": seed}
        made_by |= {name: True for name, one in (("labels", labels), ("groups", groups)) if one is not None}
        cli_tables.check(out, inputs, [a, b])
        if plot is not None:
            cli_plots.check(plot, [plot], inputs, out)
        found = scoring.layers(
            models[0].layers, models[1].layers, name, permutations=null, seed=seed, **given, **parameters
        )
        cli_tables.show(layer_files.printed(found))
        print(layer_files.said(found))
        made_by |= {**how_made.of_scorings([found.scoring], [found.n]), **score_files.origin(inputs)}
        print(how_made.line(made_by))
        for (one, other), reason in found.undefined.items():
            print(f"no {name} of {one} and {other}: {reason}", file=sys.stderr)
        if out is not None:
            layer_files.write_layers(out, found, made_by)
        if plot is not None:
            from whyalike.figures import heatmap, saving

            figure, numbers = heatmap.draw_layers(found, a.stem, b.stem)
            saving.save(figure, plot.with_suffix(".svg"), numbers, made_by, [plot.suffix[1:]])
