"""Role: the figures of the study of convergence.
Holds: one module a figure, or a few that look alike.
Layer: a study; beside the rooms.
May import: what studies may.
"""
