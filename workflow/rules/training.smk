# One job trains what the run store lacks of a cell: start-up costs more than a small model's training.
rule train_models:
    input:
        dataset=FLOW.setting_dataset,
        splits=f"{ROOT}/splits/{{setting}}/{{factor}}/seed{{seed}}.parquet",
    output:
        manifest=f"{ROOT}/models/{{setting}}/{{factor}}/seed{{seed}}.parquet",
    log:
        f"{ROOT}/logs/train_models/{{setting}}.{{factor}}.seed{{seed}}.log",
    benchmark:
        f"{ROOT}/benchmarks/train_models/{{setting}}.{{factor}}.seed{{seed}}.tsv"
    wildcard_constraints:
        factor=r"(?!external\b)\w+",
    threads: 1
    resources:
        **SITE.resources(PLAN.gpus),
        gpu=PLAN.gpus,
        mem_mb=16000,
        runtime=PLAN.runtime("train_models"),
        expected_seconds=PLAN.expected_seconds("train_models"),
    params:
        work=FLOW.training_work,
    message:
        "Training: {wildcards.setting}, {wildcards.factor} overlap, seed {wildcards.seed}"
    script:
        "../scripts/train_models.py"
