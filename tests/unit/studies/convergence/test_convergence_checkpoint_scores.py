"""Scores and accuracies of trained models at checkpoints, against what is found by hand."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from trained_models import do, trained

import whyalike
from whyalike.data.prepared import open_prepared
from whyalike.data.stimuli import stimulus_rows
from whyalike.models.inputs import adapt, normalise
from whyalike.models.recalibration import recalibrate, recalibration_rows
from whyalike.models.recording import extract
from whyalike.models.weights import build_model, load_weights
from whyalike.studies.convergence import checkpoint_scores, representations
from whyalike.studies.convergence.accuracy import layers_and_measure, probe_of
from whyalike.studies.convergence.representations import Models
from whyalike.training.parameters import AdamRecipe, AdamWRecipe, ClassifierRecipe, LanguageRecipe, Operation
from whyalike.training.probe import linear_probe
from whyalike.training.registry import OBJECTIVES
from whyalike.training.store import StoredRun
from whyalike.training.summed_rates import summed_learning_rate

TINY = Path(__file__).parents[3] / "workflow" / "convergence.yaml"
CHECKPOINTS = {"resnet": {"steps": [4], "epochs": [2]}, "gpt": {"steps": [4]}}
PAIR = ("seed0", "seed1")
MEAN, STD = (78, 78, 78), (96, 96, 96)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Three settings, trained in a second or two."""
    folder = tmp_path_factory.mktemp("trained")
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
        values["recipes"]["sgd"]["keep_steps"]["epochs"] = [1, 2]  # the end of the second is that of the run
        values["studies"]["seeds"]["seeds"] = [0, 1]
        values["studies"] = {key: values["studies"][key] for key in ("seeds", "grid")}
        values["convergence"] |= {"zoos": ["seeds", "grid"], "checkpoints": CHECKPOINTS, "shifts": {}}
        yield trained(values)


def tables(study, group, checkpoint):
    made = do(study, "score_checkpoint", group=group, checkpoint=checkpoint)
    return pd.read_parquet(made["scores"]), pd.read_parquet(made["accuracy"])


@pytest.fixture(scope="module")
def of_resnet(study):
    """Checkpoint -> scores, accuracies."""
    return {one: tables(study, "resnet", one) for one in ("start", "step4", "epoch2", "final")}


def network(study, model, checkpoint, recalibrated):
    """A model by hand: its start, weights that a step kept, or its last ones."""
    member = next(one for one in study.groups["resnet"].members if one.model == model)
    cell = next(cell for cell in study.groups["resnet"].cells if member.run in cell["runs"])
    run = StoredRun(Path(study.store), member.run)
    found = build_model(cell["model"], 10, member.seed, member.start)
    if checkpoint != "start":
        load_weights(found, run.weights if checkpoint == "final" else run.weights_at(int(checkpoint[4:])))
    if recalibrated:
        data = digits(study)
        rows = recalibration_rows(data, 300)
        recalibrate(found.eval(), adapt(data.images[rows], 8), feed)
    return found.eval()


def digits(study):
    return open_prepared(Path(study.flow.dataset("digits")[0]).parent)


def feed(batch):
    return normalise(batch, MEAN, STD)


def seen(study):
    data = digits(study)
    ids = stimulus_rows(data, {"part": "test", "n": 120, "seed": 0})
    codes, _ = data.labelling("digit", ids)
    return adapt(data.images[ids], 8), torch.from_numpy(codes)


@pytest.mark.parametrize(("analysis", "recalibrated"), [("corrected", True), ("as_published", False)])
@pytest.mark.parametrize("checkpoint", ["start", "step4", "final"])
def test_scores_are_those_of_the_public_metrics_on_layers_taken_by_hand(
    study, of_resnet, analysis, recalibrated, checkpoint
):
    images, _ = seen(study)
    layer = "layer2.0.conv1"
    x, y = (
        extract(network(study, one, checkpoint, recalibrated), images, [layer], feed, "center")[layer] for one in PAIR
    )
    scores = of_resnet[checkpoint][0].query("analysis == @analysis and layer == @layer and relation == 'independent'")
    own = scores[(scores["a"] == PAIR[0]) & (scores["b"] == PAIR[1])]
    rows = own.set_index(["scoring", "comparison"])["value"]
    if checkpoint == "step4":
        assert list(rows.index) == [("procrustes", "pearson")]
    else:
        assert len(rows) == 8
        ridge = {"ridge": "inner"} if recalibrated else {}
        assert rows["linear", "pearson"] == pytest.approx(whyalike.score("linear", x, y, **ridge), abs=1e-9)
        rank = whyalike.score("permutation", x, y, comparison="spearman")
        assert rows["permutation", "spearman"] == pytest.approx(rank, abs=1e-9)
    assert rows["procrustes", "pearson"] == pytest.approx(whyalike.score("procrustes", x, y), abs=1e-9)
    assert (own["width"] == 6).all() and (own["n"] == 120).all() and (own["depth"] == 3 / 4).all()
    assert (own["field"] == 9).all() and (own["step"] == {"start": 0, "step4": 4, "final": 10}[checkpoint]).all()


