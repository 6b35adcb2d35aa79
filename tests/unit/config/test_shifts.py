"""Stimuli with a shift: checked as they stand in the file, then one stimulus set a level."""

import json
from types import SimpleNamespace

import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.data.shifts.registry import SHIFTS
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.provenance import version

STUDY = "label_overlap"
CELL = {"setting": "colorshapedigit", "factor": "label", "seed": 0}


@pytest.fixture
def asked(demo):
    """The demo with stimuli `noisy` of these keys, which its study of labels asks for."""

    def with_keys(**keys):
        demo["stimuli"]["noisy"] = {"dataset": "colorshapedigit", "n": 40, **keys}
        demo["studies"][STUDY]["stimuli"] = ["digits_test", "noisy"]
        return demo

    return with_keys


def fault(values):
    with pytest.raises(ConfigError) as error:
        check(values, "my.yaml")
    [line] = str(error.value).splitlines()[1:]
    return line.removeprefix("  - ")


def test_a_shift_makes_a_stimulus_set_a_level(asked):
    config = check(asked(shift="uniform_noise", levels=[0, 0.05, 0.35]))
    sets = ["noisy@control", "noisy@0p05", "noisy@0p35"]
    assert [name for name in config.stimuli if name.startswith("noisy")] == sets
    assert list(config.studies[STUDY].stimuli) == ["digits_test", *sets]
    assert [config.stimuli[name].levels for name in sets] == [("control",), (0.05,), (0.35,)]
    assert list(config.studies["dataset_overlap"].stimuli) == list(check(asked()).studies["dataset_overlap"].stimuli)


def test_stimuli_for_each_setting_become_sets_too(asked):
    values = asked(shift="rotation")
    values["studies"][STUDY]["stimuli"] = {"colorshapedigit": ["noisy"]}
    assert check(values).studies[STUDY].stimuli == {"colorshapedigit": ("noisy@90", "noisy@180", "noisy@270")}


@pytest.mark.parametrize(("levels", "count"), [(None, 5), ("published", 5), ("all", 8)])
def test_published_levels_are_taken_if_none_are_named(asked, levels, count):
    config = check(asked(shift="contrast", **({} if levels is None else {"levels": levels})))
    assert sum(name.startswith("noisy@") for name in config.stimuli) == count


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"shift": "contrst"}, "stimuli.noisy.shift: unknown shift 'contrst'. Did you mean 'contrast'? Known: colour,"),
        ({"shift": "contrst", "levels": [7]}, "stimuli.noisy.shift: unknown shift 'contrst'. Did you mean 'contrast'?"),
        (
            {"shift": "contrast", "levels": [30]},
            "stimuli.noisy.levels: contrast has no level 30 (share of contrast). Did you mean 0.3? Known: control, ",
        ),
        ({"levels": [0.5]}, "stimuli.noisy.levels: levels are of a shift: name one under `shift`. Known: colour, "),
        (
            {"shift": "contrast", "levels": "publishd"},
            "stimuli.noisy.levels: this must be 'published' or 'all'. Did you mean 'published'?",
        ),
        ({"shift": "contrast", "levels": [True]}, "stimuli.noisy.levels.0: this must be a number or "),
        (
            {"shift": "colour", "dataset": "digits"},
            "stimuli.noisy.shift: colour needs images in colour, and those of 'digits' are grey. Take one of contrast,",
        ),
    ],
)
def test_a_wrong_shift_or_level_is_one_line_with_the_nearest(asked, keys, line):
    assert fault(asked(**keys)).startswith(line)


def test_text_has_no_shift(asked):
    values = asked(shift="contrast")
    values["datasets"]["words"] = {"source": "bundled_text", "context": 16}
    values["stimuli"]["noisy"]["dataset"] = "words"
    values["studies"][STUDY]["stimuli"] = ["digits_test"]
    assert "stimuli.noisy.shift: contrast is for images, and 'words' holds text: remove it." in fault(values)


def test_a_fault_of_amounts_is_told_once_not_once_a_level(asked):
    assert fault(asked(shift="contrast", n=10**6)).startswith("stimuli.noisy.n: the part 'test' of 'colorshapedigit'")


def test_a_figure_names_a_set_of_one_level(asked):
    values = asked(shift="rotation")
    figure = {"kind": "tsne", "study": STUDY, "caption": "It.", "options": {"stimuli": "noisy@90"}}
    values["figures"]["clouds"] = figure
    assert check(values).figures["clouds"].options["stimuli"] == "noisy@90"
    figure["options"] = {"stimuli": "noisy"}
    assert "Known: digits_test, noisy@90, noisy@180, noisy@270." in fault(values)


@pytest.mark.parametrize(
    ("shifts", "line"),
    [
        (["rotation", "blur"], "figures.shown.options.shifts: 'blur' is no shift."),
        (["low_pas"], "figures.shown.options.shifts: 'low_pas' is no shift. Did you mean 'low_pass'?"),
        ([], "figures.shown.options.shifts: it must be a list of at least one shift, got []. Name some, or remove"),
        ("blur", "figures.shown.options.shifts: it must be a list of at least one shift, got 'blur'. Name some, or"),
        (["contrast"] * 2, "figures.shown.options.shifts: 'contrast' is named 2 times. Name each shift once."),
        (
            ["colour"],
            "figures.shown.options.shifts: colour needs images in colour, and those of 'digits' are grey. Take",
        ),
    ],
)
def test_a_gallery_of_wrong_shifts_is_found_before_any_work(asked, shifts, line):
    values = asked()
    figure = {"kind": "shift_gallery", "dataset": "digits", "caption": "It.", "options": {"shifts": ["rotation"]}}
    values["figures"]["shown"] = figure
    check(values)
    figure["options"] = {"shifts": shifts}
    assert fault(values).startswith(line)


def work(values, stimuli):
    return json.loads(Workflow(check(values)).activations_work(SimpleNamespace(**CELL, stimuli=stimuli)))


def test_the_parameters_of_stimuli_without_a_shift_are_as_they_were(asked):
    found = work(asked(), "noisy")
    assert found["stimuli"] == {"dataset": "colorshapedigit", "part": "test", "n": 40, "seed": 0}
    assert "shift_version" not in found


def test_the_parameters_of_a_level_say_shift_level_and_version_of_its_code(asked):
    found = work(asked(shift="uniform_noise"), "noisy@0p2")
    assert found["stimuli"] == {
        "dataset": "colorshapedigit", "part": "test", "n": 40, "seed": 0, "shift": "uniform_noise", "levels": [0.2],
    }  # fmt: skip
    assert found["shift_version"] == version(SHIFTS["uniform_noise"].module)


def test_shifted_images_of_the_own_data_set_are_out_of_distribution(asked):
    flow = Workflow(check(asked(shift="rotation", levels=["control", 90])))
    for name, own in (("digits_test", False), ("noisy@control", False), ("noisy@90", False)):
        wildcards = SimpleNamespace(study=STUDY, comparison="colorshapedigit", stimuli=name)
        assert json.loads(flow.similarity_work(wildcards))["in_distribution"] is own
    assert Cell(**CELL) in flow.grid.cells
