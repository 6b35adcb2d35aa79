"""Role: the pages and pictures of docs/ that are made from the code.

Holds: the reference of keys and metrics, the picture of the rooms.
Layer: above everything.
May import: everything.
"""
