"""Probes are those of a plain loop of AdamW, their search is the published one, and each depends on its model alone."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from whyalike.activations.table import write_activations
from whyalike.data.prepared import write_prepared
from whyalike.files import read_table
from whyalike.studies.consistency import probe, probe_search, probe_training
from whyalike.studies.consistency.parameters import Model, ProbeParameters, ProbeSet
from whyalike.studies.consistency.probe_training import Candidate, initial_weights, predictions, train_probes, with_ones
from whyalike.training.parameters import Operation
from whyalike.training.schedules import cosine

CANDIDATES = [Candidate(0.1, 1e-6), Candidate(0.1, 1.0), Candidate(0.01, 10.0)]


def clusters(n, units=6, classes=3, noise=0.5, seed=0):
    random = np.random.default_rng(seed)
    y = np.arange(n) % classes
    centres = np.random.default_rng(17).normal(size=(classes, units))
    return (centres[y] + noise * random.normal(size=(n, units))).astype(np.float32), y


def plain_probe(x, y, classes, candidate, epochs, batch_size, *purpose):
    """The probe as it is published: modules, autograd and AdamW of PyTorch, one candidate at a time."""
    start = initial_weights(classes, x.shape[1] - 1, *purpose).to(x)
    head = nn.Linear(x.shape[1] - 1, classes, dtype=x.dtype)
    head.weight.data, head.bias.data = start[:, :-1].contiguous(), start[:, -1].contiguous()
    optimizer = torch.optim.AdamW(head.parameters(), lr=candidate.rate, weight_decay=candidate.decay)
    total = epochs * -(-len(x) // batch_size)
    for step, rows in enumerate(probe_training.batches(len(x), epochs, batch_size, *purpose)):
        optimizer.param_groups[0]["lr"] = cosine(step, total, candidate.rate)
        optimizer.zero_grad()
        nn.functional.cross_entropy(head(x[rows, :-1]), y[rows]).backward()
        optimizer.step()
    return torch.cat([head.weight, head.bias[:, None]], dim=1).detach()


def test_a_stack_holds_the_probes_of_a_plain_loop_with_biases_that_decay():
    x, y = clusters(50)
    x, y = with_ones(x).double(), torch.from_numpy(y)
    stack = train_probes(x, y, 3, CANDIDATES, 5, 16, 0, "test")
    for made, candidate in zip(stack, CANDIDATES, strict=True):
        # the same numbers but for the order of sums in float64, over 20 steps
        torch.testing.assert_close(made, plain_probe(x, y, 3, candidate, 5, 16, 0, "test"), rtol=1e-9, atol=1e-9)


def test_a_candidate_does_not_depend_on_the_others_of_its_stack(monkeypatch):
    x, y = clusters(50)
    x, y = with_ones(x), torch.from_numpy(y)
    stack = train_probes(x, y, 3, CANDIDATES, 5, 16, 0, "test")
    monkeypatch.setattr(probe_training, "NUMBERS", 1)  # each alone
    # a product of another shape may sum in another order: float32, 20 steps
    torch.testing.assert_close(train_probes(x, y, 3, CANDIDATES, 5, 16, 0, "test"), stack, rtol=1e-4, atol=1e-5)


def test_features_get_length_one_whatever_their_size():
    x = np.array([[3, 4], [3e30, 4e30], [0, 0]], np.float32)
    np.testing.assert_allclose(with_ones(x), [[0.6, 0.8, 1], [0.6, 0.8, 1], [0, 0, 1]], rtol=1e-6)


def test_a_probe_that_diverged_predicts_nothing():
    weights = torch.tensor([[[1.0, 0], [0, 0]], [[np.nan, 0], [0, 0]]])
    assert predictions(weights, torch.ones(2, 2)).tolist() == [[0, 0], [-1, -1]]


# ---- the search ----


def places(candidates, grid):
    return [int(np.argmin(abs(grid - one.decay))) for one in candidates]


def test_the_published_search_goes_from_decades_to_the_place_beside_the_peak():
    grid, asked = probe_search.decays_of(64), []
    assert (grid[0], grid[-1]) == pytest.approx((1e-6, 10))

    def score(candidates):
        asked.append(places(candidates, grid))
        return [-abs(place - 34) + (one.rate == 0.01) for place, one in zip(asked[-1], candidates, strict=True)]

    best, searched = probe_search.search([0.1, 0.01, 0.001, 0.0001], 64, score)
    decades = [0, 9, 18, 27, 36, 45, 54, 63]
    assert asked == [decades * 4, [32, 40] * 4, [34, 38] * 4, [33, 35] * 4]
    assert (best, searched) == (Candidate(0.01, pytest.approx(grid[34])), 56)


def test_the_end_of_the_grid_has_one_neighbour():
    asked = []
    best, searched = probe_search.search([0.1], 64, lambda some: asked.append(some) or [one.decay for one in some])
    assert (best.decay, searched) == (10, 11)


def test_equals_go_to_the_larger_decay_of_a_sweep_the_earlier_sweep_and_the_first_rate():
    assert probe_search.search([0.1, 0.01], 64, lambda some: [0.5] * len(some))[0] == Candidate(0.1, 10)
    grid = probe_search.decays_of(64)

    def flat(some):  # decades 18 and 27 are best, and no place beside them is better
        return [float(place in (18, 27, 31)) for place in places(some, grid)]

    assert places([probe_search.search([0.1], 64, flat)[0]], grid) == [27]


def test_one_decay_is_the_smallest_and_without_a_choice_nothing_is_searched():
    assert probe_search.search([0.1], 1, None) == (Candidate(0.1, 1e-6), 0)
    best, searched = probe_search.search([0.1, 0.01], 1, lambda some: [one.rate < 0.1 for one in some])
    assert (best, searched) == (Candidate(0.01, 1e-6), 2)


@pytest.mark.parametrize(("decays", "most"), [(2, 2), (8, 8), (16, 11)])
def test_coarser_grids_are_searched_too(decays, most):
    grid = probe_search.decays_of(decays)
    best, searched = probe_search.search(
        [1.0], decays, lambda some: [-abs(np.log(one.decay / grid[1])) for one in some]
    )
    assert best.decay == grid[1]
    assert searched <= most


def test_a_fifth_of_each_class_is_held_out_by_a_key():
    codes = np.repeat([0, 1, 2], [10, 20, 2])
    chosen = probe_search.held_out(codes, 0, "a")
    assert np.bincount(codes[chosen], minlength=3).tolist() == [2, 4, 0]
    assert np.array_equal(chosen, probe_search.held_out(codes, 0, "a"))
    assert not np.array_equal(chosen, probe_search.held_out(codes, 1, "a"))
    with pytest.raises(ValueError, match=r"three or more training stimuli.*the largest of 2 has 2\. .*`decays: 1`"):
        probe_search.held_out(np.array([0, 0, 1]), 0)


# ---- files ----


def models(*views):
    return tuple(Model(name=f"m.{view}", setting="m", view=view, seed=0, trained=True, attributes={}) for view in views)


class Probed:
    """A setting's activations on train and test stimuli of a data set of three classes."""

    def __init__(self, folder):
        self.folder = folder
        self.names = np.array([["cat", "dog", "eel"][i % 3] for i in range(90)])

    def run(self, views=("u", "v"), name="probe.parquet", train=slice(60), test=slice(60, 90), units=6, **given):
        data = self.folder / "data" / "pets"
        labels = pd.DataFrame({"part": "train", "kind": self.names})
        write_prepared(data, np.zeros((90, 1, 1, 1), np.uint8), labels, ["kind"], {"source": "toy"})
        ids = np.arange(90)
        files = []
        for stimuli, rows in {"pets_train": train, "pets_test": test}.items():
            files.append(self.folder / f"m.{stimuli}.parquet")
            held = [(view, clusters(90, units, seed=ord(view), noise=0.2)[0][rows]) for view in views]
            write_activations(files[-1], ids[rows], held, units, {})
        sets = {"pets": ProbeSet(train="pets_train", test="pets_test")}
        datasets = dict.fromkeys(("pets_train", "pets_test"), "pets")
        how = {"rates": (0.1, 0.01), "decays": 1, "seeds": 1, "epochs": 30, "batch_size": 32, "seed": 0, **given}
        parameters = ProbeParameters(setting="m", models=models(*views), sets=sets, datasets=datasets, **how)
        output = self.folder / name
        probe.probe_setting(parameters, files, [data / "labels.parquet"], 1, Operation(device="cpu"), output)
        return output


