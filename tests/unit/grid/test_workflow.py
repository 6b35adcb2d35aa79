"""Each job's parameters hold just what its result depends on, and paths follow the grammar."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from whyalike.activations.table import by_layer
from whyalike.config.reading import check
from whyalike.grid import parameters
from whyalike.grid.workflow import Workflow

CELL = SimpleNamespace(setting="digits", factor="dataset", seed="0", stimuli="photographs")
COMPARISON = SimpleNamespace(study="dataset_overlap", comparison="digits", stimuli="digits_test")
WORK = {
    "data": lambda flow: flow.data_work(SimpleNamespace(dataset="digits")),
    "splits": lambda flow: flow.splits_work(CELL),
    "training": lambda flow: flow.training_work(CELL),
    "activations": lambda flow: flow.activations_work(CELL),
    "similarity": lambda flow: flow.similarity_work(COMPARISON),
    "statistics": lambda flow: flow.statistics_work(SimpleNamespace(study="dataset_overlap")),
    "tables": lambda flow: flow.tables_work(None),
    "findings": lambda flow: flow.findings_work(None),
    "figure": lambda flow: flow.figure_work(SimpleNamespace(figure="dataset_overlap")),
}


def works(values):
    """The parameters of one job of each stage: of setting digits, dataset overlap."""
    flow = Workflow(check(values))
    return {stage: work(flow) for stage, work in WORK.items()}


@pytest.mark.parametrize(
    ("path", "value", "stages"),
    [
        ("name", "other", ""),
        ("results", "/elsewhere", ""),
        ("operation", {"device": "cpu", "checkpoint_every": 7, "heartbeat_seconds": 1}, ""),
        ("figures.dataset_overlap.caption", "Another sentence.", ""),
        ("figures.dataset_overlap.options", {"metric": "cka_rbf"}, "figure"),
        ("figures.task_overlap.options", {"metric": "cka_rbf"}, ""),
        ("similarity.metrics", {"cka": {}}, "similarity findings"),
        ("similarity.metrics.mutual_knn", {"k": 7}, "similarity findings"),
        ("similarity.permutations", 5, "similarity"),
        ("similarity.seed", 5, "similarity"),
        ("similarity.protocols", ["exact"], "similarity"),
        ("statistics", {"permutations": 7}, "statistics"),
        ("statistics", {"information_permutations": 7}, "statistics tables"),
        ("statistics", {"seed": 7}, "statistics tables"),
        ("studies.dataset_overlap.min_accuracy", 0.5, "training"),
        ("studies.dataset_overlap.stimuli", ["digits_test"], ""),
        ("studies.dataset_overlap.levels", ["0", "1"], "splits training activations similarity"),
        ("studies.dataset_overlap.seeds", [0, 1], "similarity"),
        ("studies.task_overlap.levels", ["0", "1"], ""),
        ("recipes.digits.lr", 0.2, "training activations similarity"),
        ("recipes.digits.keep_steps", [10], "training"),
        ("recipes.colorshapedigit.lr", 0.1, ""),
        ("models.resnet8.widths", [8, 16, 32], "training activations similarity"),
        ("settings.digits.size", 12, "training activations similarity"),
        ("settings.digits.layers", ["layer1", "avgpool"], "activations similarity"),
        ("settings.colorshapedigit.layers", ["layer1", "avgpool"], ""),
        ("datasets.digits.train_per_class", 100, "data training activations similarity"),
        ("datasets.photographs.n", 100, ""),
        ("stimuli.photographs.n", 100, "activations"),
        ("activations", "float16", "activations"),
        ("activations", "recompute", ""),
        ("share_a", False, "splits training activations similarity"),
    ],
)
def test_a_change_reaches_just_the_stages_that_depend_on_it(demo, path, value, stages):
    before = works(demo)
    *sections, last = path.split(".")
    inner = values = copy.deepcopy(demo)
    for section in sections:
        inner = inner[section]
    inner[last] = value
    after = works(values)
    assert {stage for stage in WORK if before[stage] != after[stage]} == set(stages.split())


def test_parameters_are_canonical_json(demo):
    for stage, text in works(demo).items():
        assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")), stage


def test_parameters_do_not_depend_on_the_order_of_keys(demo):
    turned = {key: dict(reversed(value.items())) if isinstance(value, dict) else value for key, value in demo.items()}
    turned["similarity"]["metrics"] = dict(reversed(demo["similarity"]["metrics"].items()))
    assert list(turned["settings"]) != list(demo["settings"])
    assert works(turned) == works(demo)


def test_each_stage_holds_its_keys(demo):
    keys = {stage: set(json.loads(text)) for stage, text in works(demo).items()}
    assert keys["data"] == {"source", "parameters", "version"}
    assert keys["splits"] == {"factor", "seed", "runs", "version"}
    assert keys["training"] == {"setting", "factor", "seed", "size", "model", "recipe", "runs", "min_accuracy"}
    assert keys["activations"] == {
        "seed", "size", "model", "mean", "std", "layers", "stimuli", "runs", "untrained", "version",
    }  # fmt: skip
    assert keys["figure"] == {"kind", "options", "inputs", "code"}


def test_splits_know_names_labels_and_levels_and_no_identity(demo):
    work = json.loads(works(demo)["splits"])
    assert work["runs"][0] == {"name": "A", "labelling": "digit", "level": None}
    assert [run["level"] for run in work["runs"][1:]] == ["0", "0.25", "0.5", "0.75", "1"]


def test_extraction_lists_every_trained_run_and_one_untrained_model_a_replica(demo):
    work = json.loads(works(demo)["activations"])
    assert len(set(work["runs"])) == 6
    assert sorted(work["untrained"].values()) == ["0", "1"]
    pairs = json.loads(works(demo)["similarity"])["pairs"]
    own = [pair for pair in pairs if pair["seed"] == 0]
    assert {pair[key] for pair in own for key in ("run_a", "run_b")} == set(work["runs"])
    assert {pair[key] for pair in own for key in ("untrained_a", "untrained_b")} == set(work["untrained"])


def test_scores_know_whether_the_stimuli_are_of_the_training_data(demo):
    flow = Workflow(check(demo))
    known = {
        name: json.loads(flow.similarity_work(SimpleNamespace(**{**vars(COMPARISON), "stimuli": name})))[
            "in_distribution"
        ]
        for name in demo["stimuli"]
    }
    assert known == {"digits_test": True, "colorshapedigit_test": False, "photographs": False}


def test_scores_follow_the_code_of_the_metrics_in_use_only(demo, monkeypatch):
    seen = []
    monkeypatch.setattr(parameters, "fingerprint", lambda *modules: seen.append(modules) or "0" * 16)
    demo["similarity"]["metrics"] = {"cka": {}, "cka_rbf": {}}
    works(demo)
    targets = ("whyalike.similarity.metrics.cka:LINEAR", "whyalike.similarity.metrics.cka:RBF")
    scored = ("whyalike.similarity.comparison:score_comparison", *targets)
    assert ("whyalike.similarity.joining:join_scores", *scored) in seen
    assert not any("neighbours" in module for modules in seen for module in modules)


def test_a_family_job_knows_its_own_metrics_only(demo):
    def jobs():
        flow = Workflow(check(demo))
        names = flow.family_jobs()
        return {job: flow.similarity_work(SimpleNamespace(**vars(COMPARISON), job=job)) for job in names}

    demo["similarity"]["metrics"] = {"mutual_knn": {}, "cka": {}, "svcca": {}}
    before = jobs()
    works_of = {job: json.loads(text) for job, text in before.items()}
    assert {job: work["metrics"] for job, work in works_of.items()} == {
        "neighbours": {"mutual_knn": {}}, "kernels": {"cka": {}}, "svcca": {"svcca": {}},
    }  # fmt: skip
    assert set(works_of["kernels"]["facts"]) == {"cka"}
    demo["similarity"]["metrics"] |= {"near": {"metric": "mutual_knn", "k": 5}, "cka_rbf": {}}
    after = jobs()
    assert {job: after[job] for job in before} == before
    assert set(after) - set(before) == {"neighbours_k5", "rbf"}
    paths = Workflow(check(demo)).family_scores(COMPARISON)
    assert len(paths) == 5
    assert paths[0].endswith("/families/digits_test.neighbours.parquet")


def test_a_comparison_is_scored_in_parts_of_so_many_seeds(demo):
    demo["similarity"]["metrics"] = {"cka": {}, "svcca": {}}
    [whole] = [json.loads(Workflow(check(demo)).similarity_work(SimpleNamespace(**vars(COMPARISON), job="kernels")))]
    demo["operation"] = {"seeds_per_score_job": 2}
    flow = Workflow(check(demo))
    stems = [path.partition("/families/digits_test.")[2] for path in flow.family_scores(COMPARISON)]
    assert stems == [f"{job}.part{part}.parquet" for job in ("kernels", "svcca") for part in range(3)]
    names = [SimpleNamespace(**vars(COMPARISON), job="kernels", part=f".part{part}") for part in range(3)]
    parts = [json.loads(flow.similarity_work(one)) for one in names]
    assert [{pair["seed"] for pair in part["pairs"]} for part in parts] == [{0, 1}, {2, 3}, {4}]
    by_number = {number: pair for part in parts for number, pair in zip(part["numbers"], part["pairs"], strict=True)}
    assert [by_number[number] for number in range(len(by_number))] == whole["pairs"]
    assert [part for part in parts[2] if parts[2][part] != whole.get(part)] == ["numbers", "pairs"]
    joined = json.loads(flow.similarity_work(SimpleNamespace(**vars(COMPARISON))))
    assert joined["pairs"] == whole["pairs"] and "numbers" not in joined
    assert flow.comparison_manifests(names[1]) == [
        f"results/demo/models/digits/dataset/seed{s}.parquet" for s in (2, 3)
    ]
    assert len(flow.comparison_activations(names[2])) == len(flow.config.settings["digits"].layers)


def test_paths_follow_the_grammar_of_the_results(demo):
    flow = Workflow(check(demo))
    assert flow.store == "results/runs"
    assert flow.dataset("digits") == [
        f"results/demo/data/digits/{name}" for name in ("array.npy", "labels.parquet", "checksums.json")
    ]
    assert flow.setting_dataset(CELL) == flow.dataset("digits")
    assert flow.stimuli_dataset(CELL) == flow.dataset("photographs")
    assert flow.comparison_activations(COMPARISON)[:2] == [
        "results/demo/activations/digits/dataset/seed0/digits_test.avgpool.parquet",
        "results/demo/activations/digits/dataset/seed1/digits_test.avgpool.parquet",
    ]
    assert flow.comparison_manifests(COMPARISON) == [
        f"results/demo/models/digits/dataset/seed{seed}.parquet" for seed in range(5)
    ]
    assert flow.study_scores("task_overlap") == [
        f"results/demo/similarity/task_overlap/digits/{name}.parquet"
        for name in ("digits_test", "colorshapedigit_test", "photographs")
    ]
    assert flow.all_statistics()[0] == "results/demo/statistics/dataset_overlap.parquet"
    assert len(flow.all_manifests()) == 11
    assert len(flow.settings_scores()) == 9
    assert flow.figures()[0] == "results/demo/figures/dataset_overlap.svg"


def test_label_files_of_one_data_set_are_asked_for_once(demo):
    flow = Workflow(check(demo))
    assert flow.comparison_datasets(COMPARISON) == ["results/demo/data/digits/labels.parquet"]
    assert flow.comparison_datasets(SimpleNamespace(**{**vars(COMPARISON), "stimuli": "photographs"})) == [
        "results/demo/data/digits/labels.parquet",
        "results/demo/data/photographs/labels.parquet",
    ]


def test_a_figure_asks_for_what_its_kind_reads(demo):
    flow = Workflow(check(demo))

    def inputs(name):
        return flow.figure_inputs(SimpleNamespace(figure=name))

    assert set(inputs("task_overlap")) == {"scores", "statistics"}
    assert inputs("task_overlap")["scores"] == flow.study_scores("task_overlap")
    assert inputs("colorshapedigit_classes") == {"data": flow.dataset("colorshapedigit")}
    assert inputs("mutual_information") == {"tables": ["results/demo/statistics/mutual_information.csv"]}
    assert flow.category(SimpleNamespace(figure="accuracy")) == "Models"
    # of t-SNE: the first comparison, stimuli and layer of the study
    demo["figures"]["seen"] = {"kind": "tsne", "study": "task_overlap", "caption": "t-SNE."}
    flow = Workflow(check(demo))
    assert inputs("seen") == {
        "panel_scores": flow.study_scores("task_overlap")[:1],
        "representations": [
            f"results/demo/activations/digits/task/seed{seed}/digits_test.avgpool.parquet" for seed in range(3)
        ],
        "labels": flow.dataset("digits"),
    }


def test_settings_with_the_same_layers_share_an_extraction_rule(demo):
    demo["settings"]["deep"] = {**demo["settings"]["digits"], "layers": ["layer2.0", "avgpool"]}
    assert Workflow(check(demo)).layer_sets() == {
        "avgpool": (("avgpool",), ["digits", "colorshapedigit"]),
        "layer2__0_avgpool": (("layer2.0", "avgpool"), ["deep"]),
    }


def test_files_listed_by_layer_then_seed_come_apart_by_layer(demo):
    demo["settings"]["digits"]["layers"] = ["layer1.0", "avgpool"]
    found = by_layer(map(Path, Workflow(check(demo)).comparison_activations(COMPARISON)))
    assert list(found) == ["layer1.0", "avgpool"]
    for layer, paths in found.items():
        assert [path.parent.name for path in paths] == [f"seed{seed}" for seed in range(5)]
        assert all(path.name.endswith(f".{layer}.parquet") for path in paths)


def test_stimuli_of_one_setting_make_no_job_for_another(demo):
    own = {"digits": ["digits_test"], "colorshapedigit": ["colorshapedigit_test", "photographs"]}
    study = {"settings": list(own), "stimuli": own, "min_accuracy": 0}
    demo["studies"]["dataset_overlap"] |= study
    flow = Workflow(check(demo))
    scores = flow.study_scores("dataset_overlap")
    assert [path.split("/dataset_overlap/")[1] for path in scores] == [
        "digits/digits_test.parquet",
        "colorshapedigit/colorshapedigit_test.parquet",
        "colorshapedigit/photographs.parquet",
    ]
    # what one list for all of them gives is unchanged
    demo["studies"]["dataset_overlap"]["stimuli"] = ["digits_test", "photographs"]
    assert len(Workflow(check(demo)).study_scores("dataset_overlap")) == 4


def test_only_own_models_are_extracted_anew_since_outputs_are_copied(demo):
    before = Workflow(check(demo))
    cell = SimpleNamespace(setting="digits", factor="dataset", seed=0, stimuli="digits_test")
    assert "copied" not in json.loads(before.activations_work(cell))
    demo["models"]["own"] = {"family": "import", "path": "my.nets:build"}
    demo["settings"]["digits"]["model"] = "own"
    assert json.loads(Workflow(check(demo)).activations_work(cell))["copied"] is True


def test_many_layers_make_a_rule_of_a_short_name(demo):
    demo["settings"]["digits"]["layers"] = [f"encoder.block{number}.attention" for number in range(20)]
    [name] = [name for name, (layers, _) in Workflow(check(demo)).layer_sets().items() if len(layers) == 20]
    assert name.startswith("20_layers_") and len(name) < 30
