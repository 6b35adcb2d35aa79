"""Role: distribution shifts, which change the images of a stimulus set before a model's input is made of them.

Holds: one function a shift, the registry with the facts and levels of each, and what applies a shift at a level.
Layer: in the room of data; stimuli are shifted at the size of their data set.
May import: whyalike.data.prepared, whyalike.randomness, whyalike.registry.
"""