@pytest.fixture
def probed(tmp_path):
    return Probed(tmp_path)


def test_separable_classes_are_read_and_every_test_stimulus_is_told(probed):
    table = read_table(probed.run(seeds=2)).to_pandas()
    assert table["model"].tolist() == ["m.u", "m.u", "m.v", "m.v"]
    assert table["seed"].tolist() == [0, 1, 0, 1]
    assert (table["accuracy"] == 1).all()  # centres are ten times as far apart as the noise
    assert table[["searched", "n_train", "n_test", "classes"]].drop_duplicates().to_numpy().tolist() == [[2, 60, 30, 3]]
    assert table["correct"].str.len().unique().tolist() == [30]


def test_a_probe_repeats_itself_and_does_not_depend_on_other_models(probed):
    probed.names[::4] = "eel"  # so that no probe is perfect
    given = {"decays": 64, "epochs": 3, "rates": (0.01,)}
    both = probed.run(**given)
    again = probed.run(name="again.parquet", **given)
    assert both.read_bytes() == again.read_bytes()
    alone = read_table(probed.run(["v"], "alone.parquet", **given)).to_pylist()
    assert alone == [row for row in read_table(both).to_pylist() if row["model"] == "m.v"]
    assert 0 < alone[0]["accuracy"] < 1
    assert 11 <= alone[0]["searched"] <= 14


def test_stimuli_of_which_no_probe_can_be_made_are_named(probed):
    with pytest.raises(ValueError, match=r"stimuli\.pets: 10 of the test stimuli pets_test are among .* pets_train"):
        probed.run(test=slice(50, 90))
    probed.names[60:70] = "fox"
    with pytest.raises(ValueError, match=r"test stimuli pets_test have 1 classes .* pets_train have none: fox\."):
        probed.run()
    probed.names[:60] = "cat"
    with pytest.raises(ValueError, match=r"two classes to train on, the 60 stimuli pets_train have only cat\."):
        probed.run()


def test_features_that_are_not_finite_are_named(probed, monkeypatch):
    monkeypatch.setattr(probe, "read_activations", lambda path, run: np.full((60, 6), np.nan, np.float32))
    with pytest.raises(ValueError, match=r"the features of m\.u on pets_train"):
        probed.run()


def test_a_rate_that_is_too_high_is_told(probed):
    with pytest.raises(ArithmeticError, match=r"the probe on pets diverged at rate 1e\+30"):
        probed.run(rates=(1e30,), epochs=60)
