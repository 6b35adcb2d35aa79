"""Statistics: from score tables to effects with intervals, tables and findings in words.

Role: says by how much similarity changes with overlap, as published and corrected.
Holds: panels, regression, inference, information, table (the statistics table), study (one study's), factorial,
factorial_bridge and factorial_findings (crossed overlaps), controls and control_findings (the ladder),
mutual_information (Table 3), tables (Table 5), findings and pair_findings (words), power (seeds that a claim needs),
claims and claims_table (verdicts on the paper's sentences), explanations (tests beside t-SNE), dyadic (all pairs among
models), tables_of_pairs and over_models (those of the user's files), crossed (models and sources of stimuli),
consistency (over stimulus sets) and consistency_groups (of groups of models), growth (curves through training),
printed (tables for a terminal), published and published_format (score tables of others), analysis (of any tables),
stage (the room's files).
Layer: after similarity, before figures. May import: designs, files, jobs, markdown, parameters, randomness,
similarity's registries, protocols and table; never torch, never figures.
Door: `stage.analyse_study`.
"""
