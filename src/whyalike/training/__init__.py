"""Role: train the runs of a cell and keep them in the run store.

Holds: the store (identity folders, lock, heartbeat, ledger), loaders, augmentation, the training loop, one module an
objective, steps that a finished run lacks, the linear probe, the manifest, the table of models.
Layer: above models, splits and data; below activations. No metric is reachable from here.
May import: whyalike.models, whyalike.splits, whyalike.data, whyalike.section, whyalike.parameters.
Door: `cell.train_cell`.
"""
