"""A linear probe: multinomial logistic regression on fixed features, as one minimum that no random number moves.

It is what measures representations that were learned without labels (Chen et al. 2020). The objective is that of
scikit-learn's `LogisticRegression` with its default penalty, on features of unit variance.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

PENALTY = 1.0  # half of it times the squared weights, beside the cross entropy summed over images
ITERATIONS = 500
TOLERANCE = 1e-6  # largest part of the gradient of the mean cross entropy


@torch.enable_grad()
def linear_probe(features: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor, int]:
    """Fit a probe by L-BFGS in float64, from weights 0.

    Parameters
    ----------
    features : (n, d); standardised here, a feature that is the same for all images by 1.
    labels : int64 (n,), 0 to classes - 1.
    classes : k; one of which no image is keeps weights that make it unlikely.

    Returns
    -------
    tuple : weights (k, d) and biases (k,), float64, of the features as they came, and the iterations.
    """
    features = features.detach().double()
    mean, spread = features.mean(0), features.std(0, correction=0)
    spread = torch.where(spread > 0, spread, torch.ones_like(spread))
    scaled = (features - mean) / spread
    head = nn.Linear(features.shape[1], classes, dtype=torch.float64, device="meta").to_empty(device=features.device)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    solver = torch.optim.LBFGS(
        head.parameters(),
        max_iter=ITERATIONS,
        max_eval=10 * ITERATIONS,  # so that only iterations end it early, which are told
        tolerance_grad=TOLERANCE,
        tolerance_change=0,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        solver.zero_grad()
        value = cross_entropy(head(scaled), labels) + 0.5 * PENALTY / len(labels) * head.weight.square().sum()
        value.backward()
        return value

    solver.step(loss)
    weight = (head.weight / spread).detach()
    return weight, (head.bias - weight @ mean).detach(), solver.state[head.weight]["n_iter"]
