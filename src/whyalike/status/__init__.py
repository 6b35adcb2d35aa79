"""Role: how far a study is.

Holds: what is made, running and failed, of every stage, and the table that shows it.
Door: `monitoring.Monitor`
Layer: above grid and planning.
May import: grid, planning, studies, cluster.
"""
