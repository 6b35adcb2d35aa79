"""Role: the configuration.

Holds: its sections, how a file is read, and every check of it; `config` puts them together.
Door: `reading.read`
Layer: above the rooms, whose registries and parameters it reads; no room imports it.
May import: the rooms' registries and parameters, designs, the sections of studies, whyalike.section.
"""
