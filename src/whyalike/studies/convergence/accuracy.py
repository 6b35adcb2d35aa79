"""How good a model is at a checkpoint, on the stimuli that it is compared on: right answers and loss.

A classifier answers by its own outputs, with the weights of the checkpoint. Of what is learned without labels a linear
probe answers, fitted anew at each checkpoint on the same keyed draw of training images; so it does of captions, whose
head is made at the end alone. Of language there is the loss. Models from files have neither here: what their outputs
stand for is not known.
"""

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from whyalike.data.prepared import Prepared
from whyalike.models.heads import Encoder
from whyalike.studies.convergence.representations import Given, Layers, Models, Seen
from whyalike.training.probe import linear_probe
from whyalike.training.registry import OBJECTIVES

BATCH = 512
MOST = 5000  # training images of a probe, of recipes that do not say
LABELS, PROBE = "labels", "probe"  # who answered: the model's own outputs, or a linear probe


@dataclass(frozen=True)
class Measured:
    """What a model reaches.

    Attributes
    ----------
    accuracy : share of right answers; None where there is none. loss : cross entropy, nats (of text a token).
    n : stimuli that count: those of classes that the model knows. kind : "labels", "probe", or None without accuracy.
    """

    accuracy: float | None = None
    loss: float | None = None
    n: int = 0
    kind: str | None = None


@dataclass(frozen=True)
class Probe:
    """A linear probe of what the head of a model reads: weights float64 (classes, d), biases (classes,)."""

    encoder: Encoder
    weight: Tensor
    bias: Tensor


@torch.no_grad()
def probe_of(models: Models, seen: Seen) -> Probe | None:
    """The probe of a model at a checkpoint; None where it answers by itself, or not at all.

    Parameters
    ----------
    models : of the group; their training images fit it, as many as their recipe's `probe_images`, at most all.
    seen : one of them.
    """
    if not _objective(models) or not _needs_probe(models):
        return None
    samples, rows, data = models.training_draw(models.group.recipe.get("probe_images", MOST), or_all=True)
    labels, known = _labels(data, rows, models.group.labelling, seen)
    encoder = Encoder(seen.network, seen.feed(samples[:2]))
    features = torch.cat([encoder(seen.feed(batch)) for batch in samples[known].split(BATCH)])
    weight, bias, _ = linear_probe(features, labels.to(features.device), len(seen.result["classes"]))
    return Probe(encoder, weight, bias)


@torch.no_grad()
def layers_and_measure(models: Models, seen: Seen, given: Given, probe: Probe | None = None) -> tuple[Layers, Measured]:
    """What the layers of a model give on stimuli, and how good it is there; both of one pass.

    Parameters
    ----------
    models, seen : the group, and one of its models at a checkpoint.
    given : stimuli, of `Models.given`, shifted or not.
    probe : what `probe_of` gave of this model.
    """
    if _objective(models) == "next_token":
        return seen.layers(given), Measured(loss=_next_token(seen, given.samples), n=len(given.samples))
    if not _answers(models, given):
        return seen.layers(given), Measured()
    last: list[Tensor] = []  # what the head read; a pass may call it more than once
    read: list[Tensor] = []
    with ExitStack() as hooks:
        if probe is not None:
            head = probe.encoder.head
            hooks.enter_context(head.register_forward_pre_hook(lambda _, inputs: last.append(inputs[0])))
        answer = seen.network.register_forward_hook(
            lambda _, inputs, output: read.append(output if probe is None else last[-1])
        )
        hooks.enter_context(answer)
        layers = seen.layers(given)
    return layers, _answered(models, seen, given, probe, torch.cat(read))


def _answers(models: Models, given: Given) -> bool:
    """Whether the models, or probes, answer which class stimuli are of."""
    objective = _objective(models)
    return bool(objective) and OBJECTIVES[objective].facts.accuracy and _has(given.data, models.group.labelling)


def _answered(models: Models, seen: Seen, given: Given, probe: Probe | None, read: Tensor) -> Measured:
    """How good answers are. ``read`` : outputs of the network (n, classes), or what the probe reads (n, d)."""
    labels, known = _labels(given.data, given.ids, models.group.labelling, seen)
    if not len(labels):
        return Measured()
    logits = read[known].double()
    if probe is not None:
        logits = logits @ probe.weight.T + probe.bias
    labels = labels.to(logits.device)
    return Measured(
        (logits.argmax(1) == labels).double().mean().item(),
        cross_entropy(logits, labels).item(),
        len(labels),
        LABELS if probe is None else PROBE,
    )


def _objective(models: Models) -> str:
    """What the models learn; "" of models from files."""
    return models.group.recipe.get("objective", "") if models.is_stored else ""


def _needs_probe(models: Models) -> bool:
    facts = OBJECTIVES[_objective(models)].facts
    return facts.head and facts.accuracy


def _has(data: Prepared, labelling: str) -> bool:
    """Whether a data set has the attributes of a labelling."""
    return {part.split(".")[0] for part in labelling.split("_")} <= set(data.attributes)


def _labels(data: Prepared, rows: np.ndarray, labelling: str, seen: Seen) -> tuple[Tensor, np.ndarray]:
    """Places of the rows' classes among the model's, int64 (m,), and which of the rows (m,) have one."""
    codes, names = data.labelling(labelling, rows)
    place = {name: code for code, name in enumerate(seen.result["classes"])}
    own = np.array([place.get(name, -1) for name in names])[codes]
    known = np.flatnonzero(own >= 0)
    return torch.from_numpy(own[known]), known


def _next_token(seen: Seen, samples: Tensor) -> float:
    """Cross entropy of each token of the windows but the first, nats a token."""
    total, count = 0.0, 0
    for batch in samples.split(BATCH // 8):
        tokens = seen.feed(batch)
        logits = seen.network.logits(seen.network(tokens[:, :-1])).float()
        total += cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="sum").item()
        count += tokens[:, 1:].numel()
    return total / count
