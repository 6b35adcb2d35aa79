"""Role: the tables of statistics of the study of consistency.
Holds: one module a table, each with `analyse`, from similarities to the table.
Layer: a study; beside the rooms.
May import: what studies may.
"""
