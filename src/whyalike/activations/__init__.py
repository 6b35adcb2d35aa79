"""Role: what the trained models make of the stimuli, and say after a prompt.

Holds: the extraction of layers, from the run store and from models of other libraries; vectors from files; the
activation files and their reader, temporary arrays, sample text.
Layer: above training, below similarity.
May import: whyalike.training, whyalike.models, whyalike.data, whyalike.parameters.
Door: `extraction.extract_cell`.
"""