def test_pairs_within_a_seed_and_main_ones_stand_with_what_they_have_in_common_and_main_ones_with_their_ends(of_resnet):
    scores = of_resnet["step4"][0].query("analysis == 'corrected' and index == 0")
    assert scores["relation"].value_counts().to_dict() == {
        "independent": 3, "same_start": 2, "same_order": 2, "own_end": 5, "other_end": 2}  # fmt: skip
    ends = scores[scores["relation"] == "other_end"]
    assert set(zip(ends["a"], ends["b"], strict=True)) == {PAIR, PAIR[::-1]}
    start = of_resnet["start"][0].query("analysis == 'corrected' and relation == 'same_start' and scoring != 'linear'")
    assert start["value"].to_numpy() == pytest.approx(1, abs=1e-6)  # one and the same network
    assert set(of_resnet["final"][0]["relation"]) == {"independent", "same_start", "same_order"}


def test_a_model_at_its_end_is_as_at_its_end(of_resnet):
    scores = of_resnet["epoch2"][0]
    own = scores[scores["relation"] == "own_end"]
    assert len(own) == 2 * 5 * 5 and own["value"].to_numpy() == pytest.approx(1, abs=1e-6)
    pairs = ["analysis", "layer", "a", "b"]
    others, final = (
        of_resnet[one][0].query("relation == @relation and scoring == 'procrustes' and comparison == 'pearson'")
        .set_index(pairs)["value"] for one, relation in (("epoch2", "other_end"), ("final", "independent"))
    )  # fmt: skip
    both = others[[(*one, *PAIR) for one in {key[:2] for key in others.index}]]
    assert both.to_numpy() == pytest.approx(final[both.index].to_numpy(), abs=1e-9)
    assert (of_resnet["step4"][0].query("relation == 'own_end'")["value"] < 0.9999).any()


def test_untrained_networks_depend_on_what_batchnorm_is_made_of_and_their_input_does_not(of_resnet):
    wide = of_resnet["start"][0].query("relation == 'independent' and scoring == 'procrustes'")
    wide = wide[wide["comparison"] == "pearson"].pivot_table(
        index=["a", "b", "index"], columns="analysis", values="value"
    )
    apart = (wide["corrected"] - wide["as_published"]).abs().unstack()
    assert apart[0].max() < 1e-9  # the first convolution stands before any BatchNorm
    assert apart[4].min() > 1e-4


