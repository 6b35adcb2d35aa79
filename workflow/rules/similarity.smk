# One job scores the pairs by the metrics of one family, which prepare the same of each representation: a metric more,
# or another k, re-runs its own job and the join. {job} names a family and parameters that are not the defaults. Where a
# comparison has many seeds, `seeds_per_score_job` cuts it into parts: {part} is empty, or .part0, .part1, ...
rule score_comparison:
    input:
        activations=FLOW.comparison_activations,
        manifests=FLOW.comparison_manifests,
        datasets=FLOW.comparison_datasets,
    output:
        scores=f"{ROOT}/similarity/{{study}}/{{comparison}}/families/{{stimuli}}.{{job}}{{part}}.parquet",
    log:
        f"{ROOT}/logs/score_comparison/{{study}}.{{comparison}}.{{stimuli}}.{{job}}{{part}}.log",
    benchmark:
        f"{ROOT}/benchmarks/score_comparison/{{study}}.{{comparison}}.{{stimuli}}.{{job}}{{part}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=MEMORY.of("score_comparison"),
        runtime=PLAN.runtime("score_comparison"),
        expected_seconds=PLAN.expected_seconds("score_comparison"),
    params:
        work=FLOW.similarity_work,
    message:
        "Similarity: {wildcards.study}, {wildcards.comparison}, on {wildcards.stimuli}: {wildcards.job}{wildcards.part}"
    script:
        "../scripts/score_comparison.py"


# All pairs of all representations of some settings: one job scores all of them, by the metrics of one family.
rule score_all_pairs:
    input:
        activations=FLOW.comparison_activations,
        manifests=FLOW.comparison_manifests,
        dataset=FLOW.stimuli_labels,
    output:
        scores=f"{ROOT}/similarity/{{study}}/{{comparison}}/all_pairs/{{stimuli}}.{{job}}.parquet",
    log:
        f"{ROOT}/logs/score_all_pairs/{{study}}.{{comparison}}.{{stimuli}}.{{job}}.log",
    benchmark:
        f"{ROOT}/benchmarks/score_all_pairs/{{study}}.{{comparison}}.{{stimuli}}.{{job}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=MEMORY.of("score_all_pairs"),
        runtime=PLAN.runtime("score_all_pairs"),
        expected_seconds=PLAN.expected_seconds("score_all_pairs"),
    params:
        work=FLOW.all_pairs_work,
    message:
        "Similarity: {wildcards.study}, {wildcards.comparison}, on {wildcards.stimuli}: {wildcards.job}"
    script:
        "../scripts/score_all_pairs.py"


rule join_scores:
    input:
        parts=FLOW.family_scores,
    output:
        scores=f"{ROOT}/similarity/{{study}}/{{comparison}}/{{stimuli}}.parquet",
    log:
        f"{ROOT}/logs/join_scores/{{study}}.{{comparison}}.{{stimuli}}.log",
    benchmark:
        f"{ROOT}/benchmarks/join_scores/{{study}}.{{comparison}}.{{stimuli}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("join_scores"),
        expected_seconds=PLAN.expected_seconds("join_scores"),
    params:
        work=FLOW.similarity_work,
    message:
        "Similarity: {wildcards.study}, {wildcards.comparison}, on {wildcards.stimuli}: all metrics"
    script:
        "../scripts/join_scores.py"


# of studies whose single pairs are results: scores with intervals over stimuli
rule write_pairs:
    input:
        scores=f"{ROOT}/similarity/{{study}}/{{comparison}}/{{stimuli}}.parquet",
        activations=FLOW.interval_activations,
    output:
        pairs=f"{ROOT}/similarity/{{study}}/{{comparison}}/pairs/{{stimuli}}.parquet",
    log:
        f"{ROOT}/logs/write_pairs/{{study}}.{{comparison}}.{{stimuli}}.log",
    benchmark:
        f"{ROOT}/benchmarks/write_pairs/{{study}}.{{comparison}}.{{stimuli}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=MEMORY.of("write_pairs"),
        runtime=PLAN.runtime("write_pairs"),
        expected_seconds=PLAN.expected_seconds("write_pairs"),
    params:
        work=FLOW.pairs_work,
    message:
        "Similarity: {wildcards.study}, {wildcards.comparison}, on {wildcards.stimuli}: intervals of all pairs"
    script:
        "../scripts/write_pairs.py"


rule list_views:
    input:
        scores=FLOW.all_scores(),
    output:
        views=f"{ROOT}/similarity/views.parquet",
    log:
        f"{ROOT}/logs/list_views.log",
    benchmark:
        f"{ROOT}/benchmarks/list_views.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=2000,
        runtime=PLAN.runtime("list_views"),
        expected_seconds=PLAN.expected_seconds("list_views"),
    params:
        work=FLOW.views_work,
    message:
        "Similarity: table of all views"
    script:
        "../scripts/list_views.py"
