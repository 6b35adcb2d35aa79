"""Role: the figures of the study of closeness.
Holds: a module a figure kind.
Layer: of its study.
May import: the rooms.
"""
