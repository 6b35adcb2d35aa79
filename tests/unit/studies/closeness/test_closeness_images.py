"""Image embedders as runs of the store: trained once, as in a plain loop, for the recipe's steps, on all images."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy
from training_jobs import MODEL, OPERATION

from whyalike.data.prepared import open_prepared
from whyalike.files import made_by
from whyalike.models.weights import build_model
from whyalike.randomness import key
from whyalike.studies.closeness.activations import read_embeddings
from whyalike.studies.closeness.images_activations import embed_images
from whyalike.studies.closeness.images_training import train_embedders
from whyalike.studies.closeness.parameters import EmbedderEmbedding, EmbedderTraining
from whyalike.training.store import DamagedRun, StoredRun

STEPS = 10  # two epochs of 4 and half of a third
EMBEDDER = {**MODEL, "family": "embedder", "dimensions": 2, "unembedding_width": 6, "unembedding_layers": 3}
RECIPE = {"objective": "cross_entropy_adam", "lr": 0.01, "batch_size": 16, "steps": STEPS, "mean": [100, 90, 80],
          "std": [50, 51, 52]}  # fmt: skip
WORK = {
    "group": "toy_m2",
    "classes": 4,
    "width": 6,
    "dimensions": 2,
    "size": 8,
    "model": EMBEDDER,
    "recipe": RECIPE,
    "runs": [
        {"name": f"toy_m2_seed{seed}", "seed": seed, "replica": "0", "labelling": "colour_shape", "level": None,
         "identity": f"{seed}" * 16}
        for seed in (1, 2)
    ],
}  # fmt: skip


def train(cell, work=WORK):
    train_embedders(EmbedderTraining.from_plain(work), OPERATION, 1, cell.dataset, cell.store, cell.manifest)
    return pq.read_table(cell.manifest).to_pandas()


def pixels(data, rows):
    scaled = (data.images[rows].astype(np.float32) - np.float32(RECIPE["mean"])) / np.float32(RECIPE["std"])
    return torch.from_numpy(scaled).permute(0, 3, 1, 2)  # channels last, as the convolutions are


def test_an_embedder_is_trained_as_in_a_plain_loop_and_measured_on_all_test_images(cell):
    table = train(cell)
    data = open_prepared(cell.dataset)
    train_rows, test_rows = data.rows("train"), data.rows("test")
    labels, _ = data.labelling("colour_shape")
    labels = torch.from_numpy(labels)
    # the same layout and kernels: Adam turns the rounding of vanishing gradients into whole steps
    model = build_model(EMBEDDER, 4, 2, "0").train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    for step in range(STEPS):
        order = torch.randperm(64, generator=torch.Generator().manual_seed(key(2, "0", "order", step // 4)))
        rows = train_rows[order[16 * (step % 4) : 16 * (step % 4 + 1)].numpy()]
        optimizer.zero_grad()
        cross_entropy(model(pixels(data, rows)), labels[rows]).backward()
        optimizer.step()
    weights = load_file(StoredRun(cell.store, "2" * 16).weights)
    for name, value in model.state_dict().items():
        assert torch.equal(weights[name], value), name
    logits = model.eval()(pixels(data, test_rows)).detach().double()
    chances = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    loss = -np.mean([np.log(chances[i, label]) for i, label in enumerate(labels[test_rows])])
    assert table.loc[1, "loss"] == pytest.approx(loss, rel=1e-5)  # float32 logits
    assert table["n_test"].tolist() == [16, 16]
    assert table["class_names"].iloc[0].tolist() == ["blue_disc", "blue_star", "red_disc", "red_star"]
    assert table["sha256"].nunique() == 2


def test_a_group_trains_only_what_the_store_lacks_and_writes_the_same_manifest(cell):
    first = train(cell, {**WORK, "runs": WORK["runs"][:1]})
    before = cell.ledgers()
    whole = train(cell)
    assert cell.ledgers()["1" * 16] == before["1" * 16]
    assert whole.iloc[0].drop("class_names").equals(first.iloc[0].drop("class_names"))
    assert made_by(cell.manifest)["work"] == WORK


def embed(cell, output):
    stimuli = {"part": "test", "n": 9, "seed": 3}
    parameters = EmbedderEmbedding(training=WORK, stimuli=stimuli)
    embed_images(parameters, OPERATION, 1, cell.dataset, cell.store, output)


def test_embeddings_are_those_of_the_models_trained_and_untrained(cell, tmp_path):
    train(cell)
    embed(cell, tmp_path / "embeddings.parquet")
    table = pq.read_table(tmp_path / "embeddings.parquet").to_pandas()
    models = read_embeddings(tmp_path / "embeddings.parquet")
    assert set(models) == {(trained, seed) for trained in (True, False) for seed in (1, 2)}
    data = open_prepared(cell.dataset)
    labels, _ = data.labelling("colour_shape")
    own = table[(table["run"] == "toy_m2_seed2") & table["trained"] & (table["part"] == "f")]
    assert len(own) == 9
    for trained in (True, False):
        model = build_model(EMBEDDER, 4, 2, "0")
        if trained:
            model.load_state_dict(load_file(StoredRun(cell.store, "2" * 16).weights))
        everything = model.eval().f(pixels(data, data.rows("test"))).detach().numpy()
        f, g = models[trained, 2]
        # each row is that of one test image, with its label
        places = [int(np.abs(everything - row).sum(axis=1).argmin()) for row in f]
        np.testing.assert_allclose(f, everything[places], atol=1e-5)  # batches of other sizes
        assert labels[data.rows("test")][places].tolist() == own["label"].tolist()
        np.testing.assert_allclose(g, model.unembeddings().detach().numpy(), atol=1e-6)


def test_embeddings_of_a_run_that_is_gone_say_how_to_train_it_anew(cell, tmp_path):
    with pytest.raises(DamagedRun, match=f"no finished run {'1' * 16}.*whyalike clean CONFIG --run {'1' * 16}"):
        embed(cell, tmp_path / "embeddings.parquet")
