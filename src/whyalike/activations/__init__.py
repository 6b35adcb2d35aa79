"""Role: what the trained models make of the stimuli.

Holds: the stimuli, the extraction of layers, the activation files and their reader.
Layer: above training, below similarity.
May import: whyalike.training, whyalike.models, whyalike.data.
"""
