"""Figures of kinds of models, updates, grids, baselines, maps, shifts and objectives show numbers of their tables."""

import functools

import numpy as np
import pandas as pd
import pytest
import studies.convergence.tables_of_convergence as made
from studies.convergence.tables_of_convergence import small

from whyalike.figures.registry import FIGURES
from whyalike.figures.style import NothingToDraw
from whyalike.studies.convergence.figures import (
    baselines,
    curves,
    gaps,
    grid,
    objectives,
    panels,
    transformations,
    updates,
)

KINDS = ("selfsupervised", "transformer", "language", "updates", "grid", "baselines", "transformations", "gaps",
         "objectives")  # fmt: skip
OF_FULL_SIZE = ("pythia_70m", "pythia_160m")
A_PANEL_A_GROUP = {"updates", "baselines", "transformations", "gaps"}  # drawn of some groups, for the sake of time
SOME = ("resnet", "simclr", "gpt")
DRAWN = [*((kind, "small") for kind in KINDS), ("updates", "full"), ("language", "full")]
SAME = ["group", "analysis", "quantity", "layer", "checkpoint", "scoring", "shift", "level", "unit", "of", "value"]


@functools.cache
def full():
    """154 checkpoints."""
    groups = {name: made.LARGE[name] for name in OF_FULL_SIZE}
    return made.Tables(groups, models=3, scorings=("procrustes",))


def tables_of(kind, tables):
    found = [made.table_of(tables, name) for name in FIGURES[f"convergence_{kind}"].facts.inputs]
    return [curves.only(one, group=SOME) for one in found] if kind in A_PANEL_A_GROUP and tables is small() else found


@functools.cache
def drawn(kind, size):
    tables = {"small": small, "full": full}[size]()
    figure, numbers = FIGURES[f"convergence_{kind}"].load()(*tables_of(kind, tables))
    figure.draw_without_rendering()
    return figure, numbers


def lines(axes, **wanted):
    """The lines of a panel that look so."""
    return [one for one in axes.lines if all(getattr(one, f"get_{name}")() == value for name, value in wanted.items())]


def y(line):
    return np.asarray(line.get_ydata(), float)


def values(table, **wanted):
    return curves.only(table, **wanted)["value"].to_numpy(float)


@pytest.mark.parametrize(("kind", "size"), DRAWN)
def test_numbers_are_rows_of_the_tables(kind, size):
    _, numbers = drawn(kind, size)
    tables = pd.concat([one for one in tables_of(kind, {"small": small, "full": full}[size]()) if "quantity" in one])
    own = numbers[numbers["quantity"].notna()]  # maps of layers hold means of scores
    keys = [name for name in SAME if name in own and name in tables]
    known = set(tables[keys].astype(object).fillna("").itertuples(index=False, name=None))
    shown = set(own[keys].astype(object).fillna("").itertuples(index=False, name=None))
    assert shown and shown <= known


@pytest.mark.parametrize(("kind", "size"), DRAWN)
def test_no_title_or_legend_is_cut(kind, size):
    figure, _ = drawn(kind, size)
    titles = [axes.title if axes.get_title() else axes._left_title for axes in figure.axes]
    for one in [*titles, *figure.legends]:
        box = one.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1, one
        assert box.y0 >= 0 and box.y1 <= figure.bbox.y1, one


def test_curves_over_updates_have_marks_at_half_and_nine_tenths_of_the_gain():
    figure, _ = drawn("updates", "small")
    above, below = figure.axes[:2]
    time = curves.only(small().time, group="resnet", analysis="corrected")
    last = curves.only(time, layer="layer2.1.conv2")
    assert y(lines(above, marker=curves.depth_look(1.0)["marker"])[0]) == pytest.approx(
        values(last, quantity="alignment")
    )
    assert y(lines(above, linestyle="--")[0]) == pytest.approx(values(time, quantity="accuracy"))
    of_accuracy = curves.only(time, quantity=("t50", "t90"), unit="updates", of="accuracy")["value"].tolist()
    hollow, full_ = lines(below, marker="X")
    assert [hollow.get_xdata()[0], full_.get_xdata()[0]] == of_accuracy
    assert hollow.get_markerfacecolor() == "white" != full_.get_markerfacecolor()
    told = [one.get_text() for one in below.texts]
    share = curves.only(last, quantity="share_epoch1").iloc[0]
    assert curves.interval(share) in told and "share at epoch 1" in told


