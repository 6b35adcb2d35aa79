"""The other figure families: metrics grid, mutual information, accuracy, contact sheet."""

import itertools

import numpy as np
import pandas as pd
import pytest
from figure_tables import METRICS, colorshapedigit, dataset_study, information_table, manifests, statistics_of
from matplotlib.text import Text

from whyalike.figures import accuracy, contact_sheet, metrics_grid, mutual_information


def test_metrics_grid_has_a_row_a_metric_and_a_column_a_panel():
    scores = dataset_study(3, METRICS[::4], levels=(0.0, 1.0), sets=2)
    statistics = statistics_of(scores)
    figure, numbers = metrics_grid.draw(scores, statistics)
    assert len(figure.axes) == 3 * 2
    assert figure.axes[0].get_ylabel() == "CKA (linear)"
    slopes = statistics.loc[(statistics["estimator"] == "slope"), ["metric", "stimuli", "value"]]
    drawn = numbers.loc[numbers["mark"] == "slope", ["metric", "stimuli", "y"]]
    assert sorted(map(tuple, drawn.to_numpy())) == sorted(map(tuple, slopes.to_numpy()))
    title = figure.axes[0].get_title(loc="left")
    assert title.startswith(f"slope {slopes['value'].iloc[0]:.3f} [")


def test_metrics_grid_leaves_a_gap_where_a_metric_was_not_scored():
    scores = dataset_study(3, ("cka", "svcca"), levels=(0.0, 1.0))
    scores = scores[~((scores["metric"] == "svcca") & (scores["stimuli"] == "photographs"))]
    figure, _ = metrics_grid.draw(scores, pd.DataFrame())
    assert [axes.axison for axes in figure.axes] == [True] * 5 + [False]


def test_metrics_grid_of_six_columns_fits_the_page_and_no_text_touches_another():
    names = ("setting_1", "setting_2")
    scores = dataset_study(3, ("cka", "edit_distance_knn"), levels=(0.0, 1.0), comparisons=names)
    scores["value"] *= -1
    figure, _ = metrics_grid.draw(scores, statistics_of(scores))
    assert_fits(figure)


def test_metrics_grid_of_more_columns_has_blocks_that_share_a_scale_and_fit_the_page():
    scores = dataset_study(1, ("cka",), levels=(0.0, 1.0), comparisons=tuple("abcd"), sets=2)
    scores.loc[scores["comparison"] == "d", "value"] += 5
    figure, _ = metrics_grid.draw(scores, pd.DataFrame())
    assert_fits(figure)
    assert len({axes.get_ylim() for axes in figure.axes if axes.axison}) == 1
    assert len({axes.figure for axes in figure.axes}) == 2


def assert_fits(figure):
    """All texts lie on a page of 7 inches, in 6 pt or more, and none touches another."""
    assert figure.get_figwidth() == 7.0
    figure.draw_without_rendering()
    texts = [text for axes in figure.axes if axes.axison for text in texts_of(axes) if text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= 6
    boxes = [text.get_window_extent() for text in texts]
    page = figure.bbox
    assert not [box for box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > page.x1 or box.y1 > page.y1]
    pairs = itertools.combinations(zip(texts, boxes, strict=True), 2)
    assert [(one.get_text(), other.get_text()) for (one, a), (other, b) in pairs if a.overlaps(b)] == []


def texts_of(axes):
    """Titles, annotations, labels, and the labels of the ticks in view."""
    titles = [child for child in axes.get_children() if isinstance(child, Text)]
    ticks = [
        tick.label1
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        if tick.label1.get_visible() and axis.get_view_interval()[0] <= tick.get_loc() <= axis.get_view_interval()[1]
    ]
    return [*titles, axes.xaxis.label, axes.yaxis.label, *ticks]


def test_mutual_information_draws_nats_with_ceilings_and_shares_with_intervals():
    table = information_table()
    figure, numbers = mutual_information.draw(table)
    left, right = figure.axes
    assert [bar.get_width() for bar in left.patches] == [0.360, 0.566, 0.747]
    ceilings = [segment[0, 0] for segment in left.collections[0].get_segments()]
    assert ceilings == [2.20, 1.69, 0.95]
    intervals = [segment[:, 0].tolist() for segment in right.collections[0].get_segments()]
    assert intervals == [[0.15, 0.27], [0.30, 0.58], [0.80, 1.06]]
    pd.testing.assert_frame_equal(numbers, table)


def test_mutual_information_draws_a_study_without_a_corrected_value():
    table = information_table().iloc[:4]
    figure, numbers = mutual_information.draw(table)
    assert len(numbers) == 4
    assert len(figure.axes[0].get_yticks()) == 3


def test_mutual_information_names_what_is_missing():
    table = information_table()
    with pytest.raises(ValueError, match="entropy missing"):
        mutual_information.draw(table.drop(columns="entropy"))
    with pytest.raises(ValueError, match=r"studies: dataset_overlap, task_overlap, label_overlap.*run its similarity"):
        mutual_information.draw(table.assign(estimator="mi_null"))


def test_accuracy_has_a_panel_a_setting_and_factor_with_mean_sd_and_chance():
    runs = manifests()
    figure, numbers = accuracy.draw(runs)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "a  resnet18 digits\ndataset overlap, 3 seeds",
        "b  resnet18 digits\ntask overlap, 3 seeds",
        "c  resnet18 csd\nlabel overlap, 3 seeds",
    ]
    assert (numbers["mark"] == "run").sum() == len(runs)
    values = 100 * runs.query("factor == 'task' and level == '0.5'")["accuracy"]
    mean = numbers.query("panel == 'b' and mark == 'mean' and category == '0.5'").iloc[0]
    assert (mean["y"], mean["sd"], mean["n"]) == (pytest.approx(values.mean()), pytest.approx(values.std()), 3)
    chance = numbers.query("mark == 'chance'").groupby("panel")["y"].max()
    assert chance.to_dict() == pytest.approx({"a": 10, "b": 20, "c": 12.5})


