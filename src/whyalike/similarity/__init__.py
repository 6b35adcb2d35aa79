"""similarity: how alike two representations of the same stimuli are.

Role: turns representations of pairs of runs into the score table, each score beside its nulls and baselines.
Holds: the metrics by family, their registry and facts, preprocessing, the two protocols, nulls, blocks, excess,
`score`, `score_pairs`; all pairs of many representations in one job, by the engines of metrics; metrics of
distributions (f, g) and of predictions, called in Python; `pairwise`, intervals over stimuli, scores of files.
Layer: above activations, below statistics. May import: activations, splits, data, files, jobs, parameters, randomness,
registry (numpy, scipy, scikit-learn, pandas, pyarrow; no torch but what POT imports when transport is asked for, the
reader of embeddings and `on_device`).
Door: `comparison.score_comparison`.
"""