def test_an_interval_of_a_time_that_goes_on_beyond_the_axis_ends_in_an_arrow():
    time = curves.only(small().time, group="resnet", analysis="corrected")
    late = (time["quantity"] == "t90") & (time["of"] == "accuracy")
    figure, _ = updates.draw(time.assign(ci_high=time["ci_high"].mask(late, 1e6)))
    [arrow] = lines(figure.axes[1], marker=">")
    assert arrow.get_xdata()[0] == figure.axes[1].get_xlim()[1]


def test_language_models_without_accuracy_have_a_loss_of_their_own_axis():
    figure, numbers = updates.draw(curves.only(small().time, group="gpt"))
    assert set(numbers["quantity"]) >= {"alignment", "loss"} and "accuracy" not in set(numbers["quantity"])
    assert figure.axes[0].get_ylabel() == "alignment"
    assert figure.axes[2].get_ylabel() == "loss (nats)"


def test_a_checkpoint_whose_step_is_not_known_is_left_out_of_curves():
    time = curves.only(small().time, group="gpt")
    time = time.assign(step=time["step"].mask(time["checkpoint"] == "step8"))
    figure, _ = updates.draw(time)
    assert len(figure.axes[0].lines[0].get_xdata()) == 11  # of 12
    with pytest.raises(NothingToDraw, match="no models have scores at two checkpoints whose steps are known"):
        updates.draw(time.assign(step=np.nan, epoch=np.nan))


def test_models_that_share_something_meet_from_both_sides():
    figure, numbers = drawn("grid", "small")
    assert set(numbers["group"]) == {"resnet"}  # the only one with a grid
    table = curves.only(small().grid, analysis="corrected", layer="conv1")
    above, below = figure.axes[0], figure.axes[5]
    for place, relation in enumerate(("same_start", "same_order", "independent")):
        assert y(above.lines[place]) == pytest.approx(values(table, quantity=relation))
    assert y(lines(below, marker="D")[0]) == pytest.approx(values(table, quantity="order_less_start"))
    assert lines(below, linestyle=":")[0].get_xdata()[0] == values(table, quantity="crossing_to_end")[0]


def test_baselines_of_both_batch_norms_of_the_input_and_beyond_it_stand_side_by_side():
    figure, numbers = drawn("baselines", "small")
    of_text = numbers[numbers["group"] == "gpt"]
    assert set(of_text["line"]) == {"trained", "untrained", "untrained_running"}
    own = numbers[numbers["group"] == "resnet"]
    assert own.groupby("line").size().to_dict() == dict.fromkeys(baselines.LINES, 9)
    assert set(own.loc[own["line"] == "input", "scoring"]) == {"linear"}
    assert set(own.loc[own["line"] == "untrained_running", "analysis"]) == {"as_published"}
    start = curves.only(small().depth, group="resnet", analysis="as_published", quantity="start", scoring="procrustes",
                        comparison="pearson")  # fmt: skip
    assert y(lines(figure.axes[0], marker="v")[0]) == pytest.approx(start["value"].to_numpy())


def test_a_map_ahead_of_a_rotation_ends_at_its_extrapolation():
    figure, numbers = drawn("transformations", "small")
    axes = figure.axes[0]
    table = curves.only(small().baselines, group="resnet", analysis="corrected", layer="conv1")
    line = lines(axes, marker="o", linestyle="-")[0]
    rows = curves.only(table, quantity="linear_less_procrustes").sort_values("n_per_unit")
    assert line.get_xdata().tolist() == pytest.approx(rows["n_per_unit"].tolist())
    assert y(line) == pytest.approx(rows["value"].to_numpy())
    [end] = lines(axes, marker="o", linestyle="None")
    assert y(end) == pytest.approx(values(table, quantity="linear_less_procrustes_limit"))
    assert set(numbers["analysis"]) == {"corrected"}


