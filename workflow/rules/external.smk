# Runs from the user's files in place of training, and activations in place of extraction.
rule import_runs:
    input:
        dataset=FLOW.setting_dataset,
        files=FLOW.files_to_import,
    output:
        manifest=f"{ROOT}/models/{{setting}}/external/seed{{seed}}.parquet",
    log:
        f"{ROOT}/logs/import_runs/{{setting}}.seed{{seed}}.log",
    benchmark:
        f"{ROOT}/benchmarks/import_runs/{{setting}}.seed{{seed}}.tsv"
    wildcard_constraints:
        setting=FLOW.import_settings("checkpoints", "activations", "library"),
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=MEMORY.of("import_runs"),
        runtime=PLAN.runtime("import_runs"),
        expected_seconds=PLAN.expected_seconds("import_runs"),
    params:
        work=FLOW.import_work,
    message:
        "Import: the runs of {wildcards.setting}"
    script:
        "../scripts/import_runs.py"


rule import_activations:
    input:
        dataset=FLOW.stimuli_dataset,
        manifest=f"{ROOT}/models/{{setting}}/external/seed{{seed}}.parquet",
        files=FLOW.activation_files,
    output:
        activations=representations(None)(
            f"{ROOT}/activations/{{setting}}/external/seed{{seed}}/{{stimuli}}.{{layer}}.parquet"
        ),
    log:
        f"{ROOT}/logs/import_activations/{{setting}}.seed{{seed}}.{{stimuli}}.{{layer}}.log",
    benchmark:
        f"{ROOT}/benchmarks/import_activations/{{setting}}.seed{{seed}}.{{stimuli}}.{{layer}}.tsv"
    wildcard_constraints:
        setting=either(FLOW.import_rules()["import_activations"]),
        layer=r"[\w.-]+",
    threads: 1
    resources:
        **SITE.resources(gpus=0),
        mem_mb=MEMORY.of("import_activations"),
        runtime=PLAN.runtime("import_activations"),
        expected_seconds=PLAN.expected_seconds("import_activations"),
    params:
        work=FLOW.import_activations_work,
    message:
        "Import: activations of {wildcards.setting} on {wildcards.stimuli}, layer {wildcards.layer}"
    script:
        "../scripts/import_activations.py"


# the same of settings that only studies with `keep: scores` read
use rule import_activations as import_activations_for_scores_alone with:
    output:
        activations=temp(f"{ROOT}/activations/{{setting}}/external/seed{{seed}}/{{stimuli}}.{{layer}}.parquet"),
    log:
        f"{ROOT}/logs/import_activations_for_scores_alone/{{setting}}.seed{{seed}}.{{stimuli}}.{{layer}}.log",
    benchmark:
        f"{ROOT}/benchmarks/import_activations_for_scores_alone/{{setting}}.seed{{seed}}.{{stimuli}}.{{layer}}.tsv"
    wildcard_constraints:
        setting=either(FLOW.import_rules()["import_activations_for_scores_alone"]),
        layer=r"[\w.-]+",
