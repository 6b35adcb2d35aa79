"""Role: decide which images, under which labels, each run of a cell sees.

Holds: dataset, task and label overlap, their factorial, the split of each design, and the split files.
Layer: above data, below training.
May import: whyalike.data, whyalike.designs, whyalike.files, whyalike.parameters, whyalike.randomness.
Door: `stage.make_splits`.
"""
