"""Role: draws the figures of a study, and writes beside each one the numbers it shows.
Holds: the style, one module a figure family, the registry of figure kinds, reading and saving.
Layer: last of the rooms; the report shows what this room writes.
May import: statistics, similarity and everything below them; never torch.
Door: `stage.make_figure`.
"""
