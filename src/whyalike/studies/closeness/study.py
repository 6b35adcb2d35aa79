"""The study of closeness in distribution as the rules see it: which models there are, paths, parameters of each job.

Results lie in {results}/{name}/, the section's own name, whatever configuration it came with:

    data/cifar10/                           the user's photographs, prepared
    similarity/{construction}.parquet       circle, copies: scores of constructed models
    models/{group}.parquet, .safetensors    a group, k{classes}_width{units} or digits_m{dimensions}: all its seeds
    models/{group}.parquet                  a group of photographs, cifar10_m{dimensions}: its runs of the store
    activations/{group}.parquet             f on the test data and g of every model, trained and untrained
    similarity/{group}.parquet              all pairs of a group
    similarity/tuples_{part}.parquet        llv_distance with other numbers of tuples
    statistics/{part}.parquet               part: synthetic (closeness_synthetic) or all (closeness)
    figures/{figure}.svg .pdf .png .csv
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from whyalike.config.config import Config
from whyalike.figures.registry_studies import STUDY_FIGURES
from whyalike.files import canonical_json
from whyalike.planning.estimates import Estimate, Wildcards
from whyalike.planning.plan import Plan
from whyalike.provenance import fingerprint, version
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of
from whyalike.studies.closeness import costs, images
from whyalike.studies.closeness.rules import CONSTRUCTIONS, PARTS, rules
from whyalike.studies.rule import Rule
from whyalike.studies.study import MODELS, Job, RuleStudy

CAPTIONS = {
    "circle": "Two models agree ever more surely (KL divergence), and stay as unlike as they were.",
    "copies": "Noisy copies of a model: unlikeness of representations lies below the bound by d_LLV.",
    "width": "Do wider networks learn closer distributions and more similar representations? All pairs of seeds.",
    "metrics": "Which metrics rank pairs of models as their closeness in distribution does.",
    "digits": "Embeddings of handwritten digits by two models, and how loss and similarity go together.",
    "cifar10": "Embeddings of photographs by two models, and how loss and similarity go together.",
    "tuples": "How far d_LLV depends on the number of random tuples of inputs.",
}


class ClosenessStudy(RuleStudy):
    """Paths and parameters of the study; wildcards come as the rules name them. Parameters as `RuleStudy` has them."""

    name = "closeness"
    fixed_rules = frozenset({*costs.FIXED, "train_embeddings"})

    def __init__(self, config: Config, default: str | Path):
        super().__init__(config, default)
        self.photographs = self.section.cifar10
        if self.photographs is not None:
            self.datasets = {images.SOURCE: self.photographs.data}

    def groups(self, part: str) -> list[str]:
        """The groups of models of a part of the study."""
        width = self.section.width
        counts = width.synthetic_classes if part == "synthetic" else width.classes
        return [f"k{count}_width{units}" for count in counts for units in width.widths]

    def figures(self, part: str) -> list[str]:
        """The figures of a part of the study; constructed models are in both, images in the whole."""
        names = ["circle", "copies", *(f"{kind}_{part}" for kind in ("width", "metrics", "tuples"))]
        names += self._images() if part == "all" else []
        return [f"{self.root}/figures/{name}.svg" for name in names]

    def _images(self) -> dict[str, list[str]]:
        """The figures of images -> their groups, one a number of dimensions."""
        digits = [f"digits_m{dimensions}" for dimensions in self.section.digits.dimensions]
        photographs = images.groups(self.photographs)
        return {"digits": digits, **({images.SOURCE: photographs} if photographs else {})}

    def own_rules(self) -> list[Rule]:
        """As `rules` has them."""
        return rules(self)

    def targets(self) -> dict[str, list[str]]:
        """The constructed models, and trained ones of few labels: under an hour on two cores; and all."""
        synthetic = self.figures("synthetic")
        return {"closeness_synthetic": synthetic, "closeness": [*synthetic, *self.figures("all")]}

    def own_figures(self) -> list[str]:
        """What `all` makes of the study: its smaller part where the configuration itself has the section."""
        return self.figures("synthetic") if self.asked else []

    # ---- inputs ----

    def scores(self, wildcards: Any) -> dict[str, list[str]]:
        """The score tables of a part."""
        return {"scores": [f"{self.root}/similarity/{group}.parquet" for group in self.groups(wildcards.part)]}

    def tuples_activations(self, wildcards: Any) -> dict[str, list[str]]:
        """The representations of the widest models of each number of labels of a part."""
        widest = f"_width{max(self.section.width.widths)}"
        groups = [group for group in self.groups(wildcards.part) if group.endswith(widest)]
        return {"activations": [f"{self.root}/activations/{group}.parquet" for group in groups]}

    def figure_inputs(self, wildcards: Any) -> dict[str, list[str]]:
        """What a figure is drawn from."""
        kind, _, part = wildcards.figure.partition("_")
        if kind in (groups := self._images()):
            folders = {"embeddings": "activations", "manifests": "models", "scores": "similarity"}
            return {need: [f"{self.root}/{folder}/{group}.parquet" for group in groups[kind]]
                    for need, folder in folders.items()}  # fmt: skip
        tables = {
            "circle": "similarity/circle",
            "copies": "similarity/copies",
            "tuples": f"similarity/tuples_{part}",
        }
        path = f"{self.root}/{tables.get(kind, f'statistics/{part}')}.parquet"
        return {STUDY_FIGURES[f"closeness_{kind}"].facts.inputs[0]: [path]}

    # ---- parameters ----

    def constructed_work(self, wildcards: Any) -> str:
        """Parameters of the scores of constructed models."""
        section = getattr(self.section, wildcards.construction).plain()
        code = fingerprint(f"whyalike.studies.closeness.constructed_scores:{wildcards.construction}")
        return canonical_json({"study": self.name, **section, "code": code})

    def training_work(self, wildcards: Any) -> str:
        """Parameters of the training of a group."""
        return canonical_json(self.training(wildcards.group))

    def training(self, group: str) -> dict[str, Any]:
        """The work of a group, which its name tells: k{classes}_width{units}, or the images and _m{dimensions}."""
        if group in images.groups(self.photographs):
            return images.training(self.photographs, group)
        width, digits = self.section.width, self.section.digits
        numbers = [int(number) for number in re.findall(r"\d+", group)]
        if group.startswith("digits"):
            shape = {"inputs": 64, "classes": 10, "width": digits.width, "dimensions": numbers[0]}
            section, source = digits, {"source": "digits", "train": digits.train, "seed": digits.seed}
        else:
            shape = {"inputs": 2, "classes": numbers[0], "width": numbers[1], "dimensions": width.dimensions}
            section, source = width, {"source": "radial", **width.model_dump(mode="json", include={"train", "test"})}
        state = {"version": version("whyalike.studies.closeness.training")}
        shared = section.model_dump(mode="json", include={"recipe", "seeds"})
        return {"group": group, "data": source, **shape, **shared, **state}

    def activations_work(self, wildcards: Any) -> str:
        """Parameters of the representations of a group: those of its training, and the code."""
        code = fingerprint("whyalike.studies.closeness.activations:embed_group")
        return canonical_json({"training": self.training(wildcards.group), "code": code})

    def images_work(self, wildcards: Any) -> str:
        """Parameters of the representations of a group of photographs."""
        return images.activations_work(self.photographs, wildcards.group)

    def data_work(self, _: Any) -> str:
        """Parameters of the prepared photographs."""
        return images.data_work(self.photographs)

    def similarity_work(self, wildcards: Any) -> str:
        """Parameters of the scores of a group's pairs."""
        metrics = self.section.metrics
        told = {"study": self.name, "stimuli": self._stimuli(wildcards.group)}
        code = fingerprint(
            "whyalike.studies.closeness.scores:score_group",
            *sorted({METRICS[metric_of(*one)].target for one in metrics.items()}),
        )
        training = self.training(wildcards.group)
        shared = {name: training[name] for name in ("group", "classes", "width", "dimensions")}
        return canonical_json(
            {**told, **shared, "metrics": metrics, "num_samples": self.section.num_samples, "code": code}
        )

    def _stimuli(self, group: str) -> str:
        """The name of the test data of a group, which is that of its source."""
        kind = group.partition("_")[0]
        return f"{kind if kind in self._images() else 'radial'}_test"

    def tuples_work(self, _: Any) -> str:
        """Parameters of the sensitivity to the number of tuples."""
        section = self.section.tuples.plain()
        told = {"study": self.name, "stimuli": "radial_test"}
        code = fingerprint("whyalike.studies.closeness.tuple_counts:score_tuples")
        return canonical_json({**told, **section, "code": code})

    def statistics_work(self, _: Any) -> str:
        """Parameters of the statistics."""
        code = fingerprint("whyalike.studies.closeness.statistics:analyse_closeness")
        return canonical_json({"draws": self.section.draws, "code": code})

    def figure_work(self, wildcards: Any) -> str:
        """Parameters of one figure."""
        kind = f"closeness_{wildcards.figure.partition('_')[0]}"
        entry = STUDY_FIGURES[kind]
        work = {"kind": kind, "options": {}, "inputs": entry.facts.inputs}
        return canonical_json({**work, "code": fingerprint("whyalike.figures.making:make_figure", entry.target)})

    def caption(self, wildcards: Any) -> str:
        """One sentence for the report."""
        return CAPTIONS[wildcards.figure.partition("_")[0]]

    # ---- for the plan, and for those who watch and keep house ----

    def estimates(self, plan: Plan) -> dict[str, Callable[[Wildcards], Estimate]]:
        """What the jobs cost, by rule."""
        return costs.estimates(self, plan)

    def runs(self) -> dict[str, str]:
        """The runs of the store: those of photographs."""
        groups = images.groups(self.photographs)
        return {run["identity"]: group for group in groups for run in self.training(group)["runs"]}

    def jobs(self, whole: bool = True) -> list[Job]:
        """Every job of the whole study, or of its smaller part, but the preparation of data."""
        parts, photographs = PARTS if whole else PARTS[:1], images.groups(self.photographs)
        groups = self.groups(parts[-1]) + [group for own in self._images().values() for group in own if whole]
        figures = dict.fromkeys(Path(path).stem for part in parts for path in self.figures(part))
        of_groups = [
            (MODELS, lambda group: "train_embedders" if group in photographs else "train_embeddings"),
            ("activations", lambda group: "embed_images" if group in photographs else "embed_group"),
            ("similarity", lambda _: "score_group"),
        ]
        return [
            *(self.job(stage, rule(group), group=group) for stage, rule in of_groups for group in groups),
            *(self.job("similarity", "score_constructed", construction=name) for name in CONSTRUCTIONS),
            *(self.job("similarity", "score_tuples", part=part) for part in parts),
            *(self.job("statistics", "analyse_closeness", part=part) for part in parts),
            *(self.job("figures", "draw_closeness", figure=name) for name in figures),
        ]
