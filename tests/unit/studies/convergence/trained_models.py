"""The models of a configuration, really trained in a folder, and jobs of the study on them."""

from pathlib import Path

from whyalike.config.reading import check
from whyalike.data.stage import prepare
from whyalike.splits.parameters import SplitParameters
from whyalike.splits.stage import make_splits
from whyalike.studies.rule import below, paths
from whyalike.studies.study import rule_studies
from whyalike.training.cell import train_cell
from whyalike.training.parameters import Operation, TrainingParameters

CPU = Operation(device="cpu")


def trained(values):
    """The study of a configuration whose data are prepared and whose models are trained in the current folder."""
    config = check(values)
    study = rule_studies(config)["convergence"]
    for name, section in config.datasets.items():
        folder = Path(study.flow.dataset(name)[0]).parent
        prepare(section.source, section.model_dump(exclude={"source"}), folder, 1, lambda _: None)
    for cell in dict.fromkeys(cell for cells in study.cells.values() for cell in cells):
        wildcards, folder = type("Wildcards", (), vars(cell))(), Path("work", f"{cell.setting}{cell.seed}")
        data = Path(study.flow.dataset(config.settings[cell.setting].dataset)[0]).parent
        make_splits(SplitParameters.from_text(study.flow.splits_work(wildcards)), data, folder / "splits.parquet")
        parameters = TrainingParameters.from_text(study.flow.training_work(wildcards))
        train_cell(parameters, CPU, 1, data, folder / "splits.parquet", Path(study.store), folder / "models.parquet")
    return study


def do(study, rule, **wildcards):
    """Do a job of the study, whose inputs are there; returns its outputs by name."""
    own = study.rules[rule]
    outputs = paths(below(study.root, own.outputs, wildcards).items())
    inputs = paths(own.needs(study.root, wildcards).items())
    how = {"operation": CPU, "threads": 1, "store": Path(study.store), "inputs": inputs, "outputs": outputs}
    own.carry_out(wildcards, own.parameters(wildcards), **inputs, **outputs, **how)
    return outputs
