"""Figures from files to files: equal bytes, whole sets of files, and messages about what does not fit."""

import subprocess
import sys

import matplotlib
import pandas as pd
import pyarrow as pa
import pytest
from control_tables import controls_scores
from figure_tables import (
    both_protocols,
    colorshapedigit,
    crossed_study,
    dataset_study,
    information_table,
    manifests,
    representations,
    statistics_of,
)
from matplotlib.text import Text

from whyalike.data.prepared import write_prepared
from whyalike.figures import overlap
from whyalike.figures.registry import CONFIG_FIGURES
from whyalike.figures.saving import save
from whyalike.figures.stage import READERS, make_figure
from whyalike.figures.style import COLUMN_INCHES, RC, SMALL_POINTS, equals, metric_words, number
from whyalike.files import write_table
from whyalike.statistics.study import study_statistics

MADE_BY = {"fingerprint": "abc", "kind": "overlap"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Files of every kind of input; scores in two files."""
    folder = tmp_path_factory.mktemp("inputs")
    scores = dataset_study(3, levels=(0.0, 1.0), sets=1)
    tables = {
        "scores1": scores[scores["seed"] == 0],
        "scores2": scores[scores["seed"] != 0],
        "statistics": statistics_of(scores),
        "both": both_protocols(scores),
        "manifests": manifests().query("factor == 'label'"),
    }
    tables["crossed"], tables["crossed_statistics"] = crossed_study(3)
    tables["controls"] = controls_scores(4)
    tables["controls_statistics"] = study_statistics(tables["controls"])
    tables["pairs"] = scores.assign(
        setting=scores["comparison"], setting_b=None, step_a=None, step_b=None, name_a=scores["run_a"],
        name_b=scores["run_b"], p_value=0.05, ci_low=0.2, ci_high=0.9,
    )  # fmt: skip
    for name, table in tables.items():
        write_table(folder / f"{name}.parquet", pa.Table.from_pandas(table, preserve_index=False), {})
    information_table().to_csv(folder / "table3.csv", index=False)
    images, labels = colorshapedigit(shapes=2, digits=2, colors=3, size=4)
    labels.insert(0, "part", "train")
    write_prepared(folder / "csd", images, labels, ["shape", "digit", "color"], {})
    activations = folder / "csd_test.layer1.0.parquet"
    representations(activations, scores, len(labels))
    return {
        "scores": [folder / "scores1.parquet", folder / "scores2.parquet"],
        "panel_scores": [folder / "scores1.parquet", folder / "scores2.parquet"],
        "representations": [activations],
        "labels": [folder / "csd"],
        "pairs": [folder / "pairs.parquet"],
        "statistics": [folder / "statistics.parquet"],
        "all_statistics": [folder / "both.parquet"],
        "manifests": [folder / "manifests.parquet"],
        "tables": [folder / "table3.csv"],
        "data": [folder / "csd"],
        "crossed_scores": [folder / "crossed.parquet"],
        "crossed_statistics": [folder / "crossed_statistics.parquet"],
        "controls_scores": [folder / "controls.parquet"],
        "controls_statistics": [folder / "controls_statistics.parquet"],
    }


def of(kind, inputs):
    """The inputs of a kind: of one overlap, of two crossed, or of the controls."""
    own = {"factorial": "crossed", "controls": "controls"}.get(kind)
    return inputs if own is None else {name: inputs[f"{own}_{name}"] for name in ("scores", "statistics")}


@pytest.fixture(scope="module")
def settings_before():
    """The settings of matplotlib before any figure of this module is drawn."""
    return dict(matplotlib.rcParams)


@pytest.fixture(scope="module")
def written(inputs, settings_before, tmp_path_factory):
    """The paths of one figure of every kind, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("figures")
    return {
        kind: make_figure(kind, {}, of(kind, inputs), folder / kind / f"{kind}.svg", MADE_BY) for kind in CONFIG_FIGURES
    }


@pytest.mark.parametrize("kind", CONFIG_FIGURES)
def test_every_kind_writes_its_four_files_and_the_numbers(kind, written):
    paths = written[kind]
    assert sorted(path.name for path in paths["svg"].parent.iterdir()) == sorted(
        f"{kind}.{form}" for form in ("svg", "pdf", "png", "csv")
    )
    assert (paths["svg"].read_text()[:5], paths["pdf"].read_bytes()[:4]) == ("<?xml", b"%PDF")
    assert len(pd.read_csv(paths["csv"])) > 0


def test_csv_holds_exactly_the_numbers_drawn(inputs, written):
    scores = pd.concat([pd.read_parquet(path) for path in inputs["scores"]], ignore_index=True)
    _, numbers = overlap.draw(scores, pd.read_parquet(inputs["statistics"][0]), metric="cka")
    read = pd.read_csv(written["overlap"]["csv"], dtype={"condition": str, "seed": "Int64", "n_seeds": "Int64"})
    pd.testing.assert_frame_equal(read, numbers, check_dtype=False, check_exact=True)


@pytest.mark.parametrize("kind", ["overlap", "contact_sheet"])
def test_same_inputs_give_the_same_bytes(kind, inputs, written, tmp_path):
    again = make_figure(kind, {}, of(kind, inputs), tmp_path / "figure.svg", MADE_BY)
    for form, path in written[kind].items():
        assert path.read_bytes() == again[form].read_bytes(), form


def test_one_figure_saved_twice_gives_the_same_bytes(tmp_path):
    figure, numbers = overlap.draw(dataset_study(3, levels=(0.0, 1.0), sets=1), pd.DataFrame())
    first = save(figure, tmp_path / "1.svg", numbers, MADE_BY)
    second = save(figure, tmp_path / "2.svg", numbers, MADE_BY)
    for form, path in first.items():
        assert path.read_bytes() == second[form].read_bytes(), form


def test_files_carry_their_maker_and_neither_date_nor_version(written):
    contents = {form: path.read_bytes() for form, path in written["overlap"].items()}
    assert b"fingerprint&quot;:&quot;abc" in contents["svg"] or b'"fingerprint":"abc"' in contents["svg"]
    assert b'"fingerprint":"abc"' in contents["png"]
    assert b'"fingerprint":"abc"' in contents["pdf"]
    for stamp in (b"CreationDate", b"<dc:date>", b"Software", f"v{matplotlib.__version__}".encode()):
        assert not [form for form, content in contents.items() if stamp in content], stamp


def test_drawing_and_saving_leave_the_settings_of_matplotlib_alone(settings_before, written):
    assert len(written) == len(CONFIG_FIGURES)
    assert dict(matplotlib.rcParams) == settings_before


def test_save_needs_a_path_to_an_svg_file(tmp_path):
    figure, numbers = overlap.draw(dataset_study(3, levels=(0.0, 1.0), sets=1), pd.DataFrame())
    with pytest.raises(ValueError, match=r"got 'figure.png'. Give a path that ends in .svg"):
        save(figure, tmp_path / "figure.png", numbers, MADE_BY)


def test_unknown_option_kind_and_missing_input_are_named(inputs, tmp_path):
    with pytest.raises(ValueError, match=r"kind overlap: metrc. Known: metric, score_protocol, study, comparison"):
        make_figure("overlap", {"metrc": "cka"}, inputs, tmp_path / "figure.svg", {})
    with pytest.raises(KeyError, match="Did you mean 'overlap'"):
        make_figure("overlp", {}, inputs, tmp_path / "figure.svg", {})
    with pytest.raises(ValueError, match="no path came for 'statistics'"):
        make_figure("overlap", {}, {"scores": inputs["scores"]}, tmp_path / "figure.svg", {})
    with pytest.raises(ValueError, match="one CSV table: got 2 paths"):
        make_figure("mutual_information", {}, {"tables": inputs["tables"] * 2}, tmp_path / "figure.svg", {})


def test_a_data_set_is_given_by_its_folder_or_its_files(inputs, written, tmp_path):
    [folder] = inputs["data"]
    files = {"data": sorted(folder.iterdir())}
    of_folder = written["contact_sheet"]["csv"].read_bytes()
    assert make_figure("contact_sheet", {}, files, tmp_path / "2.svg", {})["csv"].read_bytes() == of_folder
    with pytest.raises(ValueError, match="one prepared data set: got 2 paths"):
        make_figure("contact_sheet", {}, {"data": [folder, tmp_path]}, tmp_path / "3.svg", {})


def test_every_kind_reads_inputs_that_have_a_reader_and_needs_keys_of_the_config():
    for name, entry in CONFIG_FIGURES.items():
        assert set(entry.facts.inputs) <= set(READERS), name
        assert set(entry.facts.needs) <= {"study", "dataset"}, name
        assert entry.facts.category


def test_registry_is_read_without_matplotlib_pandas_or_torch():
    heavy = "('matplotlib', 'pandas', 'torch')"
    code = f"import sys, whyalike.figures.registry; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_jobs_that_need_no_torch_scikit_learn_or_statistics_of_scipy_start_without_them():
    modules = "whyalike.figures.stage, whyalike.similarity.comparison, whyalike.statistics.stage"
    heavy = "('torch', 'sklearn', 'scipy.stats')"
    code = f"import sys, {modules}; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", [kind for kind, entry in CONFIG_FIGURES.items() if "width" in entry.facts.options])
