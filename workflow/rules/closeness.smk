# Closeness in distribution against similarity of representations: a study of its own, beside any configuration.
from whyalike.closeness_flow import PARTS, ClosenessFlow
from whyalike.figures.registry_closeness import CATEGORY

try:
    CLOSENESS = ClosenessFlow(FLOW.config, workflow.source_path("../../config/closeness.yaml"))
except configuration.ConfigError as error:
    raise WorkflowError(str(error)) from None

CLOSE = CLOSENESS.root


wildcard_constraints:
    construction="circle|copies",
    classes=r"\d+",
    width=r"\d+",
    part="|".join(PARTS),


rule score_constructed:
    output:
        scores=f"{CLOSE}/similarity/{{construction}}.parquet",
    log:
        f"{CLOSE}/logs/score_constructed/{{construction}}.log",
    benchmark:
        f"{CLOSE}/benchmarks/score_constructed/{{construction}}.tsv"
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
