"""The study of closeness in distribution as the rules see it: which models there are, paths, parameters of each job.

Results lie in {results}/{name}/, the section's own name, whatever configuration it came with:

    similarity/{construction}.parquet       circle, copies: scores of constructed models
    models/{group}.parquet, .safetensors    a group, k{classes}_width{units} or digits_m{dimensions}: all its seeds
    activations/{group}.parquet             f on the test data and g of every model, trained and untrained
    similarity/{group}.parquet              all pairs of a group
    similarity/tuples_{part}.parquet        llv_distance with other numbers of tuples
    statistics/{part}.parquet               part: synthetic (closeness_synthetic) or all (closeness)
    figures/{figure}.svg .pdf .png .csv
"""

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from whyalike.config import Config, ConfigError
from whyalike.figures.registry_closeness import CLOSENESS_FIGURES
from whyalike.files import canonical_json
from whyalike.messages import faults_in_words, listed
from whyalike.provenance import fingerprint, version
from whyalike.sections.closeness_parameters import Closeness
from whyalike.similarity.registry import METRICS

PARTS = ("synthetic", "all")
CAPTIONS = {
    "circle": "Two models agree ever more surely (KL divergence), and stay as unlike as they were.",
    "copies": "Noisy copies of a model: unlikeness of representations lies below the bound by d_LLV.",
    "width": "Do wider networks learn closer distributions and more similar representations? All pairs of seeds.",
    "metrics": "Which metrics rank pairs of models as their closeness in distribution does.",
    "digits": "Embeddings of handwritten digits by two models, and how loss and similarity go together.",
    "tuples": "How far d_LLV depends on the number of random tuples of inputs.",
}


