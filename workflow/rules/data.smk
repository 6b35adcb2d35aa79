rule prepare_data:
    output:
        array=f"{ROOT}/data/{{dataset}}/array.npy",
        labels=f"{ROOT}/data/{{dataset}}/labels.parquet",
        checksums=f"{ROOT}/data/{{dataset}}/checksums.json",
    log:
        f"{ROOT}/logs/prepare_data/{{dataset}}.log",
    benchmark:
        f"{ROOT}/benchmarks/prepare_data/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=either(set(FLOW.config.datasets) - set(PLAN.short_datasets())),
    threads: 2
    resources:
        **SITE.resources(gpus=0),
        mem_mb=MEMORY.of("prepare_data"),
        runtime=PLAN.runtime("prepare_data"),
        expected_seconds=PLAN.expected_seconds("prepare_data"),
    params:
        work=FLOW.data_work,
    message:
        "Data: prepare {wildcards.dataset}"
    script:
        "../scripts/prepare_data.py"


# of seconds by the cost table: on a cluster beside Snakemake
use rule prepare_data as prepare_small_data with:
    wildcard_constraints:
        dataset=either(PLAN.short_datasets()),


# a target by its file's name, ahead of training with operation.loader ffcv; a training job makes it if it is missing
rule write_beton:
    input:
        dataset=lambda wildcards: FLOW.dataset(wildcards.dataset),
    output:
        beton=f"{ROOT}/data/{{dataset}}/array.beton",
        note=f"{ROOT}/data/{{dataset}}/array.beton.json",
    log:
        f"{ROOT}/logs/write_beton/{{dataset}}.log",
    benchmark:
        f"{ROOT}/benchmarks/write_beton/{{dataset}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=4000,
        runtime=PLAN.runtime("write_beton"),
        expected_seconds=PLAN.expected_seconds("write_beton"),
    params:
        work=f"form {provenance.version('whyalike.data.ffcv_file')}",
    message:
        "Data: write {wildcards.dataset} in FFCV's form"
    script:
        "../scripts/write_beton.py"


# a target of its own for each published data set, never part of another: `snakemake --cores 1 download_cifar10`
for dataset in preflight.downloads(FLOW.config):

    rule:
        name:
            f"download_{dataset}"
        log:
            f"{ROOT}/logs/download_data/{dataset}.log",
        benchmark:
            f"{ROOT}/benchmarks/download_data/{dataset}.tsv"
        localrule: True
        threads: 1
        resources:
            mem_mb=2000,
            runtime=120,
        params:
            dataset=dataset,
        message:
            "Data: download {params.dataset}"
        script:
            "../scripts/download_data.py"
