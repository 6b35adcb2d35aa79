rule score_comparison:
    input:
        activations=FLOW.comparison_activations,
        manifests=FLOW.comparison_manifests,
        datasets=FLOW.comparison_datasets,
    output:
        scores=f"{ROOT}/similarity/{{study}}/{{comparison}}/{{stimuli}}.parquet",
    log:
        f"{ROOT}/logs/score_comparison/{{study}}.{{comparison}}.{{stimuli}}.log",
    benchmark:
        f"{ROOT}/benchmarks/score_comparison/{{study}}.{{comparison}}.{{stimuli}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=16000,
        runtime=PLAN.runtime("score_comparison"),
        expected_seconds=PLAN.expected_seconds("score_comparison"),
    params:
        work=FLOW.similarity_work,
    message:
        "Similarity: {wildcards.study}, {wildcards.comparison}, on {wildcards.stimuli}"
    script:
        "../scripts/score_comparison.py"
