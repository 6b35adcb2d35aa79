"""The study of closeness in distribution as others see it: which models there are, its rules, parameters of each job.

Results lie in {results}/{name}/, the section's own name, whatever configuration it came with: see docs/results.md.
"""

import re
from functools import partial

from whyalike.config.config import Config
from whyalike.provenance import version
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of
from whyalike.studies.closeness import images
from whyalike.studies.closeness.parameters import (
    CircleScores,
    ClosenessStatistics,
    CopiesScores,
    EmbedderTraining,
    Group,
    GroupScores,
    PerceptronEmbedding,
    PerceptronTraining,
    TupleScores,
)
from whyalike.studies.common_rules import drawing, prepared
from whyalike.studies.rule import Paths, Rule, each
from whyalike.studies.study import RuleStudy

PARTS = ("synthetic", "all")
CONSTRUCTIONS = {"circle": CircleScores, "copies": CopiesScores}
MODELS, WEIGHTS = "models/{group}.parquet", "models/{group}.safetensors"
ACTIVATIONS, SCORES = "activations/{group}.parquet", "similarity/{group}.parquet"


class ClosenessStudy(RuleStudy):
    """The groups of models and the figures of the study, its rules, parameters of jobs. Parameters as `RuleStudy`."""

    name = "closeness"

    def __init__(self, config: Config, default: str):
        super().__init__(config, default)
        self.photographs = images.groups(self.section.cifar10)
        if self.photographs:
            self.datasets = {images.SOURCE: self.section.cifar10.data}

    # ---- groups of models, and figures ----

    def groups(self, part: str) -> list[str]:
        """The groups of models of growing width of a part of the study."""
        width = self.section.width
        counts = width.synthetic_classes if part == "synthetic" else width.classes
        return [f"k{count}_width{units}" for count in counts for units in width.widths]

    def widest(self, part: str) -> list[str]:
        """Of these the widest models of each number of labels."""
        return [group for group in self.groups(part) if group.endswith(f"_width{max(self.section.width.widths)}")]

    def images(self) -> dict[str, list[str]]:
        """The kinds of images -> their groups, one a number of dimensions."""
        digits = [f"digits_m{dimensions}" for dimensions in self.section.digits.dimensions]
        return {"digits": digits, **({images.SOURCE: self.photographs} if self.photographs else {})}

    def runs(self) -> dict[str, str]:
        """The runs of the store: those of photographs."""
        return {run.identity: group for group in self.photographs for run in self.training(group).runs}

    def figures(self, *parts: str) -> dict[str, Paths]:
        """The figures of parts of the study -> their tables; constructed models are in each, images in the whole."""
        found: dict[str, Paths] = {name: {"scores": [f"similarity/{name}.parquet"]} for name in CONSTRUCTIONS}
        for part in parts:
            for kind in ("width", "metrics"):
                found[f"{kind}_{part}"] = {"statistics": [f"statistics/{part}.parquet"]}
            found[f"tuples_{part}"] = {"scores": [f"similarity/tuples_{part}.parquet"]}
        tables = {"embeddings": ACTIVATIONS, "manifests": MODELS, "scores": SCORES}
        for kind, groups in self.images().items() if "all" in parts else ():
            found[kind] = {name: _of(path, groups) for name, path in tables.items()}
        return found

    def targets(self) -> dict[str, list[str]]:
        """The constructed models, and trained ones of few labels: under an hour on two cores; and all."""
        parts = {"closeness_synthetic": PARTS[:1], "closeness": PARTS}
        return {
            target: [f"{self.root}/figures/{name}.svg" for name in self.figures(*of)] for target, of in parts.items()
        }

    # ---- rules ----

    def own_rules(self) -> list[Rule]:
        """The rules by stage.

        All seeds of a group are trained at once: a batched product a layer costs less than one a model. On a cluster
        the training, representations and scores of a group are one job: the last two take seconds. Of photographs a
        group is one job, whose runs lie in the common store.
        """
        section, stacked, photographs = self.section, [*self.groups("all"), *self.images()["digits"]], self.photographs
        one_job, local = partial(Rule, group="closeness.{group}"), partial(Rule, is_local=True)
        data, named = {"dataset": prepared(images.SOURCE)}, {"study": self.name}
        # name, stage, wildcards of the jobs, what one does; its parameters and function; inputs, outputs; what it takes
        return [
            one_job("train_embeddings", "models", each(group=stacked), "train {wildcards.group}",
                    self.training, _code("training:train_group"),
                    {}, {"manifest": MODELS, "weights": WEIGHTS},
                    models=lambda group: [f"{group}_seed{seed}" for seed in range(self.training(group).seeds)],
                    mem_mb=4000),
            Rule("train_embedders", "models", each(group=photographs), "train {wildcards.group}",
                 self.training, _code("images_training:train_embedders"),
                 data, {"manifest": MODELS},
                 cost=partial(images.training_cost, section.cifar10), mem_mb=16000, on_gpu=True),
            one_job("embed_group", "activations", each(group=stacked), "representations of {wildcards.group}",
                    lambda group: PerceptronEmbedding(training=self.training(group)), _code("activations:embed_group"),
                    {"manifest": MODELS, "weights": WEIGHTS}, {"output": ACTIVATIONS}),
            Rule("embed_images", "activations", each(group=photographs), "representations of {wildcards.group}",
                 partial(images.embedding, section.cifar10), _code("images_activations:embed_images"),
                 {**data, "manifest": MODELS}, {"output": ACTIVATIONS},
                 cost=partial(images.extraction_cost, section.cifar10), mem_mb=8000, on_gpu=True),
            one_job("score_group", "similarity", each(group=[*stacked, *photographs]), "all pairs of {wildcards.group}",
                    self.scoring, _code("scores:score_group"),
                    {"activations": ACTIVATIONS}, {"output": SCORES},
                    lambda group: {METRICS[metric_of(*one)].target for one in section.metrics.items()}, mem_mb=4000),
            local("score_constructed", "similarity", each(construction=CONSTRUCTIONS),
                  "constructed models, {wildcards.construction}",
                  lambda construction: CONSTRUCTIONS[construction](**named, **getattr(section, construction).plain()),
                  _code("constructed_scores:score_constructed"),
                  {}, {"output": "similarity/{construction}.parquet"}),
            local("score_tuples", "similarity", each(part=PARTS), "numbers of tuples, {wildcards.part}",
                  lambda part: TupleScores(**named, stimuli="radial_test", **section.tuples.plain()),
                  _code("tuple_counts:score_tuples"),
                  lambda part: {"activations": _of(ACTIVATIONS, self.widest(part))},
                  {"output": "similarity/tuples_{part}.parquet"}),
            local("analyse_closeness", "statistics", each(part=PARTS), "statistics, {wildcards.part}",
                  lambda part: ClosenessStatistics(draws=section.draws), _code("statistics:analyse_closeness"),
                  lambda part: {"scores": _of(SCORES, self.groups(part))}, {"output": "statistics/{part}.parquet"}),
            drawing(self.name, self.figures(*PARTS)),
        ]  # fmt: skip

    # ---- parameters ----

    def training(self, group: str) -> PerceptronTraining | EmbedderTraining:
        """Those of a group's training, of which its name tells: k{classes}_width{units}, or {images}_m{dimensions}."""
        if group in self.photographs:
            return images.training(self.section.cifar10, group)
        numbers = [int(number) for number in re.findall(r"\d+", group)]
        if group.startswith("digits"):
            section = self.section.digits
            data = {"source": "digits", "train": section.train, "seed": section.seed}
            shape = {"inputs": 64, "classes": 10, "width": section.width, "dimensions": numbers[0]}
        else:
            section = self.section.width
            data = {"source": "radial", "train": section.train.plain(), "test": section.test.plain()}
            shape = {"inputs": 2, "classes": numbers[0], "width": numbers[1], "dimensions": section.dimensions}
        how = {"seeds": section.seeds, "recipe": section.recipe.plain()}
        state = version("whyalike.studies.closeness.training")
        return PerceptronTraining(group=group, data=data, **shape, **how, version=state)

    def scoring(self, group: str) -> GroupScores:
        """Those of the scores of a group's pairs; the test data are named after their source."""
        kind, training = group.partition("_")[0], self.training(group)
        return GroupScores(
            **training.model_dump(include=set(Group.model_fields)),
            study=self.name,
            stimuli=f"{kind if kind in self.images() else 'radial'}_test",
            num_samples=self.section.num_samples,
            metrics=self.section.metrics,
        )


def _of(path: str, groups: list[str]) -> list[str]:
    return [path.format(group=group) for group in groups]


def _code(name: str) -> str:
    return f"whyalike.studies.closeness.{name}"
