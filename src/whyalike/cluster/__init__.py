"""Role: SLURM, and what runs there now.

Holds: the queue, job arrays, the settings of a site; the state of every run, failures in words.
Layer: beside the rooms, above whyalike.planning in what is shown; no room uses it.
May import: the configuration, the grid, whyalike.planning, the run store.
"""
