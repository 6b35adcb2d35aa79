"""Role: GPU hours before they are spent.

Holds: what a step costs, how much work is asked for, the plan and its table; costs calibrated and learnt from runs.
Layer: beside the rooms; no room uses it.
May import: the configuration, the grid, registries, whyalike.training for measuring, whyalike.cluster for job arrays.
Door: `plan.Plan`.
"""
