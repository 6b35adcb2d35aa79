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
    threads: 1
    resources:
        gpu=1,
        mem_mb=16000,
        runtime=240,
    params:
        work=FLOW.training_work,
    message:
        "Training: {wildcards.setting}, {wildcards.factor} overlap, seed {wildcards.seed}"
    script:
        "../scripts/train_models.py"
