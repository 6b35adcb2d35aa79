"""Statistics: from score tables to effects with intervals, tables and findings in words.

Role: says by how much similarity changes with overlap, as published and corrected.
Holds: panels, regression, inference, information, study (one study's table), factorial, factorial_bridge and
factorial_findings (crossed overlaps), controls and control_findings (the ladder), tables (Tables 3 and 5), findings
(words), claims and claims_table (verdicts on the paper's sentences), dyadic (all pairs among models), published and
published_format (score tables of others), analysis (of any tables).
Layer: after similarity, before figures. May import: files, registry, similarity's facts and table; never torch, never
figures.
"""
