"""Role: the tables of statistics of the study of convergence.
Holds: one module a table, each with `analyse`, from scores to the table.
Layer: a study; beside the rooms.
May import: what studies may.
"""
