"""Role: the study of consistency: are models that are alike on one stimulus set alike on others?
Holds: its section, its jobs, similarities of all pairs of models of zoos, probes, statistics, claims and figures.
Layer: a study; beside the rooms.
May import: what studies may.
"""
