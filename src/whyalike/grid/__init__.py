"""Role: what follows from a configuration, before any job.

Holds: runs and pairs; views of runs, and the comparisons of a study as sets of pairs of views; the parts of a cell, the
seeds of a partial result; paths and parameters of every job, and what each figure is drawn from.
Door: `workflow.Workflow`.
Layer: above the configuration; the plan and the watchers ask it. Cheap to import.
May import: whyalike.config, designs, the rooms' registries and parameters, provenance, files.
"""
