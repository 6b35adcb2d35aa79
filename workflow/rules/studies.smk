# The rules of the studies with rules of their own, as their tables have them, and a target for each part of them.
for study, own in ((study, own) for study in OWN.values() for own in study.rules.values()):

    rule:
        name:
            own.name
        input:
            unpack(study.inputs(own)),
        output:
            **{
                name: (
                    report(path, caption="../report/study.rst", category=own.category)
                    if name == "svg"
                    else temp(path) if own.is_temporary else path
                )
                for name, path in study.outputs(own).items()
            },
        log:
            f"{study.root}/logs/{own.place}.log",
        benchmark:
            f"{study.root}/benchmarks/{own.place}.tsv"
        wildcard_constraints:
            **own.wildcards,
        group:
            own.group
        localrule: own.is_local
        threads: own.threads
        resources:
            **SITE.resources(PLAN.gpus if own.on_gpu else 0),
            **({"gpu": PLAN.gpus} if own.on_gpu else {}),
            mem_mb=own.mem_mb,
            runtime=PLAN.runtime(own.name),
            expected_seconds=PLAN.expected_seconds(own.name),
        params:
            **own.params,
            work=own.parameters,
        message:
            f"{study.name.capitalize()}: {own.about}"
        script:
            "../scripts/study_job.py"


# of a study that a configuration has nothing of, no target can be made
refused = lambda missing: lambda _: logger.error(missing) or sys.exit(1)


for target, files, missing in (
    (target, files, study.missing) for study in OWN.values() for target, files in study.targets().items()
):

    rule:
        name:
            target
        input:
            refused(missing) if missing else files,
        localrule: True
