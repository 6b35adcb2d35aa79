"""`whyalike consistency`: whether models that are alike on one stimulus set are so on others."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from whyalike.commands import cli_tables
from whyalike.commands.cli_faults import messages, path


def consistency(
    tables: Annotated[
        list[Path],
        typer.Argument(parser=path, help="A table of all pairs a stimulus set, as `whyalike score --out` writes it."),
    ],
    attributes: Annotated[
        Path | None,
        typer.Option(parser=path, help="What is known of models: .csv or .parquet, column `model`, then one each."),
    ] = None,
    by: Annotated[str | None, typer.Option(help="The attribute that groups the models, such as objective.")] = None,
    families: Annotated[
        str | None, typer.Option(help="The attribute whose models are left out together in intervals.")
    ] = None,
    same_source: Annotated[
        list[str] | None,
        typer.Option(help="Sets of one pool of images, joined by commas; repeatable. Their pairs do not count."),
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave this model out; repeatable.")] = None,
    draws: Annotated[int, typer.Option(help="Permutations of the models' groups.")] = 999,
    seed: Annotated[int, typer.Option(help="Key of the permutations.")] = 0,
    out: Annotated[
        Path | None, typer.Option(parser=path, help="Also write the numbers to this file, .parquet or .csv.")
    ] = None,
) -> None:
    """Say how well the similarities of models on one stimulus set agree with those on another, by groups of models."""
    from whyalike.similarity import how_made, score_files
    from whyalike.statistics import consistency as statistics
    from whyalike.statistics import tables_of_pairs

    def report(line: str) -> None:
        print(line, file=sys.stderr)

    with messages():
        inputs = [*tables, *filter(None, [attributes])]
        cli_tables.check(out, inputs)
        if attributes is None and (given := by or families):
            raise ValueError(f"{given} is an attribute: give the table of models with --attributes.")
        if draws < 1:
            raise ValueError(f"--draws must be at least 1; got {draws}.")
        sets = _sets(tables)
        sources = _sources(sets, same_source or [])
        pairs = {name: tables_of_pairs.read_pairs(one) for name, one in sets.items()}
        models = _common_models(pairs, without or [], report)
        groups, of_families = [statistics.ALL] * len(models), None
        if attributes is not None:
            known = tables_of_pairs.attribute_table(attributes, models, report)
            groups = groups if by is None else tables_of_pairs.words_of(known, by, attributes)
            of_families = None if families is None else tables_of_pairs.words_of(known, families, attributes)
        found = []
        for metric, one in _by_metric(pairs, models, report).items():
            found.append(statistics.consistency(metric, one, groups, sources, of_families, draws, seed))
            for line in statistics.lacking(found[-1], metric, groups):
                report(line)
        if not found:
            raise typer.Exit(1)
        frame = statistics.joined(found)
        cli_tables.show(statistics.printed(frame))
        made_by: dict[str, Any] = {"by": by, "families": families, "same_source": same_source, "without": without}
        made_by = {name: value for name, value in made_by.items() if value} | score_files.origin(inputs)
        made_by |= {"draws": draws, "seed": seed} if by is not None else {}
        print(how_made.line(made_by))
        if out is not None:
            score_files.write_frame(out, frame, statistics.SCHEMA, made_by)


def _sets(tables: list[Path]) -> dict[str, Path]:
    """Name of each set, that of its file, in the order given."""
    sets = {one.stem: one for one in tables}
    if len(sets) < len(tables):
        raise ValueError(f"sets are named by their files, and two have one name: {', '.join(map(str, tables))}.")
    return sets


def _sources(sets: dict[str, Path], together: list[str]) -> dict[str, str]:
    """The source of each set: its own, or that of the first set which it is named together with."""
    sources = {name: name for name in sets}
    for names in (one.split(",") for one in together):
        if unknown := [name for name in names if name not in sets]:
            raise ValueError(f"--same-source names no set {unknown[0]}. Known: {', '.join(sets)}.")
        merged = {sources[name] for name in names}
        sources = {name: sources[names[0]] if own in merged else own for name, own in sources.items()}
    return sources


def _common_models(pairs: dict[str, Any], without: list[str], report: Any) -> list[str]:
    """The models that every set has, in the order of the first; those that one lacks are named, and left out."""
    from whyalike.statistics import tables_of_pairs

    named = {name: tables_of_pairs.models_of(one) for name, one in pairs.items()}
    everywhere = list(dict.fromkeys(model for models in named.values() for model in models))
    if unknown := [model for model in without if model not in everywhere]:
        raise ValueError(f"there is no model {unknown[0]} to leave out. Known: {', '.join(everywhere)}.")
    wanted = [model for model in everywhere if model not in without]
    for name, models in named.items():
        if lacking := [model for model in wanted if model not in models]:
            report(f"left out, as {name} has no scores of them: {', '.join(lacking)}")
            wanted = [model for model in wanted if model in models]
    return wanted


def _by_metric(pairs: dict[str, Any], models: list[str], report: Any) -> dict[str, dict[str, Any]]:
    """Metric -> set -> scores (M x M), of the metrics that every set has."""
    from whyalike.statistics import tables_of_pairs

    of_sets = {
        name: tables_of_pairs.score_tables(one, models, lambda line, name=name: report(f"{name}: {line}"))
        for name, one in pairs.items()
    }
    metrics = list(dict.fromkeys(metric for tables in of_sets.values() for metric in tables))
    found = {}
    for metric in metrics:
        if lacking := [name for name, tables in of_sets.items() if metric not in tables]:
            report(f"no {metric}: {', '.join(lacking)} lacks it")
        else:
            found[metric] = {name: tables[metric] for name, tables in of_sets.items()}
    return found
