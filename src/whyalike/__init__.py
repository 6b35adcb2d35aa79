"""whyalike: why do independently trained models represent the world alike?

Role: the package behind the Snakemake rules; each room (sub-package) is one stage of the workflow.
Holds: configuration, the grid of runs, provenance, and the rooms data … figures.
Imports point one way: figures -> statistics -> similarity -> activations -> training -> splits, models -> data; config
reads the rooms' registries, and no room imports it.
"""

__version__ = "0.1.0"
