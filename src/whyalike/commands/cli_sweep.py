"""`whyalike sweep`: a score against the number of neighbours and of stimuli."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from whyalike.commands import cli_tables
from whyalike.commands.cli_faults import messages, path


def sweep(
    a: Annotated[Path, typer.Argument(parser=path, help="A file of n x d vectors, as `whyalike score` reads it.")],
    b: Annotated[Path, typer.Argument(parser=path, help="The other file; rows are the same stimuli.")],
    metric: Annotated[str, typer.Option(help="A metric, parameters behind colons: linear:ridge=0.1.")] = "mutual_knn",
    k: Annotated[list[int] | None, typer.Option(help="Number of neighbours; repeatable.")] = None,
    n: Annotated[list[int] | None, typer.Option(help="Number of stimuli; repeatable. Without it, all.")] = None,
    null: Annotated[int, typer.Option(help="Draws of the null; 0: in closed form, where a metric has one.")] = 99,
    interval: Annotated[bool, typer.Option(help="Intervals over stimuli: up to 100 further scores each.")] = True,
    seed: Annotated[int, typer.Option(help="Key of the order of stimuli, permutations and intervals.")] = 0,
    out: Annotated[Path | None, typer.Option(parser=path, help="Also write the table to this .csv file.")] = None,
) -> None:
    """Score two files for each k and each n: value, interval, chance level and p; one neighbour search serves all k."""
    from whyalike.files import canonical_json, write_text
    from whyalike.similarity import how_made, read_files, score_files, sweeps
    from whyalike.similarity.protocols import scoring

    with messages(MemoryError):
        name, parameters = score_files.parse_metric(metric, "sweep")
        files = read_files.read_pairs(a, b, lambda line: print(line, file=sys.stderr))
        if out is not None and out.suffix != ".csv":
            raise ValueError(f"--out names a .csv file; got {out}. Give it that suffix.")
        cli_tables.check(out, files.paths)
        if len(files.pairs) != 1:
            raise ValueError(f"sweep takes two files of vectors; {a} and {b} make {len(files.pairs)} pairs.")
        x, y = (files.representations[one] for one in files.pairs[0])
        found = sweeps.sweep(
            x, y, name, k=k or None, n=n or None, permutations=null, intervals=interval, seed=seed, **parameters
        )
        print(found.dropna(axis=1, how="all").to_string(index=False, na_rep="-", float_format="{:.4g}".format))
        for one in found.attrs["undefined"]:
            print(f"no {one['of']} for k = {one['k']}, n = {one['n']}: {one['reason']}", file=sys.stderr)
        made_by = {"permutations": null, "intervals": interval, "seed": seed, **score_files.origin(files.paths)}
        made_by |= how_made.of_scorings([scoring(name, "exact", parameters)], found["n"].tolist())
        if k:
            made_by["scorings"][name]["parameters"]["k"] = k
        print(how_made.line(made_by))
        if out is not None:
            write_text(out, found.to_csv(index=False, lineterminator="\n"))
            write_text(how_made.beside(out), canonical_json(made_by) + "\n")
