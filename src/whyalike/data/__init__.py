"""Role: turns each data source into a prepared data set, one folder of images or tokens, labels and checksums.

Holds: the prepared format, the registry of sources, their parameters, one module a source, pictures in the user's files
and archives, the drawn stimuli's parts, the draws of stimuli (keyed, class-balanced, published), their distribution
shifts (`shifts`).
Layer: data, the lowest room; every later room reads what it writes.
May import: whyalike.file_faults, .files, .job, .locks, .parameters, .randomness, .registry, .section; torchvision in
the functions that use it; no other room.
Door: `stage.prepare`.
"""