def test_gaps_of_untrained_models_are_hollow_and_single_levels_share_a_panel():
    figure, numbers = drawn("gaps", "small")
    assert set(numbers["analysis"]) == {"corrected"} and numbers["level"].notna().all()
    first = figure.axes[0]
    table = curves.only(small().shifts, group="resnet", analysis="corrected", shift="contrast", layer="layer2.1.conv2")
    table = table.sort_values("level", key=lambda level: level != "control", kind="stable")
    trained, untrained = lines(first, marker=curves.depth_look(1.0)["marker"])
    assert y(trained) == pytest.approx(values(table, quantity="gap"))
    assert y(untrained) == pytest.approx(values(table, quantity="gap_untrained"))
    assert untrained.get_markerfacecolor() == "white"
    assert [one.get_text() for one in first.get_xticklabels()] == ["c", ".5", ".3", ".1"]
    assert figure.axes[4].get_title(loc="left") == "from files"
    assert "1 stylized" in figure.get_suptitle().replace("\n", " ")


def test_accuracy_of_a_linear_probe_is_called_so():
    legend = drawn("selfsupervised", "small")[0].axes[2].get_legend()
    assert legend.get_title().get_text() == "accuracy of\na linear probe"
    assert "a linear probe's" in drawn("updates", "small")[0].get_suptitle().replace("\n", " ")
    of_labels = updates.draw(curves.only(small().time, group="resnet"))[0]
    assert "probe" not in of_labels.get_suptitle()


def test_objectives_are_compared_where_learning_rates_sum_up_to_the_same():
    figure, numbers = drawn("objectives", "small")
    assert numbers.groupby("group")["objective"].first().to_dict() == {
        "resnet": "labels", "resnet_shuffled": "shuffled labels", "simclr": "no labels", "vgg": "labels"}  # fmt: skip
    equal = curves.only(small().time, quantity="at_equal_lr_sum", group="simclr", analysis="corrected")
    assert y(lines(figure.axes[1], linestyle=":")[0]) == pytest.approx(equal["value"].to_numpy())
    assert "12.5" in figure.axes[1].get_title(loc="left")
    alone = small().time[small().time["group"].isin(["resnet", "vgg", "gpt"])]
    with pytest.raises(NothingToDraw, match="no two objectives are compared at the same sum of learning rates"):
        objectives.draw(alone)


def test_stimuli_of_one_objective_have_nothing_to_be_compared_with():
    time = small().time
    own = time["group"] == "vgg"
    _, numbers = objectives.draw(time.assign(lr_sum=time["lr_sum"].mask(own & time["layer"].notna(), 99.0)))
    assert "vgg" not in set(numbers["group"])


def test_each_group_of_a_kind_has_its_panels_with_both_analyses():
    figure, numbers = drawn("selfsupervised", "small")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [one[:1] for one in titles] == ["A", "A", "C", "D", "D", "D"]
    assert "as published" in titles[1] and "corrected" in titles[0]
    assert set(numbers["group"]) == {"simclr"}
    final = curves.only(small().depth, group="simclr", analysis="as_published", quantity="final", scoring="linear",
                        comparison="pearson")  # fmt: skip
    assert y(lines(figure.axes[1], marker="o", linestyle="-")[0]) == pytest.approx(final["value"].to_numpy())


def test_training_names_the_accuracy_of_each_checkpoint():
    figure, _ = drawn("selfsupervised", "small")
    told = [one.get_text() for one in figure.axes[2].get_legend().get_texts()]
    end = curves.only(small().time, group="simclr", analysis="corrected", quantity="accuracy", checkpoint="final")
    assert told[0].startswith("untrained: ") and told[-1] == f"final: {100 * end['value'].iloc[0]:.0f} %"
    assert len(told) == 7