def test_accuracy_counts_a_shared_run_a_once_and_puts_it_first():
    runs = manifests()
    figure, numbers = accuracy.draw(pd.concat([runs, runs], ignore_index=True))
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["A", "0", "0.25", "0.5", "0.75", "1"]
    assert (numbers["mark"] == "run").sum() == len(runs)


def test_accuracy_tells_the_models_a_of_a_factorial_s_paper_labels_from_that_of_facts():
    facts = "shape.0.0_digit.0.0_color.0.0"
    runs = manifests().query("factor == 'task'").head(5).assign(
        factor="factorial", run=list("abcde"), level=[None, "0:1/3", None, None, "0:digit"],
        labelling=[facts, facts, "shape", "digit", "digit"])  # fmt: skip
    _, numbers = accuracy.draw(runs)
    assert numbers[numbers["mark"] == "run"].set_index("run")["category"].to_dict() == {
        "a": "A", "b": "0:1/3", "c": "A:shape", "d": "A:digit", "e": "0:digit"}  # fmt: skip


def test_accuracy_says_when_device_types_are_mixed():
    runs = manifests().query("factor == 'label'")
    assert accuracy.draw(runs)[0].get_suptitle() == ""
    mixed = runs.assign(device=["NVIDIA H100" if seed else "cpu" for seed in runs["seed"]])
    assert accuracy.draw(mixed)[0].get_suptitle() == "Trained on 2 device types: NVIDIA H100, cpu"


def test_accuracy_leaves_out_runs_that_have_neither_accuracy_nor_loss():
    runs = manifests()
    some = runs.assign(**{name: runs[name].where(runs["factor"] == "label") for name in ("accuracy", "loss")})
    figure, numbers = accuracy.draw(some)
    assert len(figure.axes) == 1
    assert (numbers["mark"] == "run").sum() == (runs["factor"] == "label").sum()


def test_losses_of_models_without_accuracy_have_panels_of_their_own_with_their_unit():
    runs = manifests()
    models = {"vae": ("nats an image", 90.0), "gpt": ("nats a token", 3.0)}
    others = [runs.query("factor == 'task'").assign(setting=name, accuracy=None, loss_unit=unit,
                                                    loss=lambda rows, scale=scale: scale + rows["loss"])
              for name, (unit, scale) in models.items()]  # fmt: skip
    figure, numbers = accuracy.draw(pd.concat([*others, runs.assign(accuracy=runs["accuracy"].astype(object))]))
    assert [axes.get_title(loc="left").split("\n")[0][3:] for axes in figure.axes[:5]] == [
        "resnet18 digits", "resnet18 digits", "resnet18 csd", "vae", "gpt",
    ]  # fmt: skip
    labels = [axes.get_ylabel() for axes in figure.axes[:5]]
    assert labels == [
        "own-test accuracy (%)", "", "", "own-test loss (nats an image)", "own-test loss (nats a token)",
    ]  # fmt: skip
    expected = 90 + runs.query("factor == 'task' and level == '0.5'")["loss"]
    mean = numbers.query("setting == 'vae' and mark == 'mean' and category == '0.5'").iloc[0]
    assert (mean["y"], mean["sd"]) == (pytest.approx(expected.mean()), pytest.approx(expected.std()))
    assert mean["unit"] == "nats an image"
    assert not (numbers.query("setting in ['vae', 'gpt']")["mark"] == "chance").any()
    assert figure.axes[3].get_ylim()[0] < numbers.query("setting == 'vae' and mark == 'run'")["y"].min()
    # mean and SD are written above the highest run and below the frame
    figure.draw_without_rendering()
    texts = [text.get_window_extent() for text in figure.axes[3].texts]
    frame = figure.axes[3].get_window_extent()
    assert all(text.y1 <= frame.y1 and text.y0 > frame.y0 for text in texts)


