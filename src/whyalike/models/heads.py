"""A classifier without its head: what its last linear layer reads, as a vector an image.

So an objective can train a representation of any family that ends in a linear layer, by the family's own code. The
model stays whole: its head is there to be given weights of its own, such as those of a linear probe.
"""

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    """Images (b, 3, h, w), normalised -> what the head of a model reads, (b, d).

    Parameters
    ----------
    model : the classifier.
    batch : some images as the model takes them, by which its head is found.

    Attributes
    ----------
    model : the classifier, whole.
    layer : path of its head.
    width : d.

    Raises
    ------
    ValueError : the model's output is not that of a linear layer of vectors.
    """

    def __init__(self, model: nn.Module, batch: Tensor):
        super().__init__()
        self.model, self.layer = model, linear_head(model, batch)
        self.width = self.head.in_features

    @property
    def head(self) -> nn.Linear:
        """The last linear layer."""
        return self.model.get_submodule(self.layer)

    def forward(self, x: Tensor) -> Tensor:
        """Images (b, 3, h, w) -> (b, d)."""
        read: list[Tensor] = []
        with self.head.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0])):
            self.model(x)
        return read[-1]  # the output is that of the last call

    @torch.no_grad()
    def set_head(self, weight: Tensor, bias: Tensor | None) -> None:
        """Give the head weights (outputs, d) and biases (outputs,), None for 0; a head without biases gets none."""
        self.head.weight.copy_(weight)
        if self.head.bias is not None:
            self.head.bias.copy_(torch.zeros_like(self.head.bias) if bias is None else bias)


@torch.no_grad()
def linear_head(model: nn.Module, batch: Tensor) -> str:
    """Path of the linear layer whose output is the model's.

    Raises
    ------
    ValueError : there is none, or it gives more than a vector an image.
    """
    outputs: dict[str, Tensor] = {}
    hooks = [
        module.register_forward_hook(lambda _, inputs, output, name=name: outputs.update({name: output}))
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    training = model.training
    try:
        output = model.eval()(batch)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    heads = [name for name, one in outputs.items() if one is output and one.ndim == 2]
    if not heads:
        raise ValueError(
            "a contrastive objective trains what the head of a model reads, so the model must end in a torch.nn.Linear "
            f"that gives a vector an image; {type(model).__name__} does not. Take another family, or end your model so"
        )
    return heads[0]
