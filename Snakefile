# The entry: `snakemake` here runs config/config.yaml, `snakemake --configfile config/demo.yaml` the demo.


include: "workflow/Snakefile"


workflow.default_target = "all"
