"""Designs: how the two models of a pair are made to differ.

Role: says for each design its conditions, the runs of a condition, and where the code is that splits and analyses it.
Holds: the table of designs (registry), what an entry says (design), one module a design.
Layer: below the rooms. May import: provenance, registry; nothing heavy, for the grid is read at every parse.
Door: `registry.design`.
"""