def test_transformers_have_maps_of_all_blocks_and_a_band_of_equivalence():
    figure, numbers = drawn("transformer", "small")
    effect = curves.only(small().bases, group="vit", analysis="corrected", quantity="effect", checkpoint="final")
    within = int(((effect["ci_low"] >= -0.05) & (effect["ci_high"] <= 0.05)).sum())
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert sum(f"{within} of 6 layers within ±0.05" in one for one in titles) == 1
    scores = curves.only(small().layer_scores, group_a="vit", group_b="vit", analysis="corrected", scoring="procrustes")
    mean = scores.groupby(["index_a", "index_b"])["value"].mean().unstack()
    [image] = figure.axes[[one.startswith("B") for one in titles].index(True)].images
    assert np.asarray(image.get_array()) == pytest.approx(mean.to_numpy())
    assert (numbers["panel"] == "B").sum() == 2 * 36


def test_language_models_of_two_sizes_are_mapped_on_one_another_at_three_depths():
    figure, numbers = drawn("language", "full")
    between = numbers[numbers["panel"] == "C"]
    assert between[["group", "group_b"]].drop_duplicates().to_numpy().tolist() == [["pythia_70m", "pythia_160m"]]
    assert len(between) == 7 * 13
    over_time = numbers[(numbers["panel"] == "D") & (numbers["group"] == "pythia_160m")]
    assert sorted(over_time["shown_depth"].unique()) == [0, 0.5, 1]
    assert over_time["checkpoint"].nunique() == 154
    assert any("windows" in axes.get_xlabel() for axes in figure.axes)


def test_a_kind_without_layer_scores_or_checkpoints_has_its_other_panels():
    tables = small()
    nothing, at_end = tables.layer_scores.iloc[:0], curves.only(tables.time, checkpoint="final")
    _, numbers = panels.draw_transformer(tables.depth, nothing, at_end, tables.bases)
    assert set(numbers["panel"]) == {"A", "D"}
    _, numbers = panels.draw_language(tables.depth, nothing, at_end)
    assert set(numbers["panel"]) == {"A"}


def test_what_is_known_as_published_alone_is_drawn():
    tables = made.Tables({"resnet": made.SMALL["resnet"]}, models=3, analyses=("as_published",))
    for draw, table in (
        (updates.draw, tables.time),
        (grid.draw, tables.grid),
        (transformations.draw, tables.baselines),
    ):
        _, numbers = draw(table)
        assert set(numbers["analysis"]) == {"as_published"}


def test_depths_of_three_layers_and_of_one_are_no_more_than_there_are():
    layers = pd.DataFrame({"layer": list("abc"), "depth": [0, 0.5, 1]})
    assert curves.depth_layers(layers) == {0.0: "a", 0.5: "b", 1.0: "c"}
    assert list(curves.depth_layers(layers.iloc[:1]).values()) == ["a"]


@pytest.mark.parametrize(
    ("draw", "inputs", "told"),
    [
        (panels.draw_self_supervised, ("depth", "time", "bases"), "no scores of self-supervised models"),
        (panels.draw_transformer, ("depth", "layer_scores", "time", "bases"), "no scores of vision transformers"),
        (panels.draw_language, ("depth", "layer_scores", "time"), "no scores of language models"),
        (updates.draw, ("time",), "no models have scores at two checkpoints"),
        (grid.draw, ("grid",), "no models share initial weights or the order of their stimuli"),
        (baselines.draw, ("depth", "baselines"), "no scores of trained models"),
        (transformations.draw, ("baselines",), "no layer has both a linear map and a rotation"),
        (gaps.draw, ("shifts",), "no scores under shifts"),
        (objectives.draw, ("time",), "no two objectives"),
    ],
)
def test_tables_without_rows_of_a_figure_leave_nothing_to_draw(draw, inputs, told):
    first, *others = (made.table_of(small(), name) for name in inputs)
    with pytest.raises(NothingToDraw, match=told):
        draw(first.iloc[:1].assign(quantity="another", kind="another"), *(one.iloc[:0] for one in others))
