"""Role: what follows from a configuration, before any job.

Holds: views of runs, and the comparisons of a study as sets of pairs of views.
Layer: above the configuration; the workflow, the plan and the watchers ask it. Pure, and cheap to import.
May import: whyalike.config, whyalike.runs, whyalike.sections.
"""
