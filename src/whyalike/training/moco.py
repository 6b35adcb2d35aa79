"""MoCo: a view finds another one of its image, seen by a slowly moving encoder, among a queue of other images.

Sources: He et al. 2020, Momentum Contrast (algorithm 1); Chen et al. 2020, Improved Baselines with Momentum Contrastive
Learning (hidden layer, temperature .2, cosine). On one device a batch is normalised as a whole, so shuffling it between
devices, as they do against a leak through BatchNorm, has nothing to act on: it is left out, and the leak is there.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from whyalike.models.heads import Encoder
from whyalike.training.contrastive import Projected, ViewsTask
from whyalike.training.contrastive_parameters import MocoRecipe

VERSION = 1  # part of the identity of runs: raise it when the weights change


class Pair(nn.Module):
    """The encoder of queries, that of keys, and the queue: all of it is state that checkpoints hold.

    Parameters
    ----------
    query : what is trained.
    queue : unit vectors (m, k), the first keys.
    """

    def __init__(self, query: Projected, queue: Tensor):
        super().__init__()
        self.query, self.key = query, copy.deepcopy(query).requires_grad_(False)
        self.register_buffer("queue", queue)
        self.register_buffer("oldest", torch.zeros((), dtype=torch.int64))  # place of the key that goes next

    @property
    def encoder(self) -> Encoder:
        """The encoder that is trained, and kept."""
        return self.query.encoder

    @torch.no_grad()
    def follow(self, share: float) -> None:
        """Move the weights of keys to ``share`` of themselves and the rest of the queries'."""
        for key, query in zip(self.key.parameters(), self.query.parameters(), strict=True):
            key.mul_(share).add_(query, alpha=1 - share)

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Put keys (b, k) in the places of the oldest ones."""
        places = (self.oldest + torch.arange(len(keys), device=keys.device)) % len(self.queue)
        self.queue[places] = keys
        self.oldest.add_(len(keys)).remainder_(len(self.queue))


class Moco(ViewsTask):
    """A representation in training; see `whyalike.training.contrastive.ViewsTask`."""

    recipe: MocoRecipe

    def parts(self, encoder: Encoder) -> nn.Module:
        """The encoder with its projection, a copy of both, and a queue of random directions."""
        query = super().parts(encoder)
        queue = torch.randn(self.recipe.queue, self.recipe.dimensions, generator=self.generator("queue"))
        return Pair(query, normalize(queue))

    def loss(self, model: nn.Module, batch: tuple[Tensor, Tensor], step: int) -> tuple[Tensor, None]:
        """Cross entropy of each key among the queue, nats; then the keys enter the queue."""
        model.follow(self.recipe.key_momentum)
        loss, keys = self._loss(model, batch[0], (step,))
        model.enqueue(keys)
        return loss, None

    def contrast(self, model: nn.Module, batch: tuple[Tensor, Tensor], moment: tuple[str | int, ...]) -> Tensor:
        """The same of a batch that leaves encoder of keys and queue as they are."""
        return self._loss(model, batch[0], moment)[0]

    def _loss(self, model: nn.Module, images: Tensor, moment: tuple[str | int, ...]) -> tuple[Tensor, Tensor]:
        first, second = self.views(images, moment)
        with self.autocast():
            queries = model.query(first)
            with torch.no_grad():
                keys = model.key(second)
        keys = normalize(keys.float())
        return info_nce(normalize(queries.float()), keys, model.queue.clone(), self.recipe.temperature), keys


def info_nce(queries: Tensor, keys: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """Cross entropy of a query's own key among it and the queue; unit vectors (b, k), (b, k), (m, k)."""
    own = (queries * keys).sum(1, keepdim=True)
    logits = torch.cat([own, queries @ queue.T], dim=1) / temperature
    return cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))