def test_every_bar_of_the_losses_lies_inside_the_frame():
    runs = manifests().query("factor == 'task'").assign(accuracy=np.nan)
    # two runs a level: the mean less an SD lies below the lowest run
    runs = runs.groupby("level", dropna=False).head(2)
    figure, numbers = accuracy.draw(runs)
    means = numbers.query("mark == 'mean'")
    low, top = figure.axes[0].get_ylim()
    assert low < (means["y"] - means["sd"]).min()
    assert (means["y"] + means["sd"]).max() < top


def test_levels_of_losses_have_short_labels_and_keep_their_names_in_the_numbers():
    runs = manifests().query("factor == 'dataset'").assign(accuracy=np.nan)
    figure, numbers = accuracy.draw(runs.replace({"level": {"0.25": "0.333333"}}))
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert labels == ["A", "0", "0.333", "0.5", "0.75", "1"]
    assert "0.333333" in set(numbers["category"])


def test_equal_losses_are_drawn():
    runs = manifests().query("factor == 'label'").assign(accuracy=np.nan, loss=0.0)
    figure, numbers = accuracy.draw(runs)
    assert (numbers["y"] == 0).all()
    assert len(figure.axes) == 1


def test_accuracy_names_what_is_missing():
    with pytest.raises(ValueError, match=r"the 0 runs of the manifests have neither an accuracy nor a loss to draw"):
        accuracy.draw(manifests().iloc[:0])
    with pytest.raises(ValueError, match=r"the 54 runs of the manifests have neither an accuracy nor a loss"):
        accuracy.draw(manifests().assign(accuracy=np.nan, loss=np.nan))
    with pytest.raises(ValueError, match="classes missing"):
        accuracy.draw(manifests().drop(columns="classes"))


def test_contact_sheet_shows_each_class_with_one_of_its_images():
    images, labels = colorshapedigit(shapes=2, digits=3, colors=4, size=5)
    figure, numbers = contact_sheet.draw(images, labels, ["shape", "digit", "color"])
    assert len(numbers) == 2 * 3 * 4
    axes = figure.axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["circle 0", "circle 1", "circle 2", "kite 0", "kite 1", "kite 2"]
    sheet = axes.images[0].get_array()
    for one in numbers.itertuples():
        assert " ".join(labels.loc[one.image, ["shape", "digit"]]) == one.row_class
        assert labels.loc[one.image, "color"] == one.column_class
        corner = sheet[one.row * 6, one.column * 6]  # 5 pixels and a gap of one
        assert corner.tolist() == images[one.image, 0, 0].tolist()


def test_contact_sheet_of_many_classes_is_a_keyed_selection_that_its_title_names():
    images, labels = colorshapedigit(size=2, copies=1)
    figure, numbers = contact_sheet.draw(images, labels, ["shape", "digit", "color"])
    assert figure.get_suptitle().splitlines() == [
        "One image of each class:",
        "shape and digit by color",
        "24 of 80 rows, chosen at random with seed 0",
    ]
    assert len(numbers) == 240
    again = contact_sheet.draw(images, labels, ["shape", "digit", "color"])[1]
    pd.testing.assert_frame_equal(numbers, again)
    other = contact_sheet.draw(images, labels, ["shape", "digit", "color"], seed=1)[1]
    assert set(other["row_class"]) != set(numbers["row_class"])


def test_contact_sheet_of_twenty_rows_shows_all_and_is_as_wide_as_its_images_and_labels():
    images, labels = colorshapedigit(shapes=2, digits=10, colors=4, size=2, copies=1)
    figure, numbers = contact_sheet.draw(images, labels, ["shape", "digit", "color"])
    assert numbers["row_class"].nunique() == 20
    assert figure.get_suptitle() == "One image of each class:\nshape and digit by color"
    figure.draw_without_rendering()
    right_edge = figure.axes[0].get_window_extent().x1 / figure.bbox.width
    assert right_edge > 0.85  # labels stand on the left only


def test_contact_sheet_of_one_attribute_shows_several_images_a_class():
    _, labels = colorshapedigit(shapes=1, digits=3, colors=10)
    images = np.zeros((len(labels), 8, 8, 1), np.uint8)
    _, numbers = contact_sheet.draw(images, labels, ["digit"])
    assert numbers.groupby("row_class")["image"].nunique().to_dict() == {"0": 8, "1": 8, "2": 8}
    assert (labels.loc[numbers["image"], "digit"].to_numpy() == numbers["row_class"].to_numpy()).all()


def test_contact_sheet_names_what_does_not_fit():
    images, labels = colorshapedigit(shapes=1, digits=1, colors=2, size=2)
    with pytest.raises(ValueError, match=r"label columns: font. Columns: shape, digit, color"):
        contact_sheet.draw(images, labels, ["shape", "font"])
    with pytest.raises(ValueError, match=r"\(3, 2, 2, 3\) and 4 rows"):
        contact_sheet.draw(images[:3], labels, ["shape", "color"])
