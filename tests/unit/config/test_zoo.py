"""A zoo in the configuration: which settings it takes, what it may compare, and attributes."""

import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError

THEIRS = {"dataset": "digits", "labelling": "digit", "runs": ["clip"], "activations": "my/{run}.{stimuli}.npy"}


@pytest.fixture
def values(demo):
    """The demo with activations from files and a zoo of everything, which compares what a test adds."""
    demo["settings"]["theirs"] = dict(THEIRS)
    demo["studies"]["all"] = {
        "factor": "zoo",
        "settings": ["digits", "colorshapedigit", "theirs"],
        "seeds": [0, 1],
        "stimuli": ["digits_test"],
        "comparisons": {},
    }
    return demo


def fault(values) -> str:
    with pytest.raises(ConfigError) as error:
        check(values)
    assert "1 fault" in str(error.value)
    return str(error.value)


def test_a_zoo_takes_trained_settings_and_those_from_files_of_other_data(values):
    values["studies"]["all"]["comparisons"] = {
        "data": {"a": "digits", "b": "colorshapedigit"},
        "files": {"a": "digits", "b": "theirs", "layers": "all"},
    }
    assert check(values).studies["all"].levels == ("0_0",)


def test_no_other_design_takes_both_kinds_and_is_told_which_does(values):
    values["studies"]["dataset_overlap"]["settings"] += ["theirs"]
    assert "'theirs' names runs from files, which does not fit the factor dataset. A study of factor zoo" in fault(
        values
    )


def test_other_designs_compare_models_of_the_same_data_alone(values):
    study = values["studies"]["dataset_overlap"]
    study |= {"settings": ["digits", "colorshapedigit"], "comparisons": {"x": {"a": "digits", "b": "colorshapedigit"}}}
    with pytest.raises(ConfigError, match="its pairs share data and labels"):
        check(values)


def test_one_model_is_not_compared_with_itself(values):
    values["studies"]["all"]["comparisons"] = {"x": {"a": "theirs"}}
    assert "studies.all.comparisons.x: 'theirs' has one model" in fault(values)
    values["studies"]["all"] |= {"seeds": [0], "comparisons": {"x": {"a": "digits"}}}
    assert "'digits' has one model" in fault(values)
    values["studies"]["all"]["grid"] = 2
    check(values)


def test_a_zoo_without_comparisons_needs_no_stimuli_and_has_no_heatmap(values):
    study = values["studies"]["all"]
    study["settings"].remove("theirs")
    del study["stimuli"], study["comparisons"]
    assert not [name for name in check(values).figures if name.endswith("heatmap")]
    study["comparisons"] = {"x": {"a": "digits"}}
    assert "the study has no stimuli that are both of 'digits' and of 'digits'" in fault(values)


def test_activations_from_files_are_of_stimuli(values):
    del values["studies"]["all"]["stimuli"]
    assert "studies.all.stimuli: 'theirs' has activations from files" in fault(values)


def test_a_heatmap_is_drawn_of_a_zoo_that_compares(values):
    values["studies"]["all"]["comparisons"] = {"x": {"a": "digits"}}
    assert check(values).figures["all_heatmap"].kind == "heatmap"
    values["figures"]["mine"] = {"kind": "heatmap", "study": "all", "caption": "x", "options": {"comparison": "digits"}}
    assert "'digits' is not of the figure's study" in fault(values)


def test_a_zoo_has_no_levels(values):
    values["studies"]["all"]["levels"] = ["0"]
    assert "studies.all.levels" in fault(values)


def test_attributes_are_columns_of_one_type_and_none_of_the_table_s_own(values):
    digits, theirs = values["settings"]["digits"], values["settings"]["theirs"]
    digits["attributes"] = {"objective": "supervised", "size": 11, "frozen": False}
    theirs["attributes"] = {"size": 1.5}
    assert check(values).settings["digits"].attributes == digits["attributes"]
    theirs["attributes"] = {"frozen": 0}
    assert "settings.theirs.attributes.frozen: it is true or false in 'digits', a number in 'theirs'" in fault(values)
    theirs["attributes"] = {"accuracy": 0.5}
    assert "the table of models has a column accuracy of its own" in fault(values)
    theirs["attributes"] = {"layers": [1, 2]}
    assert "settings.theirs.attributes.layers" in fault(values)


def test_a_figure_that_shows_no_zoo_is_told_once(values):
    values["studies"]["all"]["comparisons"] = {"data": {"a": "digits"}}
    values["figures"]["points"] = {"kind": "tsne", "study": "all", "caption": "Points."}
    assert "figures.points.study: a figure of kind tsne shows a study of factor" in fault(values)


def test_a_key_of_another_kind_of_setting_is_not_given_as_its_own_hint(values):
    values["settings"]["theirs"]["batch_norm"] = "recalibrated"
    assert fault(values).endswith("settings.theirs.batch_norm: unknown key.")
