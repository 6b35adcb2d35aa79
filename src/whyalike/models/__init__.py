"""Role: the architectures.

Holds: one module a model family, their parameters and registry, the layers of each by kind, the recording of layers,
pooling, recalibrated BatchNorm; models of other libraries (`libraries`).
Layer: above data, beside splits, below training.
May import: whyalike.data, whyalike.files, whyalike.randomness; parameters and registry: whyalike.registry,
whyalike.section.
Door: `registry.MODELS`.
"""