def test_a_figure_of_a_column_is_as_wide_with_all_of_its_text_inside_in_six_points_or_more(kind, inputs, tmp_path):
    drawn = []

    def keep(figure, *_):
        drawn.append(figure)
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whyalike.figures.stage.save", keep)
        make_figure(kind, {"width": "column"}, of(kind, inputs), tmp_path / "x.svg", MADE_BY)
    [figure] = drawn
    assert figure.get_figwidth() == COLUMN_INCHES
    for _ in range(2):  # the first settles tick labels
        figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    assert min(text.get_fontsize() for text in texts) >= SMALL_POINTS
    drawn_inches = figure.get_tightbbox()  # without labels of ticks that are out of view
    assert drawn_inches.x0 >= -0.02 and drawn_inches.x1 <= COLUMN_INCHES + 0.02
    with pytest.raises(ValueError, match="width must be one of page, column; got 'wide'"):
        make_figure(kind, {"width": "wide"}, of(kind, inputs), tmp_path / "x.svg", MADE_BY)


def test_type_is_never_below_seven_points_or_six_in_narrow_panels():
    sizes = [value for name, value in RC.items() if name.endswith(("size", "fontsize")) and "major" not in name]
    assert min(sizes) >= 7
    assert SMALL_POINTS >= 6


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.123"), (-1.59, "\N{MINUS SIGN}1.590"), (0.00069, "0.001"), (-0.0004, "0.000")]
)
def test_numbers_have_three_decimals_a_minus_sign_and_no_negative_zero(value, text):
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.1234, "= 0.123"), (0.001, "= 0.001"), (0.00069, "< 0.001")])
def test_values_too_small_for_three_decimals_are_bounded(value, text):
    assert equals(value) == text


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("cka", "CKA (linear, exact)"),
        ("svcca", "SVCCA (exact)"),
        ("procrustes_distance", "procrustes distance (exact)"),
    ],
)
def test_axis_labels_name_metric_and_protocol(metric, text):
    assert metric_words(metric, "exact") == text


