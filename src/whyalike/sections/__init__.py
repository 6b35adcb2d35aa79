"""Role: the parts of the configuration.

Holds: a module for each section with a form of its own, and the checks across them; whyalike.config puts them together.
Layer: below the rooms, whose registries they read.
May import: registries and parameters of the rooms, whyalike.messages.
"""
