"""score_pairs end to end: columns, order, layers, nulls, baselines, absent rows, determinism."""

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import similarity_oracles as oracle
from similarity_cases import PUBLISHED

from whyalike.randomness import keyed
from whyalike.registry import Entry
from whyalike.similarity.api import score
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics import cka, neighbours
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.nulls import null_end, p_value, row_orders, within_class_orders
from whyalike.similarity.pairs import PairOnStimuli
from whyalike.similarity.scoring import score_pairs
from whyalike.similarity.table import SCORE_SCHEMA, to_table
from whyalike.similarity.workbench import Workbench

N = 40
ALL = {name: {"k": 5} if "k" in METRICS[name].facts.parameters else {} for name in METRICS} | {"svcca": {"dims": 3}}
GROUPS = np.arange(N) % 4
COLUMNS = {
    "study": "overlap",
    "comparison": "data",
    "setting": "resnet18",
    "factor": "dataset",
    "seed": 0,
    "condition": "0.25",
    "data_overlap": 0.25,
    "stimuli": "cifar10",
    "stimuli_kind": "in_distribution",
    "classes": 4,
}


@pytest.fixture
def runs():
    """Two trained runs that share signal and classes, two untrained ones that share nothing; two layers each."""
    g = np.random.default_rng(0)
    signal = np.eye(4)[GROUPS] * 2 + g.normal(size=(N, 4))
    shared = {"a": signal, "b": signal, "a0": g.normal(size=(N, 4)), "b0": g.normal(size=(N, 4))}
    return {
        run: {
            layer: (z @ g.normal(size=(4, d)) + 0.3 * g.normal(size=(N, d))).astype(np.float32)
            for layer, d in (("mu", 6), ("logvar", 5))
        }
        for run, z in shared.items()
    }


def _pair(**changes):
    given = {
        "run_a": "a",
        "run_b": "b",
        "untrained_a": "a0",
        "untrained_b": "b0",
        "subsets": (np.arange(N),),
        "groups": GROUPS,
        "labels_a": GROUPS,
        "labels_b": GROUPS // 2,
        "columns": COLUMNS,
    }
    return PairOnStimuli(**{**given, **changes})


def _scores(runs, *pairs, metrics=None, protocols=("exact", "as_published"), permutations=19, seed=0, **others):
    return score_pairs(runs, pairs or (_pair(),), metrics or ALL, protocols, permutations, seed, **others)


def test_all_metrics_give_the_schemas_columns_in_pair_layer_metric_protocol_order(runs):
    frame = _scores(runs, _pair(), _pair(run_b="a0"))
    assert list(frame.columns) == SCORE_SCHEMA.names
    exact = [(layer, m, "exact") for layer in ("mu", "logvar") for m in ALL]
    published = [("max", m, "as_published") for m in PUBLISHED]
    for run_b, part in frame.groupby("run_b", sort=False):
        assert run_b in ("b", "a0")
        assert [*zip(part.layer_a, part.metric, part.score_protocol, strict=True)] == exact + published
    assert list(frame.run_b.unique()) == ["b", "a0"]
    assert (frame.layer_a == frame.layer_b).all()
    assert (frame[["study", "condition", "classes"]] == ["overlap", "0.25", 4]).all(axis=None)
    assert frame.label_overlap.isna().all()
    table = to_table(frame)
    assert table.schema == SCORE_SCHEMA
    assert table["label_overlap"].null_count == len(frame)
    assert not any(np.isnan(table[name].drop_null()).any() for name in ("value", "null_mean", "untrained", "p_value"))


def test_table_round_trip_keeps_every_value(runs):
    frame = _scores(runs)
    again = to_table(frame).to_pandas(types_mapper={SCORE_SCHEMA.field("n").type: pd.Int64Dtype()}.get)
    pd.testing.assert_frame_equal(again, frame)


def test_exact_values_are_those_of_score_layer_by_layer(runs):
    frame = _scores(runs, protocols=("exact",), permutations=0)
    for row in frame.itertuples():
        x, y = runs["a"][row.layer_a], runs["b"][row.layer_b]
        assert row.value == score(row.metric, x, y, **ALL[row.metric])
        assert row.eps == 0


