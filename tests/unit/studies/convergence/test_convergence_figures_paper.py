"""The published figures of convergence show the numbers of their tables, tell what is missing, and fit the page."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context
from matplotlib.colors import to_rgb
from studies.convergence.tables_of_convergence import (
    LARGE,
    LARGE_SHIFTS,
    SMALL,
    SMALL_SHIFTS,
    OfGroup,
    Tables,
    blocks,
    small,
    table_of,
)

from whyalike.figures.registry import FIGURES
from whyalike.figures.style import PAGE_INCHES, RC, NothingToDraw
from whyalike.studies.convergence.figures import bases, depth, epochs, layermaps, shifted, tracking

KINDS = ("depth", "spearman", "layermaps", "stricter", "epochs", "early", "shifted", "scatter", "tracking", "table",
         "rotations", "correlations")  # fmt: skip
TALLEST = 10.0  # inches of a page of letter or A4 paper without its margins
OF_MAPS = ("layermaps", "stricter")
TWICE = ("spearman", "stricter", "early")  # drawn as others are, of other rows
DIFFERENT = [kind for kind in KINDS if kind not in TWICE]


def without(*names):
    return {name: of for name, of in SMALL.items() if name not in names}


def drawn(kind, tables):
    entry = FIGURES[f"convergence_{kind}"]
    return entry.load()(*(table_of(tables, name) for name in entry.facts.inputs))


def rows_of(table, **values):
    for name, value in values.items():
        table = table[table[name].isna() if value is None else table[name] == value]
    return table


def fits(figure):
    with rc_context(RC):
        figure.draw_without_rendering()
        box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert (box.x0, box.y0) > (-0.01, -0.01)  # inches: a hair of a marker
    assert (box.x1, box.y1) < (page[0] + 0.01, page[1] + 0.01)
    assert page[0] <= PAGE_INCHES
    assert page[1] <= TALLEST


@pytest.fixture(scope="module")
def tables():
    return small()


@pytest.fixture(scope="module")
def of_maps():
    return Tables(without("resnet_shuffled", "simclr", "gpt"), scorings=("procrustes", "permutation", "soft_matching"))


@pytest.fixture(scope="module")
def figures(tables, of_maps):
    return {kind: drawn(kind, of_maps if kind in OF_MAPS else tables) for kind in KINDS}


@pytest.fixture(scope="module")
def of_pages():
    """Twelve groups, of which one has 49 layers and one 154 checkpoints; the others few, for the sake of time."""
    few = {name: OfGroup(of.kind, of.layers[:3], (1, 2), (1, 2), setting=of.setting) for name, of in LARGE.items()}
    whole = {name: LARGE[name] for name in ("imagenet_resnet50", "pythia_160m")}
    return Tables({**few, **whole}, models=3, scorings=("procrustes", "soft_matching"))


@pytest.mark.parametrize("kind", DIFFERENT)
def test_nothing_of_a_figure_lies_outside_of_it(kind, figures):
    figure, numbers = figures[kind]
    fits(figure)
    assert len(numbers) and figure.get_suptitle()


def test_twelve_groups_and_many_layers_fit_a_page(of_pages):
    figure, numbers = drawn("depth", of_pages)
    fits(figure)
    assert set(numbers["group"]) == set(LARGE)


@pytest.mark.parametrize("kind", ["scatter", "gaps"])
def test_seventeen_shifts_fit_a_page(kind):
    vit = {"vit": OfGroup("transformer", blocks(2), (1, 2), (1, 2))}
    figure, numbers = drawn(kind, Tables(vit, models=2, scorings=("procrustes",), shifts_used=LARGE_SHIFTS))
    fits(figure)
    assert set(LARGE_SHIFTS) <= set(numbers["shift"])


@pytest.mark.parametrize("kind", KINDS)
def test_tables_without_rows_are_nothing_to_draw(kind, tables, of_maps):
    entry = FIGURES[f"convergence_{kind}"]
    with pytest.raises(NothingToDraw, match=r"no .*\. (Run|Set|Name|Score) "):
        entry.load()(*(table_of(of_maps if kind in OF_MAPS else tables, name)[:0] for name in entry.facts.inputs))


@pytest.mark.parametrize("kind", DIFFERENT)
def test_one_group_of_one_layer_and_one_analysis_is_drawn(kind):
    one = Tables({"vit": OfGroup("transformer", blocks(1), (1, 2), (1, 2), per_epoch=25, last=50)}, models=3,
                 analyses=("corrected",), shifts_used={"contrast": (0.5, 0.1)})  # fmt: skip
    figure, numbers = drawn(kind, one)
    fits(figure)
    assert set(numbers["analysis"]) == {"corrected"}


# ---- figures 1, A2 ----


def test_alignment_by_depth_is_that_of_the_table(tables, figures):
    figure, numbers = figures["depth"]
    key = {"group": "vgg", "analysis": "as_published", "scoring": "permutation", "quantity": "start"}
    wanted = rows_of(tables.depth, comparison="pearson", **key)
    assert rows_of(numbers, **key)["value"].tolist() == wanted["value"].tolist()
    assert set(numbers["quantity"]) == {"final", "start"}
    assert set(numbers["comparison"]) == {"pearson"}
    assert set(figures["spearman"][1]["comparison"]) == {"spearman"}
    lines = [line.get_ydata().tolist() for line in figure.axes[5].lines]  # of vgg: corrected, then as published
    assert wanted["value"].tolist() in lines


def test_untrained_lines_are_lighter_than_the_trained_ones_of_their_metric(figures):
    axes = figures["depth"][0].axes[0]
    whites = [sum(to_rgb(line.get_color())) for line in axes.lines]  # start and final of each metric by turns
    assert all(start > final for start, final in zip(whites[::2], whites[1::2], strict=True))


def test_a_metric_that_a_group_lacks_is_named_in_its_panel(tables):
    lacks = (tables.depth["group"] == "gpt") & (tables.depth["scoring"] == "linear")
    figure, numbers = depth.draw(tables.depth[~lacks])
    said = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert said == {"no linear map"}
    assert "linear" not in set(rows_of(numbers, group="gpt")["scoring"])


def test_a_group_without_an_analysis_has_an_empty_panel_that_says_so(tables):
    lacks = (tables.depth["group"] == "vit") & (tables.depth["analysis"] == "as_published")
    figure, _ = depth.draw(tables.depth[~lacks])
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["not scored"]


# ---- figures 2, A3 ----


def test_a_cell_of_a_map_is_the_mean_over_pairs_of_models(of_maps, figures):
    figure, numbers = figures["layermaps"]
    key = {"group_a": "resnet", "group_b": "vgg", "analysis": "corrected", "scoring": "soft_matching"}
    found = rows_of(numbers, **key, index_a=4, index_b=2).iloc[0]
    own = rows_of(of_maps.layer_scores, **key, index_a=4, index_b=2)
    assert found["value"] == pytest.approx(own["value"].mean())
    assert found["pairs"] == 3
    cells = rows_of(numbers, **key)
    assert cells[cells["best_of_a"]].groupby("index_a").size().tolist() == [1] * 9
    largest = cells.groupby("index_b")["value"].max()
    assert cells[cells["best_of_b"]].sort_values("index_b")["value"].tolist() == pytest.approx(largest.tolist())
    images = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert any(one.shape == (9, 8) and one[4, 2] == found["value"] for one in images)


def test_permutation_has_no_cell_where_widths_differ_and_a_map_without_any_says_so(figures):
    figure, numbers = figures["stricter"]
    assert set(numbers["metric"]) == {"permutation", "soft_matching"}
    assert rows_of(numbers, group_a="resnet", group_b="vit", scoring="permutation").empty
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said.count("widths differ") == 2  # of resnet and vgg with vit
    image = figure.axes[0].images[0].get_array()
    assert np.ma.getmaskarray(image)[0, 8] and not np.ma.getmaskarray(image)[8, 8]


def test_maps_beyond_a_page_are_counted_and_stand_in_the_numbers(of_maps, monkeypatch):
    monkeypatch.setattr(layermaps, "MOST", 4)
    figure, numbers = drawn("layermaps", of_maps)
    fits(figure)
    pairs = numbers.groupby(["group_a", "group_b"])["drawn"].first()
    assert (len(pairs), pairs.sum()) == (len(of_maps.layer_jobs()), layermaps.MOST)
    assert f"{len(pairs) - layermaps.MOST} more pairs of groups" in figure.get_suptitle().replace("\n", " ")
    within = [a == b for (a, b), is_drawn in pairs.items() if is_drawn]
    assert 0 < sum(within) < len(within)


def test_one_metric_of_two_is_enough_for_maps(of_maps):
    own = rows_of(of_maps.layer_scores, scoring="soft_matching", group_a="resnet", group_b="resnet")
    assert set(layermaps.draw(own)[1]["scoring"]) == {"soft_matching"}
    with pytest.raises(NothingToDraw, match="no layers are compared by Procrustes or soft matching"):
        layermaps.draw(rows_of(of_maps.layer_scores, scoring="permutation"))


# ---- figures 3, A7 ----


def test_alignment_stands_against_the_accuracy_of_the_same_checkpoint(tables, figures):
    _, numbers = figures["epochs"]
    key = {"group": "resnet", "analysis": "corrected", "checkpoint": "epoch2"}
    found = rows_of(numbers, **key, layer="conv1").iloc[0]
    assert found["value"] == rows_of(tables.time, **key, quantity="alignment", layer="conv1")["value"].item()
    accuracy = rows_of(tables.time, **key, quantity="accuracy")
    assert found["performance_value"] == accuracy["value"].item()
    assert found["performance_high"] == accuracy["ci_high"].item()
    assert rows_of(numbers, group="resnet")["checkpoint"].drop_duplicates().tolist() == [
        "start", "epoch1", "epoch2", "epoch3", "epoch5", "epoch8", "final"
    ]  # fmt: skip
    assert rows_of(numbers, group="resnet")["layer"].nunique() == 5


def test_language_models_stand_against_their_loss_at_all_checkpoints(tables, figures):
    figure, numbers = figures["epochs"]
    own = rows_of(numbers, group="gpt")
    assert set(own["performance"]) == {"loss"}
    assert own["checkpoint"].nunique() == len(SMALL["gpt"].steps) + 2
    axes = figure.axes[10]
    assert axes.get_xlabel() == epochs.PERFORMANCE["loss"]
    assert axes.xaxis_inverted()  # so that training goes to the right in all panels


def test_later_checkpoints_are_darker(figures):
    points = figures["epochs"][0].axes[0].collections[1].get_facecolors()[:, :3].sum(axis=1)
    assert (np.diff(points) < 0).all()


def test_the_first_epoch_ends_with_its_last_update(tables, figures):
    figure, numbers = figures["early"]
    assert set(rows_of(numbers, group="vgg")["step"]) == {0, 1, 2, 4, 8, 16, 25}
    assert numbers["epoch"].max() <= 1
    assert figure.axes[0].get_xscale() == "symlog"
    late = tables.time[(tables.time["group"] != "simclr") | ~tables.time["epoch"].between(0.01, 0.99)]
    figure, numbers = epochs.draw_early(late)
    assert "simclr" not in set(numbers["group"])
    assert "nothing within it of simclr" in figure.get_suptitle()
    with pytest.raises(NothingToDraw, match=r"Name steps in convergence\.checkpoints"):
        epochs.draw_early(tables.time[tables.time["epoch"] > 1])


# ---- figures 4, 5, g ----


def test_alignment_within_and_under_shift_are_the_means_over_all_shifts(tables, figures):
    figure, numbers = figures["shifted"]
    key = {"group": "vgg", "analysis": "as_published", "quantity": "shifted"}
    wanted = rows_of(tables.shifts, **key, shift=None, checkpoint="final")
    assert rows_of(numbers, **key)["ci_high_sets"].tolist() == wanted["ci_high_sets"].tolist()
    assert numbers["level"].isna().all()
    assert "corrected 13 sets, 5 shifts, n = 160; as published 5 sets, 5 shifts" in figure.get_suptitle()
    assert "gpt" not in set(numbers["group"])


def test_points_are_the_means_of_a_set_at_the_first_and_the_last_layer(tables, figures):
    figure, numbers = figures["scatter"]
    key = {"group": "resnet", "analysis": "corrected", "shift": "low_pass", "level": "2"}
    last = rows_of(numbers, **key, end="last").iloc[0]
    scores = rows_of(tables.shift_scores, **key, checkpoint="final", index=8)
    assert last["alignment"] == pytest.approx(scores["value"].mean())
    known = rows_of(tables.shift_accuracies, **key, checkpoint="final")
    assert last["accuracy"] == pytest.approx(known["accuracy"].mean())
    r = rows_of(tables.shifts, group="resnet", analysis="corrected", quantity="r", index=8).iloc[0]
    assert (last["r"], last["ci_low_sets"]) == (r["value"], r["ci_low_sets"])
    assert f"r = {r['value']:.2f}, models [{r['ci_low']:.2f}" in figure.axes[1].get_title(loc="left")


def test_each_shifted_set_is_one_point_and_the_control_none(tables, figures):
    numbers = figures["scatter"][1]
    own = rows_of(numbers, group="vgg", end="first")
    of = own.groupby("analysis")["level"].agg(list)
    levels = sum(len(one) or 1 for one in SMALL_SHIFTS.values())
    assert len(of["corrected"]) == levels + 1 and of["corrected"].count("none") == 1
    assert sorted(of["as_published"]) == ["file", "none", "pooled", "pooled", "pooled", "pooled"]
    assert "control" not in set(numbers["level"])


def test_seventeen_shifts_look_differently():
    looks = tracking._looks(list(LARGE_SHIFTS))
    assert len({(look["color"], look["marker"]) for look in looks.values()}) == len(LARGE_SHIFTS) + 1


def test_r_has_both_intervals_and_partial_r_beside_it(tables, figures):
    _, numbers = figures["correlations"]
    assert set(numbers["quantity"]) == {"r", "partial_r"}
    assert set(figures["tracking"][1]["quantity"]) == {"r"}
    for name in ("value", "ci_low", "ci_high_sets"):
        key = {"group": "vit", "analysis": "corrected", "quantity": "partial_r"}
        assert rows_of(numbers, **key)[name].tolist() == rows_of(tables.shifts, **key)[name].tolist()
    without = tables.shifts[tables.shifts["quantity"] != "partial_r"]
    assert set(tracking.draw_intervals(without)[1]["quantity"]) == {"r"}


@pytest.mark.parametrize("draw", [tracking.draw, tracking.draw_intervals])
def test_without_r_the_figures_of_it_say_what_to_add(draw, tables):
    with pytest.raises(NothingToDraw, match="Name more shifts or levels"):
        draw(tables.shifts[tables.shifts["quantity"] == "within"])


def test_shifts_of_one_set_without_an_interval_are_drawn(tables):
    bare = tables.shifts.assign(ci_low=np.nan, ci_high=np.nan, ci_low_sets=np.nan, ci_high_sets=np.nan)
    for draw in (shifted.draw, tracking.draw, tracking.draw_intervals):
        assert len(draw(bare)[1])


# ---- table 1, d ----


def test_the_table_has_the_numbers_of_groups_as_text(tables, figures):
    figure, numbers = figures["table"]
    said = [text.get_text() for text in figure.axes[0].texts]
    for analysis in ("corrected", "as_published"):
        own = rows_of(tables.bases, group="simclr", analysis=analysis, checkpoint="final", layer=None)
        value = own.set_index("quantity")["value"]
        assert f"{value['native_min']:.3f}" in said
        assert f"{value['ratio_to_rotated_max']:.2f}" in said
        mean = own[own["quantity"] == "mean_ratio_to_native"].iloc[0]
        assert f"{mean['value']:.2f} [{mean['ci_low']:.2f}, {mean['ci_high']:.2f}]" in said
    assert said.count("vit (6)") == said.count("yes") == 2
    assert numbers["layer"].isna().all()


def test_a_number_that_a_group_lacks_is_a_dash_in_the_table(tables):
    figure, _ = bases.draw_table(tables.bases[tables.bases["quantity"] != "native_max"])
    assert [text.get_text() for text in figure.axes[0].texts].count("\N{EN DASH}") == 12


def test_filled_marks_are_layers_that_differ_from_rotated_ones_by_holm(tables, figures):
    figure, numbers = figures["rotations"]
    own = rows_of(numbers, group="vit", analysis="corrected")
    tested = rows_of(own, quantity="effect").set_index("layer")["p_holm"]
    native = rows_of(own, quantity="native")
    below = (native["layer"].map(tested) < 0.05).to_numpy()
    assert 0 < below.sum() < len(below)
    filled, hollow = figure.axes[6].collections[-2:]
    assert filled.get_offsets()[:, 1].tolist() == native["value"][below].tolist()
    assert hollow.get_offsets()[:, 1].tolist() == native["value"][~below].tolist()


def test_as_published_has_no_score_of_both_rotated(tables, figures):
    numbers = figures["rotations"][1]
    assert set(rows_of(numbers, quantity="rotated_both")["analysis"]) == {"corrected"}
    assert isinstance(numbers, pd.DataFrame) and "start" not in set(numbers["checkpoint"])
