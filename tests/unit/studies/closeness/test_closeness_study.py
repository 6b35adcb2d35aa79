"""The study of closeness as the rules see it: paths, parameters, what a section must be."""

import json
from pathlib import Path

import pytest
import yaml

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.studies.closeness.study import ClosenessStudy
from whyalike.studies.study import check_names

DEFAULT = Path(__file__).parents[4] / "config" / "closeness.yaml"
RULES = {
    "constructed": ("score_constructed", {"construction": "circle"}),
    "training": ("train_embeddings", {"group": "k4_width16"}),
    "activations": ("embed_group", {"group": "k4_width16"}),
    "similarity": ("score_group", {"group": "k4_width16"}),
    "tuples": ("score_tuples", {"part": "all"}),
    "statistics": ("analyse_closeness", {"part": "all"}),
    "figure": ("draw_closeness", {"figure": "width_all"}),
}


def works(study):
    """The parameters of a job of each stage."""
    return {stage: study.rules[rule].parameters(wildcards) for stage, (rule, wildcards) in RULES.items()}


@pytest.fixture
def section():
    return yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))["closeness"]


def flow(demo, section=None):
    return ClosenessStudy(check({**demo, "closeness": section} if section else demo), DEFAULT)


def test_without_a_section_the_default_holds_at_full_size_and_all_leaves_it_out(demo):
    study = flow(demo)
    assert study.root == "results/closeness"
    assert study.groups("synthetic") == [f"k{k}_width{w}" for k in (4, 6) for w in (16, 32, 64, 128, 256)]
    assert len(study.groups("all")) == 20
    assert not study.asked
    work = json.loads(works(study)["training"])
    points = {"train": {"n": 20000, "seed": 0}, "test": {"n": 2000, "seed": 1}}
    assert work["data"] == {"source": "radial", **points}
    assert [work[name] for name in ("inputs", "classes", "width", "dimensions", "seeds")] == [2, 4, 16, 2, 20]
    assert work["recipe"] == {"lr": 1e-4, "batch_size": 128, "steps": 15000, "layers": 4}
    digits = study.training("digits_m3")
    shape = digits.inputs, digits.classes, digits.width, digits.dimensions, digits.seeds
    assert shape == (64, 10, 128, 3, 10)
    assert digits.data.plain() == {"source": "digits", "train": 1200, "seed": 0}
    assert json.loads(works(study)["constructed"])["radii"] == list(range(1, 21))


def test_with_a_section_its_smaller_part_is_part_of_all(demo, section):
    study = flow(demo, {**section, "name": "mine"})
    assert study.asked
    assert study.part() == [
        f"results/mine/figures/{name}.svg"
        for name in ("circle", "copies", "width_synthetic", "metrics_synthetic", "tuples_synthetic")
    ]


@pytest.mark.parametrize(
    ("path", "value", "stages"),
    [
        ("name", "other", ""),
        ("circle", {"radii": [1]}, "constructed"),
        ("copies", {"levels": 3}, ""),
        ("width.seeds", 5, "training activations"),
        ("width.recipe", {"lr": 1e-3}, "training activations"),
        ("width.widths", [16], ""),
        ("metrics", {"cka": {}}, "similarity"),
        ("num_samples", 7, "similarity"),
        ("tuples", {"keys": 3}, "tuples"),
        ("draws", 9, "statistics"),
    ],
)
def test_a_change_reaches_just_the_stages_that_depend_on_it(demo, section, path, value, stages):
    before = works(flow(demo, section))
    *sections, last = path.split(".")
    inner = section
    for name in sections:
        inner = inner[name]
    inner[last] = value
    after = works(flow(demo, section))
    assert {stage for stage in RULES if before[stage] != after[stage]} == set(stages.split())


def test_figures_are_drawn_from_their_own_tables(demo):
    study = flow(demo)
    names = ("circle", "width_all", "digits", "tuples_synthetic")
    inputs = {name: study.rules["draw_closeness"].needs(study.root, {"figure": name}) for name in names}
    assert inputs == {
        "circle": {"scores": ["results/closeness/similarity/circle.parquet"]},
        "width_all": {"statistics": ["results/closeness/statistics/all.parquet"]},
        "digits": {
            need: [f"results/closeness/{folder}/digits_m{m}.parquet" for m in (2, 3, 5)]
            for need, folder in {"embeddings": "activations", "manifests": "models", "scores": "similarity"}.items()
        },
        "tuples_synthetic": {"scores": ["results/closeness/similarity/tuples_synthetic.parquet"]},
    }
    widest = study.rules["score_tuples"].needs(study.root, {"part": "synthetic"})
    assert widest == {"activations": [f"results/closeness/activations/k{k}_width256.parquet" for k in (4, 6)]}


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("synthetic_classes", [5], r"synthetic_classes must be among classes \[4, 6, 10, 18\], got \[5\]"),
        ("dimensions", 5, r"at least M \+ 2 = 7 classes for M = 5 dimensions, got \[4, 6\]"),
        ("train", {"n": 100, "seed": 0}, "a batch of 128 needs as many training points; train.n is 100"),
    ],
)
def test_parts_that_do_not_fit_are_told(demo, section, key, value, fault):
    section["width"][key] = value
    with pytest.raises(ConfigError, match=fault):
        flow(demo, section)


def test_a_metric_of_distributions_is_no_metric_of_embeddings(demo, section):
    section["metrics"] = {"llv_distance": {}}
    with pytest.raises(ConfigError, match=r"'llv_distance' compares pairs \(f, g\)"):
        flow(demo, section)


@pytest.mark.parametrize("name", ["closeness", "closeness_synthetic", "embed_group"])
def test_a_figure_has_no_name_of_its_rules_and_targets(demo, section, name):
    demo["figures"][name] = {"kind": "accuracy", "caption": "Accuracies."}
    study = flow(demo, section)
    with pytest.raises(ConfigError, match=f"figures.{name}: '{name}' is taken: a rule of the workflow has this name"):
        check_names(study.config, [study])


def test_results_do_not_mix_with_the_configurations_own(demo, section):
    with pytest.raises(ConfigError, match=r"closeness\.name: 'demo' is the name of the configuration"):
        flow(demo, {**section, "name": "demo"})