def test_published_value_is_the_maximum_over_layer_pairs_with_all_layers_as_one(runs):
    frame = _scores(runs, metrics={"cka_unbiased": {}}, protocols=("as_published",), permutations=0)
    sides = []
    for run in ("a", "b"):
        joined = np.concatenate(list(runs[run].values()), axis=1)
        q = np.sort(np.abs(joined).ravel())[int(0.95 * joined.size)]
        layers = [*runs[run].values(), joined]
        sides.append([oracle.unit_rows(np.clip(x.astype(float), -q, q)) for x in layers])
    expected = max(oracle.cka_unbiased(x, y, eps=1e-6) for x in sides[0] for y in sides[1])
    assert frame.value.item() == pytest.approx(expected, abs=1e-9)  # float64, another order
    assert (frame.preprocessing.item(), frame.eps.item()) == ("clamp95+l2", 1e-6)


def test_negative_published_values_become_zero():
    g = np.random.default_rng(1)
    draws = [(g.normal(size=(20, 3)), g.normal(size=(20, 3))) for _ in range(20)]
    exact = [score("cka_unbiased", oracle.published(x), oracle.published(y)) for x, y in draws]
    published = [score("cka_unbiased", x, y, protocol="as_published") for x, y in draws]
    assert min(exact) < 0
    assert published == pytest.approx(np.maximum(exact, 0), abs=1e-4)  # eps lowers the value


def test_runs_without_a_common_layer_name_can_be_scored_as_published_only(runs):
    other = {**runs, "b": {"pooled": runs["b"]["mu"]}}
    pair = _pair(untrained_a=None, untrained_b=None)
    assert len(_scores(other, pair, metrics={"cka": {}}, protocols=("as_published",))) == 1
    with pytest.raises(ValueError, match="needs a layer of the same name in both; they have mu, logvar and pooled"):
        _scores(other, pair, metrics={"cka": {}})


def test_nulls_and_p_value_equal_recomputation_from_the_same_draws(runs):
    row = _scores(runs, metrics={"mutual_knn": {"k": 5}}, protocols=("exact",), permutations=50).iloc[0]
    x, y = runs["a"]["mu"], runs["b"]["mu"]
    key = (0, 0, "0.25", "cifar10", "in_distribution", 0)
    rows = row_orders(keyed("rows", *key), N, 50)
    classes = within_class_orders(keyed("within class", *key), GROUPS, 50)
    null = [score("mutual_knn", x, y[o], k=5) for o in rows]
    assert row.null_mean == pytest.approx(np.mean(null), abs=1e-12)
    assert row.null_p95 == pytest.approx(sorted(null)[47], abs=1e-12)  # the next draw above .95 * 49 = 46.55
    assert row.p_value == p_value(row.value, null)
    within = [score("mutual_knn", x, y[o], k=5) for o in classes]
    assert row.null_within_class == pytest.approx(np.mean(within), abs=1e-12)
    assert row.null_within_class_p95 == pytest.approx(sorted(within)[47], abs=1e-12)
    assert row.p_within_class == p_value(row.value, within)
    assert row.null_mean < row.null_within_class < row.value  # classes explain a part of it


def test_the_nulls_of_a_kernel_score_need_no_draws(runs):
    closed, drawn = (_scores(runs, metrics={"cka": {}}, permutations=draws) for draws in (0, 5))
    columns = ["null_mean", "null_p95", "p_value", "null_within_class", "null_within_class_p95", "p_within_class"]
    one_layer = closed.score_protocol == "exact"
    pd.testing.assert_frame_equal(closed.loc[one_layer, columns], drawn.loc[one_layer, columns])
    assert closed.loc[~one_layer, columns].isna().all(axis=None)  # the maximum over several layers has no closed form
    assert drawn[columns].notna().all(axis=None)


def test_models_that_share_their_classes_alone_are_alike_by_rows_and_not_within_classes():
    metrics, worlds = ("cka", "cka_unbiased", "mutual_knn", "cknna", "svcca"), 60
    p = {metric: [] for metric in metrics}
    for world in range(worlds):
        g = np.random.default_rng(world)
        classes = g.integers(0, 4, 60)
        both = {run: {"x": 3 * g.normal(size=(4, 8))[classes] + g.normal(size=(60, 8))} for run in "ab"}
        none = dict.fromkeys(("untrained_a", "untrained_b", "labels_a", "labels_b"))
        pair = _pair(subsets=(np.arange(60),), groups=classes, **none)
        frame = score_pairs(
            both, [pair], {m: {"dims": 3} if m == "svcca" else {} for m in metrics}, ["exact"], 19, world
        )
        for row in frame.itertuples():
            p[row.metric].append((row.p_value, row.p_within_class))
    for metric, values in p.items():
        by_rows, within = (np.mean(np.array(values)[:, i] <= 0.05) for i in (0, 1))
        assert by_rows > 0.9, metric
        assert within <= scipy.stats.binom.ppf(0.999, worlds, 0.05) / worlds, metric


