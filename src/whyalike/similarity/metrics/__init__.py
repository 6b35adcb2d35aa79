"""Role: the metrics.

Holds: one module a family, and the registry with the facts of each metric.
Layer: below the engine that scores pairs with them.
May import: whyalike.similarity's checks, preprocessing and folds; never how a pair is scored.
"""
