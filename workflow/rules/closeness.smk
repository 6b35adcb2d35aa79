# Closeness in distribution against similarity of representations: a study of its own, beside any configuration.
from whyalike.figures.registry_studies import CLOSENESS as CATEGORY
from whyalike.grid.workflow import DATA_FILES
from whyalike.studies.closeness.study import CONSTRUCTIONS, PARTS

CLOSENESS = OWN["closeness"]
CLOSE = CLOSENESS.root
STACKED, PHOTOGRAPHS = r"k\d+_width\d+|digits_m\d+", r"cifar10_m\d+"


wildcard_constraints:
    construction="|".join(CONSTRUCTIONS),
    group=f"{STACKED}|{PHOTOGRAPHS}",
    part="|".join(PARTS),


rule prepare_closeness:
    output:
        array=f"{CLOSE}/data/{{dataset}}/array.npy",
        labels=f"{CLOSE}/data/{{dataset}}/labels.parquet",
        checksums=f"{CLOSE}/data/{{dataset}}/checksums.json",
    log:
        f"{CLOSE}/logs/prepare_closeness/{{dataset}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/prepare_closeness/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=either(CLOSENESS.datasets),
    threads: 2
    resources:
        **SITE.resources(gpus=0),
        mem_mb=4000,
        runtime=PLAN.runtime("prepare_closeness"),
        expected_seconds=PLAN.expected_seconds("prepare_closeness"),
    params:
        work=CLOSENESS.data_work,
        study=CLOSENESS.name,
    message:
        "Closeness: prepare {wildcards.dataset}"
    script:
        "../scripts/prepare_study_data.py"


rule score_constructed:
    output:
        scores=f"{CLOSE}/similarity/{{construction}}.parquet",
    log:
        f"{CLOSE}/logs/score_constructed/{{construction}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/score_constructed/{{construction}}.tsv"
    localrule: True
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("score_constructed"),
        expected_seconds=PLAN.expected_seconds("score_constructed"),
    params:
        work=CLOSENESS.constructed_work,
    message:
        "Closeness: constructed models, {wildcards.construction}"
    script:
        "../scripts/score_constructed.py"


# all seeds of a group at once: a batched product a layer costs less than one a model. On a cluster training,
# representations and scores of a group are one job: the last two take seconds
rule train_embeddings:
    output:
        manifest=f"{CLOSE}/models/{{group}}.parquet",
        weights=f"{CLOSE}/models/{{group}}.safetensors",
    log:
        f"{CLOSE}/logs/train_embeddings/{{group}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/train_embeddings/{{group}}.tsv"
    wildcard_constraints:
        group=STACKED,
    group:
        "closeness.{group}"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=4000,
        runtime=PLAN.runtime("train_embeddings"),
        expected_seconds=PLAN.expected_seconds("train_embeddings"),
    params:
        work=CLOSENESS.training_work,
    message:
        "Closeness: train {wildcards.group}"
    script:
        "../scripts/train_embeddings.py"


rule embed_group:
    input:
        manifest=f"{CLOSE}/models/{{group}}.parquet",
        weights=f"{CLOSE}/models/{{group}}.safetensors",
    output:
        activations=f"{CLOSE}/activations/{{group}}.parquet",
    log:
        f"{CLOSE}/logs/embed_group/{{group}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/embed_group/{{group}}.tsv"
    wildcard_constraints:
        group=STACKED,
    group:
        "closeness.{group}"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("embed_group"),
        expected_seconds=PLAN.expected_seconds("embed_group"),
    params:
        work=CLOSENESS.activations_work,
    message:
        "Closeness: representations of {wildcards.group}"
    script:
        "../scripts/embed_group.py"


# photographs: one job a group, whose runs lie in the common store
rule train_embedders:
    input:
        dataset=expand(f"{CLOSE}/data/{{dataset}}/{{file}}", dataset=CLOSENESS.datasets, file=DATA_FILES),
    output:
        manifest=f"{CLOSE}/models/{{group}}.parquet",
    log:
        f"{CLOSE}/logs/train_embedders/{{group}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/train_embedders/{{group}}.tsv"
    wildcard_constraints:
        group=PHOTOGRAPHS,
    threads: 1
    resources:
        **SITE.resources(PLAN.gpus),
        gpu=PLAN.gpus,
        mem_mb=16000,
        runtime=PLAN.runtime("train_embedders"),
        expected_seconds=PLAN.expected_seconds("train_embedders"),
    params:
        work=CLOSENESS.training_work,
    message:
        "Closeness: train {wildcards.group}"
    script:
        "../scripts/train_embedders.py"


