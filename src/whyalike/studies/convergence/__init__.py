"""Role: the study of convergence: how alike are models over layers, training and distribution shifts?
Holds: its section, its jobs, scores by fitted maps of the models of zoos, statistics, claims and figures.
Layer: a study; beside the rooms.
May import: what studies may.
"""
