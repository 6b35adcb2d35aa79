"""`whyalike models`: statistics of a table of pairs whose unit is the model."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from whyalike.commands import cli_tables
from whyalike.commands.cli_faults import messages, path


def models(
    table: Annotated[
        Path, typer.Argument(parser=path, help="All pairs of three models or more: what `whyalike score --out` wrote.")
    ],
    attributes: Annotated[
        Path | None,
        typer.Option(parser=path, help="What models share: .csv or .parquet, column `model`, then one an attribute."),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(parser=path, help="Another table of pairs of these models, or the same one.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave this model out; repeatable.")] = None,
    draws: Annotated[
        int, typer.Option(help="Orders of the models that are drawn, where there are more than these.")
    ] = 9999,
    method: Annotated[str, typer.Option(help="pearson, or spearman for ranks of the pairs.")] = "pearson",
    seed: Annotated[int, typer.Option(help="Key of the orders.")] = 0,
    out: Annotated[
        Path | None, typer.Option(parser=path, help="Also write the numbers to this file, .parquet or .csv.")
    ] = None,
) -> None:
    """Say the mean of each metric over all pairs with its interval over models, and what it goes along with."""
    from whyalike.similarity import how_made, score_files
    from whyalike.statistics import dyadic, over_models, tables_of_pairs

    def report(line: str) -> None:
        print(line, file=sys.stderr)

    with messages():
        inputs = list(filter(None, [table, attributes, against]))
        cli_tables.check(out, inputs)
        dyadic.check_test(draws, method)
        pairs = tables_of_pairs.read_pairs(table)
        scores = how_made.of_table(table)
        names = tables_of_pairs.models_of(pairs, without or ())
        of_models = pairs.attrs.get(tables_of_pairs.MODELS, len(names))
        if of_models < len(names):
            report(
                f"{table}: {len(names)} representations of {of_models} models, each of them counted as a model of its "
                "own: intervals over models are too narrow. Leave all but one of each model out, by --without."
            )
        others = [] if attributes is None else tables_of_pairs.read_attributes(attributes, names, report)
        if against is not None:
            others += _others(against, names, report, against.resolve() == table.resolve())
        tables = tables_of_pairs.score_tables(pairs, names, lambda line: report(f"{table}: {line}"))
        try:
            found = over_models.over_models(tables, others, report, draws, seed, method)
        except ValueError as error:
            raise ValueError(f"{table}: {error}") from error
        if found.empty:
            raise typer.Exit(1)
        cli_tables.show(over_models.printed(found))
        tested = (found["statistic"] == over_models.CORRELATION).any()
        made_by = {"draws": draws, "method": method, "seed": seed} if tested else {}
        made_by |= {**({"without": without} if without else {}), **score_files.origin(inputs), "scores": scores}
        print(how_made.line(made_by))
        if scores:
            print(f"of scores {how_made.line(scores)}")
        if out is not None:
            score_files.write_frame(out, found, over_models.SCHEMA, made_by)


def _others(path: Path, names: list[str], report: Any, own: bool) -> list[Any]:
    """The metrics of another table, of these models; ``own``: it is the same table."""
    from whyalike.statistics import tables_of_pairs

    pairs = tables_of_pairs.read_pairs(path)
    there = tables_of_pairs.models_of(pairs)
    if missing := [name for name in names if name not in there]:
        raise ValueError(f"{path} lacks {', '.join(missing)}. Score them, or leave them out with --without.")
    if others := [name for name in there if name not in names]:
        report(f"{path}: passed by, as they are not among the models: {', '.join(others)}")
    tables = tables_of_pairs.score_tables(pairs, names, lambda line: report(f"{path}: {line}"))
    return [tables_of_pairs.likeness_of_scores(name, one, report, own) for name, one in tables.items()]