rule embed_images:
    input:
        dataset=expand(f"{CLOSE}/data/{{dataset}}/{{file}}", dataset=CLOSENESS.datasets, file=DATA_FILES),
        manifest=f"{CLOSE}/models/{{group}}.parquet",
    output:
        activations=f"{CLOSE}/activations/{{group}}.parquet",
    log:
        f"{CLOSE}/logs/embed_images/{{group}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/embed_images/{{group}}.tsv"
    wildcard_constraints:
        group=PHOTOGRAPHS,
    threads: 1
    resources:
        **SITE.resources(PLAN.gpus),
        gpu=PLAN.gpus,
        mem_mb=8000,
        runtime=PLAN.runtime("embed_images"),
        expected_seconds=PLAN.expected_seconds("embed_images"),
    params:
        work=CLOSENESS.images_work,
    message:
        "Closeness: representations of {wildcards.group}"
    script:
        "../scripts/embed_images.py"


rule score_group:
    input:
        activations=f"{CLOSE}/activations/{{group}}.parquet",
    output:
        scores=f"{CLOSE}/similarity/{{group}}.parquet",
    log:
        f"{CLOSE}/logs/score_group/{{group}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/score_group/{{group}}.tsv"
    group:
        "closeness.{group}"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=4000,
        runtime=PLAN.runtime("score_group"),
        expected_seconds=PLAN.expected_seconds("score_group"),
    params:
        work=CLOSENESS.similarity_work,
    message:
        "Closeness: all pairs of {wildcards.group}"
    script:
        "../scripts/score_group.py"


rule score_tuples:
    input:
        activations=CLOSENESS.tuples_activations,
    output:
        scores=f"{CLOSE}/similarity/tuples_{{part}}.parquet",
    log:
        f"{CLOSE}/logs/score_tuples/{{part}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/score_tuples/{{part}}.tsv"
    localrule: True
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("score_tuples"),
        expected_seconds=PLAN.expected_seconds("score_tuples"),
    params:
        work=CLOSENESS.tuples_work,
    message:
        "Closeness: numbers of tuples, {wildcards.part}"
    script:
        "../scripts/score_tuples.py"


rule analyse_closeness:
    input:
        scores=lambda wildcards: CLOSENESS.similarity(wildcards.part),
    output:
        statistics=f"{CLOSE}/statistics/{{part}}.parquet",
    log:
        f"{CLOSE}/logs/analyse_closeness/{{part}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/analyse_closeness/{{part}}.tsv"
    localrule: True
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("analyse_closeness"),
        expected_seconds=PLAN.expected_seconds("analyse_closeness"),
    params:
        work=CLOSENESS.statistics_work,
    message:
        "Closeness: statistics, {wildcards.part}"
    script:
        "../scripts/analyse_closeness.py"


rule draw_closeness:
    input:
        unpack(CLOSENESS.figure_inputs),
    output:
        svg=report(
            f"{CLOSE}/figures/{{figure}}.svg",
            caption="../report/closeness.rst",
            category=CATEGORY,
        ),
        rest=expand(f"{CLOSE}/figures/{{{{figure}}}}.{{suffix}}", suffix=["pdf", "png", "csv"]),
    log:
        f"{CLOSE}/logs/draw_closeness/{{figure}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/draw_closeness/{{figure}}.tsv"
    localrule: True
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("draw_closeness"),
        expected_seconds=PLAN.expected_seconds("draw_closeness"),
    params:
        work=CLOSENESS.figure_work,
        caption=CLOSENESS.caption,
    message:
        "Closeness: figure {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"


# the constructed models, and trained ones of few labels: under an hour on two cores
rule closeness_synthetic:
    input:
        CLOSENESS.figures("synthetic"),
    localrule: True


rule closeness:
    input:
        CLOSENESS.figures("synthetic"),
        CLOSENESS.figures("all"),
    localrule: True
