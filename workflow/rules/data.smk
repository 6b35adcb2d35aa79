rule prepare_data:
    output:
        images=f"{ROOT}/data/{{dataset}}/images.npy",
        labels=f"{ROOT}/data/{{dataset}}/labels.parquet",
        checksums=f"{ROOT}/data/{{dataset}}/checksums.json",
    log:
        f"{ROOT}/logs/prepare_data/{{dataset}}.log",
    benchmark:
        f"{ROOT}/benchmarks/prepare_data/{{dataset}}.tsv"
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        work=FLOW.data_work,
    message:
        "Data: prepare {wildcards.dataset}"
    script:
        "../scripts/prepare_data.py"