def test_numbers_of_a_figure_have_the_parameters_of_their_metric(inputs, tmp_path):
    scores = dataset_study(3, levels=(0.0, 1.0), sets=1)
    for name, parameters in (("old", None), ("new", '{"sigma":0.5}')):
        table = scores.assign(scoring=scores["metric"], parameters=parameters)
        write_table(tmp_path / f"{name}.parquet", pa.Table.from_pandas(table, preserve_index=False), {})
        given = {"scores": [tmp_path / f"{name}.parquet"], "statistics": inputs["statistics"]}
        paths = make_figure("overlap", {}, given, tmp_path / f"{name}.svg", {})
        found = pd.read_csv(paths["csv"])
        assert len(found) == len(pd.read_csv(tmp_path / "old.csv"))
        told = found.loc[found["scoring"].notna(), "parameters"]
        assert len(told) and (told.isna().all() if parameters is None else (told == parameters).all())


def test_the_label_of_a_score_has_the_numbers_of_its_metric_under_its_own_name():
    rows = {"metric": "mutual_knn", "scoring": ["mutual_knn", "near"], "score_protocol": "exact"}
    scores = pd.DataFrame(
        {**rows, "parameters": ['{"eps":0.0,"k":10,"ties":"random"}', '{"eps":0.0,"k":5,"ties":"random"}']}
    )
    labels = [metric_words(name, "exact", scores).replace("\N{NO-BREAK SPACE}", " ") for name in rows["scoring"]]
    assert labels == ["mutual kNN (k = 10, exact)", "near (k = 5, exact)"]
    assert metric_words("mutual_knn", "exact", scores.drop(columns="parameters")) == "mutual kNN (exact)"
