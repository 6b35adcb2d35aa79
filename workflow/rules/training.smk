# One job trains what the run store lacks of a cell: start-up costs more than a small model's training. Where a cell is
# long, `runs_per_job` cuts it into parts, whose manifests are then put together: {part} is empty, or .part0, .part1, ...
ruleorder: join_parts > train_models


rule train_models:
    input:
        dataset=FLOW.setting_dataset,
        splits=f"{ROOT}/splits/{{setting}}/{{factor}}/seed{{seed}}.parquet",
    output:
        manifest=f"{ROOT}/models/{{setting}}/{{factor}}/seed{{seed}}{{part}}.parquet",
    log:
        f"{ROOT}/logs/train_models/{{setting}}.{{factor}}.seed{{seed}}{{part}}.log",
    benchmark:
        f"{ROOT}/benchmarks/train_models/{{setting}}.{{factor}}.seed{{seed}}{{part}}.tsv"
    wildcard_constraints:
        factor=r"(?!external\b)\w+",
    threads: lambda wildcards: PLAN.at_once(wildcards)
    resources:
        **SITE.resources(PLAN.gpus),
        gpu=PLAN.gpus,
        mem_mb=lambda wildcards: 16000 * PLAN.at_once(wildcards),
        runtime=PLAN.runtime("train_models"),
        expected_seconds=PLAN.expected_seconds("train_models"),
    params:
        work=FLOW.training_work,
    message:
        "Training: {wildcards.setting}, {wildcards.factor} overlap, seed {wildcards.seed}{wildcards.part}"
    script:
        "../scripts/train_models.py"


rule list_models:
    input:
        manifests=FLOW.all_manifests(),
    output:
        models=f"{ROOT}/models/models.parquet",
    log:
        f"{ROOT}/logs/list_models.log",
    benchmark:
        f"{ROOT}/benchmarks/list_models.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=1000,
        runtime=PLAN.runtime("list_models"),
        expected_seconds=PLAN.expected_seconds("list_models"),
    params:
        work=FLOW.models_work,
        store=STORE,
    message:
        "Models: table of all"
    script:
        "../scripts/list_models.py"


rule join_parts:
    input:
        parts=FLOW.part_manifests,
    output:
        manifest=f"{ROOT}/models/{{setting}}/{{factor}}/seed{{seed}}.parquet",
    log:
        f"{ROOT}/logs/join_parts/{{setting}}.{{factor}}.seed{{seed}}.log",
    benchmark:
        f"{ROOT}/benchmarks/join_parts/{{setting}}.{{factor}}.seed{{seed}}.tsv"
    wildcard_constraints:
        setting=either(split_settings(FLOW.config)),
        factor=r"(?!external\b)\w+",
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=1000,
        runtime=PLAN.runtime("join_parts"),
        expected_seconds=PLAN.expected_seconds("join_parts"),
    params:
        work=FLOW.training_work,
    message:
        "Training: one manifest of the parts of {wildcards.setting}, {wildcards.factor} overlap, seed {wildcards.seed}"
    script:
        "../scripts/join_parts.py"
