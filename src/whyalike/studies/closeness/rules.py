"""The rules of the study of closeness, as `whyalike.studies.rule` describes rules."""

from functools import partial
from typing import TYPE_CHECKING

from whyalike.figures.registry_studies import CLOSENESS
from whyalike.grid.workflow import DATA_FILES, FIGURE_FILES
from whyalike.studies.rule import Rule

if TYPE_CHECKING:
    from whyalike.studies.closeness.study import ClosenessStudy

COMMON = "whyalike.studies.common_jobs"
PARTS = ("synthetic", "all")
CONSTRUCTIONS = ("circle", "copies")
STACKED, PHOTOGRAPHS = {"group": r"k\d+_width\d+|digits_m\d+"}, {"group": r"cifar10_m\d+"}
GROUP, PART = {"group": f"{STACKED['group']}|{PHOTOGRAPHS['group']}"}, {"part": "|".join(PARTS)}
MODELS, WEIGHTS = "models/{group}.parquet", "models/{group}.safetensors"
ACTIVATIONS, SCORES = "activations/{group}.parquet", "similarity/{group}.parquet"


def rules(study: "ClosenessStudy") -> list[Rule]:
    """The rules by stage.

    All seeds of a group are trained at once: a batched product a layer costs less than one a model. On a cluster the
    training, representations and scores of a group are one job: the last two take seconds. Of photographs a group is
    one job, whose runs lie in the common store.
    """
    local, one_job = partial(Rule, is_local=True), partial(Rule, group="closeness.{group}")
    on_gpu = partial(Rule, wildcards=PHOTOGRAPHS, on_gpu=True)
    photographs = [f"data/{name}/{file}" for name in study.datasets for file in DATA_FILES]
    return [
        Rule("prepare_closeness", "prepare {wildcards.dataset}", study.data_work, f"{COMMON}:prepare_data",
             outputs={file.partition(".")[0]: f"data/{{dataset}}/{file}" for file in DATA_FILES},
             wildcards={"dataset": "|".join(study.datasets) or "(?!)"}, threads=2, mem_mb=4000,
             params={"study": study.name}),
        local("score_constructed", "constructed models, {wildcards.construction}", study.constructed_work,
              _code("constructed_scores:score_constructed"), wildcards={"construction": "|".join(CONSTRUCTIONS)},
              outputs={"output": "similarity/{construction}.parquet"}),
        one_job("train_embeddings", "train {wildcards.group}", study.training_work, _code("training:train_group"),
                wildcards=STACKED, outputs={"manifest": MODELS, "weights": WEIGHTS}, mem_mb=4000),
        one_job("embed_group", "representations of {wildcards.group}", study.activations_work,
                _code("activations:embed_group"), {"manifest": MODELS, "weights": WEIGHTS}, {"output": ACTIVATIONS},
                STACKED),
        on_gpu("train_embedders", "train {wildcards.group}", study.training_work,
               _code("images_training:train_embedders"), {"dataset": photographs}, {"manifest": MODELS}, mem_mb=16000),
        on_gpu("embed_images", "representations of {wildcards.group}", study.images_work,
               _code("images_activations:embed_images"), {"dataset": photographs, "manifest": MODELS},
               {"output": ACTIVATIONS}, mem_mb=8000),
        one_job("score_group", "all pairs of {wildcards.group}", study.similarity_work, _code("scores:score_group"),
                {"activations": ACTIVATIONS}, {"output": SCORES}, GROUP, mem_mb=4000),
        local("score_tuples", "numbers of tuples, {wildcards.part}", study.tuples_work,
              _code("tuple_counts:score_tuples"), study.tuples_activations,
              {"output": "similarity/tuples_{part}.parquet"}, PART),
        local("analyse_closeness", "statistics, {wildcards.part}", study.statistics_work,
              _code("statistics:analyse_closeness"), study.scores, {"output": "statistics/{part}.parquet"}, PART),
        local("draw_closeness", "figure {wildcards.figure}", study.figure_work, f"{COMMON}:draw_figure",
              study.figure_inputs, {suffix: f"figures/{{figure}}.{suffix}" for suffix in FIGURE_FILES},
              {"figure": r"\w+"}, params={"caption": study.caption}, category=CLOSENESS),
    ]  # fmt: skip


def _code(name: str) -> str:
    return f"whyalike.studies.closeness.{name}"