def test_metrics_of_a_family_share_the_work_of_a_draw(runs, monkeypatch):
    work = []
    for name in ("permute_lists", "permute_features"):
        module = neighbours if name == "permute_lists" else cka
        original = getattr(module, name)
        noted = lambda y, order, original=original, name=name: work.append(name) or original(y, order)  # noqa: E731
        monkeypatch.setattr(module, name, noted)
    near = {name: {"k": 5} for name in ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna")}
    _scores(runs, metrics={"cka": {}, "cka_unbiased": {}, **near}, protocols=("exact",), permutations=7)
    layers, nulls = 2, 2
    assert work.count("permute_lists") == 7 * layers * nulls
    assert "permute_features" not in work  # both nulls are in closed form
    _scores(runs, metrics={"cka": {}, "cka_unbiased": {}}, protocols=("as_published",), permutations=7)
    assert work.count("permute_features") == 7 * (layers + 1) ** 2 * nulls  # of a maximum over pairs of layers not


def test_null_mean_of_mutual_knn_in_the_table_is_its_chance_level(runs):
    frame = _scores(runs, metrics={"mutual_knn": {"k": 5}}, protocols=("exact",), permutations=1000)
    assert frame.null_mean.to_numpy() == pytest.approx(5 / 39, abs=0.003)  # SD of a draw about .02: 4 standard errors


def test_untrained_column_is_the_score_of_the_untrained_pair(runs):
    row = _scores(runs, metrics={"cka": {}}, protocols=("exact",), permutations=0).iloc[1]
    assert row.untrained == score("cka", runs["a0"]["logvar"], runs["b0"]["logvar"])


def test_untrained_score_is_computed_once_for_the_same_rows(runs, monkeypatch):
    asked = []
    original = Workbench.scorable

    def counting(self, run_x, run_y, *others):
        asked.append(run_x)
        return original(self, run_x, run_y, *others)

    monkeypatch.setattr(Workbench, "scorable", counting)
    levels = [_pair(columns={**COLUMNS, "condition": c}) for c in ("0", "0.5", "1")]
    frame = _scores(runs, *levels, metrics={"cka": {}}, protocols=("exact",), permutations=0)
    assert frame.groupby("layer_a").untrained.nunique().tolist() == [1, 1]
    assert (asked.count("a"), asked.count("a0")) == (6, 2)


def test_label_gram_is_the_score_of_one_hot_labels_for_linear_kernels_only(runs):
    frame = _scores(runs, permutations=0).set_index(["metric", "score_protocol", "layer_a"])
    expected = score("cka", np.eye(4)[GROUPS], np.eye(2)[GROUPS // 2])
    assert frame.label_gram["cka", "exact", "mu"] == pytest.approx(expected, abs=1e-12)
    assert expected == pytest.approx(1 / np.sqrt(3))  # 2 of 4 balanced classes: 1 shared direction of 3
    with_value = {metric for metric, *_ in frame.index[frame.label_gram.notna()]}
    assert with_value == {name for name in METRICS if METRICS[name].facts.linear_kernel} == {"cka", "cka_unbiased"}


def test_without_classes_labels_untrained_or_permutations_their_columns_are_absent(runs):
    bare = _pair(untrained_a=None, untrained_b=None, groups=None, labels_a=None, labels_b=None)
    frame = _scores(runs, bare)
    assert frame[["untrained", "label_gram", "null_within_class"]].isna().all(axis=None)
    assert frame[["null_mean", "null_p95", "p_value"]].notna().all(axis=None)
    frame = _scores(runs, permutations=0)
    having = ["cka", "cka_unbiased", "cka_rbf", "cka_rbf_unbiased", "distance_correlation_unbiased"]
    closed = frame["metric"].isin(having) & (frame["score_protocol"] == "exact")
    nulls = frame[["null_mean", "null_p95", "p_value"]]
    assert nulls[closed].notna().all(axis=None) and nulls[~closed].isna().all(axis=None)
    within = frame[["null_within_class", "null_within_class_p95", "p_within_class"]]
    linear = closed & frame["metric"].isin(having[:2])
    assert within[linear].notna().all(axis=None) and within[~linear].isna().all(axis=None)


def test_score_and_null_are_means_over_subsets(runs):
    subsets = (np.arange(15), np.arange(15, 40))
    one = [
        _scores(runs, _pair(subsets=(s,)), metrics={"cka": {}}, protocols=("exact",), permutations=0) for s in subsets
    ]
    both = _scores(runs, _pair(subsets=subsets), metrics={"cka": {}}, protocols=("exact",), permutations=200)
    for name in ("value", "untrained"):
        assert both[name].to_numpy() == pytest.approx(np.mean([frame[name] for frame in one], axis=0), abs=1e-12)
    assert both.n.tolist() == [20, 20]
    single = _scores(runs, _pair(subsets=subsets[:1]), metrics={"cka": {}}, protocols=("exact",), permutations=200)
    assert ((both.null_p95 - both.null_mean) < (single.null_p95 - single.null_mean)).all()  # a mean varies less


def test_undefined_score_has_no_row_and_one_warning_that_says_why(runs, caplog):
    few = _pair(subsets=(np.arange(N), np.arange(4)))
    with caplog.at_level(logging.WARNING):
        frame = _scores(runs, few, metrics={"mutual_knn": {"k": 5}, "cka": {}}, protocols=("as_published",))
    assert frame.metric.tolist() == ["cka"]
    assert len(caplog.records) == 1
    assert "no mutual_knn score (as_published) of a and b, cifar10" in caplog.text
    assert "k = 5, n = 4" in caplog.text


def test_equal_input_gives_equal_tables_whatever_is_kept_and_whichever_pairs_stand_beside(runs, monkeypatch):
    pairs = _pair(), _pair(run_b="a0", columns={**COLUMNS, "condition": "1"})
    first = _scores(runs, *pairs)
    nothing_kept = (0, *Workbench.__init__.__defaults__[1:])
    monkeypatch.setattr(Workbench.__init__, "__defaults__", nothing_kept)
    again = _scores(dict(reversed(runs.items())), *reversed(pairs))
    joined = pd.concat([again[again.run_b == "b"], again[again.run_b == "a0"]], ignore_index=True)
    pd.testing.assert_frame_equal(first, joined, check_exact=True)


def test_another_seed_gives_other_nulls_and_the_same_values(runs):
    first, second = (_scores(runs, metrics={"mutual_knn": {"k": 5}}, seed=seed) for seed in (0, 1))
    assert (first.value == second.value).all()
    assert (first.null_within_class != second.null_within_class).all()


def test_pairs_that_are_kept_are_not_scored_again(runs):
    kept = {}
    whole = _scores(runs, _pair(), _pair(), metrics={"cka": {}}, kept=kept)
    assert kept.keys() == {0, 1}
    kept = {1: [{**row, "value": 7.0} for row in kept[1]]}
    again = _scores(runs, _pair(), _pair(), metrics={"cka": {}}, kept=kept)
    assert (again.value[len(again) // 2 :] == 7).all()
    pd.testing.assert_frame_equal(again[: len(again) // 2], whole[: len(whole) // 2])


def test_no_pairs_give_an_empty_table_with_all_columns(runs):
    assert list(score_pairs(runs, [], ALL, ["exact"], 0, 0).columns) == SCORE_SCHEMA.names


def test_within_class_orders_keep_classes_and_move_rows():
    orders = within_class_orders(np.random.default_rng(0), GROUPS, 30)
    assert (GROUPS[orders] == GROUPS).all()
    assert (np.sort(orders, axis=1) == np.arange(N)).all()
    assert (orders != np.arange(N)).mean() == pytest.approx(0.9, abs=0.05)  # 1 of the 10 rows of a class stays


def test_p_value_counts_draws_at_least_as_large():
    assert p_value(0.5, [0.1, 0.5, 0.6, 0.2]) == 3 / 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"run_b": "c"}, "needs representations of c; there are a, b, a0, b0"),
        ({"untrained_b": None}, "needs both untrained runs or neither; got a0, None"),
        ({"groups": GROUPS[:-1]}, "a has 40 rows, groups 39"),
        ({"labels_b": GROUPS[:3]}, "a has 40 rows, labels_b 3"),
        ({"subsets": ()}, "needs at least one subset"),
        ({"subsets": (np.array([0, 40]),)}, "distinct row indices from 0 to 39"),
        ({"subsets": (np.array([1, 1]),)}, "distinct row indices from 0 to 39"),
        ({"subsets": (np.ones(N, bool),)}, "got an array of type bool"),
        ({"columns": {**COLUMNS, "level": 1}}, "unknown: level"),
        ({"columns": {"study": "overlap"}}, "missing: comparison, setting"),
    ],
)
def test_wrong_pairs_are_refused(changes, message, runs):
    with pytest.raises(ValueError, match=message):
        _scores(runs, _pair(**changes))


def test_wrong_representations_are_refused(runs):
    with pytest.raises(ValueError, match="layers logvar of untrained run a0"):
        _scores({**runs, "a0": {"mu": runs["a0"]["mu"]}})
    with pytest.raises(ValueError, match="layer 'mu' of run a must be finite"):
        _scores({**runs, "a": {**runs["a"], "mu": np.full((N, 2), np.nan)}})
    with pytest.raises(ValueError, match="layer 'mu' of run a has 40 rows, layer 'logvar' 39"):
        _scores({**runs, "a": {**runs["a"], "logvar": runs["a"]["logvar"][:39]}})
    with pytest.raises(ValueError, match="permutations must be at least 0; got -1"):
        _scores(runs, permutations=-1)


# ---- distances, and metrics without a published form ----


def test_p_value_of_a_distance_counts_draws_at_least_as_small():
    assert p_value(0.2, [0.1, 0.5, 0.6, 0.2], "distance") == 3 / 5
    assert p_value(0.05, [0.1, 0.5, 0.6, 0.2], "distance") == 1 / 5


def test_the_null_ends_where_likeness_begins():
    draws = np.arange(101) / 100
    assert null_end(draws) == 0.95
    assert null_end(draws, "distance") == 0.05
    assert null_end([1.0, 2, 3, 4]) == 4  # the next larger draw
    assert null_end([1.0, 2, 3, 4], "distance") == 1


def test_a_distance_and_the_similarity_it_comes_from_have_the_same_p_value(runs, monkeypatch):
    """Where runs share nothing, so that p is not at its smallest: small distance and large similarity are one thing."""
    entry = METRICS["procrustes_distance"]
    form = entry.load()["exact"]
    similar = Form(form.prepare, lambda x, y, parameters: -form.compare(x, y, parameters), form.permute)
    pair = _pair(run_a="a0", run_b="b0")
    asked = {"metrics": {"procrustes_distance": {}}, "protocols": ("exact",), "permutations": 99}
    distance = _scores(runs, pair, **asked)
    monkeypatch.setattr("whyalike.similarity.metrics.procrustes.PROCRUSTES_DISTANCE", {"exact": similar})
    facts = replace(entry.facts, kind="similarity")
    monkeypatch.setitem(METRICS._entries, "procrustes_distance", Entry(entry.target, facts))
    similarity = _scores(runs, pair, **asked)
    assert (distance.p_value > 1 / 100).any()
    assert (distance.p_value == similarity.p_value).all()
    assert (distance.null_p95 == -similarity.null_p95).all()
    assert (distance.null_p95 < distance.null_mean).all()


def test_a_pair_alike_has_a_small_distance_and_a_small_p_value(runs):
    row = _scores(runs, metrics={"procrustes_distance": {}}, protocols=("exact",), permutations=50).iloc[0]
    assert row.value < row.null_p95 < row.null_mean
    assert row.p_value == 1 / 51
    assert row.untrained > row.value


def test_a_metric_without_a_published_form_gets_exact_rows_alone(runs):
    frame = _scores(runs, metrics={"cka": {}, "cca": {}}, permutations=0)
    assert frame.groupby("metric").score_protocol.unique().map(list).to_dict() == {
        "cca": ["exact"],
        "cka": ["exact", "as_published"],
    }
    with pytest.raises(ValueError, match="cca has no form as_published"):
        _scores(runs, metrics={"cka": {}, "cca": {}}, protocols=("as_published",))


def test_widths_that_differ_leave_the_row_of_permutation_out(runs, caplog):
    other = {**runs, "b": {**runs["b"], "mu": runs["b"]["mu"][:, :4]}}
    with caplog.at_level(logging.WARNING):
        frame = _scores(other, metrics={"permutation": {}, "cka": {}}, protocols=("exact",), permutations=0)
    assert [*zip(frame.layer_a, frame.metric, strict=True)] == [
        ("mu", "cka"),
        ("logvar", "permutation"),
        ("logvar", "cka"),
    ]
    assert "permutation needs equally many units that vary; there are 6 and 4" in caplog.text
