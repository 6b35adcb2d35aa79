rule make_splits:
    input:
        dataset=FLOW.setting_dataset,
    output:
        splits=f"{ROOT}/splits/{{setting}}/{{factor}}/seed{{seed}}.parquet",
    log:
        f"{ROOT}/logs/make_splits/{{setting}}.{{factor}}.seed{{seed}}.log",
    benchmark:
        f"{ROOT}/benchmarks/make_splits/{{setting}}.{{factor}}.seed{{seed}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("make_splits"),
        expected_seconds=PLAN.expected_seconds("make_splits"),
    params:
        work=FLOW.splits_work,
    message:
        "Splits: {wildcards.factor} overlap of {wildcards.setting}, seed {wildcards.seed}"
    script:
        "../scripts/make_splits.py"
