"""Role: studies with rules of their own: their models, paths, jobs and costs.
Holds: the table of such studies, what all of them offer, rules that they share, and a folder a study.
Layer: beside the rooms; between them and the workflow's rules, the command line and what watches a study.
May import: everything but the command line and what watches; the table itself only sections of the configuration.
Door: `registry.STUDIES`.
"""
