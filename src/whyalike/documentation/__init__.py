"""Role: the pages and pictures of docs/ that are made from the code.

Holds: the reference of keys and metrics, the pictures and doors of all units, and the
example whose picture the README shows.
Layer: above everything.
May import: everything.
Door: `reference.documents`.
"""
