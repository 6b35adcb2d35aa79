"""The figures of closeness show the numbers of their tables, and say what is missing."""

import numpy as np
import pandas as pd
import pytest

from whyalike.figures.registry import FIGURES
from whyalike.studies.closeness.figures import constructed, digits, metrics, tuples, width


def long(x, width=2, **metrics):
    rows = [{"x": at, "metric": metric, "value": value, "n": 30, "width": width}
            for metric, values in metrics.items() for at, value in zip(x, values, strict=True)]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_circle_shows_divergence_on_a_logarithmic_axis_and_every_number():
    names = [*constructed.PREDICTIONS, *constructed.LIKENESS]
    scores = long([1, 2], **dict.fromkeys(names, (0.5, 0.25)))
    figure, numbers = constructed.draw_circle(scores)
    left, right = figure.axes
    assert left.get_yscale() == "log"
    assert [len(left.lines), len(right.lines)] == [2, 5]
    pd.testing.assert_frame_equal(numbers, scores)


def test_copies_stand_beside_the_bound_and_those_above_it_are_counted():
    scores = long([0.1, 0.2], width=3, kl_divergence=(0, 1), logit_distance=(0, 1), llv_distance=(0.1, 0.05),
                  max_d_svd=(0.2, 0.4), d_svd_unembeddings=(0.1, 0.1))  # fmt: skip
    figure, numbers = constructed.draw_copies(scores)
    assert numbers["bound"].tolist() == pytest.approx([0.6, 0.3])
    assert numbers["noise"].tolist() == [0.1, 0.2]
    assert "2 copies of growing noise, 1 above the bound (M = 3)" in figure.axes[0].get_title(loc="left")


def statistics():
    shared = {"n_seeds": 5, "n_pairs": 10, "n": 30, "ci_low": 0.1, "ci_high": 0.4, "value": 0.2}
    means = [{"kind": "mean", "classes": k, "width": w, "trained": t, "metric": m, **shared}
             for k in (4, 6) for w in (8, 16) for t in (True, False) for m in width.ROWS]  # fmt: skip
    ranks = [{"kind": "rank", "scope": s, "classes": k, "trained": True, "metric": m, "reference": r, **shared}
             for s in ("within", "across", "width") for k in (4, 6) for m in ("cka", "kl_divergence", "max_d_svd")
             for r in metrics.REFERENCES if r != m]  # fmt: skip
    return pd.DataFrame([*means, *ranks])


def test_widths_have_a_column_a_number_of_labels_and_a_row_a_measure():
    figure, numbers = width.draw(statistics())
    assert len(figure.axes) == 6
    assert figure.axes[0].get_title(loc="left") == "K = 4 labels"
    assert len(numbers) == 24
    assert set(numbers["metric"]) == set(width.ROWS)
    assert "10 pairs among 5 seeds" in figure.legends[0].get_title().get_text()


def test_the_words_of_the_legend_fit_into_a_figure_of_one_column():
    table = statistics()
    figure, _ = width.draw(table[table["classes"] == 4])
    figure.canvas.draw()
    box, words = figure.bbox, figure.legends[0].get_title().get_window_extent()
    assert box.x0 <= words.x0 < words.x1 <= box.x1


def test_metrics_are_ordered_by_how_they_follow_and_single_widths_are_left_to_the_table():
    table = statistics()
    table.loc[(table["metric"] == "cka") & (table["kind"] == "rank"), "value"] = 0.3
    figure, numbers = metrics.draw(table)
    words = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert words[:2] == ["$d_{LLV}$", "CKA (linear)"]
    assert len(words) == 4
    assert set(numbers["scope"]) == {"within", "across"}
    assert len(figure.axes) == 6


