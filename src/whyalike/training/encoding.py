"""What the objectives share that train what a model's head reads: SimCLR, MoCo, captions, reconstruction.

The model is that of a classifier, from the same initial weights. Its head has no part in the loss: parts of the
objective's own stand in its place (`whyalike.models.heads`), which checkpoints hold, and which are dropped at the end,
as is usual. The head is then given weights once, by `complete`, so that a finished run is a classifier as any other.
At kept steps it has its initial weights.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from whyalike.models.heads import Encoder
from whyalike.models.inputs import normalise
from whyalike.models.weights import build_model
from whyalike.randomness import key
from whyalike.training.contrastive_parameters import EncoderRecipe
from whyalike.training.images import ImageTask
from whyalike.training.optimizers import adamw
from whyalike.training.schedules import cosine

BETAS = (0.9, 0.999)


class EncoderTask(ImageTask):
    """A representation in training; see `whyalike.training.images.ImageTask`.

    What is trained is a module with the attribute ``encoder``, which `parts` makes of it.
    """

    recipe: EncoderRecipe

    def build(self) -> nn.Module:
        """The model with its initial weights and the objective's own parts, on the device.

        Raises
        ------
        ValueError : the model does not end in a linear layer.
        """
        model = build_model(self._architecture, len(self.classes), self.seed, self.start)
        images = self.images.reader.take(self.images.train_rows[:2])
        whole = self.parts(Encoder(model, self.inputs(images).cpu())).to(self.device)
        return whole.to(memory_format=torch.channels_last) if self.recipe.channels_last else whole

    @abstractmethod
    def parts(self, encoder: Encoder) -> nn.Module:
        """The encoder with all that the objective trains beside it, on the CPU."""

    def encoder(self, model: nn.Module) -> nn.Module:
        """The classifier alone."""
        return model.encoder.model

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """SGD with momentum and an L2 penalty, or AdamW."""
        recipe = self.recipe
        if recipe.optimizer == "adamw":
            return adamw(model, recipe.weight_decay, BETAS)
        # what has no gradient (the head, a key encoder) is neither moved nor decayed
        return torch.optim.SGD(
            model.parameters(), lr=0.0, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )

    def learning_rate(self, step: int) -> float:
        """Warm-up and half a cosine to 0."""
        return cosine(step, self.total, self.recipe.lr, self.recipe.warmup)

    def inputs(self, images: Tensor) -> Tensor:
        """Images (b, h, w, 3), 0 to 255 -> the model's input."""
        inputs = normalise(images, self.recipe.mean, self.recipe.std)
        return inputs if self.recipe.channels_last else inputs.contiguous()

    def generator(self, *purpose: str | int) -> torch.Generator:
        """A generator for what is drawn, on the CPU."""
        return torch.Generator().manual_seed(key(self.seed, self.replica, *purpose))

    @abstractmethod
    def contrast(self, model: nn.Module, batch: tuple[Tensor, Tensor], moment: tuple[str | int, ...]) -> Tensor:
        """Mean loss of a batch; what it draws is keyed by the moment. Nothing of the model is changed."""

    @torch.no_grad()
    def evaluate(self, model: nn.Module) -> dict[str, float | None]:
        """Share of own test images whose class has the largest output of the head, and the objective's loss, nats.

        The loss is that of training, in eval mode: of batches as large as in training, in a keyed order, of which a
        partial one counts only where it is the only one.
        """
        model.eval()
        classifier = self.encoder(model)
        right = sum((classifier(self.inputs(x)).argmax(1) == y).sum().item() for x, y in self.test_batches())
        losses = [self.contrast(model, batch, ("test", i)).item() for i, batch in enumerate(self._shuffled_test())]
        return {"accuracy": right / self.n_test, "loss": sum(losses) / len(losses)}

    def _shuffled_test(self) -> Iterator[tuple[Tensor, Tensor]]:
        rows, labels, size = self.images.test_rows, self.images.test_labels, self.recipe.batch_size
        order = torch.randperm(self.n_test, generator=self.generator("order of the test"))
        for chosen in order[: max(size, self.n_test // size * size)].split(size):
            yield self.images.reader.take(rows[chosen]), labels[chosen.to(labels.device)]

    @abstractmethod
    def complete(self, model: nn.Module) -> dict[str, Any]:
        """Give the head its weights, and tell how."""