@pytest.mark.parametrize(("analysis", "recalibrated"), [("corrected", True), ("as_published", False)])
def test_accuracy_and_loss_are_of_the_weights_of_the_checkpoint(study, of_resnet, analysis, recalibrated):
    images, labels = seen(study)
    for checkpoint in ("start", "step4", "final"):
        with torch.no_grad():
            logits = network(study, "seed1", checkpoint, recalibrated)(feed(images))
        told = of_resnet[checkpoint][1].query("analysis == @analysis and model == 'seed1'").iloc[0]
        assert told["accuracy"] == pytest.approx((logits.argmax(1) == labels).double().mean().item())
        assert told["loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-5)
        assert told["accuracy_kind"] == "labels" and told["n"] == 120


def test_progress_is_counted_in_updates_epochs_images_and_summed_rates(of_resnet):
    told = {one: accuracy.iloc[0] for one, (_, accuracy) in of_resnet.items()}
    assert [told[one]["step"] for one in told] == [0, 4, 10, 10]
    assert [told[one]["epoch"] for one in told] == [0, 0.8, 2, 2]
    assert [told[one]["samples"] for one in told] == [0, 800, 2000, 2000]
    # a triangle with its peak, 0.1, at step 5: 0, .02, .04, .06 | .08, .1, .08 ... .02
    assert told["step4"]["lr_sum"] == pytest.approx(0.12) and told["final"]["lr_sum"] == pytest.approx(0.5)


def test_the_same_job_gives_the_same_bytes(study, of_resnet):
    paths = [Path(study.root, folder, "resnet.step4.parquet") for folder in ("scores", "accuracy")]
    before = [path.read_bytes() for path in paths]
    tables(study, "resnet", "step4")
    assert [path.read_bytes() for path in paths] == before


def test_of_models_without_labels_a_probe_answers_fitted_on_one_draw_of_training_images(study):
    group = study.groups["simclr"]
    data = Path(study.flow.dataset("digits")[0]).parent
    models = Models(group, Path(study.store), Operation(device="cpu"), 1, data)
    given, (images, labels) = models.given(data), seen(study)
    training = digits(study)
    rows = recalibration_rows(training, 200)  # as many as the recipe says
    found = []
    for one in models.at("start"):
        probe = probe_of(models, one)
        layers, measured = layers_and_measure(models, one, given, probe)
        assert layers["avgpool"] == pytest.approx(one.layers(given)["avgpool"], abs=0)
        features = [extract(one.network, pixels, ["avgpool"], feed)["avgpool"]
                    for pixels in (adapt(training.images[rows], 8), images)]  # fmt: skip
        codes, _ = training.labelling("digit", rows)
        weight, bias, _ = linear_probe(torch.from_numpy(features[0]), torch.from_numpy(codes), 10)
        answers = (torch.from_numpy(features[1]).double() @ weight.T + bias).argmax(1)
        assert measured.accuracy == pytest.approx((answers == labels).double().mean().item(), abs=1 / 120 + 1e-9)
        assert measured.kind == "probe" and measured.n == 120
        assert layers_and_measure(models, one, given, probe_of(models, one))[1] == measured
        found.append(measured.accuracy)
    assert min(found) > 0.15  # chance: 0.1


def test_of_language_there_is_a_loss_a_token(study):
    _, accuracy = tables(study, "gpt", "start")
    assert accuracy["accuracy"].isna().all() and accuracy["accuracy_kind"].isna().all()
    assert accuracy["loss"].to_numpy() == pytest.approx(math.log(300), abs=0.15)  # of 300 equally likely tokens
    assert (tables(study, "gpt", "final")[1]["loss"].to_numpy() < accuracy["loss"].to_numpy()).all()
    assert accuracy["epoch"].isna().all() and (accuracy["n"] == 60).all()


def test_a_step_that_a_run_has_not_kept_is_named(study):
    models = Models(study.groups["gpt"], Path(study.store), Operation(device="cpu"), 1)
    with pytest.raises(ValueError, match=r"\(gpt, seed0\) has no weights of step3 .* it has 8 steps and kept 4\. Name"):
        list(models.at("step3"))


def test_constant_layers_have_no_score_and_are_told(study, monkeypatch):
    take, told = representations.extract, []

    def flat(*given):
        found = take(*given)
        return {**found, "blocks.0": np.zeros_like(found["blocks.0"])}

    monkeypatch.setattr(representations, "extract", flat)
    monkeypatch.setattr(checkpoint_scores, "note", told.append)
    made = do(study, "score_checkpoint", group="gpt", checkpoint="step4")
    assert set(pd.read_parquet(made["scores"])["layer"]) == {"blocks.1"}
    # both analyses look alike: one score of the pair, two of own ends, two of others'
    assert told[-1].startswith("5 scores are not defined, and left out")


RECIPES = [
    ("cross_entropy", ClassifierRecipe(lr=0.1, peak_epoch=0.5, epochs=3, batch_size=4, mean=MEAN, std=STD)),
    ("cross_entropy", ClassifierRecipe(lr=0.1, schedule="cosine", epochs=3, batch_size=4, mean=MEAN, std=STD)),
    ("cross_entropy_adam", AdamRecipe(lr=0.01, steps=20, batch_size=4, mean=MEAN, std=STD)),
    ("cross_entropy_adamw", AdamWRecipe(lr=0.01, epochs=3, batch_size=4, mean=MEAN, std=STD, final_lr=0.1)),
    ("next_token", LanguageRecipe(lr=0.01, steps=20, batch_size=4)),
    *((name, OBJECTIVES[name].facts.parameters(lr=0.1, epochs=3, batch_size=4, mean=MEAN, std=STD, warmup=0.2))
      for name in ("simclr", "moco", "captions", "reconstruction")),
    ("elbo", OBJECTIVES["elbo"].facts.parameters(lr=0.1, epochs=3, batch_size=4)),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "recipe"), RECIPES)
def test_summed_rates_are_those_that_the_task_sets(objective, recipe):
    task = OBJECTIVES[objective].load()
    run = task.__new__(task)  # with what an epoch of seven steps makes of the recipe, and nothing else
    run.recipe, run.loader = recipe, type("Loader", (), {"steps": 7})
    run.total = getattr(recipe, "steps", 21) if objective in ("cross_entropy_adam", "next_token") else task.steps(run)
    rates = [run.learning_rate(step) for step in range(run.total)]
    assert len(rates) in (20, 21) and max(rates) <= recipe.lr * (1 + 1e-12)
    for step in (0, 1, 9, run.total):
        assert summed_learning_rate(recipe, objective, step, 7) == pytest.approx(sum(rates[:step]), rel=1e-12)


def test_every_objective_is_among_them():
    assert {objective for objective, _ in RECIPES} == set(OBJECTIVES)
