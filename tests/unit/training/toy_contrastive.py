"""Tiny trainings of what a head reads, for tests in this process and in processes that are killed."""

from training_jobs import IDENTITY, MODEL, OPERATION, die_at, run_data, stored_run

from whyalike.training.device import set_up_device
from whyalike.training.parameters import TaskParameters, TrainedRun
from whyalike.training.registry import OBJECTIVES, recipe_of
from whyalike.training.trainer import Trainer

WITHOUT_SPACE = {"mean": [120] * 3, "std": [60] * 3, "lr": 0.05, "epochs": 2, "batch_size": 8}
IMAGES = {**WITHOUT_SPACE, "dimensions": 3}
TWO_VIEWS = {**IMAGES, "hidden": 5, "views": {"flip": True, "blur": 0.5}, "probe_images": 30}
RECIPES = {
    "simclr": {**TWO_VIEWS, "warmup": 0.2, "weight_decay": 1e-3},
    "moco": {**TWO_VIEWS, "queue": 20, "key_momentum": 0.9},
    "captions": {**IMAGES, "text_width": 4, "augmentation": {"translate": 1}},
    "reconstruction": {**WITHOUT_SPACE, "hidden": 5, "side": 4, "probe_images": 30},
}
RUN = TrainedRun(name="A", replica="A", labelling="shape", level=None, identity=IDENTITY)


def values(objective, **changes):
    """A recipe as a job has it."""
    return {"objective": objective, **RECIPES[objective], **changes}


def task(objective, model=MODEL, data=None, **changes):
    recipe = recipe_of(values(objective, **changes))
    parameters = TaskParameters(seed=3, size=8, model=model)
    return OBJECTIVES[objective].load()(parameters, recipe, RUN, data or run_data())


def train(store, objective, **changes):
    """Train one run to its end under its lock."""
    set_up_device("cpu", 1)
    stored, one = stored_run(store), task(objective, **changes)
    with stored.held(OPERATION.heartbeat_seconds, lambda text: None):
        return Trainer(RUN, one.recipe, OPERATION, one, stored).train()


def train_and_die(store, objective, moment, **changes):
    """As `training_jobs.train_and_die`."""
    die_at(*moment)
    train(store, objective, **changes)