class ClosenessFlow:
    """Paths and parameters of the study; wildcards come as the rules name them.

    Parameters
    ----------
    config : the configuration in use; its section `closeness` counts.
    default : the file with that section where the configuration has none.
    """

    def __init__(self, config: Config, default: str | Path):
        self.asked = config.closeness is not None
        self.section = config.closeness or _read(default)
        if self.section.name == config.name:
            raise ConfigError(f"closeness.name: '{config.name}' is the name of the configuration: choose another.")
        self.root = f"{config.results}/{self.section.name}"

    def groups(self, part: str) -> list[str]:
        """The groups of models of a part of the study."""
        width = self.section.width
        counts = width.synthetic_classes if part == "synthetic" else width.classes
        return [f"k{count}_width{units}" for count in counts for units in width.widths]

    def figures(self, part: str) -> list[str]:
        """The figures of a part of the study; constructed models are in both, digits in the whole."""
        names = ["circle", "copies", *(f"{kind}_{part}" for kind in ("width", "metrics", "tuples"))]
        names += ["digits"] if part == "all" else []
        return [f"{self.root}/figures/{name}.svg" for name in names]

    def own_figures(self) -> list[str]:
        """What `all` makes of the study: its smaller part where the configuration itself has the section."""
        return self.figures("synthetic") if self.asked else []

    # ---- inputs ----

    def similarity(self, part: str) -> list[str]:
        """The score tables of a part."""
        return [f"{self.root}/similarity/{group}.parquet" for group in self.groups(part)]

    def tuples_activations(self, wildcards: Any) -> list[str]:
        """The representations of the widest models of each number of labels of a part."""
        width = self.section.width
        widest = f"_width{max(width.widths)}"
        return [
            f"{self.root}/activations/{name}.parquet" for name in self.groups(wildcards.part) if name.endswith(widest)
        ]

    def figure_inputs(self, wildcards: Any) -> dict[str, list[str]]:
        """What a figure is drawn from."""
        kind, _, part = wildcards.figure.partition("_")
        if kind == "digits":
            groups = [f"digits_m{dimensions}" for dimensions in self.section.digits.dimensions]
            folders = {"embeddings": "activations", "manifests": "models", "scores": "similarity"}
            return {need: [f"{self.root}/{folder}/{group}.parquet" for group in groups]
                    for need, folder in folders.items()}  # fmt: skip
        tables = {
            "circle": "similarity/circle",
            "copies": "similarity/copies",
            "tuples": f"similarity/tuples_{part}",
        }
        path = f"{self.root}/{tables.get(kind, f'statistics/{part}')}.parquet"
        return {CLOSENESS_FIGURES[f"closeness_{kind}"].facts.inputs[0]: [path]}

    # ---- parameters ----

    def constructed_work(self, wildcards: Any) -> str:
        """Parameters of the scores of constructed models."""
        section = getattr(self.section, wildcards.construction).model_dump(mode="json")
        code = fingerprint(f"whyalike.similarity.constructed_scores:{wildcards.construction}")
        return canonical_json({**section, "code": code})

    def training_work(self, wildcards: Any) -> str:
        """Parameters of the training of a group."""
        return canonical_json(self._training(wildcards))

    def _training(self, wildcards: Any) -> dict[str, Any]:
        """The work of a group, which its name tells: k{classes}_width{units}, or digits_m{dimensions}."""
        width, digits = self.section.width, self.section.digits
        numbers = [int(number) for number in re.findall(r"\d+", wildcards.group)]
        if wildcards.group.startswith("digits"):
            shape = {"inputs": 64, "classes": 10, "width": digits.width, "dimensions": numbers[0]}
            section, source = digits, {"source": "digits", "train": digits.train, "seed": digits.seed}
        else:
            shape = {"inputs": 2, "classes": numbers[0], "width": numbers[1], "dimensions": width.dimensions}
            section, source = width, {"source": "radial", **width.model_dump(mode="json", include={"train", "test"})}
        state = {"version": version("whyalike.training.embeddings")}
        shared = section.model_dump(mode="json", include={"recipe", "seeds"})
        return {"group": wildcards.group, "data": source, **shape, **shared, **state}

    def activations_work(self, wildcards: Any) -> str:
        """Parameters of the representations of a group: those of its training, and the code."""
        code = fingerprint("whyalike.activations.embeddings:embed_group")
        return canonical_json({"training": self._training(wildcards), "code": code})

    def similarity_work(self, wildcards: Any) -> str:
        """Parameters of the scores of a group's pairs."""
        metrics = self.section.metrics
        code = fingerprint(
            "whyalike.similarity.distribution_pairs:score_group", *sorted({METRICS[name].target for name in metrics})
        )
        training = self._training(wildcards)
        shared = {name: training[name] for name in ("group", "classes", "width", "dimensions")}
        return canonical_json({**shared, "metrics": metrics, "num_samples": self.section.num_samples, "code": code})

    def tuples_work(self, _: Any) -> str:
        """Parameters of the sensitivity to the number of tuples."""
        section = self.section.tuples.model_dump(mode="json")
        return canonical_json({**section, "code": fingerprint("whyalike.similarity.tuple_counts:score_tuples")})

    def statistics_work(self, _: Any) -> str:
        """Parameters of the statistics."""
        code = fingerprint("whyalike.statistics.closeness:analyse_closeness")
        return canonical_json({"draws": self.section.draws, "code": code})

    def figure_work(self, wildcards: Any) -> str:
        """Parameters of one figure."""
        kind = f"closeness_{wildcards.figure.partition('_')[0]}"
        entry = CLOSENESS_FIGURES[kind]
        work = {"kind": kind, "options": {}, "inputs": entry.facts.inputs}
        return canonical_json({**work, "code": fingerprint("whyalike.figures.making:make_figure", entry.target)})

    def caption(self, wildcards: Any) -> str:
        """One sentence for the report."""
        return CAPTIONS[wildcards.figure.partition("_")[0]]


def _read(path: str | Path) -> Closeness:
    """The section of a file that holds nothing else."""
    values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    try:
        return Closeness.model_validate(values["closeness"])
    except ValidationError as error:
        raise ConfigError(listed(str(path), faults_in_words(error.errors(), Config))) from None
