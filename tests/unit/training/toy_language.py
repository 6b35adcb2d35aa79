"""A tiny language model in training, for tests in this process and in processes that are killed."""

import numpy as np
import torch
from training_jobs import IDENTITY, OPERATION, die_at, stored_run

from whyalike.training.language import Language, RunText
from whyalike.training.parameters import LanguageRecipe, TaskParameters, TrainedRun
from whyalike.training.trainer import Trainer
from whyalike.training.windows import Stretches

MODEL = {"family": "gpt", "vocabulary": 11, "layers": 1, "heads": 2, "width": 8, "context": 6, "dropout": 0.2}
RECIPE = LanguageRecipe(lr=0.02, steps=12, batch_size=4, accumulation=2, evaluate_every=3, validation_windows=9)
RUN = TrainedRun(name="A", replica="A", labelling="corpus", level=None, identity=IDENTITY)
PARAMETERS = TaskParameters(seed=3, size=None, model=MODEL)


def stretches(*pairs):
    starts, lengths = np.array(pairs).T
    return Stretches(starts, lengths)


def text(tokens=None):
    """Two corpora of counting modulo 10 and modulo 5: two chunks, a validation stretch and test windows of each."""
    if tokens is None:
        tokens = np.concatenate([np.arange(150) % 10, np.arange(150) % 5]).astype(np.uint16)
    chunks = [stretches((0, 50), (50, 50)), stretches((150, 50), (200, 50))]
    validation = [stretches((100, 25)), stretches((250, 25))]
    test = [stretches(*((start, 6) for start in range(first, first + 7))) for first in (125, 275)]
    return RunText(tokens, chunks, validation, test, ("tens", "fives"), "d" * 64)


def task(recipe=RECIPE, model=MODEL, own=None):
    parameters = PARAMETERS.model_copy(update={"model": model})
    return Language(parameters, recipe, RUN, own or text(), torch.device("cpu"))


def train(store, recipe=RECIPE, model=MODEL):
    torch.set_num_threads(1)
    stored = stored_run(store)
    with stored.held(OPERATION.heartbeat_seconds, lambda text: None):
        return Trainer(RUN, recipe, OPERATION, task(recipe, model), stored).train()


def train_and_die(store, moment, recipe):
    """As `training_jobs.train_and_die`, of a language model."""
    die_at(*moment)
    train(store, recipe)
