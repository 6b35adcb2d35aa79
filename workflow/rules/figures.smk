rule draw_figure:
    input:
        unpack(FLOW.figure_inputs),
    output:
        svg=report(
            f"{ROOT}/figures/{{figure}}.svg",
            caption="../report/figure.rst",
            category=lambda wildcards: FLOW.category(wildcards),
        ),
        rest=expand(f"{ROOT}/figures/{{{{figure}}}}.{{suffix}}", suffix=["pdf", "png", "csv"]),
    log:
        f"{ROOT}/logs/draw_figure/{{figure}}.log",
    benchmark:
        f"{ROOT}/benchmarks/draw_figure/{{figure}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("draw_figure"),
        expected_seconds=PLAN.expected_seconds("draw_figure"),
    params:
        work=FLOW.figure_work,
    message:
        "Figures: {wildcards.figure}"
    script:
        "../scripts/draw_figure.py"


# each figure is a target of its own name, such as dataset_overlap
for figure in FLOW.config.figures:

    rule:
        name:
            figure
        input:
            f"{ROOT}/figures/{figure}.svg",
        localrule: True
