"""Role: the study of closeness in distribution, whole: its section, jobs, costs, and the work of each stage.
Holds: a module or two a stage, named as the rooms are.
Layer: a study; beside the rooms.
May import: what studies may.
"""
