"""Perceptrons with keyed initial weights: one as a PyTorch module, and several of one shape as stacks of matrices.

The stack is what trains many small models at once: one batched product a layer in place of one a layer and model. Its
backward pass is written out, because it then puts gradients straight into one flat tensor, next to one another as the
parameters are, which a fused optimizer takes in one sweep. Both forms give the same numbers up to rounding.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from whyalike.randomness import key

SLOPE = 0.01  # of LeakyReLU below 0: PyTorch's default, which the study used

Sizes = Sequence[tuple[int, int]]


def layer_sizes(inputs: int, width: int, outputs: int, layers: int) -> list[tuple[int, int]]:
    """Inputs and outputs of each of ``layers`` linear layers, hidden ones ``width`` wide."""
    units = [inputs, *[width] * (layers - 1), outputs]
    return list(pairwise(units))


def initial_layers(sizes: Sizes, *purpose: str | int) -> list[tuple[Tensor, Tensor]]:
    """Weights (inputs x outputs) and biases of each layer, uniform within 1 / sqrt(inputs) as PyTorch's own are.

    Parameters
    ----------
    sizes : inputs and outputs of each layer.
    purpose : key of the draws, such as a seed and "f".
    """
    generator = torch.Generator().manual_seed(key(*purpose, "initial weights"))
    layers = []
    for inputs, outputs in sizes:
        bound = 1 / math.sqrt(inputs)
        weight = torch.empty(inputs, outputs).uniform_(-bound, bound, generator=generator)
        layers.append((weight, torch.empty(outputs).uniform_(-bound, bound, generator=generator)))
    return layers


def perceptron(sizes: Sizes, *purpose: str | int) -> nn.Sequential:
    """One perceptron as a module: linear layers with LeakyReLU between them."""
    modules: list[nn.Module] = []
    for (inputs, outputs), (weight, bias) in zip(sizes, initial_layers(sizes, *purpose), strict=True):
        linear = nn.Linear(inputs, outputs)
        linear.weight.data, linear.bias.data = weight.T.contiguous(), bias
        modules += [linear, nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*modules[:-1])


def parameter_count(sizes: Sizes) -> int:
    """Weights and biases of one perceptron."""
    return sum((inputs + 1) * outputs for inputs, outputs in sizes)


class PerceptronStack:
    """S perceptrons of one shape whose parameters and gradients are views of two flat tensors.

    Parameters
    ----------
    sizes : inputs and outputs of each layer.
    values, gradients : flat tensors of S times `parameter_count` numbers, layer by layer: weights (S, inputs, outputs),
        then biases (S, 1, outputs).
    """

    def __init__(self, sizes: Sizes, values: Tensor, gradients: Tensor):
        self.sizes = list(sizes)
        self.count = len(values) // parameter_count(sizes)
        self.layers = self._views(values)
        self._gradients = self._views(gradients)
        self._inputs: list[Tensor] = []

    def _views(self, flat: Tensor) -> list[tuple[Tensor, Tensor]]:
        views, start = [], 0
        for inputs, outputs in self.sizes:
            middle, end = start + self.count * inputs * outputs, start + self.count * (inputs + 1) * outputs
            weight = flat[start:middle].view(self.count, inputs, outputs)
            views.append((weight, flat[middle:end].view(self.count, 1, outputs)))
            start = end
        return views

    def fill(self, models: Sequence[Sequence[tuple[Tensor, Tensor]]]) -> None:
        """Set the parameters to those of S models, each as `initial_layers` gives them."""
        for i, layers in enumerate(models):
            for (weights, biases), (weight, bias) in zip(self.layers, layers, strict=True):
                weights[i], biases[i, 0] = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (S, n, outputs) of inputs (S, n, inputs); what `backward` needs is kept."""
        self._inputs = [x]
        last = len(self.layers) - 1
        for i, (weight, bias) in enumerate(self.layers):
            x = torch.baddbmm(bias, x, weight)
            if i < last:
                nn.functional.leaky_relu_(x, SLOPE)
                self._inputs.append(x)
        return x

    def backward(self, gradient: Tensor) -> None:
        """Put the gradient of every parameter into its place, from that of the last outputs (S, n, outputs)."""
        for i in reversed(range(len(self.layers))):
            x, (of_weight, of_bias) = self._inputs[i], self._gradients[i]
            torch.bmm(x.transpose(1, 2), gradient, out=of_weight)
            torch.sum(gradient, 1, keepdim=True, out=of_bias)
            if i:
                gradient = torch.bmm(gradient, self.layers[i][0].transpose(1, 2))
                # x is the result of the LeakyReLU, whose sign is that of its argument
                torch.ops.aten.leaky_relu_backward.grad_input(gradient, x, SLOPE, True, grad_input=gradient)
