"""Verdicts on planted tables: each turns when the planted effect does, and what is missing is told."""

import numpy as np
import pyarrow as pa
import pytest
from claim_tables import (
    LEVELS,
    METRICS,
    SURE,
    consistency_table,
    factorial_table,
    gap_table,
    groups_table,
    sizes_table,
)

from whyalike.figures.registry import FIGURES
from whyalike.files import read_table, write_table
from whyalike.studies.claims import HOLDS, NOT
from whyalike.studies.consistency.claims import write_claims
from whyalike.studies.consistency.claims_table import CLAIMS
from whyalike.studies.consistency.evidence import EVIDENCE
from whyalike.studies.consistency.parameters import ConsistencyStatistics, Model, StimuliSet
from whyalike.studies.consistency.tables import Tables

SETS = {f"set{n}": ("multi_domain" if n < 4 else "single_domain") for n in range(8)}
SSL, SUP, IT = ("self_supervised",) * 2, ("supervised",) * 2, ("image_text",) * 2
COMMON = "pearson_at_common_spread"


def parameters_of(levels=LEVELS, count=24, sets=SETS, draws=99):
    models = [
        Model(name=f"m{n}", setting=f"m{n}", view="v", seed=0, trained=True,
              attributes={key: of[n // step % len(of)] for step, (key, of) in enumerate(levels.items(), 1)})
        for n in range(count)
    ]  # fmt: skip
    return ConsistencyStatistics(
        models=models, sets={name: StimuliSet(source=name, category=of) for name, of in sets.items()},
        categories=tuple(levels), families="family", strata=(), factorial=("objective", "data"), anchors=(),
        draws=draws, seed=0,
    )  # fmt: skip


def judged(tmp_path, key, parameters=None, **tables):
    """The verdict on one claim, from tables by name."""
    inputs = {}
    for name, table in tables.items():
        inputs[name] = tmp_path / f"{name}.parquet"
        write_table(inputs[name], pa.Table.from_pandas(table, preserve_index=False), {})
    return EVIDENCE[key](Tables(parameters or parameters_of(), inputs)).verdict


def both(contrast, value, p=SURE, range_free=None):
    """A contrast of R, and of what is free of range: as R, or as said."""
    free = value if range_free is None else range_free
    return {(*contrast, "pearson"): (value, p), (*contrast, COMMON): (free, p), (*contrast, "residual_sd"): (-free, p)}


def ssl_most(over_supervised, over_image_text, **changed):
    return both((*SSL, *SUP), over_supervised, **changed) | both((*IT, *SSL), -over_image_text, **changed)


def test_every_claim_has_evidence_and_figures_that_are_known():
    assert [claim.key for claim in CLAIMS] == list(EVIDENCE)
    assert len(CLAIMS) == 14
    kinds = {name.removeprefix("consistency_") for name in FIGURES}
    named = {part.split(" (")[0] for claim in CLAIMS for part in claim.figure.split(", ")}
    assert named <= kinds


def test_self_supervised_most_turns_with_the_sign(tmp_path):
    assert judged(tmp_path, "ssl-most", groups=groups_table(ssl_most(0.5, 0.5))) == HOLDS
    assert judged(tmp_path, "ssl-most", groups=groups_table(ssl_most(-0.5, 0.5))).startswith(NOT)
    verdict = judged(tmp_path, "ssl-most", groups=groups_table(ssl_most(0.5, 0.5, p=0.04)))
    assert verdict == "undecided: the three metrics say so in 0 of 2 panels"  # Holm over two panels: .08


def test_a_correlation_that_only_its_range_makes_does_not_hold(tmp_path):
    turned = both((*SSL, *SUP), 0.5) | both((*IT, *SSL), -0.5, range_free=0.5)
    verdict = judged(tmp_path, "ssl-most", groups=groups_table(turned))
    assert verdict == (
        "does not hold: a measure that is free of range has the other sign (self_supervised² less image_text²)"
    )
    # one range-free measure of the claimed sign is enough, and one metric that differs leaves it open
    one = turned | {(*IT, *SSL, "residual_sd"): (0.5, SURE)}
    assert judged(tmp_path, "ssl-most", groups=groups_table(one)) == HOLDS
    one = turned | {(*IT, *SSL, COMMON): {m: (-0.5 if m == "rsa" else 0.5, SURE) for m in METRICS}}
    assert judged(tmp_path, "ssl-most", groups=groups_table(one)).startswith("undecided")


def test_three_metric_families_must_agree(tmp_path):
    one = ssl_most(0.5, 0.5) | {(*SSL, *SUP, "pearson"): {m: (-0.5 if m == "rsa" else 0.5, SURE) for m in METRICS}}
    assert judged(tmp_path, "ssl-most", groups=groups_table(one)).startswith("undecided")
    two = groups_table(ssl_most(0.5, 0.5), metrics=METRICS[:2])
    assert judged(tmp_path, "ssl-most", groups=two) == "not testable here: no number by rsa"


def test_the_analysis_as_published_says_nothing(tmp_path):
    table = groups_table(ssl_most(0.5, 0.5), analyses=("as_published",))
    assert judged(tmp_path, "ssl-most", groups=table).startswith("not testable here")


def test_levels_that_no_model_has_are_told(tmp_path):
    levels = {**LEVELS, "objective": ("rotation", "self_supervised", "supervised"), "architecture": ("resnet",)}
    given, table = parameters_of(levels), groups_table(levels=levels)
    told = {key: judged(tmp_path, key, given, groups=table) for key in EVIDENCE}
    assert told["ssl-most"] == "not testable here: no model whose objective is image_text"
    assert told["it-sup-weak"] == told["it-alike"] == told["ssl-most"]
    assert told["architecture-minor"] == "not testable here: architecture does not vary: all are resnet"
    assert told["objective-first"] == "not testable here: no factors that trained models cross"
    assert told["gap-by-domain"] == "not testable here: no linear probes"
    assert told["10-a-class"] == "not testable here: no similarities of 10 and 20 stimuli of each class"


@pytest.mark.parametrize(("value", "verdict"), [(-0.5, HOLDS), (0.5, NOT)])
def test_image_text_against_supervised_is_weakest_or_not(tmp_path, value, verdict):
    contrast = both(("image_text", "supervised", "others", "others"), value)
    assert judged(tmp_path, "it-sup-weak", groups=groups_table(contrast)).startswith(verdict)
    ranged = contrast | both(("image_text", "supervised", "others", "others"), value, range_free=0.0)
    assert judged(tmp_path, "it-sup-weak", groups=groups_table(ranged)) == (NOT if verdict == NOT else
        "undecided: the three metrics say so in 0 of 1 panel")  # fmt: skip


def test_image_text_models_are_alike_only_where_more_than_every_other_group(tmp_path):
    alike = {(*IT, *SSL, "similarity"): (0.2, SURE), (*IT, *SUP, "similarity"): (0.2, SURE)}
    assert judged(tmp_path, "it-alike", groups=groups_table(alike)) == HOLDS
    less = alike | {(*IT, *SUP, "similarity"): (-0.2, SURE)}
    assert judged(tmp_path, "it-alike", groups=groups_table(less)) == "does not hold: image_text² less supervised²"


@pytest.mark.parametrize(("value", "half", "verdict"), [(0.0, 0.05, HOLDS), (0.5, 0.05, NOT), (0.0, 0.2, "undecided")])
def test_no_difference_is_an_interval_that_is_small(tmp_path, value, half, verdict):
    contrast = ("convolutional", "convolutional", "transformer", "transformer", "pearson")
    table = groups_table({contrast: (value, 0.9)}, half=half)  # times 1 - 0.7^2 = 0.51 on the scale of R
    assert judged(tmp_path, "architecture-minor", groups=table).startswith(verdict)


def test_data_that_decide_more_than_the_objective_are_not_minor(tmp_path):
    table = groups_table({("imagenet_1k", "imagenet_1k", "large", "large", "pearson"): (0.0, 0.9)})

    def verdict(objective, data, **more):
        shares = factorial_table({"objective": objective, "data": data}, **more)
        return judged(tmp_path, "data-minor", groups=table, shares=shares)

    assert verdict(0.8, 0.2) == HOLDS
    assert verdict(0.2, 0.8) == "does not hold: more than objective decides similarity_by_set and consistency"
    assert verdict(0.2, 0.8, half=0.4) == verdict(0.2, 0.8, half=np.nan) == HOLDS  # no clear difference of shares


def test_size_is_secondary_only_below_the_objective(tmp_path):
    table = groups_table(both(("same", "same", "different", "different"), 0.3))
    objective = (table["category"] == "objective") & (table["theta"] == "same")
    assert judged(tmp_path, "size-secondary", groups=table.assign(value=table["value"].where(~objective, 0.9))) == HOLDS
    verdict = judged(tmp_path, "size-secondary", groups=table.assign(value=table["value"].where(~objective, 0.1)))
    assert verdict.startswith("undecided: by cka_rbf_unbiased, cka_unbiased, rsa size is not below objective")


@pytest.mark.parametrize(("within", "verdict"), [(0.6, HOLDS), (0.02, NOT)])
def test_the_order_transfers_only_where_it_does_within_groups(tmp_path, within, verdict):
    table = groups_table(means={("all", "all", "all", "pearson_within"): within})
    assert judged(tmp_path, "ordering-transfers", groups=table).startswith(verdict)
    # an interval that holds 0 and nearly 1 says nothing
    wide = table.assign(ci_low=table["ci_low"].where(table["measure"] != "pearson_within", -0.2),
                        ci_high=table["ci_high"].where(table["measure"] != "pearson_within", 0.9))  # fmt: skip
    assert judged(tmp_path, "ordering-transfers", groups=wide).startswith("undecided")


def test_the_objective_is_first_only_by_intervals_that_are_apart(tmp_path):
    def verdict(objective, data, **more):
        shares = {"objective": objective, "data": data, "residual": 0.05, "seed": 0.9}
        return judged(tmp_path, "objective-first", shares=factorial_table(shares, **more))

    assert verdict(0.8, 0.2) == HOLDS
    assert verdict(0.2, 0.8) == "does not hold: similarity_by_set; consistency"
    assert verdict(0.8, 0.2, half=0.4).startswith("undecided")
    assert verdict(0.8, 0.2, p=0.2).startswith("undecided")
    assert verdict(0.8, 0.2, half=np.nan) == (
        "undecided: shares have no intervals, which need three seeds of each combination"
    )


def test_an_inverse_u_must_be_there_on_the_logit_scale(tmp_path):
    for logit, verdict in ((-0.2, HOLDS), (0.2, NOT), (0.0, "undecided")):
        table = groups_table(curves={"quadratic_logit": logit})
        assert judged(tmp_path, "inverse-u", groups=table).startswith(verdict)


def test_metrics_must_agree_in_signs_of_contrasts_one_of_which_is_clear(tmp_path):
    clear = {
        (*SSL, *SUP, "pearson"): (0.5, SURE),
        (*IT, *SUP, "pearson"): (0.1, 0.5),
        (*IT, *SSL, "pearson"): (0.1, 0.5),
    }
    assert judged(tmp_path, "metric-free", groups=groups_table(clear)) == HOLDS
    turned = clear | {(*SSL, *SUP, "pearson"): {m: (-0.5 if m == "rsa" else 0.5, SURE) for m in METRICS}}
    assert judged(tmp_path, "metric-free", groups=groups_table(turned)).startswith(NOT)
    vague = {key: (value, 0.5) for key, (value, _) in clear.items()}
    assert judged(tmp_path, "metric-free", groups=groups_table(vague)).startswith("undecided: signs agree in 3 of 3")


def test_sets_of_one_category_agree_more_or_less(tmp_path):
    for same, verdict in ((0.9, HOLDS), (0.5, NOT), (0.7, "undecided")):
        table = consistency_table(same, 0.7, SETS)
        assert judged(tmp_path, "sets-by-domain", consistency=table).startswith(verdict)
    one = parameters_of(sets=dict.fromkeys(SETS, "other"))
    assert judged(tmp_path, "sets-by-domain", one, consistency=table).startswith("not testable here: sets of one")


def test_the_gap_goes_with_similarity_on_single_domain_sets(tmp_path):
    for single, multi, verdict in ((-0.8, -0.1, HOLDS), (-0.1, -0.8, NOT), (-0.4, -0.4, "undecided")):
        assert judged(tmp_path, "gap-by-domain", gap=gap_table(single, multi)).startswith(verdict)
    few = gap_table(-0.8, -0.1).query("category == 'multi_domain'")
    assert judged(tmp_path, "gap-by-domain", gap=few) == (
        "not testable here: no set with a probe is of the category single_domain"
    )


def test_ten_a_class_may_fail_for_one_local_kernel(tmp_path):
    for changes, verdict in (
        ({"a": 0.001, "b": 0.2}, HOLDS),
        ({"a": 0.1, "b": 0.2}, NOT),
        ({"a": 0.1, "b": 0.001}, NOT),
    ):
        table = sizes_table(changes)
        table["metric"] = table["scoring"].map({"a": "cka_unbiased", "b": "cka_rbf_unbiased"})
        assert judged(tmp_path, "10-a-class", sizes=table) == verdict


def test_self_supervised_with_others_must_hold_without_each_family(tmp_path):
    contrasts, cells = {}, [(("self_supervised", "supervised"), SUP), (("image_text", "self_supervised"), IT)]
    for cell, within in cells:
        contrasts |= both((*cell, *within), 0.5)
    apart = {(*cell, family): 0.9 for cell, _ in cells for family in ("resnet", "vit_large")}
    assert judged(tmp_path, "ssl-with-others", groups=groups_table(contrasts, families=apart)) == HOLDS
    one = apart | {("self_supervised", "supervised", "vit_large"): 0.5}  # .6 within supervised
    verdict = judged(tmp_path, "ssl-with-others", groups=groups_table(contrasts, families=one))
    assert verdict == (
        "undecided: not self_supervised × supervised less supervised², without vit_large (Fisher's z) (cka_unbiased)"
    )
    turned = {key: (-value, p) for key, (value, p) in contrasts.items()}
    assert judged(tmp_path, "ssl-with-others", groups=groups_table(turned, families=apart)).startswith(NOT)


def test_an_interval_with_zero_decides_nothing_however_small_p_is(tmp_path):
    table = groups_table(ssl_most(0.5, 0.5))
    assert judged(tmp_path, "ssl-most", groups=table) == HOLDS
    for ends in ({"ci_low": -0.1, "ci_high": 1.1}, {"ci_low": np.nan, "ci_high": np.nan}):
        verdict = judged(tmp_path, "ssl-most", groups=table.assign(**ends))
        assert verdict == "undecided: the three metrics say so in 0 of 2 panels"


def test_page_and_table_hold_all_claims_and_their_numbers(tmp_path):
    write_table(tmp_path / "groups.parquet", pa.Table.from_pandas(groups_table(ssl_most(0.5, 0.5))), {})
    inputs = {"groups": [tmp_path / "groups.parquet"]}
    write_claims(parameters_of(), tmp_path / "claims.md", tmp_path / "claims.parquet", inputs)
    table, page = read_table(tmp_path / "claims.parquet").to_pandas(), (tmp_path / "claims.md").read_text()
    assert list(dict.fromkeys(table["claim"])) == list(EVIDENCE)
    own = table[(table["claim"] == "ssl-most") & table["estimand"].str.startswith("pearson, self_supervised² less sup")]
    assert own["metric"].tolist() == list(METRICS)
    assert own[["value", "ci_low", "ci_high", "p", "p_holm"]].iloc[0].tolist() == pytest.approx(
        [0.5, 0.47, 0.53, 0.001, 0.002]
    )
    assert own["verdict"].unique().tolist() == [HOLDS]
    assert own["n"].iloc[0] == "24 models, 276 pairs, 8 sets, 6 sources"
    turned = table[
        (table["claim"] == "ssl-most") & (table["estimand"].str.startswith("pearson, self_supervised² less im"))
    ]
    assert turned[["value", "ci_low", "ci_high"]].iloc[0].tolist() == pytest.approx([0.5, 0.47, 0.53])  # as claimed
    assert (
        "| `cka_unbiased` | pearson, self_supervised² less supervised² (Fisher's z) | +0.500 | +0.470 to +0.530 | "
        in page
    )
    assert page.count("**holds**") >= 2
