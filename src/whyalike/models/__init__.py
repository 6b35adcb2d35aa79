"""Role: the architectures.

Holds: one module a model family, their parameters and registry.
Layer: beside data and splits, below training.
May import: whyalike.randomness; the registry: whyalike.registry, whyalike.sections.recipes.
"""
