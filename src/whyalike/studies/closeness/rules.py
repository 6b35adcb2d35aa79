"""The rules of the study of closeness, as `whyalike.studies.rule` describes rules."""

from functools import partial
from typing import TYPE_CHECKING

from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of
from whyalike.studies.closeness import images
from whyalike.studies.closeness.parameters import (
    CircleScores,
    ClosenessStatistics,
    CopiesScores,
    PerceptronEmbedding,
    TupleScores,
)
from whyalike.studies.common_rules import drawing, prepared
from whyalike.studies.rule import Rule, each

if TYPE_CHECKING:
    from whyalike.studies.closeness.study import ClosenessStudy

PARTS = ("synthetic", "all")
CONSTRUCTIONS = {"circle": CircleScores, "copies": CopiesScores}
MODELS, WEIGHTS = "models/{group}.parquet", "models/{group}.safetensors"
ACTIVATIONS, SCORES = "activations/{group}.parquet", "similarity/{group}.parquet"


def rules(study: "ClosenessStudy") -> list[Rule]:
    """The rules by stage.

    All seeds of a group are trained at once: a batched product a layer costs less than one a model. On a cluster the
    training, representations and scores of a group are one job: the last two take seconds. Of photographs a group is
    one job, whose runs lie in the common store.
    """
    section, stacked, photographs = study.section, study.perceptrons(), images.groups(study.photographs)
    one_job, local = partial(Rule, group="closeness.{group}"), partial(Rule, is_local=True)
    data, named = {"dataset": prepared(images.SOURCE)}, {"study": study.name}
    # name, stage, wildcards of the jobs, what one does; its parameters, its function; inputs, outputs; what it takes
    return [
        one_job("train_embeddings", "models", each(group=stacked), "train {wildcards.group}",
                study.training, _code("training:train_group"),
                {}, {"manifest": MODELS, "weights": WEIGHTS},
                models=study.models, mem_mb=4000),
        Rule("train_embedders", "models", each(group=photographs), "train {wildcards.group}",
             study.training, _code("images_training:train_embedders"),
             data, {"manifest": MODELS},
             cost=partial(images.training_cost, study.photographs), mem_mb=16000, on_gpu=True),
        one_job("embed_group", "activations", each(group=stacked), "representations of {wildcards.group}",
                lambda group: PerceptronEmbedding(training=study.training(group)), _code("activations:embed_group"),
                {"manifest": MODELS, "weights": WEIGHTS}, {"output": ACTIVATIONS}),
        Rule("embed_images", "activations", each(group=photographs), "representations of {wildcards.group}",
             partial(images.embedding, study.photographs), _code("images_activations:embed_images"),
             {**data, "manifest": MODELS}, {"output": ACTIVATIONS},
             cost=partial(images.extraction_cost, study.photographs), mem_mb=8000, on_gpu=True),
        one_job("score_group", "similarity", each(group=[*stacked, *photographs]), "all pairs of {wildcards.group}",
                study.scoring, _code("scores:score_group"),
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
              lambda part: {"activations": _of(ACTIVATIONS, study.widest(part))},
              {"output": "similarity/tuples_{part}.parquet"}),
        local("analyse_closeness", "statistics", each(part=PARTS), "statistics, {wildcards.part}",
              lambda part: ClosenessStatistics(draws=section.draws), _code("statistics:analyse_closeness"),
              lambda part: {"scores": _of(SCORES, study.groups(part))}, {"output": "statistics/{part}.parquet"}),
        drawing(study.name, study.figures(*PARTS)),
    ]  # fmt: skip


def image_tables(groups: list[str]) -> dict[str, list[str]]:
    """What a figure of images is drawn from."""
    return {"embeddings": _of(ACTIVATIONS, groups), "manifests": _of(MODELS, groups), "scores": _of(SCORES, groups)}


def _of(path: str, groups: list[str]) -> list[str]:
    return [path.format(group=group) for group in groups]


def _code(name: str) -> str:
    return f"whyalike.studies.closeness.{name}"