def test_numbers_of_tuples_are_shown_against_the_most():
    shared = {"group": "k4_width8", "a": 0, "n": 9}
    rows = [{**shared, "b": b, "key": key, "num_samples": count, "value": b + 1 / count + key}
            for b in (1, 2) for key in (0, 1) for count in (1, 10)]  # fmt: skip
    figure, numbers = tuples.draw(pd.DataFrame(rows))
    one = numbers.set_index("num_samples").loc[1]
    assert one["ratio"] == pytest.approx(np.mean([2.5 / 1.6, 3.5 / 2.6]))
    assert one["spread"] == pytest.approx(np.mean([np.sqrt(0.5) / 2.5, np.sqrt(0.5) / 3.5]))
    assert figure.axes[0].get_legend_handles_labels()[1] == ["K = 4, width 8"]


def test_digits_show_two_models_and_every_pair():
    random = np.random.default_rng(0)
    runs = [f"digits_m{m}_seed{seed}" for m in (2, 3) for seed in (0, 1)]
    manifests = pd.DataFrame({"run": runs, "seed": [0, 1] * 2, "loss": [0.3, 0.5, 0.2, 0.6], "accuracy": 0.9})
    activations = [{"run": f"digits_m{m}_seed{seed}", "seed": seed, "trained": trained, "part": part, "row": row,
                    "label": row % 3, "vector": random.normal(size=m)}
                   for m in (2, 3) for seed in (0, 1) for trained in (True, False) for part, n in (("f", 9), ("g", 3))
                   for row in range(n)]  # fmt: skip
    scores = [{"group": f"digits_m{m}", "dimensions": m, "trained": trained, "a": 0, "b": 1, "metric": metric,
               "value": m / 10 if trained else 0.0, "n": 9}
              for m in (2, 3) for trained in (True, False)
              for metric in ("m_cca", "llv_distance", "max_d_svd", "cka")]  # fmt: skip
    figure, numbers = digits.draw(*map(pd.DataFrame, (activations, manifests, scores)))
    assert numbers["loss_difference"].tolist() == pytest.approx([0.2, 0.4])
    assert numbers["m_cca"].tolist() == [0.2, 0.3]
    assert figure.axes[1].get_title(loc="left") == "b  seed 1 (M = 2): f, and g as lines; loss 0.500 nats"
    assert [len(axes.collections) for axes in figure.axes] == [3, 3, 2, 2]
    assert [[text.get_text() for text in axes.texts] for axes in figure.axes[:2]] == [["0", "1", "2"]] * 2
    named = manifests.assign(class_names=[["cat", "deer", "dog"]] * 4)
    figure, _ = digits.draw(*map(pd.DataFrame, (activations, named, scores)))
    assert [text.get_text() for text in figure.axes[0].texts] == ["cat", "deer", "dog"]


def test_ten_labels_differ_in_colour_or_marker_and_a_label_without_images_is_left_out():
    rows = [{"run": "r", "seed": 0, "trained": True, "part": part, "row": row, "label": row, "vector": np.ones(2)}
            for part, n in (("f", 9), ("g", 10)) for row in range(n)]  # fmt: skip
    manifests = pd.DataFrame({"run": ["r", "digits_m2_seed0", "digits_m2_seed1"], "seed": 0, "loss": 1.0})
    scores = [{"group": "digits_m2", "dimensions": 2, "trained": True, "a": 0, "b": 1, "metric": metric, "value": 0.5,
               "n": 9} for metric in ("m_cca", "llv_distance", "max_d_svd")]  # fmt: skip
    figure, _ = digits.draw(pd.DataFrame(rows), manifests, pd.DataFrame(scores))
    looks = {(tuple(shown.get_facecolor()[0]), tuple(map(tuple, shown.get_paths()[0].vertices.round(3))))
             for shown in figure.axes[0].collections}  # fmt: skip
    assert len(looks) == 10
    assert len(figure.axes[0].texts) == 9


@pytest.mark.parametrize("name", [name for name, entry in FIGURES.items() if entry.facts.study])
def test_an_empty_table_is_said_to_be_one(name):
    table = pd.DataFrame(columns=["kind", "metric", "scope", "value"])
    with pytest.raises(ValueError, match=r"holds? no .* to draw\. Run the \w+ stage again"):
        FIGURES[name].load()(*[table] * len(FIGURES[name].facts.inputs))
