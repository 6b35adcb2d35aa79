"""Optimizers that several objectives share; each step sets the learning rate."""

import torch
from torch import nn


def adamw(model: nn.Module, weight_decay: float, betas: tuple[float, float]) -> torch.optim.Optimizer:
    """AdamW; what has two axes or more decays, gains and biases do not.

    Matrices and kernels of convolutions decay, and so do a vision transformer's class token and position embedding,
    which have three axes.
    """
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=betas, fused=True)
