"""Role: turns each data source into a prepared data set, one folder of images, labels and checksums.

Holds: the prepared format, the registry of sources, their parameters, one module a source, the drawn stimuli's parts.
Layer: data, the lowest room beside models and splits; every later room reads what it writes.
May import: whyalike.files, whyalike.registry; torchvision inside the functions that read with it; no other room.
"""
