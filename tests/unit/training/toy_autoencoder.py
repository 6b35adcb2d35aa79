"""A tiny autoencoder in training, for tests in this process and in processes that are killed."""

import torch
from training_jobs import IDENTITY, OPERATION, die_at, run_data, run_images, stored_run

from whyalike.training.autoencoding import Autoencoding
from whyalike.training.parameters import AutoencoderRecipe, TaskParameters, TrainedRun
from whyalike.training.trainer import Trainer

MODEL = {"family": "vae", "channels": [3, 5], "latent": 2, "size": 8}
RECIPE = AutoencoderRecipe(lr=0.01, epochs=2, batch_size=8, weight_decay=1e-3)
RUN = TrainedRun(name="A", replica="A", labelling="toy", level=None, identity=IDENTITY)


def grey_data():
    """Grey images, nearly black or nearly white."""
    data = run_data()
    labels = data.train_labels
    images = data.reader.take(data.train_rows)[..., :1] // 8 + (labels % 2 * 200).to(torch.uint8)[:, None, None, None]
    return run_images(images, labels)


def task(recipe=RECIPE):
    return Autoencoding(TaskParameters(seed=3, size=8, model=MODEL), recipe, RUN, grey_data())


def train(store, recipe=RECIPE):
    torch.set_num_threads(1)
    stored = stored_run(store)
    with stored.held(OPERATION.heartbeat_seconds, lambda text: None):
        return Trainer(RUN, recipe, OPERATION, task(recipe), stored).train()


def train_and_die(store, moment):
    """As `training_jobs.train_and_die`, of an autoencoder."""
    die_at(*moment)
    train(store)
