"""Groups of models whose responses are made from a truth that is known: latents in common, turned or sheared, noise."""

from itertools import combinations

import numpy as np

from whyalike.studies.convergence.parameters import Analysis, Group, Member, Scored

METRICS = {"linear": {"ridge": "inner"}, "procrustes": {}, "permutation": {}, "soft_matching": {}}
PUBLISHED = {name: {} for name in METRICS}


def haar(d, g):
    q, r = np.linalg.qr(g.normal(size=(d, d)))
    return q * np.sign(np.diagonal(r))


def noisy(x, g, noise):
    return x + noise * g.normal(size=x.shape)


def turned(latents, g, noise=0.5):
    """Latents (n x d) in a basis of the model's own."""
    return noisy(latents @ haar(latents.shape[1], g), g, noise)


def permuted(latents, g, noise=0.5):
    """Latents as units, in an order of the model's own."""
    return noisy(latents[:, g.permutation(latents.shape[1])], g, noise)


def sheared(latents, g, noise=0.5):
    """Latents stretched along axes of the model's own, by up to 10."""
    d = latents.shape[1]
    return noisy(latents @ haar(d, g) @ np.diag(np.logspace(-0.5, 0.5, d)) @ haar(d, g), g, noise)


def group_of(models, layers=("conv1",), **given):
    members = [Member(model=f"seed{i}", seed=i, run=f"run{i}", name=f"seed{i}") for i in range(models)]
    return Group(
        group="resnet", setting="resnet", cells=[{"model": {}, "pooling": "center"}], members=members, stimuli={},
        stimuli_name="digits", labelling="digit", layers=layers, **given,
    )  # fmt: skip


def pairs_of(group):
    return list(combinations([one.model for one in group.members], 2))


def analyses(published=True, recalibration=0):
    def made(name, scorings, images):
        scored = [Scored(scoring=one, metric=one, parameters=given) for one, given in scorings.items()]
        return Analysis(analysis=name, recalibration=images, scored=scored, over_time=["procrustes"])

    found = [made("corrected", METRICS, recalibration)]
    return [*found, made("as_published", PUBLISHED, 0)] if published else found
