"""Role: models of other libraries, built by their names without weights, from what lies on this machine alone.

Holds: one module a library, what all of them offer (`library`), their table and parameters; building, the input of
images and of texts, the recording of layers.
Layer: in the room of models.
May import: whyalike.models, whyalike.data, whyalike.file_faults, .files, .job, .parameters, .registry, .section.
Door: `registry.LIBRARIES`.
"""
