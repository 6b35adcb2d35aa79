"""Jobs by family: who shares a preparation is of one family, and the tables of the jobs make that of a single job."""

import dataclasses
import itertools
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from job_parameters import score_parameters

from whyalike.files import write_table
from whyalike.similarity.families import family_jobs
from whyalike.similarity.joining import join_scores
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.pairs import PASSED_THROUGH, PairOnStimuli
from whyalike.similarity.scoring import score_pairs
from whyalike.similarity.table import PART_SCHEMA, SCORE_SCHEMA, to_table

SCORINGS = {
    "cka": {},
    "cka_rbf": {},
    "a_few": {"metric": "mutual_knn", "k": 3},
    "mutual_knn": {"k": 5},
    "lcs_knn": {"k": 5},
    "svcca": {"dims": 2},
    "cca": {},
}
PROTOCOLS = ("exact", "as_published")


@pytest.fixture(scope="module")
def compared():
    """Runs with two layers, one of which is constant in one run, and three pairs."""
    random = np.random.default_rng(0)
    runs = {name: {"one": random.normal(size=(24, 4)), "two": random.normal(size=(24, 3))} for name in "abcuv"}
    runs["c"]["two"] = np.ones((24, 3))
    columns = {**dict.fromkeys(PASSED_THROUGH, "x"), "data_overlap": 0.5, "label_overlap": None,
               "label_information": None, "classes": 2, "seeds_asked": 2, "step_a": None, "step_b": 5}  # fmt: skip
    groups = np.arange(24) % 2
    pairs = [
        PairOnStimuli(
            *pair, "u", "v", (np.arange(24), np.arange(12)), groups, groups, groups, {**columns, "seed": seed}
        )
        for seed, pair in enumerate(("ab", "bc", "ac"))
    ]
    return runs, pairs


def test_metrics_that_share_a_preparation_are_of_one_family():
    forms = {name: entry.load().values() for name, entry in METRICS.items()}
    for a, b in itertools.combinations(METRICS, 2):
        if {form.prepare for form in forms[a]} & {form.prepare for form in forms[b]}:
            assert METRICS[a].facts.family == METRICS[b].facts.family, (a, b)


@pytest.mark.parametrize("metric", METRICS)
def test_the_facts_tell_what_a_preparation_reads(metric):
    facts = METRICS[metric].facts
    read = {name for form in METRICS[metric].load().values() for name in form.reads}
    assert set(facts.prepared_by) == read
    assert read <= {*facts.parameters, *facts.published_parameters, *facts.alternatives}


def test_a_parameter_of_the_preparation_makes_a_job_and_others_do_not():
    given = {"mutual_knn": {}, "cycle_knn": {"k": 10}, "near": {"metric": "mutual_knn", "k": 5}}
    assert family_jobs(given) == {"neighbours": ["mutual_knn", "cycle_knn"], "neighbours_k5": ["near"]}
    given = {"soft_matching": {"score": "mapped"}, "narrow": {"metric": "cka_rbf", "sigma_median": 0.5}}
    assert family_jobs(given) == {"matching": ["soft_matching"], "rbf_sigma_median0p5": ["narrow"]}
    assert all(name.isidentifier() for name in family_jobs({"cka_rbf": {"sigma": 1e-5}, "linear": {"ridge": 2.5e7}}))


def test_a_scoring_more_changes_no_other_job():
    before = family_jobs(SCORINGS)
    after = family_jobs({**SCORINGS, "mutual_knn_k7": {"metric": "mutual_knn", "k": 7}, "rsa": {}})
    assert {job: after[job] for job in before} == before
    assert after.keys() - before.keys() == {"neighbours_k7", "rsa"}


def test_the_tables_of_families_and_parts_make_that_of_one_job_bit_for_bit(compared, tmp_path):
    runs, pairs = compared
    parameters = score_parameters(metrics=dict(sorted(SCORINGS.items())))
    parts = []
    for job, names in family_jobs(parameters.metrics).items():
        own = {name: SCORINGS[name] for name in names}
        for some in ([1], [0, 2]):  # a family's pairs in two jobs
            table = score_pairs(runs, [pairs[i] for i in some], own, PROTOCOLS, 5, 0, places=some)
            parts.append(tmp_path / f"{job}.part{some[0]}.parquet")
            write_table(parts[-1], to_table(table, PART_SCHEMA), {})
    assert len(parts) == 2 * 6
    join_scores(parameters, parts[::-1], tmp_path / "joined.parquet")
    whole = to_table(score_pairs(runs, pairs, parameters.metrics, PROTOCOLS, 5, 0))
    write_table(tmp_path / "whole.parquet", whole, {"work": parameters.plain()})
    assert pq.read_table(tmp_path / "joined.parquet").schema.remove_metadata() == SCORE_SCHEMA
    assert (tmp_path / "joined.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_scores_say_the_name_the_metric_and_all_parameters(compared):
    runs, pairs = compared
    table = score_pairs(runs, pairs[:1], SCORINGS, ["exact"], 0, 0)
    told = {row.scoring: (row.metric, json.loads(row.parameters)) for row in table.itertuples()}
    assert told["a_few"] == ("mutual_knn", {"k": 3})
    assert told["mutual_knn"] == ("mutual_knn", {"k": 5})
    assert told["cka_rbf"] == ("cka_rbf", {"sigma_median": 1.0})
    assert told["cka"] == ("cka", {})


def test_two_scorings_of_a_metric_have_baselines_of_their_own(compared):
    runs, pairs = compared
    both = score_pairs(runs, pairs[:1], {"few": SCORINGS["a_few"], "mutual_knn": {"k": 5}}, ["exact"], 0, 0)
    alone = score_pairs(runs, pairs[:1], {"mutual_knn": {"k": 5}}, ["exact"], 0, 0)
    found = both[both["scoring"] == "mutual_knn"].reset_index(drop=True)
    assert found.equals(alone)
    assert set(both[both["scoring"] == "few"]["untrained"]) != set(alone["untrained"])


def test_scores_know_the_widths_of_the_layers_that_they_compare(compared):
    runs, pairs = compared
    across = dataclasses.replace(pairs[0], layers=(("one", "two"),))
    table = score_pairs(runs, [across], {"cka": {}}, PROTOCOLS, 0, 0)
    widths = table.set_index("score_protocol")[["width_a", "width_b"]]
    assert widths.loc["exact"].tolist() == [4, 3]
    assert widths.loc["as_published"].isna().all()  # the most alike of all pairs of layers
