"""Role: what the trained models make of the stimuli, and say after a prompt.

Holds: the extraction of layers, the activation files and their reader, sample text.
Layer: above training, below similarity.
May import: whyalike.training, whyalike.models, whyalike.data, whyalike.parameters.
Door: `extraction.extract_cell`.
"""
