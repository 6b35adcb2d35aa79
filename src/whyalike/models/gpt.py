"""A decoder of tokens in the style of GPT-2 (Radford et al. 2019), in the form that the overlap study trains (nanoGPT).

Learned positions, pre-norm blocks of causal attention and a four times wider perceptron, a last norm (``norm``: its
output is the representation), and a head that is the token embedding itself. No bias anywhere. GELU is the exact one,
x Phi(x), as in nanoGPT; GPT-2's own is its tanh form, up to 5e-4 away. With biases of zero and that GELU this is
transformers' GPT2LMHeadModel, number for number to rounding (a test copies its weights).

Initial weights are N(0, 0.02), those of the maps that end in the residual stream smaller by sqrt(2 layers), because
2 layers of them add up there. Dropout draws from torch's default generator of the device: whoever trains must key that
generator before each step.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from whyalike.models.initialisation import WithoutNumbers
from whyalike.randomness import key

VERSION = 1  # part of the identity of runs: raise it when outputs or initial weights change
SPREAD = 0.02  # standard deviation of the initial weights: GPT-2


class Attention(nn.Module):
    """Causal self-attention: a position sees itself and those before it."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.residual = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, width) -> (b, t, width)."""
        b, t, width = x.shape
        split = self.queries_keys_values(x).view(b, t, 3, self.heads, width // self.heads)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)  # each (b, heads, t, width / heads)
        dropout = self.dropout if self.training else 0.0
        mixed = scaled_dot_product_attention(queries, keys, values, dropout_p=dropout, is_causal=True)
        return self.residual(mixed.transpose(1, 2).reshape(b, t, width))


class Perceptron(nn.Module):
    """Two linear maps around GELU, four times the width between them."""

    def __init__(self, width: int):
        super().__init__()
        self.inner = nn.Linear(width, 4 * width, bias=False)
        self.gelu = nn.GELU()
        self.residual = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, width) -> (b, t, width)."""
        return self.residual(self.gelu(self.inner(x)))


class Block(nn.Module):
    """Attention and perceptron, each normed before and added to the residual stream."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.attention = Attention(width, heads, dropout)
        self.perceptron_norm = nn.LayerNorm(width, bias=False)
        self.perceptron = Perceptron(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, width) -> (b, t, width)."""
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        return x + self.dropout(self.perceptron(self.perceptron_norm(x)))


class GPT(nn.Module):
    """Embeddings, blocks (``blocks.0``, ...), last norm (``norm``); `logits` is the head, tied to the embedding."""

    def __init__(self, vocabulary: int, layers: int, heads: int, width: int, context: int, dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens int64 (b, t) -> hidden (b, t, width), after the last norm. The head is apart: see `logits`.

        Raises
        ------
        ValueError : another shape, or more tokens than the context.
        """
        if tokens.ndim != 2 or tokens.shape[1] > self.positions.num_embeddings:
            raise ValueError(
                f"tokens must be (b, t) with t at most the context of {self.positions.num_embeddings}, got "
                f"{tuple(tokens.shape)}. Cut the text into windows, or make the context longer."
            )
        x = self.embedding(tokens) + self.positions.weight[: tokens.shape[1]]  # (b, t, width)
        return self.norm(self.blocks(self.dropout(x)))

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., width) -> (..., vocabulary): what `forward` gives, or the positions of it that are asked about."""
        return linear(hidden, self.embedding.weight)

    @torch.no_grad()
    def sample(
        self, tokens: Tensor, steps: int, generator: torch.Generator, temperature: float = 0.8, top_k: int = 200
    ) -> Tensor:
        """The prompt, and ``steps`` more tokens, each drawn from the most likely ones given the last of the context.

        Dropout is off while sampling; the model's mode is left as it was.

        Parameters
        ----------
        tokens : int64 (b, t), the prompt, t at least 1; longer than the context, its end counts.
        steps : tokens to add.
        generator : of the draws; those from one on the CPU are the same on every device, up to rounded logits.
        temperature : divides the logits, above 0.
        top_k : only so many of the most likely tokens can be drawn.

        Returns
        -------
        int64 (b, t + steps).

        Raises
        ------
        ValueError : an empty prompt, or temperature or top_k out of their range.
        """
        if tokens.ndim != 2 or tokens.shape[1] < 1:
            raise ValueError(f"the prompt must be (b, t) with at least one token, got {tuple(tokens.shape)}")
        if temperature <= 0 or top_k < 1:
            raise ValueError(f"temperature must be above 0 and top_k at least 1, got {temperature:g} and {top_k}")
        mode = self.training
        self.eval()
        try:
            for _ in range(steps):
                hidden = self(tokens[:, -self.positions.num_embeddings :])[:, -1]  # (b, width)
                likely, words = self.logits(hidden).topk(min(top_k, self.embedding.num_embeddings))  # (b, top_k) each
                chances = torch.softmax(likely.float() / temperature, dim=-1)
                drawn = torch.multinomial(chances.to(generator.device), 1, generator=generator)
                tokens = torch.cat([tokens, words.gather(1, drawn.to(words.device))], dim=1)
        finally:
            self.train(mode)
        return tokens


def build(parameters: Mapping[str, Any], classes: int, seed: int, replica: str) -> GPT:
    """A language model with its initial weights.

    Parameters
    ----------
    parameters : vocabulary, layers, heads, width, context and dropout, as in the configuration.
    classes : not used, and taken because every family is called alike: the head is the vocabulary's.
    seed, replica : key of the initial weights.
    """
    names = ("vocabulary", "layers", "heads", "width", "context", "dropout")
    with (
        torch.device("meta"),
        WithoutNumbers(),
    ):  # no memory yet: torch's own initial weights would be drawn for nothing
        model = GPT(**{name: parameters[name] for name in names})
    model.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(key(seed, replica, "initialisation"))
    small = SPREAD / math.sqrt(2 * parameters["layers"])
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:  # the gain of a norm
                weight.fill_(1)
            else:
                weight.normal_(0, small if name.endswith("residual.weight") else SPREAD, generator=generator)
    return model
