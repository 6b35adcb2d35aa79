rule analyse_study:
    input:
        scores=lambda wildcards: FLOW.told_scores(wildcards.study),
    output:
        statistics=f"{ROOT}/statistics/{{study}}.parquet",
    log:
        f"{ROOT}/logs/analyse_study/{{study}}.log",
    benchmark:
        f"{ROOT}/benchmarks/analyse_study/{{study}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=4000,
        runtime=PLAN.runtime("analyse_study"),
        expected_seconds=PLAN.expected_seconds("analyse_study"),
    params:
        work=FLOW.statistics_work,
    message:
        "Statistics: {wildcards.study}"
    script:
        "../scripts/analyse_study.py"


rule write_tables:
    input:
        scores=FLOW.settings_scores(),
        manifests=FLOW.all_manifests(),
    output:
        expand(
            f"{ROOT}/statistics/{{table}}.{{suffix}}", table=["mutual_information", "accuracy"], suffix=["csv", "md"]
        ),
    log:
        f"{ROOT}/logs/write_tables.log",
    benchmark:
        f"{ROOT}/benchmarks/write_tables.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=4000,
        runtime=PLAN.runtime("write_tables"),
        expected_seconds=PLAN.expected_seconds("write_tables"),
    params:
        work=FLOW.tables_work,
    message:
        "Statistics: tables of mutual information and accuracy"
    script:
        "../scripts/write_tables.py"


rule write_findings:
    input:
        statistics=FLOW.all_statistics(),
        pairs=FLOW.pair_tables(told=True),
        mutual_information=f"{ROOT}/statistics/mutual_information.csv",
        accuracy=f"{ROOT}/statistics/accuracy.csv",
    output:
        findings=f"{ROOT}/findings.md",
    log:
        f"{ROOT}/logs/write_findings.log",
    benchmark:
        f"{ROOT}/benchmarks/write_findings.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=1000,
        runtime=PLAN.runtime("write_findings"),
        expected_seconds=PLAN.expected_seconds("write_findings"),
    params:
        work=FLOW.findings_work,
    message:
        "Statistics: the findings in words"
    script:
        "../scripts/write_findings.py"


rule write_claims:
    input:
        statistics=FLOW.all_statistics(),
    output:
        claims=f"{ROOT}/claims.md",
    log:
        f"{ROOT}/logs/write_claims.log",
    benchmark:
        f"{ROOT}/benchmarks/write_claims.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=1000,
        runtime=PLAN.runtime("write_claims"),
        expected_seconds=PLAN.expected_seconds("write_claims"),
    params:
        work=FLOW.claims_work,
    message:
        "Statistics: verdicts on the paper's claims"
    script:
        "../scripts/write_claims.py"


rule analyse_published:
    input:
        files=FLOW.published_files,
    output:
        scores=f"{ROOT}/published/{{published}}.scores.parquet",
        statistics=f"{ROOT}/published/{{published}}.statistics.parquet",
    log:
        f"{ROOT}/logs/analyse_published/{{published}}.log",
    benchmark:
        f"{ROOT}/benchmarks/analyse_published/{{published}}.tsv"
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=4000,
        runtime=PLAN.runtime("analyse_published"),
        expected_seconds=PLAN.expected_seconds("analyse_published"),
    params:
        work=FLOW.published_work,
    message:
        "Statistics: published scores {wildcards.published}"
    script:
        "../scripts/analyse_published.py"
