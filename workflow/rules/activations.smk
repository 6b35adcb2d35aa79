# under `recompute`, and of settings that only studies with `keep: scores` read, Snakemake removes representations once
# every job that reads them is done
representations = lambda setting: temp if FLOW.is_temporary(setting) else lambda path: path


# The layers of a setting are the job's outputs, all from one pass: so there is one rule for each set of layers.
for words, (layers, settings) in FLOW.layer_sets().items():

    rule:
        name:
            f"extract_{words}"
        input:
            dataset=FLOW.stimuli_dataset,
            training=FLOW.recalibration_dataset,
            manifest=f"{ROOT}/models/{{setting}}/{{factor}}/seed{{seed}}.parquet",
        output:
            [
                representations(settings[0])(
                    f"{ROOT}/activations/{{setting}}/{{factor}}/seed{{seed}}/{{stimuli}}.{layer}.parquet"
                )
                for layer in layers
            ],
        log:
            f"{ROOT}/logs/extract_{words}/{{setting}}.{{factor}}.seed{{seed}}.{{stimuli}}.log",
        benchmark:
            f"{ROOT}/benchmarks/extract_{words}/{{setting}}.{{factor}}.seed{{seed}}.{{stimuli}}.tsv"
        wildcard_constraints:
            setting="|".join(settings),
        # seconds for each stimulus set: on a cluster those of a cell are one job (group-components of the profile)
        group:
            "extract.{setting}.{factor}.seed{seed}"
        threads: 1
        resources:
            **SITE.resources(PLAN.gpus),
            gpu=PLAN.gpus,
            in_turn=1,
            mem_mb=MEMORY.of(EXTRACTION),
            runtime=PLAN.runtime(f"extract_{words}"),
            expected_seconds=PLAN.expected_seconds(f"extract_{words}"),
        params:
            work=FLOW.activations_work,
        message:
            "Activations: {wildcards.setting}, {wildcards.factor} overlap, seed {wildcards.seed}, on {wildcards.stimuli}"
        script:
            "../scripts/extract_activations.py"


rule write_sample_text:
    input:
        manifests=FLOW.sample_manifests,
        datasets=FLOW.sample_datasets,
    output:
        page=f"{ROOT}/samples/{{sample}}.md",
        table=f"{ROOT}/samples/{{sample}}.csv",
    log:
        f"{ROOT}/logs/write_sample_text/{{sample}}.log",
    benchmark:
        f"{ROOT}/benchmarks/write_sample_text/{{sample}}.tsv"
    threads: 1
    resources:
        **SITE.resources(PLAN.gpus),
        gpu=PLAN.gpus,
        mem_mb=16000,
        runtime=PLAN.runtime("write_sample_text"),
        expected_seconds=PLAN.expected_seconds("write_sample_text"),
    params:
        work=FLOW.sample_work,
    message:
        "Sample text: {wildcards.sample}"
    script:
        "../scripts/write_sample_text.py"


# each sample text is a target of its own name
for sample in FLOW.config.sample_texts:

    rule:
        name:
            sample
        input:
            f"{ROOT}/samples/{sample}.md",
        localrule: True
