"""Role: the architectures.

Holds: one module a model family, and their registry.
Layer: beside data and splits, below training.
May import: whyalike.randomness.
"""
