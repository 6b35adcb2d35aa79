"""Role: what `whyalike` can be told on the command line.

Holds: the commands, which call what the rules call; housekeeping of the run store and the export of a study.
Layer: above everything.
May import: everything, what is heavy only when its command is called.
Door: `cli.main`.
"""
